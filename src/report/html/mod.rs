//! The report as one page: a file that asks for nothing else.

mod comparison;
mod findings;
mod images;

use std::borrow::Cow;
use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::backticks::{Part, parts};
use super::place::Places;
use super::summary::{counted, judged_against};
use super::visible::visible;
use super::{Counts, Format, Report};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// One self-contained HTML page. Its policy allows its own style and script by their digests and nothing else, so that not
/// even a text that escaped the escaping could run or load anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Html;

impl Format for Html {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::new(report);
        head(report, out)?;
        findings::write(report, &places, out)?;
        comparison::write(report, out)?;
        images::write_matrix(report, out)?;
        images::write_layers(report, out)?;
        sources(report, &places, out)?;
        writeln!(out, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>")
    }
}

fn head(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let counts = Counts::of(report);
    let verdict = report.verdict.as_str();
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <title>oci-preflight: {verdict}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        digest(STYLE),
        digest(SCRIPT),
    )?;
    writeln!(
        out,
        "<header><h1>oci-preflight</h1> <span class=\"verdict {verdict}\">{verdict}</span>\n\
         <span>{}, {}, {}</span> <span class=\"quiet\">{} in {} of {}</span></header>",
        counted(counts.errors, "error"),
        counted(counts.warnings, "warning"),
        counted(counts.notes, "note"),
        counted(counts.images, "image"),
        counted(counts.occurrences, "place"),
        counted(counts.sources, "source"),
    )?;
    writeln!(out, "<p>{}</p>", text(&judged_against(report)))?;
    for reason in &report.undetermined_because {
        writeln!(
            out,
            "<p><span class=\"severity undetermined\">Undetermined:</span> {}</p>",
            text(reason)
        )?;
    }
    filter(out)
}

/// Shown by the script, without which it would do nothing.
fn filter(out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "<form class=\"filter\" role=\"search\" hidden>\n\
         <input type=\"search\" aria-label=\"Search findings and images\" placeholder=\"Search findings and images ( / )\">"
    )?;
    for severity in ["error", "warning", "note"] {
        writeln!(
            out,
            "<label><input type=\"checkbox\" value=\"{severity}\" checked> {severity}s</label>"
        )?;
    }
    writeln!(
        out,
        "<output aria-live=\"polite\"></output>\n</form>\n<main>"
    )
}

/// What is wrong with sources, and what was skipped.
fn sources(report: &Report, places: &Places<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let problems = report.problems.iter().map(|problem| {
        let place = places.of(problem.span).to_string();
        (place, problem.message.as_str())
    });
    let skipped = report
        .inputs
        .iter()
        .filter_map(|input| Some((input.path.clone(), input.skipped.as_deref()?)));
    let mut lines = problems.chain(skipped).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "<h2>Sources that were not read as a whole</h2>\n<dl>")?;
    for (place, why) in lines {
        writeln!(
            out,
            "<dt><code>{}</code></dt><dd>{}</dd>",
            text(&place),
            text(why)
        )?;
    }
    writeln!(out, "</dl>")
}

/// The source of a style or script in a policy: <https://www.w3.org/TR/CSP3/#grammardef-hash-source>.
fn digest(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    format!("sha256-{}", BASE64_STANDARD.encode(digest))
}

/// Text for an element or a quoted attribute.
fn text(text: &str) -> Cow<'_, str> {
    escaped(visible(text))
}

/// A sentence, with what stands between backticks as code.
fn prose(sentence: &str) -> String {
    let parts = parts(sentence).into_iter();
    parts
        .map(|part| match part {
            Part::Words(words) => text(words).into_owned(),
            Part::Code(code) => format!("<code>{}</code>", text(code)),
        })
        .collect()
}

/// Text of a source line, which has its own way with control characters.
fn escaped(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text;
    }
    Cow::Owned(
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            text("<a href=\"x\" id='y'>&amp;\u{1b}"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\\u{1b}"
        );
    }

    #[test]
    fn code_in_a_sentence_is_escaped_too() {
        assert_eq!(prose("use `a<b` now"), "use <code>a&lt;b</code> now");
    }

    #[test]
    fn style_and_script_end_where_they_should() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
    }
}

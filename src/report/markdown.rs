//! The report for job summaries and pull request comments, as GitHub flavoured Markdown.

use std::io;

use super::backticks::{Part, parts};
use super::base::ImageChange;
use super::details::{Further, details};
use super::matrix::Cell;
use super::place::Places;
use super::summary::{counted, judged_against};
use super::visible::visible;
use super::{Counts, Format, Image, Report, Verdict};
use crate::facts::PlatformImage;
use crate::finding::Finding;

/// The bytes of each part of which a report can have any number. All parts fit into a comment of 65,536 characters.
const ROOM: usize = 20_000;
/// What is still read.
const FINDINGS: usize = 50;
const IMAGES: usize = 100;
const POOLS: usize = 12;
const PLACES: usize = 5;

/// Markdown: the verdict, the findings, and a table of images and node pools.
#[derive(Debug, Clone, Copy, Default)]
pub struct Markdown;

impl Format for Markdown {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        head(report, out)?;
        findings(report, out)?;
        images(report, out)?;
        comparison(report, out)?;
        sources(report, out)
    }
}

fn head(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let counts = Counts::of(report);
    let verdict = match report.verdict {
        Verdict::Pass => "✅ pass",
        Verdict::Fail => "❌ fail",
        Verdict::Undetermined => "❔ undetermined",
    };
    writeln!(out, "## oci-preflight: {verdict}\n")?;
    writeln!(
        out,
        "{}, {}, {} · {} in {} of {}",
        counted(counts.errors, "error"),
        counted(counts.warnings, "warning"),
        counted(counts.notes, "note"),
        counted(counts.images, "image"),
        counted(counts.occurrences, "place"),
        counted(counts.sources, "source"),
    )?;
    writeln!(out, "\n{}", prose(&judged_against(report)))?;
    for reason in &report.undetermined_because {
        writeln!(out, "\n> Undetermined: {}", prose(reason))?;
    }
    Ok(())
}

fn findings(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    let places = Places::new(report);
    writeln!(out, "\n### Findings\n")?;
    let texts = report
        .findings
        .iter()
        .map(|finding| self::finding(finding, &places));
    let shown = fitting(texts.take(FINDINGS), out)?;
    more(report.findings.len(), shown, "finding", out)
}

/// Writes texts as long as there is room. Gives how many.
fn fitting(texts: impl Iterator<Item = String>, out: &mut dyn io::Write) -> io::Result<usize> {
    let mut left = ROOM;
    let mut shown = 0;
    for text in texts {
        let Some(rest) = left.checked_sub(text.len()) else {
            break;
        };
        left = rest;
        out.write_all(text.as_bytes())?;
        shown += 1;
    }
    Ok(shown)
}

fn finding(finding: &Finding, places: &Places<'_>) -> String {
    let rule = code(finding.rule);
    let message = prose(&finding.message);
    let mut lines = vec![format!("- **{}** {rule} {message}\n", finding.severity)];
    if let Some(&span) = finding.places.first() {
        let place = places.of(span);
        let workload = prose(&place.workload().unwrap_or_default());
        lines.push(format!("  - at {} {workload}\n", code(&place.to_string())));
    }
    let details = details(finding, places, Further::Listed(PLACES));
    lines.extend(
        details
            .iter()
            .map(|(name, text)| format!("  - {name}: {}\n", prose(text))),
    );
    lines.concat()
}

/// A row for each image and a column for each node pool, or the platforms where there is no pool.
fn images(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.images.is_empty() {
        return Ok(());
    }
    let pools = &report.node_pools[..report.node_pools.len().min(POOLS)];
    let mut header = vec!["image".to_owned(), "places".to_owned()];
    if pools.is_empty() {
        header.push("platforms".to_owned());
    }
    header.extend(pools.iter().map(|pool| code(&pool.name)));
    writeln!(out, "\n### Images\n\n| {} |", header.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(header.len()))?;
    let rows = report.images.iter().map(|image| {
        let mut row = vec![
            code(&image.reference.to_string()),
            image.occurrences.len().to_string(),
        ];
        if pools.is_empty() {
            row.push(platforms(image));
        }
        row.extend(pools.iter().map(|pool| cell(&Cell::of(image, pool))));
        format!("| {} |\n", row.join(" | "))
    });
    let shown = fitting(rows.take(IMAGES), out)?;
    more(report.images.len(), shown, "image", out)?;
    more(report.node_pools.len(), POOLS, "node pool", out)
}

/// What changed since the base, and what nodes fetch for it.
fn comparison(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(compared) = report.compared() else {
        return Ok(());
    };
    writeln!(out, "\n### What nodes pull\n\n{}.", prose(&compared))?;
    writeln!(out, "\n| node pool | deployed | asked for | to pull |")?;
    writeln!(out, "|{}", " --- |".repeat(4))?;
    for pull in report.node_pulls() {
        let caveat = match pull.unknown {
            0 => String::new(),
            _ => format!(", {}", pull.caveat()),
        };
        writeln!(
            out,
            "| {} | {} | {} | **{}**{caveat} |",
            code(&pull.name()),
            pull.before,
            pull.now,
            pull.fetched
        )?;
    }
    writeln!(
        out,
        "\nFor a node that runs all of it; a layer of several images counts once."
    )?;
    let changes = report.image_changes();
    if !changes.is_empty() {
        writeln!(
            out,
            "\n| image | places | platform | deployed | asked for | to pull |"
        )?;
        writeln!(out, "|{}", " --- |".repeat(6))?;
    }
    for change in changes.iter().take(IMAGES) {
        image_change(change, out)?;
    }
    more(changes.len(), IMAGES, "image", out)?;
    for unread in report
        .base
        .iter()
        .flat_map(|base| &base.unread)
        .take(PLACES)
    {
        writeln!(out, "\n> Not in the base: {}", prose(unread))?;
    }
    Ok(())
}

fn image_change(change: &ImageChange<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let name = code(&change.words("→"));
    let places = change.places;
    if change.platforms.is_empty() {
        writeln!(out, "| {name} | {places} | – | – | – | – |")?;
    }
    for platform in &change.platforms {
        writeln!(
            out,
            "| {name} | {places} | {} | {} | {} | {} |",
            prose(&platform.name()),
            platform.before,
            platform.now,
            platform.fetched
        )?;
    }
    Ok(())
}

fn cell(cell: &Cell) -> String {
    let mark = match cell.serves() {
        Some(true) => "✅",
        Some(false) => "❌",
        None => "–",
    };
    format!("{mark} {}", prose(&cell.words()))
}

fn platforms(image: &Image) -> String {
    let Some(found) = image.lookup.as_ref().and_then(|lookup| lookup.found()) else {
        return image.reason().unwrap_or(image.status()).to_owned();
    };
    let platforms = found.images.iter().map(platform);
    platforms.collect::<Vec<_>>().join(", ")
}

fn platform(image: &PlatformImage) -> String {
    let name = image
        .platform()
        .map_or_else(|| "no platform".to_owned(), ToString::to_string);
    match image.compressed_bytes() {
        Some(bytes) => format!("{} {bytes}", prose(&name)),
        None => prose(&name),
    }
}

fn sources(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let places = Places::new(report);
    let problems = report.problems.iter().map(|problem| {
        let place = places.of(problem.span).to_string();
        format!("- {}: {}\n", code(&place), prose(&problem.message))
    });
    let skipped = report.inputs.iter().filter_map(|input| {
        let why = input.skipped.as_deref()?;
        Some(format!("- {}: {}\n", code(&input.path), prose(why)))
    });
    let lines: Vec<String> = problems.chain(skipped).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Sources that were not read as a whole\n")?;
    let count = lines.len();
    let shown = fitting(lines.into_iter().take(FINDINGS), out)?;
    more(count, shown, "source", out)
}

fn more(count: usize, shown: usize, what: &str, out: &mut dyn io::Write) -> io::Result<()> {
    match count.checked_sub(shown) {
        Some(more @ 1..) => writeln!(out, "\n… and {} more.", counted(more, what)),
        _ => Ok(()),
    }
}

/// A code span, fenced by more backticks than it holds. Markdown reads a bar as the end of a table's cell even there.
fn code(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    match longest_run_of_backticks(&text) {
        0 => format!("`{text}`"),
        run => {
            let fence = "`".repeat(run + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

fn longest_run_of_backticks(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

/// Plain words, with what stands between backticks as code: nothing else in them is markup, a link, or the name of a person
/// to be told.
fn prose(text: &str) -> String {
    let text = visible(text);
    let parts = parts(&text).into_iter();
    parts
        .map(|part| match part {
            Part::Words(text) => words(text),
            Part::Code(text) => code(text),
        })
        .collect()
}

fn words(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // GitHub looks for names and issue numbers after it has read the escapes, but not in code.
            '@' | '#' => shown.extend(['`', c, '`']),
            ':' if characters.peek() == Some(&'/') => shown.push_str("\\:"),
            '.' | ',' | '-' | '/' | '=' | '\'' | '"' | ';' | ':' | '(' | ')' => shown.push(c),
            _ if c.is_ascii_punctuation() => shown.extend(['\\', c]),
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_prose_is_markup() {
        for (text, shown) in [
            ("a/b:1.27", "a/b:1.27"),
            ("https://evil", "https\\://evil"),
            ("use `a|b` now", "use `a\\|b` now"),
            ("<img src=x>", "\\<img src=x\\>"),
            ("[a](b) | *c* `d", "\\[a\\](b) \\| \\*c\\* \\`d"),
            ("@all #1", "`@`all `#`1"),
            ("a\nb", "a\\\\nb"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a`b``c|d"), "``` a`b``c\\|d ```");
    }
}

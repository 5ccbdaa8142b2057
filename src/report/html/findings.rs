//! The findings of the page, with their source lines.

use std::borrow::Cow;
use std::io;

use super::super::details::{Further, details};
use super::super::layer_chart::drawn;
use super::super::place::Places;
use super::super::source_view::SourceView;
use super::super::{Report, Style, rule_page};
use super::{escaped, prose, text};
use crate::finding::Finding;
use crate::rule;

/// How many further places a finding lists.
const PLACES: usize = 50;
/// The columns of a source line that are shown.
const WIDTH: usize = 160;

pub(super) fn write(
    report: &Report,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "<h2 id=\"findings\">Findings</h2>")?;
    if report.findings.is_empty() {
        writeln!(out, "<p>None.</p>")?;
    }
    for finding in &report.findings {
        write_finding(report, finding, places, out)?;
    }
    Ok(())
}

fn write_finding(
    report: &Report,
    finding: &Finding,
    places: &Places<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let severity = finding.severity;
    writeln!(
        out,
        "<article class=\"card {severity}\" data-severity=\"{severity}\" data-text>\n\
         <h3><span class=\"severity\">{severity}</span> {}</h3>\n<p>{}</p>",
        rule_name(finding.rule),
        prose(&finding.message),
    )?;
    if let Some(&span) = finding.places.first() {
        let place = places.of(span);
        let workload = place.workload().unwrap_or_default();
        writeln!(
            out,
            "<div><code>{}</code> {}</div>",
            text(&place.to_string()),
            text(&workload)
        )?;
        let view = SourceView::new(&report.sources, &place, WIDTH, "…");
        let [before, marked, after] = view.parts().map(|part| escaped(Cow::Borrowed(part)));
        writeln!(
            out,
            "<pre><span class=\"number\">{} </span>{before}<mark>{marked}</mark>{after}</pre>",
            place.start.line
        )?;
    }
    if let Some(chart) = &finding.layers {
        let chart = drawn(chart, Style::default());
        let chart = escaped(Cow::Borrowed(chart.trim_end()));
        writeln!(out, "<pre class=\"layers\">{chart}</pre>")?;
    }
    let details = details(finding, places, Further::Listed(PLACES));
    if !details.is_empty() {
        writeln!(out, "<dl>")?;
        for (name, detail) in details {
            writeln!(out, "<dt>{name}</dt><dd>{}</dd>", prose(&detail))?;
        }
        writeln!(out, "</dl>")?;
    }
    writeln!(out, "</article>")
}

/// A link to the rule's documentation, where there is one.
fn rule_name(id: &str) -> String {
    match rule::find(id) {
        Some(_) => format!("<a href=\"{}\">{}</a>", text(&rule_page(id)), text(id)),
        None => text(id).into_owned(),
    }
}

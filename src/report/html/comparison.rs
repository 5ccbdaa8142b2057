//! What changed since the base, and what nodes fetch for it.

use std::io;

use super::text;
use crate::report::Report;

/// Two tables: what a node of each pool fetches, and the images that changed. Nothing where nothing was compared.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(compared) = report.compared() else {
        return Ok(());
    };
    writeln!(out, "<h2>What nodes pull</h2>\n<p>{}.</p>", text(&compared))?;
    head(&["node pool", "deployed", "asked for", "to pull"], out)?;
    for pull in report.node_pulls() {
        let fetched = format!("{} {}", pull.fetched, pull.caveat());
        row(
            &[
                &pull.name(),
                &pull.before.to_string(),
                &pull.now.to_string(),
                fetched.trim_end(),
            ],
            out,
        )?;
    }
    writeln!(
        out,
        "</tbody></table>\n<p class=\"quiet\">For a node that runs all of it; a layer of several images counts once.</p>"
    )?;
    changes(report, out)?;
    for unread in report.base.iter().flat_map(|base| &base.unread) {
        writeln!(
            out,
            "<p class=\"quiet\">Not in the base: {}</p>",
            text(unread)
        )?;
    }
    Ok(())
}

fn changes(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let changes = report.image_changes();
    if changes.is_empty() {
        return Ok(());
    }
    head(
        &[
            "image",
            "places",
            "platform",
            "deployed",
            "asked for",
            "to pull",
        ],
        out,
    )?;
    for change in changes {
        let (name, places) = (change.words("→"), change.places.to_string());
        if change.platforms.is_empty() {
            row(&[&name, &places, "–", "–", "–", "–"], out)?;
        }
        for platform in &change.platforms {
            row(
                &[
                    &name,
                    &places,
                    &platform.name(),
                    &platform.before.to_string(),
                    &platform.now.to_string(),
                    &format!("{}{}", platform.fetched, platform.reason()),
                ],
                out,
            )?;
        }
    }
    writeln!(out, "</tbody></table>")
}

fn head(names: &[&str], out: &mut dyn io::Write) -> io::Result<()> {
    let names = names
        .iter()
        .map(|name| format!("<th scope=\"col\">{name}</th>"));
    let names: String = names.collect();
    writeln!(out, "<table><thead><tr>{names}</tr></thead><tbody>")
}

fn row(cells: &[&str], out: &mut dyn io::Write) -> io::Result<()> {
    let cells = cells.iter().map(|cell| format!("<td>{}</td>", text(cell)));
    let cells: String = cells.collect();
    writeln!(out, "<tr>{cells}</tr>")
}

//! The report for job summaries and pull request comments, as GitHub flavoured Markdown.

mod room;
mod text;

use std::cmp::Reverse;
use std::io;

use super::base::ImageChange;
use super::details::{Further, details};
use super::layer_chart::drawn;
use super::matrix::Cell;
use super::place::Places;
use super::summary::{counted, judged_against};
use super::{Counts, Format, Image, Report, Style, Verdict};
use crate::facts::PlatformImage;
use crate::finding::Finding;
use room::{Room, more};
use text::{block, cell_code, cell_prose, clipped, code, prose};

/// The bytes of each part of which a report can have any number. All parts, with what stands between them, fit into a
/// comment of 65,536 characters (<https://docs.github.com/en/rest/issues/comments>).
const ROOM_OF_FINDINGS: usize = 20_000;
const ROOM_OF_IMAGES: usize = 14_000;
const ROOM_OF_PULLS: usize = 5_000;
const ROOM_OF_CHANGES: usize = 8_000;
const ROOM_OF_SOURCES: usize = 6_000;
/// The bytes of a finding with everything that belongs to it; of a longer one only the beginning is shown.
const LONGEST_FINDING: usize = 4_000;
/// The characters of its help, of its event, and of the names of its node pools.
const LONGEST_DETAIL: usize = 600;
/// The characters of what a longer finding keeps.
const SHORT: usize = 300;
/// What is still read.
const FINDINGS: usize = 50;
const IMAGES: usize = 100;
const POOLS: usize = 12;
const PLATFORMS: usize = 12;
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
        let reason = prose(&clipped(reason, SHORT));
        writeln!(out, "\n> Undetermined: {reason}")?;
    }
    Ok(())
}

/// The worst first, because not all of them may have room.
fn findings(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    let places = Places::new(report);
    writeln!(out, "\n### Findings\n")?;
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let mut room = Room::of(ROOM_OF_FINDINGS);
    for finding in findings.into_iter().take(FINDINGS) {
        let text = self::finding(finding, &places);
        let text = if text.len() > LONGEST_FINDING {
            beginning(finding, &places)
        } else {
            text
        };
        room.write(&text, out)?;
    }
    more(report.findings.len(), room.written(), "finding", out)
}

fn finding(finding: &Finding, places: &Places<'_>) -> String {
    let mut text = message(finding, &finding.message) + &place(finding, places);
    let details = details(finding, places, Further::Listed(PLACES)).into_iter();
    text.extend(details.map(|(name, detail)| {
        let detail = prose(&clipped(&detail, LONGEST_DETAIL));
        format!("  - {name}: {detail}\n")
    }));
    if let Some(chart) = &finding.layers {
        text += &block(&drawn(chart, Style::default()));
    }
    text
}

/// A finding that would leave no room for others.
fn beginning(finding: &Finding, places: &Places<'_>) -> String {
    let text = message(finding, &clipped(&finding.message, SHORT));
    text + &place(finding, places)
}

fn message(finding: &Finding, message: &str) -> String {
    let rule = code(finding.rule);
    format!("- **{}** {rule} {}\n", finding.severity, prose(message))
}

fn place(finding: &Finding, places: &Places<'_>) -> String {
    let Some(&span) = finding.places.first() else {
        return String::new();
    };
    let place = places.of(span);
    let workload = clipped(&place.workload().unwrap_or_default(), SHORT);
    let name = clipped(&place.to_string(), SHORT);
    format!("  - at {} {}\n", code(&name), prose(&workload))
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
    header.extend(
        pools
            .iter()
            .map(|pool| cell_code(&clipped(&pool.name, SHORT))),
    );
    writeln!(out, "\n### Images\n\n| {} |", header.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(header.len()))?;
    let mut room = Room::of(ROOM_OF_IMAGES);
    for image in report.images.iter().take(IMAGES) {
        let mut row = vec![
            cell_code(&image.reference.to_string()),
            image.occurrences.len().to_string(),
        ];
        if pools.is_empty() {
            row.push(platforms(image));
        }
        row.extend(pools.iter().map(|pool| cell(&Cell::of(image, pool))));
        room.write(&format!("| {} |\n", row.join(" | ")), out)?;
    }
    more(report.images.len(), room.written(), "image", out)?;
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
    let pulls = report.node_pulls();
    let mut room = Room::of(ROOM_OF_PULLS);
    for pull in &pulls {
        let caveat = match pull.unknown {
            0 => String::new(),
            _ => format!(", {}", pull.caveat()),
        };
        let row = format!(
            "| {} | {} | {} | **{}**{caveat} |\n",
            cell_code(&clipped(&pull.name(), SHORT)),
            pull.before,
            pull.now,
            pull.fetched
        );
        room.write(&row, out)?;
    }
    more(pulls.len(), room.written(), "node pool", out)?;
    writeln!(
        out,
        "\nFor a node that runs all of it; a layer of several images counts once."
    )?;
    changes(&report.image_changes(), out)?;
    for unread in report
        .base
        .iter()
        .flat_map(|base| &base.unread)
        .take(PLACES)
    {
        let unread = prose(&clipped(unread, SHORT));
        writeln!(out, "\n> Not in the base: {unread}")?;
    }
    Ok(())
}

fn changes(changes: &[ImageChange<'_>], out: &mut dyn io::Write) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n| image | places | platform | deployed | asked for | to pull |"
    )?;
    writeln!(out, "|{}", " --- |".repeat(6))?;
    let mut room = Room::of(ROOM_OF_CHANGES);
    for change in changes.iter().take(IMAGES) {
        room.write(&image_change(change), out)?;
    }
    more(changes.len(), room.written(), "image", out)
}

/// A row for each of the first platforms.
fn image_change(change: &ImageChange<'_>) -> String {
    let name = cell_code(&change.words("→"));
    let places = change.places;
    if change.platforms.is_empty() {
        return format!("| {name} | {places} | – | – | – | – |\n");
    }
    let platforms = change.platforms.iter().take(PLATFORMS);
    let rows = platforms.map(|platform| {
        format!(
            "| {name} | {places} | {} | {} | {} | {}{} |\n",
            cell_prose(&platform.name()),
            platform.before,
            platform.now,
            platform.fetched,
            platform.reason()
        )
    });
    rows.collect()
}

fn cell(cell: &Cell) -> String {
    let mark = match cell.serves() {
        Some(true) => "✅",
        Some(false) => "❌",
        None => "–",
    };
    format!("{mark} {}", cell_prose(&cell.words()))
}

fn platforms(image: &Image) -> String {
    let Some(found) = image.lookup.as_ref().and_then(|lookup| lookup.found()) else {
        return image.state();
    };
    let named = found.images.iter().take(PLATFORMS).map(platform);
    let mut named: Vec<String> = named.collect();
    if let Some(more @ 1..) = found.images.len().checked_sub(PLATFORMS) {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

fn platform(image: &PlatformImage) -> String {
    let name = image
        .platform()
        .map_or_else(|| "no platform".to_owned(), ToString::to_string);
    match image.compressed_bytes() {
        Some(bytes) => format!("{} {bytes}", cell_prose(&name)),
        None => cell_prose(&name),
    }
}

fn sources(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let places = Places::new(report);
    let line = |name: &str, why: &str| {
        let (name, why) = (clipped(name, SHORT), clipped(why, SHORT));
        format!("- {}: {}\n", code(&name), prose(&why))
    };
    let problems = report.problems.iter().map(|problem| {
        let place = places.of(problem.span).to_string();
        line(&place, &problem.message)
    });
    let skipped = report
        .inputs
        .iter()
        .filter_map(|input| Some(line(&input.path, input.skipped.as_deref()?)));
    let lines: Vec<String> = problems.chain(skipped).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Sources that were not read as a whole\n")?;
    let mut room = Room::of(ROOM_OF_SOURCES);
    for line in lines.iter().take(FINDINGS) {
        room.write(line, out)?;
    }
    more(lines.len(), room.written(), "source", out)
}

//! One image for a person: its platforms, their layers, and what a node of each pool would pull.

use std::io;

use serde::Serialize;
use textwrap::core::display_width;

use super::clip::{padded, shortened};
use super::contents::{ContentEntry, contents};
use super::details::{Further, details};
use super::holdings::holdings;
use super::json::Document;
use super::layers::layers;
use super::matrix::Cell;
use super::page::Page;
use super::place::Places;
use super::summary::{counted, judged_against};
use super::visible::visible;
use super::{Format, Image, Report, Style};
use crate::cluster::NodePool;
use crate::facts::{Answer, BaseImages, PlatformImage};
use crate::finding::Finding;
use crate::oci::{Bytes, Descriptor};
use crate::workload::{Landing, Placement, landing};

/// The widest that the name of a node pool stands in the table, in columns.
const POOL_NAME: usize = 32;
/// What stands before a layer's instruction beside its bar, in columns.
const LAYER_NUMBERS: usize = 19;

/// One image for a person at a terminal. Only the images of the report are shown, and what was found about them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inspection {
    /// What the terminal can show.
    pub style: Style,
}

impl Format for Inspection {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let sheet = Sheet {
            page: Page::new(self.style),
            style: self.style,
        };
        for image in &report.images {
            out.write_all(sheet.image(image).as_bytes())?;
            out.write_all(pool_table(&sheet.page, report, image).as_bytes())?;
        }
        out.write_all(sheet.findings(report).as_bytes())
    }
}

/// Which node pool gets what of an image, below a heading; a sentence where there is no pool.
fn pool_table(page: &Page, report: &Report, image: &Image) -> String {
    if report.node_pools.is_empty() {
        return format!("\n{}", page.lines("", &judged_against(report)));
    }
    let mut text = "\nnode pools\n".to_owned();
    let names: Vec<String> = report
        .node_pools
        .iter()
        .map(|pool| shortened(&visible(&pool.name), POOL_NAME, ellipsis(page.style)))
        .collect();
    let platforms: Vec<String> = report.node_pools.iter().map(platform_of_pool).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| display_width(text)).max();
    let name_width = widest(&names).unwrap_or_default();
    let platform_width = widest(&platforms).unwrap_or_default();
    for ((pool, name), platform) in report.node_pools.iter().zip(names).zip(platforms) {
        let cell = Cell::pulled(image, pool);
        let mark = page.mark(&cell);
        let name = padded(&name, name_width);
        let platform = padded(&platform, platform_width);
        let first = format!("  {mark} {name}  {platform}  ");
        text += &page.wrapped(&first, &" ".repeat(6), &gets(&cell, pool));
    }
    text
}

fn platform_of_pool(pool: &NodePool) -> String {
    pool.platform.as_ref().map_or_else(
        || "platform not known".to_owned(),
        |platform| visible(&platform.to_string()).into_owned(),
    )
}

/// What a node gets, and which pods do not come to it by themselves.
fn gets(cell: &Cell, pool: &NodePool) -> String {
    let words = match cell {
        Cell::Runs(Some(bytes)) => format!("pulls {bytes}"),
        _ => visible(&cell.words()).into_owned(),
    };
    match landing(&Placement::default(), pool) {
        Landing::Taint(taint) => format!(
            "{words}; only for pods that tolerate {}",
            visible(&taint.to_string())
        ),
        _ => words,
    }
}

/// Draws the parts in one style.
struct Sheet {
    page: Page,
    style: Style,
}

impl Sheet {
    fn image(&self, image: &Image) -> String {
        let mut text = self.page.lines("", &image.reference.to_string());
        let Some(found) = image.lookup.as_ref().and_then(Answer::found) else {
            return text + &self.page.lines("  ", &image.state());
        };
        text += &self.page.lines("  ", found.digest.as_str());
        let kind = found.manifest.kind();
        let media_type = visible(found.manifest.media_type());
        text += &self.page.lines("  ", &format!("{kind} {media_type}"));
        for platform in &found.images {
            text += &self.platform(platform);
        }
        text
    }

    fn platform(&self, image: &PlatformImage) -> String {
        let name = image.platform().map_or_else(
            || "no platform".to_owned(),
            |platform| visible(&platform.to_string()).into_owned(),
        );
        let (Some(layers), Some(bytes)) = (layers(image), image.compressed_bytes()) else {
            let reason = image.manifest.as_ref().and_then(Answer::reason);
            let reason = reason.map(|reason| format!(": {reason}"));
            let unknown = format!("{name}  layers not known{}", reason.unwrap_or_default());
            return format!("\n{}", self.page.lines("", &unknown));
        };
        let sum = format!("{name}  {bytes} in {}", counted(layers.len(), "layer"));
        let mut text = format!("\n{}", self.page.lines("", &sum));
        text += &self.page.lines("  ", image.digest.as_str());
        for (layer, instruction) in layers {
            text += &self.layer(layer, instruction.as_deref(), bytes);
        }
        text += &self.page.lines("  ", &base_image(image));
        for line in holdings(image) {
            text += &self.page.lines("  ", &line);
        }
        text
    }

    /// Bytes, the share of the image in numbers and as a bar, and the instruction as far as the line goes.
    fn layer(&self, layer: &Descriptor, instruction: Option<&str>, all: Bytes) -> String {
        let columns = self.style.width / 8;
        let share = |parts: u128| {
            let parts = u128::from(layer.size.0) * parts;
            let rounded = (parts + u128::from(all.0) / 2) / u128::from(all.0.max(1));
            usize::try_from(rounded).unwrap_or_default()
        };
        let block = if self.style.unicode { "█" } else { "#" };
        let bar = block.repeat(share(columns as u128).min(columns));
        let room = self.style.width.saturating_sub(LAYER_NUMBERS + columns);
        let made_by = instruction.map_or_else(|| layer.digest.short(), squeezed);
        let made_by = shortened(&visible(&made_by), room, ellipsis(self.style));
        format!(
            "  {:>9} {:>3}% {}  {made_by}\n",
            layer.size.to_string(),
            share(100),
            padded(&bar, columns)
        )
    }

    fn findings(&self, report: &Report) -> String {
        let places = Places::new(report);
        let mut text = String::new();
        for finding in &report.findings {
            text += &self.finding(finding, &places);
        }
        text
    }

    fn finding(&self, finding: &Finding, places: &Places<'_>) -> String {
        let head = format!(
            "{}[{}]: {}",
            finding.severity,
            finding.rule,
            visible(&finding.message)
        );
        let mut text = format!("\n{}", self.page.wrapped("", "  ", &head));
        for (name, detail) in details(finding, places, Further::None) {
            text += &self.page.paragraph(name, &detail);
        }
        text
    }
}

/// Which layers are the base image's, as far as the image itself tells.
fn base_image(image: &PlatformImage) -> String {
    match BaseImages::default().base_layers(image) {
        Some(0) => "base image: none of the layers are a base image's".to_owned(),
        Some(1) => "base image: the first layer".to_owned(),
        Some(layers) => format!("base image: the first {layers} layers"),
        None => {
            "base image: unknown boundary, because the build history does not tell where it ends"
                .to_owned()
        }
    }
}

const fn ellipsis(style: Style) -> &'static str {
    if style.unicode { "…" } else { "..." }
}

/// Without the blanks that line up the steps of a long instruction.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One image for programs: the JSON report, and beside it what the nodes of each pool would pull, and what its layers hold if
/// they were read.
#[derive(Debug, Clone, Copy, Default)]
pub struct InspectionJson;

impl Format for InspectionJson {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let document = InspectionDocument {
            report: Document::of(report),
            pulls: pulls(report),
            contents: contents(report),
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct InspectionDocument<'a> {
    #[serde(flatten)]
    report: Document<'a>,
    pulls: Vec<Pull<'a>>,
    contents: Vec<ContentEntry<'a>>,
}

/// What a node of a pool gets. `serves` is null where it is not known.
#[derive(Serialize)]
struct Pull<'a> {
    reference: String,
    node_pool: &'a str,
    platform: String,
    serves: Option<bool>,
    reason: Option<String>,
    digest: Option<&'a str>,
    compressed_bytes: Option<u64>,
}

fn pulls(report: &Report) -> Vec<Pull<'_>> {
    let images = report.images.iter();
    images
        .flat_map(|image| report.node_pools.iter().map(|pool| pull(image, pool)))
        .collect()
}

fn pull<'a>(image: &'a Image, pool: &'a NodePool) -> Pull<'a> {
    let cell = Cell::pulled(image, pool);
    let found = image.lookup.as_ref().and_then(Answer::found);
    let pulled = found.and_then(|found| found.image_on(pool));
    Pull {
        reference: image.reference.to_string(),
        node_pool: &pool.name,
        platform: pool.platform_text(),
        serves: cell.serves(),
        reason: (cell.serves() != Some(true)).then(|| cell.words()),
        digest: pulled.map(|image| image.digest.as_str()),
        compressed_bytes: pulled
            .and_then(PlatformImage::compressed_bytes)
            .map(|bytes| bytes.0),
    }
}

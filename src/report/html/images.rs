//! The images of the page: which pool each serves, and of which layers it is made.

use std::collections::HashMap;
use std::io;

use super::super::layers::layers;
use super::super::matrix::Cell;
use super::super::summary::counted;
use super::super::{Image, Report};
use super::text;
use crate::facts::PlatformImage;
use crate::oci::{Bytes, Digest};

/// A table with a row for each image and a column for each node pool.
pub(super) fn write_matrix(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.images.is_empty() || report.node_pools.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h2 id=\"pools\">Images and node pools</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-labelledby=\"pools\"><table>\n<caption>What a node of each pool gets, with the bytes that it pulls.</caption>\n\
         <thead><tr><th scope=\"col\">image</th>"
    )?;
    for pool in &report.node_pools {
        let platform = match &pool.platform {
            Some(platform) => platform.to_string(),
            None => "platform not known".to_owned(),
        };
        writeln!(
            out,
            "<th scope=\"col\">{}<br><span class=\"quiet\">{}</span></th>",
            text(&pool.name),
            text(&platform)
        )?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for image in &report.images {
        let reference = image.reference.to_string();
        write!(
            out,
            "<tr data-text><th scope=\"row\"><code>{}</code></th>",
            text(&reference)
        )?;
        for pool in &report.node_pools {
            let cell = Cell::of(image, pool);
            let (class, mark) = match cell.serves() {
                Some(true) => ("yes", "✓ "),
                Some(false) => ("no", "✗ "),
                None => ("quiet", ""),
            };
            write!(
                out,
                "<td class=\"{class}\">{mark}{}</td>",
                text(&cell.words())
            )?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

/// A card for each image with its platforms as stacked bars of layers.
pub(super) fn write_layers(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.images.is_empty() {
        return Ok(());
    }
    let scale = Scale::of(report);
    writeln!(
        out,
        "<h2 id=\"images\">Images and layers</h2>\n<p class=\"quiet\">Layers, the base on the left, by their share. A bar grows \
         with the square root of its image, so that small ones can be read beside large ones. Green layers are in more \
         than one image: a node pulls them once.</p>"
    )?;
    for image in &report.images {
        write_image(image, &scale, out)?;
    }
    Ok(())
}

/// The length of the shortest bar, in thousandths of the page.
const SHORTEST: u64 = 20;

/// What all bars share.
struct Scale<'a> {
    largest: u64,
    images: HashMap<&'a Digest, usize>,
}

impl<'a> Scale<'a> {
    fn of(report: &'a Report) -> Self {
        let mut largest = 1;
        let mut images: HashMap<&Digest, usize> = HashMap::new();
        for image in &report.images {
            let mut layers: Vec<&Digest> = Vec::new();
            for platform in platforms(image) {
                largest = largest.max(platform.compressed_bytes().unwrap_or_default().0);
                layers.extend(
                    platform
                        .layers()
                        .into_iter()
                        .flatten()
                        .map(|layer| &layer.digest),
                );
            }
            layers.sort_unstable();
            layers.dedup();
            for layer in layers {
                *images.entry(layer).or_default() += 1;
            }
        }
        Self { largest, images }
    }

    /// The length of the bar of an image of that size, in thousandths of the page. The mark of the smallest can be seen.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bar is no measure, and a square root of a share lies between 0 and 1"
    )]
    fn length(&self, bytes: Bytes) -> u64 {
        let share = bytes.0 as f64 / self.largest as f64;
        ((share.sqrt() * 1000.0) as u64).max(SHORTEST)
    }

    /// How many images have a layer.
    fn images_with(&self, layer: &Digest) -> usize {
        self.images.get(layer).copied().unwrap_or_default()
    }
}

fn platforms(image: &Image) -> &[PlatformImage] {
    let found = image.lookup.as_ref().and_then(|lookup| lookup.found());
    found.map_or(&[], |found| &found.images)
}

fn write_image(image: &Image, scale: &Scale<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "<article class=\"card\" data-text>\n<h3><code>{}</code></h3>\n<div class=\"quiet\">{} · {}</div>",
        text(&image.reference.to_string()),
        text(&image.state()),
        counted(image.occurrences.len(), "place"),
    )?;
    for platform in platforms(image) {
        write_platform(platform, scale, out)?;
    }
    writeln!(out, "</article>")
}

fn write_platform(
    platform: &PlatformImage,
    scale: &Scale<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let name = match platform.platform() {
        Some(platform) => platform.to_string(),
        None => "no platform".to_owned(),
    };
    let (Some(layers), Some(bytes)) = (layers(platform), platform.compressed_bytes()) else {
        return writeln!(out, "<p>{}: layers not known</p>", text(&name));
    };
    let layers: Vec<Layer> = layers
        .into_iter()
        .map(|(layer, instruction)| Layer {
            digest: &layer.digest,
            bytes: layer.size,
            instruction,
            images: scale.images_with(&layer.digest),
        })
        .collect();
    let label = format!("{name}: {bytes} in {}", counted(layers.len(), "layer"));
    writeln!(out, "<details><summary>{}", text(&label))?;
    write_bar(&layers, scale, &label, out)?;
    writeln!(out, "</summary>")?;
    write_table(&layers, out)?;
    writeln!(out, "</details>")
}

struct Layer<'a> {
    digest: &'a Digest,
    bytes: Bytes,
    instruction: Option<String>,
    images: usize,
}

/// A thousand units wide, so that no style attribute is needed.
fn write_bar(
    layers: &[Layer<'_>],
    scale: &Scale<'_>,
    label: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    write!(
        out,
        "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        text(label)
    )?;
    let sum = layers.iter().fold(Bytes(0), |sum, layer| sum + layer.bytes);
    let length = u128::from(scale.length(sum));
    let units = |bytes: u64| u128::from(bytes) * length / u128::from(sum.0.max(1));
    let mut below = Bytes(0);
    for layer in layers {
        let start = units(below.0);
        below = below + layer.bytes;
        let class = if layer.images > 1 {
            " class=\"shared\""
        } else {
            ""
        };
        write!(
            out,
            "<rect{class} x=\"{start}\" width=\"{}\" height=\"10\"><title>{} {}</title></rect>",
            units(below.0).saturating_sub(start),
            layer.bytes,
            text(layer.instruction.as_deref().unwrap_or_default()),
        )?;
    }
    write!(out, "</svg>")
}

fn write_table(layers: &[Layer<'_>], out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">bytes</th><th scope=\"col\">made by</th>\
         <th scope=\"col\">digest</th><th scope=\"col\">images</th></tr></thead>\n<tbody>"
    )?;
    for layer in layers {
        writeln!(
            out,
            "<tr><td class=\"bytes\">{}</td><td><code>{}</code></td><td><code>{}</code></td><td>{}</td></tr>",
            layer.bytes,
            text(layer.instruction.as_deref().unwrap_or("not known")),
            text(&layer.digest.short()),
            layer.images,
        )?;
    }
    writeln!(out, "</tbody></table></div>")
}

//! Draws the layers of an image.

use textwrap::core::display_width;

use super::Style;
use super::clip::{padded, shortened};
use super::summary::counted;
use super::visible::visible;
use crate::finding::{ChartLayer, LayerChart, LayerMark};
use crate::oci::Bytes;

/// The columns that the chart takes at most, so that it fits beside nothing and into a narrow log.
const WIDTH: usize = 72;
/// The columns of a bar.
const BAR: usize = 12;
/// What stands before the instruction: indent, mark, number, bytes, bar and the blanks between.
const BEFORE_INSTRUCTION: usize = 2 + 2 + 4 + 10 + BAR + 2;
/// How many layers are drawn before those that stay are counted.
const DRAWN: usize = 24;

/// The chart as lines. Layers of the base are one line; what stays is left out where there are many layers.
pub(super) fn drawn(chart: &LayerChart, style: Style) -> String {
    let (base, own): (Vec<&ChartLayer>, Vec<&ChartLayer>) = chart
        .layers
        .iter()
        .partition(|layer| layer.mark == LayerMark::Base);
    let base_bytes: Bytes = base.iter().map(|layer| layer.bytes).sum();
    let largest = own
        .iter()
        .map(|layer| layer.bytes)
        .chain([base_bytes])
        .max();
    let pen = Pen {
        style,
        largest: largest.unwrap_or_default(),
    };
    let mut text = String::new();
    if !base.is_empty() {
        let words = format!("base image, {}", counted(base.len(), "layer"));
        text += &pen.line(LayerMark::Base, "", base_bytes, &words);
    }
    let many = own.len() > DRAWN;
    let mut left_out = (0, Bytes(0));
    for layer in own {
        if many && layer.mark == LayerMark::Kept {
            left_out = (left_out.0 + 1, left_out.1 + layer.bytes);
            continue;
        }
        let instruction = layer.instruction.as_deref().unwrap_or_default();
        let number = layer.number.to_string();
        text += &pen.line(layer.mark, &number, layer.bytes, instruction);
    }
    if left_out.0 > 0 {
        let words = format!("{} that stay", counted(left_out.0, "layer"));
        text += &pen.line(LayerMark::Kept, "", left_out.1, &words);
    }
    text
}

struct Pen {
    style: Style,
    largest: Bytes,
}

impl Pen {
    fn line(&self, mark: LayerMark, number: &str, bytes: Bytes, words: &str) -> String {
        let unicode = self.style.unicode;
        let mark = match (mark, unicode) {
            (LayerMark::AtFault, true) => "▶",
            (LayerMark::AtFault, false) => ">",
            (LayerMark::Again, true) => "↻",
            (LayerMark::Again, false) => "+",
            (LayerMark::Base | LayerMark::Kept, _) => " ",
        };
        let (block, sliver) = if unicode { ("█", "▏") } else { ("#", "|") };
        let largest = u128::from(self.largest.0.max(1));
        let columns = (u128::from(bytes.0) * BAR as u128 + largest / 2) / largest;
        let bar = match usize::try_from(columns).unwrap_or(BAR).min(BAR) {
            0 => sliver.to_owned(),
            columns => block.repeat(columns),
        };
        let room = self
            .style
            .width
            .min(WIDTH)
            .saturating_sub(BEFORE_INSTRUCTION);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = shortened(&visible(&words), room, if unicode { "…" } else { "..." });
        debug_assert!(display_width(&words) <= room);
        let line = format!(
            "  {mark} {number:>3} {:>9} {}  {words}",
            bytes.to_string(),
            padded(&bar, BAR)
        );
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> LayerChart {
        let layer = |number, bytes, instruction: &str, mark| ChartLayer {
            number,
            bytes: Bytes(bytes),
            instruction: Some(instruction.to_owned()),
            mark,
        };
        LayerChart {
            layers: vec![
                layer(1, 30_000_000, "ADD rootfs /", LayerMark::Base),
                layer(2, 93, "WORKDIR /srv", LayerMark::Kept),
                layer(3, 12_000, "COPY . /srv", LayerMark::AtFault),
                layer(
                    4,
                    310_000_000,
                    "RUN npm ci --omit=dev && npm cache clean --force && rm -rf /tmp/npm",
                    LayerMark::Again,
                ),
            ],
        }
    }

    #[test]
    fn the_layer_at_fault_and_those_above_it_are_marked() {
        insta::assert_snapshot!(drawn(&chart(), Style::default()), @"
                30.0 MB █             base image, 1 layer
            2      93 B ▏             WORKDIR /srv
        ▶   3   12.0 kB ▏             COPY . /srv
        ↻   4  310.0 MB ████████████  RUN npm ci --omit=dev && npm cache clea…
        ");
    }

    #[test]
    fn it_fits_into_60_columns_of_ascii() {
        let style = Style {
            unicode: false,
            width: 60,
            ..Style::default()
        };
        let text = drawn(&chart(), style);
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.len() <= 60), "{text}");
        insta::assert_snapshot!(text, @"
                30.0 MB #             base image, 1 layer
            2      93 B |             WORKDIR /srv
        >   3   12.0 kB |             COPY . /srv
        +   4  310.0 MB ############  RUN npm ci --omit=dev && ...
        ");
    }

    #[test]
    fn layers_that_stay_are_counted_where_there_are_many() {
        let mut chart = chart();
        let kept = chart.layers[1].clone();
        chart.layers.extend((5..60).map(|number| ChartLayer {
            number,
            ..kept.clone()
        }));
        let text = drawn(&chart, Style::default());
        assert!(text.contains("56 layers that stay"), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}

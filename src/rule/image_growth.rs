use super::build_steps::instruction_of;
use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::{Depth, Earlier, PlatformImage};
use crate::finding::Severity;
use crate::oci::Bytes;

declare_rule! {
    /// ## What it does
    /// Compares each image with the one that stands in the same place of what is deployed (`--base`), and reports those that
    /// grew by more than a share and a size: a tenth and 50 MB, unless the config file says otherwise. Compressed sizes are
    /// compared, for each platform that the node pools pull.
    ///
    /// ## Why it matters
    /// An image grows in small steps, and nobody sees one of them. Each new node fetches all of it before the first pod
    /// starts.
    ///
    /// ## What the cluster would show
    /// Nothing but a slower start than last time.
    ///
    /// ## How to fix it
    /// Look at the layer that grew most, which the finding names. If the growth is wanted, raise what is allowed:
    /// `growth = "200MB"` and `growth-percent = 50` under `[budgets]`.
    id: "image-growth",
    summary: "the image grew by more than a share and a size since what is deployed",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some((reference, found)), Some(earlier)) = (subject.found(), subject.earlier.first())
    else {
        return vec![];
    };
    let mut grown: Vec<Growth<'_>> = Vec::new();
    let mut pools: Vec<&NodePool> = Vec::new();
    for pulled in subject.pulled(found) {
        let growth = Growth::of(earlier, pulled.image, &pulled.pools);
        if let Some(growth) = growth.filter(|growth| growth.is_over(subject)) {
            grown.push(growth);
            pools.extend(pulled.pools);
        }
    }
    let Some(most) = grown.iter().max_by_key(|growth| growth.bytes()) else {
        return vec![];
    };
    let sizes: Vec<String> = grown.iter().map(Growth::words).collect();
    vec![
        RULE.finding(
            subject,
            format!(
                "{reference} grew from {} since {}, over the allowed {} and {} %",
                sizes.join(" and from "),
                earlier.reference,
                subject.budgets.growth,
                subject.budgets.growth_percent,
            ),
        )
        .help(most.help())
        .on_pools(&pools),
    ]
}

/// The sizes of one platform's image.
struct Growth<'a> {
    earlier: &'a PlatformImage,
    image: &'a PlatformImage,
    before: Bytes,
    now: Bytes,
}

impl<'a> Growth<'a> {
    fn of(earlier: &Earlier<'a>, image: &'a PlatformImage, pools: &[&NodePool]) -> Option<Self> {
        let earlier = earlier.counterpart(image, pools)?;
        Some(Self {
            earlier,
            image,
            before: earlier.compressed_bytes()?,
            now: image.compressed_bytes()?,
        })
    }

    const fn bytes(&self) -> Bytes {
        Bytes(self.now.0.saturating_sub(self.before.0))
    }

    fn is_over(&self, subject: &Subject<'_>) -> bool {
        let share = u128::from(self.before.0) * u128::from(subject.budgets.growth_percent);
        let grown = self.bytes();
        grown > subject.budgets.growth && u128::from(grown.0) * 100 > share
    }

    fn words(&self) -> String {
        let platform = self
            .image
            .platform()
            .map(|platform| format!(" for {platform}"));
        let percent = match self.before.0 {
            0 => String::new(),
            before => {
                let percent = u128::from(self.bytes().0) * 100 / u128::from(before);
                format!(", {percent} %")
            }
        };
        format!(
            "{} to {}{} (by {}{percent})",
            self.before,
            self.now,
            platform.unwrap_or_default(),
            self.bytes()
        )
    }

    /// Names the layer that adds most: one whose instruction is new, or whose bytes grew.
    fn help(&self) -> String {
        let earlier = self.earlier.layers().unwrap_or_default();
        let before = |instruction: &Option<String>| -> u64 {
            let same = (0..earlier.len()).filter(|layer| {
                instruction.is_some() && instruction_of(self.earlier, *layer) == *instruction
            });
            same.map(|layer| earlier[layer].size.0)
                .max()
                .unwrap_or_default()
        };
        let layers = self.image.layers().unwrap_or_default();
        let kept = |layer: usize| {
            earlier
                .iter()
                .any(|other| other.digest == layers[layer].digest)
        };
        let most = (0..layers.len())
            .filter(|layer| !kept(*layer))
            .map(|layer| {
                let instruction = instruction_of(self.image, layer);
                let grown = layers[layer].size.0.saturating_sub(before(&instruction));
                (grown, layer, instruction)
            })
            .max_by_key(|(grown, layer, _)| (*grown, std::cmp::Reverse(*layer)));
        let Some((grown, layer, instruction)) = most else {
            return "Look at what the image holds with `oci-preflight inspect`.".to_owned();
        };
        let made_by = instruction.map(|text| format!(", made by `{text}`,"));
        format!(
            "Layer {} of {}{} adds most: {}. If that is wanted, raise `growth` and `growth-percent` under `[budgets]`.",
            layer + 1,
            layers.len(),
            made_by.unwrap_or_default(),
            Bytes(grown)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    fn case(before: &[(&str, u64)], now: &[(&str, u64)]) -> Case {
        let earlier = Case::image("registry.example.com/app:1").history(before);
        Case::image("registry.example.com/app:2")
            .history(now)
            .after(earlier)
    }

    #[test]
    fn the_sizes_and_the_layer_that_grew_are_named() {
        let finding = case(
            &[("ADD rootfs /", 30 * MB), ("RUN npm ci", 200 * MB)],
            &[("ADD rootfs /", 30 * MB), ("RUN npm ci", 320 * MB)],
        )
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:2 grew from 230.0 MB to 350.0 MB for linux/amd64 (by 120.0 MB, 52 %) since \
             registry.example.com/app:1, over the allowed 50.0 MB and 10 %"
        );
        let help = finding.help.unwrap_or_default();
        assert!(
            help.starts_with("Layer 2 of 2, made by `RUN npm ci`, adds most: 120.0 MB."),
            "{help}"
        );
    }

    #[test]
    fn both_the_share_and_the_size_must_be_over() {
        let much_of_a_small_one = case(&[("COPY a /", 10 * MB)], &[("COPY a /", 60 * MB)]);
        much_of_a_small_one.has_no_finding(&RULE);
        case(&[("COPY a /", 1000 * MB)], &[("COPY a /", 1090 * MB)]).has_no_finding(&RULE);
        case(&[("COPY a /", 100 * MB)], &[("COPY a /", 90 * MB)]).has_no_finding(&RULE);
        let small = case(&[("COPY a /", 10 * MB)], &[("COPY a /", 60 * MB)])
            .change(|case| case.budgets.growth = Bytes(MB));
        small.only_finding(&RULE);
    }

    #[test]
    fn without_an_earlier_image_nothing_grew() {
        Case::image("app:2")
            .history(&[("COPY a /", 900 * MB)])
            .has_no_finding(&RULE);
    }
}

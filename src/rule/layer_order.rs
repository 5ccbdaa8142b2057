use super::build_steps::{BuildStep, own_steps};
use super::history_order::advice;
use super::measured_order::measured;
use super::subject::Pulled;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Depth, PlatformImage};
use crate::finding::{ChartLayer, LayerChart, LayerMark, Severity};
use crate::oci::{Bytes, Reference, steps};

declare_rule! {
    /// ## What it does
    /// Reports images in whose build something that changes often stands below something large that does not: the whole
    /// source copied before the dependencies are installed or before large files that are copied too, a build argument such as
    /// `GIT_SHA` set before them, or a system upgrade whose result differs from build to build. The build history tells it,
    /// without the base image's own steps. A history that does not fit the layers tells nothing, and so does one that does not
    /// tell where the base image ends, if no other image of the run is the base. The picture shows the layers,
    /// marks the one at fault, and those that are fetched again for it. Where
    /// the image before is known (`--base`), the layers of both tell what nodes fetch again, and which change is the reason.
    /// Less than 10 MB is not worth a word, unless it is a quarter of the image.
    ///
    /// ## Why it matters
    /// A changed layer changes all layers above it, so each release makes each node fetch and unpack the same dependencies
    /// again.
    ///
    /// ## What the cluster would show
    /// Nothing but `Successfully pulled image … in 48s` where it could be 2 s.
    ///
    /// ## How to fix it
    /// Put what changes rarely first: `COPY package.json package-lock.json ./`, `RUN npm ci`, and then `COPY . .`. Declare
    /// `ARG GIT_SHA` behind the last installation.
    id: "layer-order",
    summary: "what changes often stands below what is large and does not change",
    severity: Some(Severity::Warning),
    needs: Depth::Config,
    event: None,
}

/// What is always worth a finding when it is fetched again without need.
const MUCH: Bytes = Bytes(10_000_000);
/// In a small image, this part of it is.
const SHARE: u64 = 4;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    // The platforms of one build share their order: the first that tells is enough.
    let pulled = subject.pulled(found);
    let measured = pulled
        .iter()
        .find_map(|pulled| of_last_release(subject, reference, pulled));
    if let Some(finding) = measured {
        return vec![finding];
    }
    let expected = pulled
        .iter()
        .map(|pulled| of_history(subject, reference, pulled.image));
    expected
        .flatten()
        .find(|findings| !findings.is_empty())
        .unwrap_or_default()
}

/// What is worth a word in an image.
fn floor(image: &PlatformImage) -> Option<Bytes> {
    Some(MUCH.min(Bytes(image.compressed_bytes()?.0 / SHARE)))
}

/// What the last release made nodes fetch again.
fn of_last_release(
    subject: &Subject<'_>,
    reference: &Reference,
    pulled: &Pulled<'_>,
) -> Option<Finding> {
    let earlier = subject.earlier.first()?;
    let before = earlier.counterpart(pulled.image, &pulled.pools)?;
    let floor = floor(pulled.image)?;
    let measured = measured(
        [before, pulled.image],
        subject.bases,
        earlier.reference,
        floor,
    )?;
    let own = own_steps(pulled.image, subject.bases)?;
    let chart = chart(pulled.image, &own, |number| match number {
        _ if number == measured.at_fault => LayerMark::AtFault,
        _ if measured.fetched.contains(&(number - 1)) => LayerMark::Again,
        _ => LayerMark::Kept,
    });
    let often = often(subject, pulled, floor).unwrap_or_default();
    let message = format!("{reference}: {}{often}", measured.what);
    Some(
        RULE.finding(subject, message)
            .help(measured.better)
            .layers(chart),
    )
}

/// How many of the earlier releases had the same price, where more than one is known.
fn often(subject: &Subject<'_>, pulled: &Pulled<'_>, floor: Bytes) -> Option<String> {
    let earlier = subject.earlier.iter();
    let images: Option<Vec<_>> = earlier
        .map(|earlier| {
            Some((
                earlier.reference,
                earlier.counterpart(pulled.image, &pulled.pools)?,
            ))
        })
        .collect();
    let images = images.filter(|images| images.len() > 1)?;
    let releases = std::iter::once(pulled.image).chain(images.iter().map(|(_, image)| *image));
    let costly = releases
        .zip(&images)
        .filter(|(now, (since, before))| {
            measured([before, now], subject.bases, since, floor).is_some()
        })
        .count();
    Some(format!(
        "; so it was in {costly} of the last {} releases",
        images.len()
    ))
}

/// What the history lets expect of each release.
fn of_history(
    subject: &Subject<'_>,
    reference: &Reference,
    image: &PlatformImage,
) -> Option<Vec<Finding>> {
    let own = own_steps(image, subject.bases)?;
    let floor = floor(image)?;
    let findings = advice(&own, floor).into_iter().map(|advice| {
        let (at_fault, above) = (own[advice.at].number(), &own[advice.at + 1..]);
        let chart = chart(image, &own, |number| {
            let is_above = above.iter().any(|step| step.number() == Some(number));
            match number {
                _ if at_fault == Some(number) => LayerMark::AtFault,
                _ if is_above => LayerMark::Again,
                _ => LayerMark::Kept,
            }
        });
        RULE.finding(subject, advice.message(reference))
            .help(advice.better)
            .layers(chart)
    });
    Some(findings.collect())
}

/// The layers of an image, of which those below its own steps are the base's.
fn chart(
    image: &PlatformImage,
    own: &[BuildStep<'_>],
    mark: impl Fn(usize) -> LayerMark,
) -> Option<LayerChart> {
    let layers = image.layers()?;
    let first = own.iter().find_map(BuildStep::number)?;
    let steps = steps(image.config()?, layers.len())?;
    let made = steps.into_iter().filter(|step| step.layer.is_some());
    let layers = layers.iter().zip(made).enumerate();
    let layers = layers.map(|(position, (layer, step))| {
        let number = position + 1;
        ChartLayer {
            number,
            bytes: layer.size,
            instruction: Some(step.instruction),
            mark: if number < first {
                LayerMark::Base
            } else {
                mark(number)
            },
        }
    });
    Some(LayerChart {
        layers: layers.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;
    const BASE: [(&str, u64); 2] = [
        ("ADD rootfs.tar.gz / # buildkit", 30 * MB),
        ("CMD [\"node\"]", 0),
    ];

    fn built(steps: &[(&str, u64)]) -> Case {
        Case::image("registry.example.com/app:1").history(&[&BASE, steps].concat())
    }

    #[test]
    fn the_source_before_the_dependencies_is_said_with_layers_and_bytes() {
        let finding = built(&[
            ("COPY . /app # buildkit", 2 * MB),
            ("RUN /bin/sh -c npm ci # buildkit", 80 * MB),
            ("RUN /bin/sh -c npm run build # buildkit", 4 * MB),
        ])
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 copies its source in layer 2 (`COPY . /app`, 2.0 MB) before layer 3 (`RUN npm ci`, \
             80.0 MB) installs dependencies: each change of the source makes nodes fetch 84.0 MB again"
        );
        assert_eq!(
            finding.help.as_deref(),
            Some(
                "Better order: `COPY package.json package-lock.json ./`, `RUN npm ci`, then `COPY . /app`."
            )
        );
    }

    #[test]
    fn a_good_order_is_silent() {
        built(&[
            ("COPY package.json ./ # buildkit", 1000),
            ("RUN /bin/sh -c npm ci # buildkit", 80 * MB),
            ("COPY . /app # buildkit", 2 * MB),
            ("RUN /bin/sh -c npm run build # buildkit", 40 * MB),
        ])
        .has_no_finding(&RULE);
    }

    #[test]
    fn small_layers_are_not_worth_a_word() {
        built(&[("COPY . /app", 2 * MB), ("RUN npm ci", 9 * MB)]).has_no_finding(&RULE);
    }

    #[test]
    fn the_base_images_order_is_not_the_users() {
        Case::image("app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("COPY . /opt", MB),
                ("RUN pip install tool", 90 * MB),
                ("ENTRYPOINT [\"tool\"]", 0),
                ("COPY app.conf /etc", 1000),
            ])
            .has_no_finding(&RULE);
    }

    #[test]
    fn where_nothing_tells_where_the_base_ends_nothing_is_blamed() {
        Case::image("app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("COPY . /opt", MB),
                ("RUN pip install tool", 90 * MB),
                ("COPY app.conf /etc", 1000),
            ])
            .has_no_finding(&RULE);
    }

    #[test]
    fn a_folder_of_unknown_name_counts_only_if_nothing_is_copied_later() {
        let folder = ("/bin/sh -c #(nop) COPY dir:01 in /app ", 2 * MB);
        let install = ("/bin/sh -c pip install -r requirements.txt", 50 * MB);
        assert_eq!(built(&[folder, install]).findings(&RULE).len(), 1);
        built(&[
            folder,
            install,
            ("/bin/sh -c #(nop) COPY dir:02 in /app ", MB),
        ])
        .has_no_finding(&RULE);
    }

    #[test]
    fn a_changing_argument_before_an_installation_is_named() {
        let finding = built(&[
            ("RUN |1 GIT_SHA=0a1b /bin/sh -c apt-get update && apt-get install -y ffmpeg # buildkit", 60 * MB),
            ("COPY app /app # buildkit", MB),
        ])
        .only_finding(&RULE);
        assert!(
            finding.message.contains("sets `GIT_SHA`"),
            "{}",
            finding.message
        );
        assert!(
            finding.message.ends_with("fetch 61.0 MB again"),
            "{}",
            finding.message
        );
        built(&[(
            "RUN |1 NODE_VERSION=20 /bin/sh -c apk add nodejs # buildkit",
            60 * MB,
        )])
        .has_no_finding(&RULE);
        built(&[(
            "RUN |1 GIT_SHA=0a1b /bin/sh -c make release # buildkit",
            60 * MB,
        )])
        .has_no_finding(&RULE);
    }

    #[test]
    fn package_lists_alone_and_upgrades_are_named() {
        let lists = built(&[
            ("RUN /bin/sh -c apt-get update # buildkit", 18 * MB),
            ("RUN /bin/sh -c apt-get install -y curl # buildkit", 5 * MB),
        ])
        .only_finding(&RULE);
        assert!(
            lists.message.contains("package lists alone in layer 2"),
            "{}",
            lists.message
        );
        let upgrade =
            built(&[("RUN apt-get update && apt-get upgrade -y", 40 * MB)]).only_finding(&RULE);
        assert!(
            upgrade.message.contains("upgrades the system"),
            "{}",
            upgrade.message
        );
        built(&[("RUN apt-get update && apt-get install -y curl", 40 * MB)]).has_no_finding(&RULE);
    }

    #[test]
    fn a_history_that_does_not_fit_the_layers_proves_nothing() {
        built(&[("COPY . /app", 2 * MB), ("RUN npm ci", 80 * MB)])
            .change(|case| {
                if let Some(crate::facts::Answer::Found(config)) = &mut case.first_image().config {
                    config.history.pop();
                }
            })
            .has_no_finding(&RULE);
    }

    #[test]
    fn what_is_large_and_stands_above_the_source_is_named() {
        let finding = built(&[
            ("COPY . /srv # buildkit", 40_000),
            ("COPY model /model # buildkit", 1240 * MB),
        ])
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 copies its source in layer 2 (`COPY . /srv`, 40.0 kB) below layer 3 (`COPY model \
             /model`, 1.2 GB): each change of the source makes nodes fetch 1.2 GB again"
        );
        assert_eq!(
            finding.help.as_deref(),
            Some("Better order: `COPY model /model`, then `COPY . /srv`.")
        );
        let built_from_it = ("COPY --from=build /out /srv # buildkit", 1240 * MB);
        built(&[("COPY . /srv # buildkit", 40_000), built_from_it]).has_no_finding(&RULE);
    }

    #[test]
    fn another_image_of_the_run_is_known_as_the_base() {
        let bad = [
            ("COPY . /opt # buildkit", MB),
            ("RUN pip install tool # buildkit", 90 * MB),
        ];
        let base = || {
            Case::image("registry.example.com/base:1").history(&[&BASE, bad.as_slice()].concat())
        };
        let upon_it = || built(&[bad.as_slice(), &[("COPY app /app # buildkit", MB)]].concat());
        assert_eq!(upon_it().findings(&RULE).len(), 1);
        let base = base();
        let (Ok(reference), Some(lookup)) = (base.occurrence.reference, base.lookup) else {
            panic!("an image");
        };
        let known = upon_it().change(|case| {
            case.others.insert(reference, lookup);
        });
        known.has_no_finding(&RULE);
    }

    #[test]
    fn the_picture_marks_the_layer_at_fault_and_those_above_it() {
        let finding = built(&[
            ("WORKDIR /app", 93),
            ("COPY . /app # buildkit", 2 * MB),
            ("RUN /bin/sh -c npm ci # buildkit", 80 * MB),
        ])
        .only_finding(&RULE);
        let layers = finding.layers.expect("a picture").layers;
        let marks: Vec<(usize, LayerMark)> = layers
            .iter()
            .map(|layer| (layer.number, layer.mark))
            .collect();
        assert_eq!(
            marks,
            [
                (1, LayerMark::Base),
                (2, LayerMark::Kept),
                (3, LayerMark::AtFault),
                (4, LayerMark::Again)
            ]
        );
        assert_eq!(layers[3].instruction.as_deref(), Some("RUN npm ci"));
    }
}

//! Reports about sources and registries that want to do harm, and reports that are very large.

use oci_preflight::cluster::{Effect, Taint};
use oci_preflight::facts::Answer;
use oci_preflight::finding::{Event, Finding};
use oci_preflight::oci::Platform;
use oci_preflight::report::{
    Detail, Format, FormatName, GitHub, Input, Inspection, InspectionJson, Json, Pretty, Report,
    Style,
};
use oci_preflight::text::Dialect;

use crate::reports_builder::{Builder, clean, finding, index, written};

pub const EVIL: &str = "a\u{1b}[31m\n::error::b\r\u{202e}c ::stop-commands::d\u{7}##[add-mask]e,f:g%0Ah\u{fffe}</script>";

/// A report in which every text that comes from outside is hostile.
pub fn hostile() -> Report {
    let mut builder = Builder::default();
    let text = format!("image: x\u{1b}]8;;http://evil\u{7}y # {EVIL}\n");
    let source = builder.source(EVIL, &text);
    let mut occurrence = builder.occurrence(source, "x\u{1b}]8;;http://evil\u{7}y", 0);
    occurrence.container = Some(EVIL.to_owned());
    occurrence.owner.name = Some(EVIL.to_owned());
    builder.0.occurrences = vec![occurrence.clone()];
    builder.0.findings.push(Finding {
        message: EVIL.to_owned(),
        help: Some(EVIL.to_owned()),
        event: Some(Event {
            reason: "ErrImagePull",
            message: EVIL.to_owned(),
        }),
        node_pools: vec![EVIL.to_owned()],
        ..finding("some-rule", &occurrence)
    });
    builder.0.inputs.push(Input {
        path: EVIL.to_owned(),
        source: None,
        dialect: Dialect::Unknown,
        skipped: Some(EVIL.to_owned()),
    });
    builder.pool(EVIL, "linux/amd64");
    builder.report()
}

/// Whether a CI runner would take a line for a command.
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn nothing_in_a_terminal_report_acts() {
    for width in [0, 1, 20, 60, 80, 1000] {
        let style = Style {
            width,
            ..Style::default()
        };
        let text = written(
            &Pretty {
                style,
                ..Pretty::default()
            },
            &hostile(),
        );
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(acts), "{text:?}");
        assert!(!text.lines().any(is_command), "{text}");
    }
}

/// An image whose registry wants to do harm, on a pool of that kind.
pub fn hostile_image() -> Report {
    let Answer::Found(mut found) = index(None) else {
        panic!("an index");
    };
    for image in &mut found.images {
        image.declared = Some(Platform::new(EVIL, EVIL, None, None));
        if let Some(Answer::Found(config)) = &mut image.config {
            config.platform.clone_from(&image.declared);
            for step in &mut config.history {
                step.created_by = Some(EVIL.to_owned());
            }
        }
    }
    let mut builder = clean();
    builder.pool(EVIL, "linux/amd64");
    builder.0.node_pools[0]
        .taints
        .push(Taint::new(EVIL, EVIL, Effect::NoSchedule));
    builder.lookup("nginx:1.27", Answer::Found(found));
    builder.report()
}

#[test]
fn nothing_in_an_inspected_image_acts() {
    for width in [0, 1, 20, 60, 80, 1000] {
        let style = Style {
            width,
            ..Style::default()
        };
        let verbose = Pretty {
            style,
            detail: Detail::Verbose,
        };
        let report = hostile_image();
        for format in [&Inspection { style } as &dyn Format, &verbose] {
            let text = written(format, &report);
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(acts), "{text:?}");
            assert!(!text.lines().any(is_command), "{text}");
            assert!(text.contains(r"\u{1b}"), "{text}");
        }
    }
    let json = written(&InspectionJson, &hostile_image());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["pulls"][0]["node_pool"], EVIL);
}

#[test]
fn nothing_in_an_annotation_gets_out_of_it() {
    let text = written(&GitHub, &hostile());
    assert!(
        !text.contains(|c: char| c.is_control() && c != '\n'),
        "{text:?}"
    );
    for line in text.lines() {
        assert!(line.starts_with("::error "), "{line}");
        assert!(!line.contains("##["), "{line}");
        let (properties, _) = line["::error ".len()..]
            .split_once("::")
            .expect("a command");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').expect("a property");
            assert!(
                ["file", "line", "col", "endLine", "endColumn", "title"].contains(&name),
                "{line}"
            );
            assert!(!value.contains([':', '\r', '\n']), "{line}");
        }
    }
}

#[test]
fn json_keeps_hostile_text_as_it_is() {
    let json: serde_json::Value = serde_json::from_str(&written(&Json, &hostile())).expect("JSON");
    assert_eq!(json["findings"][0]["message"], EVIL);
    assert_eq!(json["images"][0]["occurrences"][0]["container"], EVIL);
}

#[test]
fn tabs_and_wide_characters_stand_above_their_marker() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", "\tname: 世界 \u{1b} image: x/y:1\r\nnext\r\n");
    let occurrence = builder.occurrence(source, "x/y:1", 0);
    builder.0.findings.push(finding("some-rule", &occurrence));
    insta::assert_snapshot!(written(&Pretty::default(), &builder.report()));
}

#[test]
fn a_very_long_line_is_cut_around_the_span() {
    let mut builder = Builder::default();
    let lead = "世 ".repeat(100_000);
    let source = builder.source("a.json", &format!("{lead}\"x/y:1\"{lead}"));
    let occurrence = builder.occurrence(source, "x/y:1", 0);
    builder.0.findings.push(finding("some-rule", &occurrence));
    let text = written(&Pretty::default(), &builder.report());
    insta::assert_snapshot!(text);
}

#[test]
fn a_span_over_several_lines_shows_its_first() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", "image: >-\n  x/y\n  :1\nnext: a\n");
    let occurrence = builder.occurrence(source, "x/y\n  :1", 0);
    builder.0.findings.push(finding("some-rule", &occurrence));
    let report = builder.report();
    let text = written(&Pretty::default(), &report);
    assert!(
        text.contains("2 │   x/y") && !text.contains(":1\n"),
        "{text}"
    );
    let annotation = written(&GitHub, &report);
    assert!(
        annotation.contains("line=2,endLine=3,title="),
        "{annotation}"
    );
}

#[test]
fn spans_at_the_edges_of_a_text_are_shown() {
    let mut builder = Builder::default();
    let source = builder.source("empty.yaml", "");
    let mut occurrence = builder.occurrence(source, "", 0);
    occurrence.span.end = 10;
    builder.0.findings.push(finding("some-rule", &occurrence));
    let text = written(&Pretty::default(), &builder.report());
    assert!(text.contains("empty.yaml:1:1"), "{text}");
}

#[test]
fn ten_thousand_findings_on_one_line_of_megabytes_are_written_in_every_format() {
    let mut builder = Builder::default();
    let text = format!(
        "{{\"image\":\"x/y:1\", \"filler\":\"{}\"}},",
        "ü".repeat(100)
    )
    .repeat(10_000);
    let source = builder.source("all.json", &text);
    let ends: Vec<usize> = text.match_indices("x/y:1").map(|(at, _)| at).collect();
    let mut occurrence = builder.occurrence(source, "x/y:1", 0);
    for (number, start) in ends.into_iter().enumerate() {
        (occurrence.span.start, occurrence.span.end) = (start, start + 5);
        builder.0.findings.push(Finding {
            message: format!("place {number} is bad"),
            ..finding("some-rule", &occurrence)
        });
    }
    let report = builder.report();
    for (format, expected) in [
        (FormatName::Pretty, 10_000),
        (FormatName::Json, 10_000),
        (FormatName::Sarif, 10_000),
        (FormatName::GitHub, 10),
        (FormatName::GitLab, 10_000),
        (FormatName::JUnit, 20_000),
        (FormatName::Markdown, 50),
        (FormatName::Html, 10_000),
    ] {
        let format = format.format(Style::default(), Detail::default());
        let text = written(&*format, &report);
        assert_eq!(text.matches(" is bad").count(), expected);
    }
}

#[test]
fn a_finding_of_very_many_places_lists_some_and_counts_the_rest() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", &"image: x/y:1\n".repeat(1000));
    for nth in 0..1000 {
        let occurrence = builder.occurrence(source, "x/y:1", nth);
        builder.0.findings.push(finding("some-rule", &occurrence));
    }
    let report = builder.report();
    assert_eq!(report.findings.len(), 1);
    let text = written(&Pretty::default(), &report);
    assert!(text.contains("+979 more"), "{text}");
    assert!(text.lines().count() < 60, "{text}");
    let annotations = written(&GitHub, &report);
    assert!(annotations.contains("Not shown: 990 errors. In all: 1000 errors."));
}

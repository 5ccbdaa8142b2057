//! Reports: what is merged, sorted and judged, and what each format makes of it.

use oci_preflight::facts::{Answer, FailureReason};
use oci_preflight::finding::{Problem, Severity};
use oci_preflight::report::{Detail, GitHub, Json, Pretty, Report, Style, Verdict};
use serde_json::Value;

use crate::reports_builder::{Builder, clean, finding, index, shop, undetermined, written};
use crate::reports_hostile::hostile;

fn json(report: &Report) -> Value {
    serde_json::from_str(&written(&Json, report)).expect("JSON")
}

fn pretty(style: Style, detail: Detail) -> String {
    written(&Pretty { style, detail }, &shop().report())
}

#[test]
fn equal_findings_of_several_places_are_one() {
    let report = shop().report();
    let places: Vec<(String, usize, usize)> = report
        .findings
        .iter()
        .find(|finding| finding.rule == "missing-platform")
        .expect("the finding")
        .places
        .iter()
        .map(|&span| {
            let start = report.sources.start(span);
            let path = report.sources.get(span.source).name.clone();
            (path, start.line, start.column)
        })
        .collect();
    let expected = [
        ("k8s/jobs.yaml", 1, 10),
        ("k8s/web.yaml", 5, 15),
        ("k8s/web.yaml", 7, 14),
    ];
    assert_eq!(
        places,
        expected.map(|(path, line, column)| (path.to_owned(), line, column))
    );
}

#[test]
fn findings_that_differ_in_anything_but_places_stay_apart() {
    let mut builder = shop();
    let mut other = builder.0.findings[0].clone();
    other.node_pools = vec!["general".to_owned()];
    builder.0.findings.push(other);
    let report = builder.report();
    let rules: Vec<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(
        rules
            .iter()
            .filter(|rule| **rule == "missing-platform")
            .count(),
        2
    );
}

#[test]
fn the_report_does_not_depend_on_the_order_in_which_things_were_found() {
    let mut shuffled = shop();
    shuffled.0.findings.reverse();
    shuffled.0.occurrences.reverse();
    shuffled.0.inputs.reverse();
    shuffled.0.problems.reverse();
    assert_eq!(json(&shuffled.report()), json(&shop().report()));
}

#[test]
fn a_run_without_anything_wrong_passes() {
    let report = clean().report();
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(report.undetermined_because, Vec::<String>::new());
}

#[test]
fn an_empty_run_could_not_tell() {
    let report = Builder::default().report();
    assert_eq!(report.verdict, Verdict::Undetermined);
    assert_eq!(
        report.undetermined_because,
        ["no image was found in any path given"]
    );
}

#[test]
fn an_undetermined_child_makes_the_run_undetermined() {
    let mut builder = clean();
    let timeout = Answer::Undetermined(undetermined(FailureReason::Timeout));
    builder.lookup("nginx:1.27", index(Some(timeout)));
    let report = builder.report();
    assert_eq!(report.verdict, Verdict::Undetermined);
    assert_eq!(
        report.undetermined_because,
        ["no answer about docker.io/library/nginx:1.27 (timeout)"]
    );
    let image = &json(&report)["images"][0];
    assert_eq!(
        (&image["status"], &image["reason"]),
        (&"undetermined".into(), &"timeout".into())
    );
}

#[test]
fn what_could_not_be_read_or_understood_makes_the_run_undetermined() {
    let mut unread = clean();
    unread.skipped("locked.yaml", None, "Permission denied");
    let mut broken = clean();
    let source = broken.source("broken.yaml", "\nkind: [\n");
    broken.0.problems.push(Problem {
        span: broken.span(source, "[", 0),
        message: "this list is never closed".to_owned(),
        help: None,
    });
    for (builder, reason) in [
        (unread, "could not read locked.yaml (Permission denied)"),
        (broken, "could not understand broken.yaml:2:7"),
    ] {
        let report = builder.report();
        assert_eq!(report.verdict, Verdict::Undetermined);
        assert_eq!(report.undetermined_because, [reason]);
    }
}

#[test]
fn a_skipped_template_and_an_offline_run_are_no_doubt() {
    let mut builder = clean();
    let template = builder.source("t.yaml", "{{ }}");
    builder.skipped("t.yaml", Some(template), "a template");
    builder.0.lookups.clear();
    let report = builder.report();
    assert_eq!(report.verdict, Verdict::Pass);
    assert_eq!(json(&report)["images"][0]["status"], "unchecked");
}

#[test]
fn a_long_list_of_reasons_is_counted() {
    let mut builder = clean();
    for number in 0..5 {
        builder.skipped(&format!("{number}.yaml"), None, "gone");
    }
    assert_eq!(
        builder.report().undetermined_because,
        ["could not read 0.yaml (gone), 1.yaml (gone), 2.yaml (gone) and 2 more"]
    );
}

#[test]
fn json_follows_its_schema() {
    let schema = serde_json::from_str(Json::SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    for report in [
        shop().report(),
        clean().report(),
        Builder::default().report(),
        hostile(),
    ] {
        let report = json(&report);
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let mut wrong = json(&shop().report());
    wrong["findings"][0]["line"] = 0.into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn json_holds_everything() {
    let mut report = shop().report();
    report.statistics = oci_preflight::report::Statistics::default();
    let text = written(&Json, &report);
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    insta::assert_snapshot!(text.replace(&version, "\"version\": \"VERSION\""));
}

fn fingerprints(report: &Report) -> Vec<String> {
    let json = json(report);
    let findings = json["findings"].as_array().expect("findings");
    let places = findings
        .iter()
        .flat_map(|finding| finding["places"].as_array().expect("places"));
    places
        .map(|place| place["fingerprint"].to_string())
        .collect()
}

#[test]
fn fingerprints_stay_when_a_container_comes_in_before() {
    let build = |containers: &[&str]| {
        let mut builder = Builder::default();
        let source = builder.source("a.yaml", &"image: x/y:1\n".repeat(containers.len()));
        for (nth, container) in containers.iter().enumerate() {
            let mut occurrence = builder.occurrence(source, "x/y:1", nth);
            occurrence.container = Some((*container).to_owned());
            *builder.0.occurrences.last_mut().expect("it") = occurrence.clone();
            builder.0.findings.push(finding("some-rule", &occurrence));
        }
        builder.report()
    };
    let before = fingerprints(&build(&["web", "log"]));
    let after = fingerprints(&build(&["new", "web", "log"]));
    assert_eq!(before, after[1..]);
    let distinct: std::collections::BTreeSet<&String> = after.iter().collect();
    assert_eq!(distinct.len(), 3);
    // Containers without a name of their own are told apart by number.
    let twins = fingerprints(&build(&["web", "web"]));
    assert_ne!(twins[0], twins[1]);
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_between_findings() {
    let build = |lead: &str| {
        let mut builder = Builder::default();
        let source = builder.source("a.yaml", &format!("{lead}image: x/y:1\nimage: x/y:1\n"));
        for nth in 0..2 {
            let occurrence = builder.occurrence(source, "x/y:1", nth);
            for message in ["one thing", "another"] {
                let mut finding = finding("image-not-found", &occurrence);
                finding.message = format!("{message} at {nth}");
                builder.0.findings.push(finding);
            }
        }
        builder.report()
    };
    let (before, after) = (
        fingerprints(&build("")),
        fingerprints(&build("# one\n# two\n")),
    );
    assert_eq!(before, after);
    let distinct: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(distinct.len(), 4);
}

#[test]
fn pretty_shows_findings_then_sources_then_the_sum() {
    insta::assert_snapshot!(pretty(Style::default(), Detail::Normal));
}

#[test]
fn pretty_says_more_and_less_when_asked() {
    let verbose = pretty(Style::default(), Detail::Verbose);
    assert!(
        verbose.contains("1.2 s, 7 requests, 4.2 kB received, 1 from the cache"),
        "{verbose}"
    );
    let quiet = pretty(Style::default(), Detail::Quiet);
    assert!(quiet.contains("missing-platform"), "{quiet}");
    assert!(
        !quiet.contains("fail: ") && !quiet.contains("skipped"),
        "{quiet}"
    );
}

#[test]
fn pretty_without_a_target_says_so() {
    let text = written(&Pretty::default(), &clean().report());
    insta::assert_snapshot!(text);
}

#[test]
fn pretty_degrades_to_ascii_without_colour() {
    let style = Style {
        unicode: false,
        width: 60,
        ..Style::default()
    };
    let text = pretty(style, Detail::Normal);
    assert!(text.replace("müde", "").is_ascii(), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn pretty_has_colour_and_links_only_where_they_are_wanted() {
    let plain = pretty(Style::default(), Detail::Verbose);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let color = pretty(
        Style {
            color: true,
            ..Style::default()
        },
        Detail::Verbose,
    );
    assert!(
        color.contains("\u{1b}[31m") && !color.contains("\u{1b}]8;;"),
        "{color}"
    );
}

#[test]
fn pretty_links_a_rule_to_its_page_where_links_are_wanted() {
    let mut builder = clean();
    let occurrence = builder.0.occurrences[0].clone();
    builder.0.findings.push(finding("latest-tag", &occurrence));
    let style = Style {
        links: true,
        ..Style::default()
    };
    let text = written(
        &Pretty {
            style,
            ..Pretty::default()
        },
        &builder.report(),
    );
    let link = "\u{1b}]8;;https://github.com/oci-preflight/oci-preflight/blob/main/docs/rules/latest-tag.md\u{1b}\\";
    assert!(
        text.starts_with(&format!("{link}error[latest-tag]")),
        "{text:?}"
    );
}

#[test]
fn github_gets_annotations() {
    insta::assert_snapshot!(written(&GitHub, &shop().report()));
}

#[test]
fn github_says_why_a_run_could_not_tell() {
    let text = written(&GitHub, &Builder::default().report());
    assert_eq!(
        text,
        "::error title=could not tell::no image was found in any path given\n"
    );
}

#[test]
fn github_gets_at_most_ten_annotations_of_a_kind_and_the_rest_summed_up() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", &"image: x\n".repeat(40));
    for nth in 0..40 {
        let occurrence = builder.occurrence(source, "x\n", nth);
        let mut finding = finding("some-rule", &occurrence);
        finding.message = format!("number {nth}");
        finding.severity = [Severity::Error, Severity::Warning, Severity::Note][nth % 3];
        builder.0.findings.push(finding);
    }
    let text = written(&GitHub, &builder.report());
    for kind in ["::error ", "::warning ", "::notice "] {
        assert_eq!(
            text.lines().filter(|line| line.starts_with(kind)).count(),
            10,
            "{text}"
        );
    }
    let last = text.lines().last().expect("a line");
    assert!(
        last.contains("Not shown: 4 errors, 3 warnings, 4 notes. In all: 14 errors"),
        "{last}"
    );
}

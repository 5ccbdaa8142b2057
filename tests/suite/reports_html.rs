//! The HTML page, in a real browser where one is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci_preflight::facts::{Answer, FailureReason};
use oci_preflight::finding::Finding;
use oci_preflight::report::{Html, Markdown, Report};

use crate::reports_builder::{Builder, clean, finding, index, shop, undetermined, written};
use crate::reports_hostile::{hostile, hostile_image};

/// The shop, with a second image that shares the layers of the first.
fn shop_with_shared_layers() -> Report {
    let mut builder = shop();
    let source = builder.source("k8s/api.yaml", "image: quay.io/shop/api:3\n");
    builder.occurrence(source, "quay.io/shop/api:3", 0);
    builder.lookup("quay.io/shop/api:3", index(None));
    builder.report()
}

fn page(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("a file");
    path
}

/// The document as it is after the scripts ran, and what the browser logged. None where there is no browser.
fn in_browser(path: &Path) -> Option<(String, String)> {
    let profile = tempfile::tempdir().expect("a folder");
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--allow-file-access-from-files",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", path.display()))
        .output();
    match output {
        Ok(output) => Some((
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
        Err(error) => {
            println!("skipped: no chromium ({error})");
            None
        }
    }
}

fn console(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect()
}

#[test]
fn the_page_asks_for_nothing_else() {
    for report in [
        shop_with_shared_layers(),
        clean().report(),
        Builder::default().report(),
    ] {
        let text = written(&Html, &report);
        for loading in [
            " src=",
            "<link",
            "@import",
            "url(",
            "<iframe",
            "<img",
            " style=",
            " onclick=",
        ] {
            assert!(!text.contains(loading), "{loading}: {text}");
        }
        assert!(text.contains("default-src 'none'"), "{text}");
    }
}

#[test]
fn hostile_text_adds_no_element() {
    for report in [hostile(), hostile_image()] {
        let text = written(&Html, &report);
        assert!(text.contains("&lt;/script&gt;"), "{text}");
        assert_eq!(text.matches("<script").count(), 1);
        assert_eq!(text.matches("</script").count(), 1);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
}

#[test]
fn a_browser_renders_and_filters_the_page_without_an_error() {
    let report = page("report.html", &written(&Html, &shop_with_shared_layers()));
    let driver = page(
        "driver.html",
        &format!(
            r#"<!doctype html><iframe src="{}"></iframe><pre></pre><script>
            onload = () => {{
                const page = document.querySelector("iframe").contentDocument;
                const search = page.querySelector("input[type=search]");
                const lines = [];
                const shown = () => {{
                    search.dispatchEvent(new Event("input", {{ bubbles: true }}));
                    const articles = [...page.querySelectorAll("article[data-severity]")];
                    lines.push(page.querySelector("output").textContent + "; "
                        + articles.filter((article) => article.offsetParent !== null).length);
                }};
                shown();
                search.value = "Migrate HOST";
                shown();
                search.value = "";
                page.querySelector("input[value=error]").click();
                shown();
                page.dispatchEvent(new KeyboardEvent("keydown", {{ key: "/" }}));
                lines.push(page.activeElement === search);
                document.querySelector("pre").textContent = lines.join("\n");
            }};
            </script>"#,
            report.file_name().expect("a name").display()
        ),
    );
    let Some((document, log)) = in_browser(&driver) else {
        return;
    };
    assert!(
        document.contains(
            "<pre>4 of 4 findings; 4\n1 of 4 findings; 1\n1 of 4 findings; 1\ntrue</pre>"
        ),
        "{document}\n{log}"
    );
    assert_eq!(console(&log), Vec::<&str>::new());
}

#[test]
fn the_page_can_be_used_by_keyboard_in_the_dark_and_on_paper() {
    let report = page("modes.html", &written(&Html, &shop_with_shared_layers()));
    let driver = page(
        "modes-driver.html",
        &format!(
            r#"<!doctype html><iframe src="{}"></iframe><pre></pre><script>
            onload = () => {{
                const frame = document.querySelector("iframe");
                const page = frame.contentDocument;
                const back = () => frame.contentWindow.getComputedStyle(page.body).backgroundColor;
                const lines = [];
                const light = back();
                page.documentElement.style.colorScheme = "dark";
                lines.push("dark " + (back() !== light));
                const focusable = [...page.querySelectorAll("a, input, summary, [tabindex]")];
                lines.push("focus " + focusable.every((item) => {{
                    item.focus();
                    return page.activeElement === item;
                }}));
                const search = page.querySelector("input[type=search]");
                search.value = "nothing has this";
                search.dispatchEvent(new Event("input", {{ bubbles: true }}));
                search.dispatchEvent(new KeyboardEvent("keydown", {{ key: "Escape", bubbles: true }}));
                lines.push("escape " + (search.value === ""));
                frame.contentWindow.dispatchEvent(new Event("beforeprint"));
                const details = [...page.querySelectorAll("details")];
                lines.push("print " + (details.length > 0 && details.every((one) => one.open)));
                document.querySelector("pre").textContent = lines.join("\n");
            }};
            </script>"#,
            report.file_name().expect("a name").display()
        ),
    );
    let Some((document, log)) = in_browser(&driver) else {
        return;
    };
    assert!(
        document.contains("<pre>dark true\nfocus true\nescape true\nprint true</pre>"),
        "{document}\n{log}"
    );
    assert_eq!(console(&log), Vec::<&str>::new());
}

/// What a script finds out about a page in a frame of that many columns of dots. None where there is no browser.
fn asked(name: &str, width: usize, text: &str, script: &str) -> Option<String> {
    let report = page(&format!("{name}.html"), text);
    let driver = page(
        &format!("{name}-driver.html"),
        &format!(
            r#"<!doctype html><iframe width={width} height=800 src="{}"></iframe><pre></pre><script>
            onload = () => {{
                const frame = document.querySelector("iframe");
                const page = frame.contentDocument;
                const lines = [];
                {script}
                document.querySelector("pre").textContent = lines.join("; ");
            }};
            </script>"#,
            report.file_name().expect("a name").display()
        ),
    );
    let (document, log) = in_browser(&driver)?;
    assert_eq!(console(&log), Vec::<&str>::new());
    let (_, said) = document.split_once("<pre>").expect("an answer");
    Some(said.split("</pre>").next().unwrap_or_default().to_owned())
}

#[test]
fn long_names_stay_within_a_narrow_window() {
    let long = "averylongname".repeat(20);
    let mut builder = shop();
    let image = format!("registry.test/{}app:1", "team/".repeat(40));
    let source = builder.source(&format!("{long}/{long}.yaml"), &format!("image: {image}\n"));
    let mut occurrence = builder.occurrence(source, &image, 0);
    occurrence.container = Some(long.clone());
    *builder.0.occurrences.last_mut().expect("it") = occurrence.clone();
    builder.0.findings.push(Finding {
        message: long.clone(),
        help: Some(long.clone()),
        ..finding("some-rule", &occurrence)
    });
    builder.skipped(&format!("{long}.txt"), None, &long);
    builder.pool(&long, "linux/amd64");
    builder.lookup(&image, index(None));
    let text = written(&Html, &builder.report());
    for width in [400, 1000] {
        let script = "lines.push(page.documentElement.scrollWidth);";
        let Some(said) = asked("narrow", width, &text, script) else {
            return;
        };
        let columns: usize = said.parse().expect("a number");
        assert!(columns <= width, "{columns} in {width}");
    }
}

#[test]
fn ten_thousand_findings_open_and_are_filtered_without_waiting() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", &"image: x/y:1\n".repeat(10_000));
    let text = "image: x/y:1\n".len();
    let mut occurrence = builder.occurrence(source, "x/y:1", 0);
    let (start, end) = (occurrence.span.start, occurrence.span.end);
    for number in 0..10_000 {
        (occurrence.span.start, occurrence.span.end) = (start + number * text, end + number * text);
        builder.0.findings.push(Finding {
            message: format!("number {number} is bad"),
            ..finding("some-rule", &occurrence)
        });
    }
    let script = r#"
        const search = page.querySelector("input[type=search]");
        for (const words of ["number 77", ""]) {
            search.value = words;
            const start = performance.now();
            search.dispatchEvent(new Event("input", { bubbles: true }));
            page.documentElement.getBoundingClientRect();
            const time = performance.now() - start;
            lines.push(page.querySelector("output").textContent + (time < 1500 ? "" : ` in ${time} ms`));
        }"#;
    let Some(said) = asked("many", 1000, &written(&Html, &builder.report()), script) else {
        return;
    };
    assert_eq!(said, "380 of 10000 findings; 10000 of 10000 findings");
}

#[test]
fn a_damaged_image_is_no_missing_answer() {
    let mut builder = clean();
    builder.pool("general", "linux/amd64");
    let damaged = undetermined(FailureReason::Damaged);
    builder.lookup("nginx:1.27", Answer::Undetermined(damaged));
    let report = builder.report();
    let html = written(&Html, &report);
    assert!(html.contains("<td class=\"no\">✗ damaged</td>"), "{html}");
    assert!(html.contains(">damaged · 1 place<"), "{html}");
    assert!(written(&Markdown, &report).contains("❌ damaged"));
    assert_eq!(
        report.undetermined_because,
        ["could not use the answer about docker.io/library/nginx:1.27 (damaged)"]
    );
}

#[test]
fn a_browser_runs_nothing_of_a_hostile_report() {
    let text = written(&Html, &hostile());
    let injected = text.replace("<main>", "<main><script>document.title = 'run'</script>");
    for (name, text, errors) in [("hostile.html", text, 0), ("injected.html", injected, 1)] {
        let Some((document, log)) = in_browser(&page(name, &text)) else {
            return;
        };
        assert!(document.contains("<title>oci-preflight: "), "{document}");
        assert!(!document.contains("<title>run"), "{document}");
        assert_eq!(console(&log).len(), errors, "{log}");
    }
}

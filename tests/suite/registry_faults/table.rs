//! The table of all faults, in `docs/faults.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::run::observe;
use super::{FAMILIES, Fault};

const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->";

fn page() -> PathBuf {
    crate::runner::project().join("docs/faults.md")
}

/// The page before, in and after its table.
fn parts(page: &str) -> (&str, &str, &str) {
    let (before, rest) = page.split_once(BEGIN).expect("the beginning of the table");
    let (table, after) = rest.split_once(END).expect("the end of the table");
    (before, table, after)
}

/// `cargo test --test suite -- --ignored --nocapture fault_table` prints the table; with `UPDATE=1` it is written
/// into the page, too. One fault at a time, so that the times are those of one run.
#[test]
#[ignore = "takes the time of all faults one after the other; it prints and writes the table"]
fn fault_table() {
    let now = httpdate::fmt_http_date(SystemTime::now());
    let date = now.get(5..16).unwrap_or_default();
    let mut table = format!("Measured on {date}.\n\n");
    let mut wrong = Vec::new();
    for (family, faults) in FAMILIES {
        let _ = write!(
            table,
            "### {family}\n\n| fault | what the registry does | outcome | rule | exit | time | memory | leaks |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for fault in *faults {
            let (row, faults) = row(fault);
            println!("{row}");
            let _ = writeln!(table, "{row}");
            wrong.extend(faults);
        }
        table.push('\n');
    }
    if std::env::var_os("UPDATE").is_some() {
        let text = fs::read_to_string(page()).expect("the page");
        let (before, _, after) = parts(&text);
        let text = format!("{before}{BEGIN}{}\n{END}{after}", table.trim_end());
        fs::write(page(), text).expect("the page");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A line of the table, and what is wrong in it.
fn row(fault: &Fault) -> (String, Vec<String>) {
    let observed = observe(fault);
    let outcome = match &observed.reason {
        Some(reason) => format!("{}: {reason}", observed.status),
        None => observed.status.clone(),
    };
    let leaks = if observed.leaks.is_empty() {
        "no".to_owned()
    } else {
        observed.leaks.join(", ")
    };
    let row = format!(
        "| {} | {} | {outcome} | {} | {} | {:.1} s | {} MB | {leaks} |",
        fault.name,
        fault.about.trim().trim_end_matches('.').replace('|', "\\|"),
        observed.rules.join(", "),
        observed.exit,
        observed.time.as_secs_f64(),
        observed.memory / 1_000_000,
    );
    let wrong = observed.faults(fault.expected).into_iter();
    (
        row,
        wrong.map(|it| format!("{}: {it}", fault.name)).collect(),
    )
}

#[test]
fn the_page_lists_every_fault() {
    let text = fs::read_to_string(page()).expect("the page");
    let (_, table, _) = parts(&text);
    let listed: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .filter(|name| !matches!(*name, "fault" | "---"))
        .collect();
    let known: BTreeSet<&str> = FAMILIES
        .iter()
        .flat_map(|(_, faults)| faults.iter().map(|fault| fault.name))
        .collect();
    assert_eq!(
        listed, known,
        "write the table anew: UPDATE=1 cargo test --test suite -- --ignored --nocapture fault_table"
    );
}

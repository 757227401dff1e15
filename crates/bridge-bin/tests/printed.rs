//! What the binary prints about faulty files, as it was reviewed: would a tired operator mend the
//! file in one go?
//!
//! The cases are in `printed/*.cases`, what is printed of them in `printed/snapshots`. After a change
//! that is meant, let the snapshots be written anew and read their differences:
//! `INSTA_UPDATE=always cargo test -p bridge-bin --test printed`, then `git diff`.

#[path = "printed/case.rs"]
mod case;
mod support;

use std::collections::BTreeSet;
use std::sync::LazyLock;

// Links the drivers, as the binary does.
use bridge_bin as _;
use bridge_core::config::codes;
use case::{Case, cases};

/// Each with the file of its cases.
const GROUPS: [(&str, &str); 5] = [
    ("syntax", include_str!("printed/syntax.cases")),
    ("config", include_str!("printed/config.cases")),
    ("rules", include_str!("printed/rules.cases")),
    ("meaning", include_str!("printed/meaning.cases")),
    ("formats", include_str!("printed/formats.cases")),
];

/// What the binary says of each case, by group. Asked once for all tests: some cases look at whether
/// their ports are free, so two that run at once would meet each other.
static SAID: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let groups = GROUPS.iter();
    groups
        .map(|(name, text)| (*name, said(&cases(text))))
        .collect()
});

fn said(cases: &[Case]) -> String {
    let said = |case: &Case| format!("=== {}\n{}\n", case.name, case.run());
    cases.iter().map(said).collect()
}

#[test]
fn what_is_printed_is_what_was_reviewed() {
    println!(
        "to review a change: INSTA_UPDATE=always cargo test -p bridge-bin --test printed, then git diff"
    );
    assert!(
        std::env::var_os("INSTA_FORCE_PASS").is_none(),
        "INSTA_FORCE_PASS would hide every difference"
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("printed/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, said) in &*SAID {
        settings.bind(|| insta::assert_snapshot!(*name, said));
    }
}

#[test]
fn every_code_that_files_can_cause_is_printed() {
    let printed: String = SAID.iter().map(|(_, said)| said.as_str()).collect();
    let heads = printed
        .lines()
        .filter(|line| line.starts_with("error[E") || line.starts_with("warning[E"));
    let heads: Vec<_> = heads.collect();
    assert!(heads.len() >= 60, "{}", heads.len());
    let found: BTreeSet<_> = heads
        .iter()
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    let of_files = codes::all().filter(|code| code.id < "E05");
    let missing: Vec<_> = of_files
        .map(|code| code.id)
        .filter(|id| !found.contains(id))
        .collect();
    assert_eq!(missing, [""; 0]);
}

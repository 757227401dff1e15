//! `bridge test`: whether the rules do with certain messages what a file of tests says.

use std::path::{Path, PathBuf};

use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, Loaded, Setup};
use bridge_core::message::single_line;
use bridge_core::rules::{Case, Difference};
use similar::{ChangeTag, TextDiff};

use super::{Exit, output};
use crate::files::{Files, Offline, source};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Files of tests; without any, the one beside the rules: rules/NAME.tests.json
    #[arg(value_name = "FILE")]
    tests: Vec<PathBuf>,
}

pub(super) fn test(args: &Args, catalog: &Catalog) -> Exit {
    let loaded = args.files.load(catalog, &Offline);
    let Some(setup) = &loaded.setup else {
        let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
        output::diagnostics(errors);
        return Exit::Config;
    };
    let files = match args.tests.is_empty() {
        true => vec![beside(&args.files.rules())],
        false => args.tests.clone(),
    };
    let cases = match read(&files, &loaded) {
        Ok(cases) => cases,
        Err(diagnostics) => {
            output::diagnostics(&diagnostics);
            output::error(&output::count(&diagnostics));
            return Exit::Config;
        }
    };
    let mut failed = 0;
    for case in &cases {
        let differences = case.run(&setup.rules, &setup.instances);
        if !differences.is_empty() {
            failed += 1;
            output::print(&format_args!(
                "{}\n",
                describe(case, &differences, setup, args)
            ));
        }
    }
    let all = output::counted(cases.len(), "test");
    if failed > 0 {
        output::error(&format_args!("{failed} of {all} failed"));
        return Exit::Failed;
    }
    output::print(&format_args!("{all} passed"));
    Exit::Fine
}

/// `rules/NAME.tests.json` for `rules/NAME.json`, or the same in another format if only that is
/// there.
fn beside(rules: &Path) -> PathBuf {
    let endings = ["json", "yaml", "yml", "toml"].map(|ending| format!("tests.{ending}"));
    let there = endings
        .iter()
        .map(|ending| rules.with_extension(ending))
        .find(|path| path.exists());
    there.unwrap_or_else(|| rules.with_extension("tests.json"))
}

fn read(files: &[PathBuf], loaded: &Loaded) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let mut cases = Vec::new();
    let mut diagnostics = Vec::new();
    for file in files {
        match loaded.cases(&source(file, "an argument")) {
            Ok(read) => cases.extend(read),
            Err(found) => diagnostics.extend(found),
        }
    }
    match diagnostics.is_empty() {
        true => Ok(cases),
        false => Err(diagnostics),
    }
}

/// ```text
/// failed: what ops says reaches dev (rules/rules.tests.json:3:5)
///   {"dt_ops": {…}}: the text differs (rules/rules.tests.json:7:9)
///     - 张三: hello
///     + 张三: hello!
/// ```
fn describe(case: &Case, differences: &[Difference], setup: &Setup, args: &Args) -> String {
    let mut lines = vec![format!(
        "failed: {} ({})",
        single_line(&case.name),
        case.place
    )];
    for difference in differences {
        match difference {
            Difference::Missing { channel, place } => {
                lines.push(format!(
                    "  {channel}: expected, but no rule sends it there ({place})"
                ));
            }
            Difference::Unexpected { channel, rule } => {
                let place = setup.rules.place_of(rule);
                let place = place.map_or_else(String::new, |(line, column)| {
                    format!(" ({}:{line}:{column})", args.files.rules().display())
                });
                lines.push(format!(
                    "  {channel}: not expected, but rule \"{rule}\" sends it there{place}"
                ));
            }
            Difference::Text {
                channel,
                place,
                expected,
                actual,
            } => {
                lines.push(format!(
                    "  {channel}: the text differs, - expected, + sent ({place})"
                ));
                for change in TextDiff::from_lines(expected, actual).iter_all_changes() {
                    let sign = match change.tag() {
                        ChangeTag::Delete => '-',
                        ChangeTag::Insert => '+',
                        ChangeTag::Equal => ' ',
                    };
                    let line = change.value().trim_end_matches(['\n', '\r']);
                    lines.push(format!("    {sign} {}", single_line(line)));
                }
            }
        }
    }
    lines.join("\n")
}

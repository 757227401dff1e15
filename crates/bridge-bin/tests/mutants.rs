//! Every key, value of an enumeration, placeholder and use of an instance's name in every example
//! is misspelled in every way that one key press can, and a few worse ones: what is no longer valid
//! must be refused where the operator slipped, with the right word.

#[path = "mutants/edit.rs"]
mod edit;
#[path = "mutants/token.rs"]
mod token;

use std::path::{Path, PathBuf};

use bridge_bin::files::Offline;
use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, Source, load};
use edit::{misspellings, structural};
use token::{Kind, Token, tokens};

/// One file of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Config,
    Rules,
}

/// An example: its two files.
struct Pair {
    config: (String, String),
    rules: (String, String),
}

impl Pair {
    fn text(&self, file: File) -> &str {
        match file {
            File::Config => &self.config.1,
            File::Rules => &self.rules.1,
        }
    }

    /// The errors of the pair with another text in the place of one of its files.
    fn errors_with(&self, catalog: &Catalog, file: File, text: &str) -> Vec<Diagnostic> {
        let source = |(name, whole): &(String, String), here: File| Source {
            name: name.clone(),
            content: Ok(match here == file {
                true => text.as_bytes().to_vec(),
                false => whole.as_bytes().to_vec(),
            }),
        };
        let config = source(&self.config, File::Config);
        let rules = source(&self.rules, File::Rules);
        let loaded = load(&config, &rules, catalog, &Offline);
        let errors = loaded.diagnostics.into_iter();
        errors.filter(|found| found.is_error()).collect()
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn examples() -> Vec<Pair> {
    let folder = std::fs::read_dir(top().join("config")).expect("a folder of examples");
    let names = folder.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.ends_with(".example.json").then_some(name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    let read = |folder: &str, name: &str| {
        let path = format!("{folder}/{name}");
        let text = std::fs::read_to_string(top().join(&path)).expect("an example");
        (path, text)
    };
    let pair = |name: &String| Pair {
        config: read("config", name),
        rules: read("rules", name),
    };
    names.iter().map(pair).collect()
}

/// What became of all mutants.
#[derive(Debug, Default)]
struct Score {
    mutants: usize,
    still_valid: usize,
    suggested: usize,
    misspelled: usize,
    wrong: Vec<String>,
    unsuggested: Vec<String>,
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

fn name(pair: &Pair, file: File) -> &str {
    match file {
        File::Config => &pair.config.0,
        File::Rules => &pair.rules.0,
    }
}

/// Whether one of the errors is at the token; for the definition of an instance, at one of its uses
/// with a label at the definition.
fn is_right(error: &Diagnostic, pair: &Pair, file: File, token: &Token, text: &str) -> bool {
    let here = Some(place(text, token.offset));
    if token.kind == Kind::Definition {
        return error.place.file() == name(pair, File::Rules)
            && error.labels.iter().any(|label| {
                label.place.file() == name(pair, file) && label.place.start() == here
            });
    }
    error.place.file() == name(pair, file) && error.place.start() == here
}

fn misspell(catalog: &Catalog, pair: &Pair, file: File, token: &Token, score: &mut Score) {
    let text = pair.text(file);
    for word in misspellings(&token.word) {
        let mut mutant = text.to_owned();
        mutant.replace_range(token.word_span.clone(), &word);
        score.mutants += 1;
        let errors = pair.errors_with(catalog, file, &mutant);
        if errors.is_empty() {
            score.still_valid += 1;
            continue;
        }
        let Some(error) = errors
            .iter()
            .find(|error| is_right(error, pair, file, token, &mutant))
        else {
            let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
            score.wrong.push(format!("{token:?} as {word:?}: {said:?}"));
            continue;
        };
        score.misspelled += 1;
        let meant = match token.kind {
            // The use is right, the definition is not: the suggestion is the definition's new name.
            Kind::Definition => &word,
            _ => &token.word,
        };
        match error.help == format!("did you mean `{meant}`?") {
            true => score.suggested += 1,
            false => score
                .unsuggested
                .push(format!("{} as {word}: {}", token.word, error.help)),
        }
    }
}

#[test]
fn a_slip_of_one_key_is_placed_and_its_right_word_is_suggested() {
    let catalog = Catalog::linked().expect("the drivers of this binary");
    let mut score = Score::default();
    for pair in examples() {
        for file in [File::Config, File::Rules] {
            for token in tokens(pair.text(file), file) {
                misspell(&catalog, &pair, file, &token, &mut score);
            }
        }
    }
    println!(
        "{} mutants, {} still valid, {} of {} with the right suggestion",
        score.mutants, score.still_valid, score.suggested, score.misspelled
    );
    assert!(score.wrong.is_empty(), "{:#?}", &score.wrong[..score.wrong.len().min(20)]);
    assert!(score.mutants > 10_000 && score.still_valid * 50 < score.mutants, "{score:?}");
    let most = score.misspelled * 5 / 100;
    assert!(
        score.misspelled - score.suggested <= most,
        "{:#?}",
        score.unsuggested
    );
}

#[test]
fn what_is_removed_doubled_or_of_another_type_is_placed() {
    let catalog = Catalog::linked().expect("the drivers of this binary");
    let mut wrong = Vec::new();
    let mut refused = 0;
    for pair in examples() {
        for file in [File::Config, File::Rules] {
            for mutant in structural(pair.text(file)) {
                let errors = pair.errors_with(&catalog, file, &mutant.text);
                if errors.is_empty() {
                    continue;
                }
                refused += 1;
                let expected: Vec<_> = mutant
                    .offsets
                    .iter()
                    .map(|offset| Some(place(&mutant.text, *offset)))
                    .collect();
                // What is removed from the config can be missed by the rules.
                let is_placed = errors.iter().any(|error| {
                    error.place.file() == name(&pair, file)
                        && expected.contains(&error.place.start())
                        || mutant.is_removal && error.place.file() == name(&pair, File::Rules)
                });
                if !is_placed {
                    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
                    wrong.push(format!("{}: expected {expected:?}, {said:?}", mutant.what));
                }
            }
        }
    }
    println!("{refused} structural mutants refused");
    assert!(refused > 200, "{refused}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

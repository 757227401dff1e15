//! Every key, value of an enumeration, placeholder and use of an instance's name in every example
//! is misspelled in every way that one key press can, and a few worse ones: what is no longer valid
//! must be refused where the operator slipped, with the right word.

#[path = "mutants/edit.rs"]
mod edit;
#[path = "mutants/scan.rs"]
mod scan;
#[path = "mutants/token.rs"]
mod token;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridge_bin::files::Offline;
use bridge_core::catalog::Catalog;
use bridge_core::config::{Diagnostic, Source, load};
use edit::{Mutant, misspellings, structural};
use token::{Kind, Token};

/// Set to anything, it has every mutant tried; otherwise one in [`SAMPLE`] is.
const EVERYTHING: &str = "BRIDGE_MUTANTS";

/// One of so many mutants is tried.
const SAMPLE: usize = 24;

/// One file of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Config,
    Rules,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Yaml,
    Toml,
}

/// Two files that go together: their names and texts.
struct Pair {
    syntax: Syntax,
    config: (String, String),
    rules: (String, String),
}

impl Pair {
    fn part(&self, file: File) -> &(String, String) {
        match file {
            File::Config => &self.config,
            File::Rules => &self.rules,
        }
    }

    fn name(&self, file: File) -> &str {
        &self.part(file).0
    }

    fn text(&self, file: File) -> &str {
        &self.part(file).1
    }

    fn tokens(&self, file: File) -> Vec<Token> {
        match self.syntax {
            Syntax::Json => token::tokens(self.text(file), file),
            syntax => scan::tokens(self.text(file), syntax, file),
        }
    }

    /// The errors of the pair with another text in the place of one of its files.
    fn errors_with(&self, catalog: &Catalog, file: File, text: &str) -> Vec<Diagnostic> {
        let source = |here: File| Source {
            name: self.name(here).to_owned(),
            content: Ok(match here == file {
                true => text.as_bytes().to_vec(),
                false => self.text(here).as_bytes().to_vec(),
            }),
        };
        let (config, rules) = (source(File::Config), source(File::Rules));
        let loaded = load(&config, &rules, catalog, &Offline);
        let errors = loaded.diagnostics.into_iter();
        errors.filter(|found| found.is_error()).collect()
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every committed example, and a pair with the keys that no example has.
fn pairs() -> Vec<Pair> {
    let folder = std::fs::read_dir(top().join("config")).expect("a folder of examples");
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.contains(".example.")).collect();
    names.sort();
    let read = |folder: &str, name: &str| {
        let path = format!("{folder}/{name}");
        let text = std::fs::read_to_string(top().join(&path)).expect("an example");
        (path, text)
    };
    let pair = |name: &String| Pair {
        syntax: match name.rsplit('.').next() {
            Some("yaml") => Syntax::Yaml,
            Some("toml") => Syntax::Toml,
            _ => Syntax::Json,
        },
        config: read("config", name),
        rules: read("rules", name),
    };
    let more = "crates/bridge-bin/tests/mutants";
    let more = Pair {
        syntax: Syntax::Json,
        config: read(more, "config.json"),
        rules: read(more, "rules.json"),
    };
    names.iter().map(pair).chain([more]).collect()
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

/// Whether one of the errors is at the token; for the definition of an instance, at one of its uses
/// with a label at the definition.
fn is_right(error: &Diagnostic, pair: &Pair, file: File, token: &Token, text: &str) -> bool {
    let here = Some(place(text, token.offset));
    if token.kind == Kind::Definition {
        return error.place.file() == pair.name(File::Rules)
            && error
                .labels
                .iter()
                .any(|label| label.place.file() == pair.name(file) && label.place.start() == here);
    }
    error.place.file() == pair.name(file) && error.place.start() == here
}

/// One word of one file, misspelled.
struct Slip<'a> {
    pair: &'a Pair,
    file: File,
    token: Token,
    word: String,
}

impl Slip<'_> {
    fn what(&self) -> String {
        let Self { token, word, .. } = self;
        let name = self.pair.name(self.file);
        format!("{name}: `{}` as `{word}`", token.word)
    }

    fn judge(&self, catalog: &Catalog, score: &Mutex<Score>) {
        let Self {
            pair, file, token, ..
        } = self;
        let mut mutant = pair.text(*file).to_owned();
        mutant.replace_range(token.word_span.clone(), &self.word);
        let errors = pair.errors_with(catalog, *file, &mutant);
        let right = errors
            .iter()
            .find(|error| is_right(error, pair, *file, token, &mutant));
        let mut score = score.lock().expect("no thread panics with it");
        score.mutants += 1;
        let Some(error) = right else {
            if errors.is_empty() {
                score.still_valid += 1;
            } else {
                let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
                score.wrong.push(format!("{}: {said:?}", self.what()));
            }
            return;
        };
        score.misspelled += 1;
        let meant = match token.kind {
            // The use is right, the definition is not: the suggestion is the definition's new name.
            Kind::Definition => &self.word,
            Kind::Word => &token.word,
        };
        match error.help == format!("did you mean `{meant}`?") {
            true => score.suggested += 1,
            false => score
                .unsuggested
                .push(format!("{}: {}", self.what(), error.help)),
        }
    }
}

fn slips(pairs: &[Pair]) -> Vec<Slip<'_>> {
    let mut slips = Vec::new();
    for pair in pairs {
        for file in [File::Config, File::Rules] {
            for token in pair.tokens(file) {
                let words = misspellings(&token.word).into_iter();
                slips.extend(words.map(|word| Slip {
                    pair,
                    file,
                    token: token.clone(),
                    word,
                }));
            }
        }
    }
    slips
}

/// Hands the list out to a thread per core.
fn in_threads<T: Sync>(list: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = list.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(one);
                }
            });
        }
    });
}

/// A number that is given, or one by chance.
fn seed() -> u64 {
    let given = std::env::var("BRIDGE_MUTANTS_SEED").ok();
    given.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a number"))
}

/// A part of the list, chosen by the seed, or all of it.
fn sample<T>(mut list: Vec<T>, seed: u64) -> Vec<T> {
    if std::env::var_os(EVERYTHING).is_none() {
        fastrand::Rng::with_seed(seed).shuffle(&mut list);
        list.truncate(list.len() / SAMPLE);
    }
    list
}

#[test]
fn a_slip_of_one_key_is_placed_and_its_right_word_is_suggested() {
    let catalog = Catalog::linked().expect("the drivers of this binary");
    let pairs = pairs();
    for pair in &pairs {
        let errors = pair.errors_with(&catalog, File::Config, pair.text(File::Config));
        assert!(errors.is_empty(), "{}: {errors:?}", pair.config.0);
    }
    let all = slips(&pairs);
    assert!(all.len() > 50_000, "{}", all.len());
    let seed = seed();
    println!("BRIDGE_MUTANTS_SEED={seed}; {EVERYTHING}=all tries everything");
    let tried = sample(all, seed);
    let score = Mutex::new(Score::default());
    in_threads(&tried, |slip| slip.judge(&catalog, &score));
    let score = score.into_inner().expect("no thread panics with it");
    println!(
        "{} mutants, {} still valid, {} of {} with the right suggestion",
        score.mutants, score.still_valid, score.suggested, score.misspelled
    );
    let some = |list: &[String]| list[..list.len().min(40)].join("\n");
    assert!(
        score.wrong.is_empty(),
        "{} of {}:\n{}",
        score.wrong.len(),
        score.mutants,
        some(&score.wrong)
    );
    assert!(
        score.still_valid * 50 < score.mutants,
        "{}",
        score.still_valid
    );
    let most = score.misspelled * 5 / 100;
    assert!(
        score.misspelled - score.suggested <= most,
        "{}",
        some(&score.unsuggested)
    );
}

/// Whether one of the errors is where something was done to the file.
fn is_placed(pair: &Pair, file: File, mutant: &Mutant, errors: &[Diagnostic]) -> bool {
    let expected = mutant
        .offsets
        .iter()
        .map(|offset| place(&mutant.text, *offset));
    let expected: Vec<_> = expected.collect();
    errors.iter().any(|error| {
        let start = error.place.start();
        let around =
            place(&mutant.text, mutant.around.start)..place(&mutant.text, mutant.around.end);
        let is_here =
            start.is_some_and(|start| expected.contains(&start) || around.contains(&start));
        error.place.file() == pair.name(file) && is_here
            // What is removed from the config, or emptied, can be missed by the rules.
            || (mutant.is_removal || mutant.what.ends_with(" as {}")) && error.place.file() == pair.name(File::Rules)
    })
}

#[test]
fn what_is_removed_doubled_or_of_another_type_is_placed() {
    let catalog = Catalog::linked().expect("the drivers of this binary");
    let pairs = pairs();
    let json = pairs.iter().filter(|pair| pair.syntax == Syntax::Json);
    let mut mutants = Vec::new();
    for pair in json {
        for file in [File::Config, File::Rules] {
            let all = structural(pair.text(file)).into_iter();
            mutants.extend(all.map(|mutant| (pair, file, mutant)));
        }
    }
    let refused = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    in_threads(&mutants, |(pair, file, mutant)| {
        let errors = pair.errors_with(&catalog, *file, &mutant.text);
        if errors.is_empty() {
            return;
        }
        refused.fetch_add(1, Ordering::Relaxed);
        if !is_placed(pair, *file, mutant, &errors) {
            let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
            let what = format!("{}: {}: {said:?}", pair.name(*file), mutant.what);
            wrong.lock().expect("no thread panics with it").push(what);
        }
    });
    let (refused, wrong) = (
        refused.into_inner(),
        wrong.into_inner().expect("no thread panics"),
    );
    println!("{refused} of {} structural mutants refused", mutants.len());
    assert!(refused > 1000, "{refused}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

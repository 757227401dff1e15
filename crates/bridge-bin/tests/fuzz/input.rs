//! What is fed: every example, damaged by chance, and bytes that were never a file.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Loaded, Place, Source, load};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// How many inputs each target is fed, unless `BRIDGE_FUZZ_CASES` says so.
const CASES: u32 = 256;

/// A file by its name, and its bytes.
pub(crate) type File = (String, Vec<u8>);

/// Feeds the target, from a seed that a failure names.
pub(crate) fn feed<S: Strategy>(inputs: &S, target: impl Fn(S::Value)) {
    let number = |name: &str| {
        let given = std::env::var(name).ok();
        given.map(|number| number.parse::<u64>().expect("a number"))
    };
    let seed = number("BRIDGE_FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let cases = number("BRIDGE_FUZZ_CASES").and_then(|cases| u32::try_from(cases).ok());
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(CASES),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(inputs, |input| {
        target(input);
        Ok(())
    });
    if let Err(error) = result {
        panic!("BRIDGE_FUZZ_SEED={seed}: {error}");
    }
}

/// Every committed example: its two files.
pub(crate) fn examples() -> Vec<(File, File)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::fs::read_dir(top.join("config")).expect("a folder of examples");
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.contains(".example.")).collect();
    names.sort();
    let read = |folder: &str, name: &str| {
        let path = format!("{folder}/{name}");
        let bytes = std::fs::read(top.join(&path)).expect("an example");
        (path, bytes)
    };
    let pair = |name: &String| (read("config", name), read("rules", name));
    names.iter().map(pair).collect()
}

/// What is done to a file.
#[derive(Debug, Clone)]
enum Edit {
    Remove(Index, usize),
    Insert(Index, &'static str),
    Double(Index, usize),
    Byte(Index, u8),
}

const PIECES: [&str; 40] = [
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    " ",
    "\t",
    "\r\n",
    "\\",
    "\\u",
    "\\ud83c",
    "//",
    "/*",
    "*/",
    "#",
    "-",
    "- ",
    "=",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "\"\"\"",
    "'''",
    "[[rules]]\n",
    "null",
    "1e999",
    "0x7",
    "群",
    "🎉",
    "{usr}",
    "<richheader title=\"",
    "(?P<x>",
    "\u{feff}",
];

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), prop::sample::select(&PIECES[..])).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at(), 1..80_usize).prop_map(|(at, length)| Edit::Double(at, length)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let place = |at: &Index| at.index(bytes.len() + 1);
    match edit {
        Edit::Remove(at, length) => {
            let start = place(at);
            let end = (start + length).min(bytes.len());
            bytes.drain(start..end);
        }
        Edit::Insert(at, piece) => {
            let start = place(at);
            bytes.splice(start..start, piece.bytes());
        }
        Edit::Double(at, length) => {
            let start = place(at);
            let part = bytes[start..(start + length).min(bytes.len())].to_vec();
            bytes.splice(start..start, part);
        }
        Edit::Byte(at, byte) => {
            let start = place(at);
            bytes.insert(start, *byte);
        }
    }
}

/// The two files of an example; one of them is damaged, or now and then no file at all.
pub(crate) fn damaged(is_config: bool) -> impl Strategy<Value = (File, File)> {
    let noise = prop_oneof![
        9 => Just(None),
        1 => vec(any::<u8>(), 0..200).prop_map(Some),
    ];
    let examples = prop::sample::select(examples());
    (examples, vec(edit(), 1..5), noise).prop_map(move |(mut pair, edits, noise)| {
        let (_, bytes) = match is_config {
            true => &mut pair.0,
            false => &mut pair.1,
        };
        if let Some(noise) = noise {
            *bytes = noise;
        }
        for edit in &edits {
            apply(bytes, edit);
        }
        pair
    })
}

/// Reads both files as `check` does, without the environment.
pub(crate) fn read((config, rules): &(File, File)) -> Loaded {
    let source = |(name, bytes): &File| Source {
        name: name.clone(),
        content: Ok(bytes.clone()),
    };
    let catalog = Catalog::linked().expect("the drivers are sound");
    load(&source(config), &source(rules), &catalog, &super::Offline)
}

/// Whether the place lies in its file.
pub(crate) fn is_inside(place: &Place) -> bool {
    let Place::Span(document, span) = place else {
        return true;
    };
    let end = document.place(usize::MAX);
    let within = document.place(span.start) <= end && document.place(span.end) <= end;
    within && span.start <= span.end && document.place(span.start) >= (1, 1)
}

//! No secret of a config is ever shown: random canaries stand in every secret key of every linked
//! driver, in every form and in every wrong way, everything is run that an operator can run, and no
//! output and no file of the store holds a part of one.

#[path = "canaries/live.rs"]
mod live;
#[path = "canaries/plant.rs"]
mod plant;
mod support;

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use plant::{Fault, Plant, Seed};
use support::bridge;

/// So many characters of a canary in a row count as shown.
const SHOWN: usize = 8;

/// What is run on every plant: none of it starts a bridge, since the data directory can't be made.
const COMMANDS: [&[&str]; 3] = [
    &["check"],
    &["check", "--format", "json"],
    &["run", "--log", "trace"],
];

/// What is run on those that can be read.
const MORE_COMMANDS: [&[&str]; 5] = [
    &["check", "--offline", "--deny-warnings"],
    &["explain", "--from", "one", "--text", "hi"],
    &["dead", "list"],
    &["channels"],
    &["mailboxes"],
];

/// The part of a canary that stands in the text.
fn part_in<'a>(text: &[u8], canaries: &'a [String]) -> Option<&'a str> {
    let parts = canaries.iter().flat_map(|canary| {
        let starts = 0..=canary.len() - SHOWN;
        starts.map(move |start| &canary[start..start + SHOWN])
    });
    let parts: Vec<_> = parts.collect();
    let searcher = plant::searcher(&parts);
    searcher
        .find(text)
        .map(|found| parts[found.pattern().as_usize()])
}

#[track_caller]
fn assert_hidden(what: &str, text: &[u8], canaries: &[String], seed: Seed) {
    if let Some(part) = part_in(text, canaries) {
        let text = String::from_utf8_lossy(text);
        panic!("{what} shows \"{part}\" (BRIDGE_CANARY_SEED={seed}):\n{text}");
    }
}

fn outputs(output: &Output) -> Vec<u8> {
    [&*output.stdout, b"\n", &*output.stderr].concat()
}

/// Runs every command on the plant in a folder of its own.
fn run_all(plant: &Plant, seed: Seed) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    plant.write(dir.path());
    let more = match plant.fault {
        Fault::Content => &MORE_COMMANDS[..],
        Fault::Syntax => &[],
    };
    for args in COMMANDS.iter().chain(more) {
        let mut command = bridge(dir.path(), args);
        command
            .env("RUST_BACKTRACE", "1")
            .envs(plant.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("the binary runs");
        let said = outputs(&output);
        // A bridge that says nothing would hide everything.
        assert!(said.len() > 20, "{} {args:?} said nothing", plant.name);
        let what = format!("`bridge {}` on {}", args.join(" "), plant.name);
        assert_hidden(&what, &said, &plant.canaries, seed);
    }
    assert!(!dir.path().join("data").exists());
}

#[test]
fn nothing_that_is_wrong_with_a_config_shows_its_secrets() {
    let seed = Seed::new();
    let plants = plant::plants(seed);
    assert!(plants.len() > 100, "{}", plants.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(plant) = plants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_all(plant, seed);
                }
            });
        }
    });
}

#[test]
fn what_describes_the_binary_holds_no_secret_as_a_default() {
    for args in [
        &["drivers"][..],
        &["docs"],
        &["help"],
        &["help", "run"],
        &["help", "E0209"],
    ] {
        let output = support::run(Path::new("."), args);
        assert!(output.status.success(), "{args:?}");
    }
    for (key, schema) in plant::secret_schemas() {
        let default = schema.get("default").filter(|default| !default.is_null());
        assert_eq!(default, None, "the schema of {key}");
    }
}

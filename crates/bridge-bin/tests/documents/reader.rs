//! Follows a document block by block: writes its files, runs its commands, compares what they print.
//!
//! Code blocks say in their info string what they are:
//!
//! | info string | what becomes of the block |
//! |---|---|
//! | `jsonc config`, `jsonc rules` | written to its place; it must pass the check |
//! | … `refused` | the same, but the check must refuse it |
//! | `sh` | each command is run in that folder, except for [`NOT_RUN`] |
//! | `text output` | lines that the block before it printed, in this order; `…` stands for anything |
//! | `sh fails`, `text printed`, `diff …` | left to `cargo xtask rehearse`, which follows the pages for authors of drivers |
//! | `rs` | lines of the parrot's sandbox, which documents.rs compares |
//! | others | shown only |

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::page::Block;
use crate::support::{root, run, text};

/// Commands of the documents that are not run, and why; `…` stands for anything.
pub(crate) const NOT_RUN: [(&str, &str); 4] = [
    ("cargo …", "builds or tests what runs this very test"),
    ("export PATH=…", "the test calls its own binary"),
    (
        "bridge",
        "runs until it is stopped; delivery.rs starts and stops it",
    ),
    ("curl …", "needs a public address"),
];

/// Whether a port is free on the machine that tests is not the documents' matter.
const RUN_OTHERWISE: [(&str, &str); 1] = [("bridge check", "bridge check --offline")];

/// A person who follows a document from its top, in an empty folder.
pub(crate) struct Reader {
    dir: tempfile::TempDir,
    exports: String,
    /// What the last commands printed.
    printed: String,
    /// Whether the files that stand there now are to be refused.
    refused: BTreeMap<&'static str, bool>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let reader = Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
            exports: String::new(),
            printed: String::new(),
            refused: BTreeMap::new(),
        };
        // What a document on one of the two files takes as given for the other.
        for kind in ["config", "rules"] {
            let example = root().join(kind).join("two-robots.example.json");
            let example = std::fs::read_to_string(example).expect("an example");
            reader.write(kind, &example);
        }
        crate::store::make(reader.dir.path());
        std::fs::write(reader.dir.path().join("none.json"), "{\"rules\": []}").expect("a file");
        reader
    }

    fn write(&self, kind: &str, content: &str) {
        let folder = self.dir.path().join(kind);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(kind).with_extension("json"), content).expect("a file");
    }

    pub(crate) fn follow(&mut self, block: &Block) {
        let place = &block.place;
        match block.info.as_str() {
            "jsonc config" => self.copy("config", false, block),
            "jsonc config refused" => self.copy("config", true, block),
            "jsonc rules" => self.copy("rules", false, block),
            "jsonc rules refused" => self.copy("rules", true, block),
            "jsonc tests" => {
                let file = self.dir.path().join("rules/rules.tests.json");
                std::fs::write(file, &block.text).expect("a file");
            }
            "sh" => {
                self.printed.clear();
                for line in block.text.lines().filter(|line| !line.is_empty()) {
                    self.command(line, place);
                }
            }
            "text output" => self.compare(block),
            other => assert!(!other.starts_with("json"), "{place}: config or rules?"),
        }
    }

    fn copy(&mut self, kind: &'static str, is_refused: bool, block: &Block) {
        self.write(kind, &block.text);
        self.refused.insert(kind, is_refused);
        let mut args = vec!["check", "--offline"];
        if kind == "config" {
            // The rules that belong to it may follow further down.
            args.extend(["--rules", "none.json"]);
        }
        let output = run(self.dir.path(), &args);
        let expected = if is_refused { 78 } else { 0 };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{}: {}",
            block.place,
            text(&output.stderr)
        );
    }

    fn command(&mut self, line: &str, place: &str) {
        if NOT_RUN.iter().any(|(pattern, _)| is_like(line, pattern)) {
            return;
        }
        if line.starts_with("export ") {
            self.exports.push_str(line);
            self.exports.push('\n');
            return;
        }
        let other = RUN_OTHERWISE.iter().find(|(from, _)| *from == line);
        let line = other.map_or(line, |(_, to)| to);
        let binary = Path::new(env!("CARGO_BIN_EXE_bridge"));
        let mut path = binary.parent().expect("a folder").as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &format!("{}{line}", self.exports)])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env_remove("BRIDGE_LOG")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let is_refused = self.refused.values().any(|refused| *refused);
        let expected = if is_refused { 78 } else { 0 };
        let (stderr, stdout) = (text(&output.stderr), text(&output.stdout));
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{place}: `{line}`: {stderr}"
        );
        self.printed.push_str(&stderr);
        self.printed.push_str(&stdout);
    }

    fn compare(&self, block: &Block) {
        let mut printed = self.printed.lines();
        for line in block.text.lines() {
            if matches!(line, "" | "…") {
                continue;
            }
            assert!(
                printed.any(|other| is_like(other, line)),
                "{}: the line `{line}` is not printed here:\n{}",
                block.place,
                self.printed
            );
        }
    }
}

/// Whether a line is the pattern, in which each `…` stands for anything.
pub(crate) fn is_like(line: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return line == pattern;
    };
    let Some(left) = line.strip_prefix(start) else {
        return false;
    };
    let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    ends.any(|at| is_like(&left[at..], rest))
}

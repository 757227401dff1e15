//! The cases: files with something wrong in them, and what is run on them.
//!
//! ```text
//! === a name: arguments of `bridge`, if not `check --offline`
//! --- config/config.json
//! the file's text; <FF> stands for a byte that is not UTF-8, <群*400> for a long text
//! ```
//!
//! Without a config or without rules, a case has those of its file's first case, `common`.

use bridge_core::catalog::Catalog;

use crate::support::{run, text};

/// Files, and what is run on them.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    args: Vec<String>,
    files: Vec<(String, String)>,
}

impl Case {
    /// What is printed.
    pub(crate) fn run(&self) -> String {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in &self.files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes(text)).expect("a file");
        }
        let args: Vec<_> = self.args.iter().map(String::as_str).collect();
        let output = run(dir.path(), &args);
        let printed = text(&output.stdout) + &text(&output.stderr);
        let code = output.status.code().expect("it ends by itself");
        format!("{}\n(ends with {code})\n", stable(&printed).trim_end())
    }

    fn has(&self, folder: &str) -> bool {
        self.files.iter().any(|(name, _)| name.starts_with(folder))
    }
}

/// Without what says nothing of the case: the digest changes with every letter of the files, the list
/// of linked drivers, and of the keys at the top of a config, with every driver.
fn stable(printed: &str) -> String {
    const LINKED: &str = "; linked: ";
    let catalog = Catalog::linked().expect("platforms differ");
    let platforms = catalog.iter().map(|driver| driver.info().platform);
    let mut top: Vec<_> = platforms.chain(["global"]).collect();
    top.sort_unstable();
    let printed = printed.replace(&top.join(", "), "dingtalk, global");
    let line = |line: &str| match (line.split_once(", digest "), line.split_once(LINKED)) {
        (Some((before, _)), _) => before.to_owned(),
        (None, Some((before, _))) => format!("{before}{LINKED}…"),
        (None, None) => line.to_owned(),
    };
    printed.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let long = text.replace("<群*400>", &"群".repeat(400));
    for (index, part) in long.split("<FF>").enumerate() {
        if index > 0 {
            bytes.push(0xff);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

pub(crate) fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for block in text.split("=== ").skip(1) {
        let (head, body) = block.split_once('\n').expect("a line for the name");
        let (name, args) = head.split_once(": ").unwrap_or((head, "check --offline"));
        let files = body.split("--- ").skip(1).map(|file| {
            let (name, text) = file.split_once('\n').expect("a line for the name");
            (name.to_owned(), text.to_owned())
        });
        cases.push(Case {
            name: name.to_owned(),
            args: args.split_whitespace().map(str::to_owned).collect(),
            files: files.collect(),
        });
    }
    let common = cases.remove(0);
    assert_eq!(common.name, "common");
    for case in &mut cases {
        for folder in ["config/", "rules/"] {
            if !case.has(folder) {
                let files = common.files.iter();
                let missing = files.filter(|(name, _)| name.starts_with(folder));
                case.files.extend(missing.cloned());
            }
        }
    }
    cases
}

//! What the documents say is so: their files pass the check, their commands run and print what is
//! shown, their links lead somewhere, and both languages say the same. That no key is missing is held
//! by `cargo xtask generate`, which writes their tables.

#[path = "documents/page.rs"]
mod page;
#[path = "documents/reader.rs"]
mod reader;
#[path = "documents/store.rs"]
mod store;
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use page::{Block, Page};
use reader::{NOT_RUN, Reader, is_like};
use support::{root, run, text};

/// The files of a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries.collect();
    files.sort();
    files
}

fn markdown(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for path in files(folder) {
        if path.is_dir() && deep {
            markdown(&path, deep, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Every document: at the top, below `docs`, and of the example.
fn pages() -> Vec<Page> {
    let mut found = vec![root().join("examples/parrot/README.md")];
    markdown(&root(), false, &mut found);
    markdown(&root().join("docs"), true, &mut found);
    found.into_iter().map(Page::read).collect()
}

/// The documents for users, each in English and Chinese.
fn twins() -> Vec<(Page, Page)> {
    let root = root();
    let mut english: Vec<_> = [
        "README.md",
        "docs/configuration.md",
        "docs/rules.md",
        "docs/delivery.md",
        "docs/capabilities.md",
        "docs/operating.md",
        "docs/testing.md",
        "docs/compatibility.md",
        "docs/driver-authors.md",
    ]
    .map(|name| root.join(name))
    .into();
    english.extend(files(&root.join("docs/drivers")));
    english.retain(|path| !path.to_string_lossy().ends_with(".zh-CN.md"));
    let twin = |path: PathBuf| {
        let chinese = path.with_extension("zh-CN.md");
        (Page::read(path), Page::read(chinese))
    };
    english.into_iter().map(twin).collect()
}

/// A block without its comments, which are in the document's language.
fn without_comments(block: &Block) -> String {
    let lines = block.text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let folder = page.path.parent().expect("a folder");
        for link in page.links().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.path.clone(),
                _ => folder.join(file),
            };
            let leads = match anchor {
                "" => target.exists(),
                _ => target.is_file() && Page::read(target).anchors().contains(anchor),
            };
            if !leads {
                broken.push(format!("{}: {link}", page.name()));
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere: {broken:#?}");
}

#[test]
fn both_languages_say_the_same() {
    for (english, chinese) in twins() {
        let name = chinese.name();
        let levels = |page: &Page| page.headings().map(|(level, _)| level).collect::<Vec<_>>();
        assert_eq!(levels(&english), levels(&chinese), "{name}: headings");
        let rows = |page: &Page| {
            let lines = page.prose.iter();
            lines.filter(|line| line.starts_with('|')).count()
        };
        assert_eq!(rows(&english), rows(&chinese), "{name}: rows of tables");
        assert_eq!(
            english.blocks.len(),
            chinese.blocks.len(),
            "{name}: code blocks"
        );
        for (block, twin) in english.blocks.iter().zip(&chinese.blocks) {
            assert_eq!(block.info, twin.info, "{}", twin.place);
            assert_eq!(
                without_comments(block),
                without_comments(twin),
                "{}",
                twin.place
            );
        }
        assert_eq!(english.keys(), chinese.keys(), "{name}: keys");
    }
}

#[test]
fn a_reader_who_does_what_is_written_sees_what_is_shown() {
    let mut left_out: BTreeSet<_> = NOT_RUN.iter().map(|(pattern, _)| *pattern).collect();
    for page in twins().into_iter().flat_map(<[Page; 2]>::from) {
        let mut reader = Reader::new();
        for block in &page.blocks {
            reader.follow(block);
            if block.info == "sh" {
                left_out.retain(|pattern| !block.text.lines().any(|line| is_like(line, pattern)));
            }
        }
    }
    assert!(
        left_out.is_empty(),
        "no longer in any document: {left_out:?}"
    );
}

#[test]
fn the_readme_names_every_command() {
    let help = text(&run(&root(), &["--help"]).stdout);
    let (_, commands) = help.split_once("Commands:\n").expect("commands");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"run"), "{help}");
    let (english, chinese) = twins().remove(0);
    for page in [english, chinese] {
        for command in &commands {
            let named = format!("`bridge {command}");
            let mut rows = page.prose.iter().filter(|line| line.starts_with('|'));
            let is_named = rows.any(|row| {
                row.split('|')
                    .nth(1)
                    .is_some_and(|cell| cell.contains(&named))
            });
            assert!(is_named, "{}: {command}", page.name());
        }
    }
}

#[test]
fn the_invariants_are_numbered_one_by_one() {
    let page = Page::read(root().join("ARCHITECTURE.md"));
    let mut lines = page.prose.iter();
    lines
        .find(|line| *line == "## Invariants")
        .expect("a heading");
    let numbers: Vec<usize> = lines
        .filter_map(|line| line.split_once(". ")?.0.parse().ok())
        .collect();
    assert!(!numbers.is_empty());
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = run(dir.path(), &["demo", "--once"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Ports and times differ from run to run, and with them the width of gaps.
    let shape = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_unit = |word: Option<&&str>| matches!(word, Some(&("ms" | "s")));
        let plain = words.iter().enumerate().map(|(at, word)| match *word {
            _ if is_unit(words.get(at + 1)) => "#",
            _ if is_unit(Some(word)) => "#",
            word if word.starts_with("http://127.0.0.1:") => "#",
            word => word,
        });
        plain.collect::<Vec<_>>().join(" ")
    };
    let printed = text(&output.stdout);
    let printed: BTreeSet<_> = printed.lines().map(shape).collect();
    let (readme, _) = twins().remove(0);
    let shown = readme.blocks.iter().find(|block| block.info == "text demo");
    let shown = shown.expect("README shows what the demo prints");
    for line in shown.text.lines().filter(|line| *line != "…") {
        assert!(
            printed.contains(&shape(line)),
            "`{line}` is not in {printed:#?}"
        );
    }
}

#[test]
fn the_sandbox_that_is_shown_is_that_of_the_parrot() {
    let path = root().join("examples/parrot/src/sandbox.rs");
    let source = std::fs::read_to_string(path).expect("the parrot has a sandbox");
    let mut blocks = 0;
    for page in pages() {
        for block in page.blocks.iter().filter(|block| block.info == "rs") {
            let mut rest = source.as_str();
            for part in block.text.split("…\n") {
                let found = rest.split_once(part);
                rest = found.unwrap_or_else(|| panic!("{}: {part}", block.place)).1;
            }
            blocks += 1;
        }
    }
    assert_eq!(blocks, 2, "one in each language");
}

#[test]
fn the_examples_pass_the_check() {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let examples = |folder: &str| {
        let names = files(&root().join(folder))
            .into_iter()
            .filter_map(|path| name(&path));
        names
            .filter(|name| name.ends_with(".example.json"))
            .collect::<Vec<_>>()
    };
    let names = examples("config");
    assert_eq!(names, examples("rules"), "each example is a pair");
    assert!(!names.is_empty());
    for name in names {
        let (config, rules) = (format!("config/{name}"), format!("rules/{name}"));
        let args = ["check", "--offline", "--config", &config, "--rules", &rules];
        let output = run(&root(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        // They are to be filled in, and there is nothing else to say about them.
        let printed = text(&output.stderr);
        let mut warnings = printed.lines().filter(|line| line.starts_with("warning"));
        let is_about_filling_in = |line: &str| line.starts_with("warning[E0311]");
        assert!(warnings.all(is_about_filling_in), "{name}: {printed}");
    }
}

//! Follows a page for driver authors to the letter: runs its commands, makes its edits, and looks for
//! the output that it shows.
//!
//! Code blocks say in their info string what they are:
//!
//! | info string | what becomes of the block |
//! |---|---|
//! | `sh` | run as one script, which must succeed; but for the lines of [`NOT_RUN`] |
//! | `sh fails` | the same, but the script must fail |
//! | `text printed` | lines that the script before it printed, in this order; `…` stands for anything |
//! | `diff PATH` | an edit of that file, see [`edit`] |
//! | another word, then `PATH` | the new file at that path |
//! | others | shown only |

mod edit;
mod page;

use std::path::Path;
use std::time::Instant;

use super::{read, write};
use crate::step::{Failed, say, shell_in};
use page::{Block, Kind};

/// Lines of commands that are not run, and why.
const NOT_RUN: [(&str, &str); 1] = [(
    "cargo xtask generate",
    "it asks for translations of the descriptions of the keys, which a person writes",
)];

/// The commands of a page that were run.
pub(super) type Commands = Vec<String>;

/// Follows the blocks of `page` from the heading `from` to the next of the same level, in the
/// workspace at `copy`; all of them without a heading. `envs` are set for every command.
pub(super) fn follow(
    page: &Path,
    from: Option<&str>,
    copy: &Path,
    envs: &[(&str, &str)],
) -> Result<Commands, Failed> {
    let text = read(page)?;
    let blocks = page::blocks(&text, from);
    let file = page.file_name().unwrap_or_default().to_string_lossy();
    let mut commands = Commands::new();
    let mut printed = String::new();
    for block in &blocks {
        let place = format!("{file}:{}", block.line);
        perform(block, copy, envs, &mut printed, &mut commands)
            .map_err(|problem| Failed::new(format!("{place}: {problem}")))?;
    }
    if commands.is_empty() {
        return Err(Failed::new(format!("{file} has no commands to follow")));
    }
    Ok(commands)
}

fn perform(
    block: &Block<'_>,
    copy: &Path,
    envs: &[(&str, &str)],
    printed: &mut String,
    commands: &mut Commands,
) -> Result<(), String> {
    let text = |failed: Failed| failed.message;
    match block.kind() {
        Kind::Script { fails } => {
            let lines = block.lines.iter().filter(|line| !is_left_out(line));
            let lines: Vec<_> = lines.map(|line| (*line).to_owned()).collect();
            if lines.is_empty() {
                return Ok(());
            }
            let begun = Instant::now();
            let output = shell_in(copy, &lines.join("\n"), envs).map_err(text)?;
            *printed = output.text;
            let script = lines.join("; ");
            if output.is_success == fails {
                let wanted = if fails { "fail" } else { "succeed" };
                return Err(format!(
                    "`{script}` should {wanted}; it printed:\n{printed}"
                ));
            }
            let end = if fails {
                "failed, as it should"
            } else {
                "done"
            };
            say(&format!(
                "{script}: {end} ({} s)",
                begun.elapsed().as_secs()
            ));
            commands.extend(lines);
            Ok(())
        }
        Kind::Output => match missing(printed, &block.lines) {
            None => Ok(()),
            Some(line) => Err(format!("the line `{line}` is not printed here:\n{printed}")),
        },
        Kind::Edit(path) => {
            let path = copy.join(path);
            let old = read(&path).map_err(text)?;
            write(&path, &edit::apply(&old, &block.lines)?).map_err(text)
        }
        Kind::File(path) => {
            let path = copy.join(path);
            if path.exists() {
                return Err(format!("{} is there already", path.display()));
            }
            write(&path, &(block.lines.join("\n") + "\n")).map_err(text)
        }
        Kind::Shown => Ok(()),
    }
}

fn is_left_out(line: &str) -> bool {
    NOT_RUN.iter().any(|(left_out, _)| *left_out == line)
}

/// The first of the patterns that no line of `printed` behind those of the patterns before is like.
fn missing<'a>(printed: &str, patterns: &[&'a str]) -> Option<&'a str> {
    let mut printed = printed.lines();
    let mut patterns = patterns.iter().filter(|line| !matches!(**line, "" | "…"));
    patterns
        .find(|pattern| !printed.any(|line| is_like(line, pattern)))
        .copied()
}

/// Whether a line is the pattern, in which each `…` stands for anything.
fn is_like(line: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return line == pattern;
    };
    let Some(left) = line.strip_prefix(start) else {
        return false;
    };
    let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    ends.any(|at| is_like(&left[at..], rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_looked_for_in_their_order() {
        let printed = "one\ntwo 2 words\nthree\n";
        let rows = [
            (&["one", "three"][..], None),
            (&["…", "two … words", "", "three"], None),
            (&["three", "one"], Some("one")),
            (&["two … word"], Some("two … word")),
        ];
        for (patterns, expected) in rows {
            assert_eq!(missing(printed, patterns), expected, "{patterns:?}");
        }
    }

    #[test]
    fn a_page_is_followed_and_what_does_not_come_true_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        let rows = [
            ("```sh\necho hello\n```\n```text printed\nhe…\n```", None),
            (
                "```sh\nexit 1\n```",
                Some("page.md:1: `exit 1` should succeed"),
            ),
            ("```sh fails\nexit 0\n```", Some("should fail")),
            ("```sh fails\nfalse\n```", None),
            ("```sh\nfalse\ntrue\n```", Some("should succeed")),
            (
                "```sh\ntrue\n```\n```text printed\nhello\n```",
                Some("page.md:4: the line `hello`"),
            ),
            (
                "```json a.json\n{}\n```\n```sh\ngrep '{}' a.json\n```",
                None,
            ),
            ("```json page.md\n{}\n```", Some("is there already")),
            ("```diff b.txt\n+x\n```", Some("b.txt can't be read")),
            ("```rust\nfn main() {}\n```", Some("no commands")),
        ];
        for (text, expected) in rows {
            std::fs::write(&page, text).unwrap();
            let problem = follow(&page, None, folder.path(), &[]).err();
            let problem = problem.map(|failed| failed.message);
            match expected {
                None => assert_eq!(problem, None, "{text}"),
                Some(part) => assert!(problem.is_some_and(|it| it.contains(part)), "{text}"),
            }
        }
    }
}

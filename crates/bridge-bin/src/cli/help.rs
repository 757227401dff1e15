//! `bridge help`: what a problem's code means, and what a command takes.

use std::fmt::Write as _;

use bridge_core::config::{Code, Example, codes};
use clap::CommandFactory as _;

use super::{Cli, Exit, output};

/// How wide an explanation is set.
const COLUMNS: usize = 80;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The code of a problem, such as E0203, or the words of a command; without either, all codes
    #[arg(value_name = "CODE or COMMAND")]
    topic: Vec<String>,
}

pub(super) fn help(args: &Args) -> Exit {
    let Some(first) = args.topic.first() else {
        output::print(&all_codes().trim_end());
        return Exit::Fine;
    };
    if let (Some(code), 1) = (codes::find(first), args.topic.len()) {
        output::print(&explain(code).trim_end());
        return Exit::Fine;
    }
    if let Some(text) = of_command(&args.topic) {
        output::print(&text.trim_end());
        return Exit::Fine;
    }
    let words = args.topic.join(" ");
    let meant = match codes::nearest(&first.to_uppercase()) {
        Some(code) => format!("did you mean `{code}`?"),
        None => "`bridge help` lists the codes, `bridge --help` the commands".to_owned(),
    };
    output::error(&format_args!(
        "there is no code and no command \"{words}\"; {meant}"
    ));
    Exit::Usage
}

fn all_codes() -> String {
    let mut text = "The problems that files, machine and platforms can have. `bridge help CODE` explains one,\n\
                    `bridge help COMMAND` a command; `bridge --help` lists the commands.\n\n"
        .to_owned();
    for code in codes::all() {
        text += &format!(
            "{}  {:<7}  {}\n",
            code.id,
            code.severity.to_string(),
            code.title
        );
    }
    text
}

/// The code with its explanation and its example.
fn explain(code: &Code) -> String {
    let mut text = format!("{}[{}]: {}\n\n", code.severity, code.id, code.title);
    text += &paragraph(code.explanation);
    match code.example {
        Example::Files { part, wrong, right } => {
            let place = part.place();
            text += &format!("\nWrong, {place}:\n\n{}", indented(wrong));
            text += &format!("\nRight:\n\n{}", indented(right));
        }
        Example::Situation { wrong, right } => {
            text += "\nFor example:\n\n";
            text += &paragraph(wrong);
            text += &paragraph(right);
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// `text` in lines of at most [`COLUMNS`] characters, cut at spaces.
fn paragraph(text: &str) -> String {
    let mut set = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            set.push('\n');
            column = 0;
        } else if column > 0 {
            set.push(' ');
            column += 1;
        }
        // Writing to a text can't fail.
        write!(set, "{word}").ok();
        column += length;
    }
    set + "\n"
}

/// The help of the command that the words lead to.
fn of_command(words: &[String]) -> Option<String> {
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in words {
        found = found.find_subcommand_mut(word)?;
    }
    Some(found.render_long_help().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_and_explained() {
        let list = all_codes();
        for code in codes::all() {
            assert!(list.contains(&format!("\n{}  ", code.id)), "{}", code.id);
            let text = explain(code);
            assert!(text.contains(code.title), "{text}");
            let prose = paragraph(code.explanation);
            let widest = prose.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|width| width <= COLUMNS), "{prose}");
            let words = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&prose), words(code.explanation));
        }
    }

    #[test]
    fn commands_are_found_by_their_words() {
        let of = |words: &[&str]| {
            of_command(
                &words
                    .iter()
                    .map(|&word| word.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert!(of(&["check"]).is_some_and(|text| text.contains("--deny-warnings")));
        assert!(of(&["dead", "list"]).is_some_and(|text| text.contains("--since")));
        assert_eq!(of(&["chekc"]), None);
    }
}

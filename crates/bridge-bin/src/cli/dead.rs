//! `bridge dead`: the deliveries that ended without success, and what to do with them.

use std::io::{BufRead, IsTerminal, Write};

use bridge_core::catalog::Catalog;
use bridge_core::ports::Clock;
use bridge_core::time::{Timestamp, parse_duration, parse_timestamp};
use bridge_http::SystemClock;
use bridge_store::DeadLetter;
use clap::Subcommand;

use super::operate::{Operator, first_line, quoted, unexpected};
use super::{Exit, output};
use crate::control::{LetterResult, Question, Reply};
use crate::files::Files;

/// Letters that are asked for at once.
const PAGE: usize = 500;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List dead letters, the newest first
    List(ListArgs),
    /// Show a dead letter whole
    Show(ShowArgs),
    /// Queue dead letters again: a running bridge sends them at once, another at its start
    Replay(ChangeArgs),
    /// Give dead letters up for good
    Discard(DiscardArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    which: Which,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    files: Files,

    /// The letter's number
    id: i64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ChangeArgs {
    #[command(flatten)]
    files: Files,

    /// The letters' numbers
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<i64>,

    /// All letters, or those that --instance and --since leave
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct DiscardArgs {
    #[command(flatten)]
    change: ChangeArgs,

    /// Do not ask, with --all
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Only letters to this instance
    #[arg(long, value_name = "INSTANCE")]
    instance: Option<String>,

    /// Only letters that died since then: a time, or how long ago (`2h`, `3d`)
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

fn since(text: &str) -> Result<Timestamp, String> {
    match parse_duration(text) {
        Ok(ago) => Ok(SystemClock.now().minus(ago)),
        Err(_) => {
            parse_timestamp(text).map_err(|error| format!("{error}, or how long ago: \"2h\""))
        }
    }
}

pub(super) fn dead(args: &Args, catalog: &Catalog) -> Exit {
    let done = match &args.command {
        Command::List(args) => list(args, catalog),
        Command::Show(args) => show(args, catalog),
        Command::Replay(args) => replay(args, catalog),
        Command::Discard(args) => discard(args, catalog),
    };
    done.unwrap_or_else(|exit| exit)
}

/// Hands the letters over page by page, the newest first.
fn pages(
    operator: &Operator,
    which: &Which,
    mut each: impl FnMut(Vec<DeadLetter>) -> Result<(), Exit>,
) -> Result<usize, Exit> {
    let mut below = None;
    let mut count = 0;
    loop {
        let question = Question::Letters {
            instance: which.instance.clone(),
            since_millis: which.since.map(Timestamp::as_millis),
            below,
            limit: PAGE,
        };
        let Reply::Letters { letters } = operator.ask(&question)? else {
            return Err(unexpected());
        };
        let Some(last) = letters.last() else {
            return Ok(count);
        };
        below = Some(last.id);
        count += letters.len();
        each(letters)?;
    }
}

fn list(args: &ListArgs, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    let mut all = Vec::new();
    let count = pages(&operator, &args.which, |letters| {
        if args.json {
            all.extend(letters);
        } else {
            for letter in &letters {
                output::print(&line(letter));
            }
        }
        Ok(())
    })?;
    if args.json {
        output::json(&all);
    } else if count == 0 {
        output::print(&"no dead letters");
    }
    Ok(Exit::Fine)
}

/// `12  2026-03-01T14:55:34.909Z  {"dt_main": …}  rejected: …  | 张三: hello`
fn line(letter: &DeadLetter) -> String {
    let text = letter.text.as_deref().map_or_else(
        || "(its stored row is damaged)".to_owned(),
        |text| format!("| {}", first_line(text)),
    );
    format!(
        "{}  {}  {}  {}{}  {text}",
        letter.id,
        letter.at,
        letter.target,
        first_line(&letter.reason),
        marks(letter)
    )
}

fn marks(letter: &DeadLetter) -> &'static str {
    match (letter.may_have_been_delivered, letter.blocks) {
        (true, true) => " [may have been delivered] [blocks its lane]",
        (true, false) => " [may have been delivered]",
        (false, true) => " [blocks its lane]",
        (false, false) => "",
    }
}

fn show(args: &ShowArgs, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    let Reply::Letter { letter } = operator.ask(&Question::Letter { id: args.id })? else {
        return Err(unexpected());
    };
    let Some(letter) = letter else {
        output::error(&format_args!(
            "no dead letter has the number {}; `bridge trace {}` says what became of it",
            args.id, args.id
        ));
        return Ok(Exit::Failed);
    };
    if args.json {
        output::json(&letter);
        return Ok(Exit::Fine);
    }
    let or_damaged = |text: &Option<String>| text.clone().unwrap_or_else(|| "(damaged)".to_owned());
    output::print(&format_args!(
        "dead letter {}, since {}{}",
        letter.id,
        letter.at,
        marks(&letter)
    ));
    output::print(&format_args!("  why       {}", letter.reason));
    output::print(&format_args!("  to        {}", letter.target));
    output::print(&format_args!("  from      {}", or_damaged(&letter.source)));
    let message_id = letter.message_id.as_deref().unwrap_or("(it has no id)");
    output::print(&format_args!("  message   {message_id}"));
    output::print(&format_args!(
        "  received  {}",
        or_damaged(&letter.received_at)
    ));
    output::print(&format_args!("  rule      {}", letter.rule));
    output::print(&format_args!(
        "  tries     {} failed; {} taken",
        letter.attempts,
        output::counted(
            usize::try_from(letter.parts_sent).unwrap_or(usize::MAX),
            "part"
        )
    ));
    output::print(&quoted(&or_damaged(&letter.text), "  "));
    output::print(&format_args!(
        "\nbridge trace {id}         shows every try\nbridge dead replay {id}   sends it again\nbridge dead discard {id}  gives it up",
        id = letter.id
    ));
    Ok(Exit::Fine)
}

fn replay(args: &ChangeArgs, catalog: &Catalog) -> Result<Exit, Exit> {
    change(args, catalog, |letters| Question::Replay { letters })
}

fn discard(args: &DiscardArgs, catalog: &Catalog) -> Result<Exit, Exit> {
    if args.change.all && !args.yes && !confirmed()? {
        output::error(&"nothing was discarded");
        return Ok(Exit::Failed);
    }
    change(&args.change, catalog, |letters| Question::Discard {
        letters,
    })
}

/// Asks the person at the terminal; where there is none, `--yes` must have said it.
fn confirmed() -> Result<bool, Exit> {
    if !std::io::stdin().is_terminal() {
        output::error(&"say --yes to discard all of them without being asked");
        return Err(Exit::Failed);
    }
    output::print(&"discard all of these dead letters for good? [y/N]");
    // Nobody sees the question if this fails, and the answer is then no.
    std::io::stdout().flush().ok();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok();
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Replays or discards, and says for each letter what became of it.
fn change(
    args: &ChangeArgs,
    catalog: &Catalog,
    question: impl Fn(Vec<i64>) -> Question,
) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    let mut ids = args.ids.clone();
    if args.all {
        pages(&operator, &args.which, |letters| {
            ids.extend(letters.iter().map(|letter| letter.id));
            Ok(())
        })?;
        // Oldest first, so that they come back in the order in which they were.
        ids.reverse();
    }
    if ids.is_empty() {
        output::print(&"no dead letters");
        return Ok(Exit::Fine);
    }
    let mut is_fine = true;
    let mut waits_for_start = false;
    for chunk in ids.chunks(PAGE) {
        let reply = operator.ask(&question(chunk.to_vec()))?;
        let Reply::Done {
            results,
            is_running,
        } = reply
        else {
            return Err(unexpected());
        };
        for (id, result) in chunk.iter().zip(results) {
            is_fine &= matches!(result, LetterResult::Queued | LetterResult::Discarded);
            waits_for_start |= result == LetterResult::Queued && !is_running;
            output::print(&format_args!("{id}  {}", say(result)));
        }
    }
    if waits_for_start {
        output::print(&"no bridge runs here; they are sent when it is started");
    }
    Ok(if is_fine { Exit::Fine } else { Exit::Failed })
}

fn say(result: LetterResult) -> &'static str {
    match result {
        LetterResult::Queued => "queued again",
        LetterResult::AlreadyQueued => "is queued already; nothing was done",
        LetterResult::Discarded => "discarded",
        LetterResult::Damaged => {
            "its stored row is damaged, its content is lost; it can only be discarded"
        }
        LetterResult::Full => {
            "is not queued: its lane or the store is full (lane_backlog, max_backlog); it stays a dead letter"
        }
        LetterResult::Unknown => "no dead letter has this number",
    }
}

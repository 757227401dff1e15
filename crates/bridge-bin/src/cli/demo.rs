//! `bridge demo`: a bridge between two rooms of sandboxes, played, shown and judged.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, stdin, stdout};
use std::time::Duration;

use bridge_core::catalog::Catalog;
use bridge_core::config::settings::LogSettings;
use bridge_core::sandbox::Sandboxes;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, output};
use crate::demo::{Audience, Linked, Look, Paint, demo as play, keyboard};
use crate::logging;

/// Warnings, without that of the callback that a sandbox forges: it would stand in the middle of
/// the conversation. What the bridge answers to a callback is judged by the demo itself.
const QUIET: &str = "warn,bridge_bin::intake=error";

/// Between two messages, where a person watches.
const PAUSE: Duration = Duration::from_millis(600);

/// Where the terminal does not say how wide it is.
const USUAL_COLUMNS: usize = 100;
/// Where stdout is no terminal.
const PLAIN_COLUMNS: usize = 80;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The platform on which it plays, or the one of the left room and the one of the right; DingTalk,
    /// if its driver is linked
    #[arg(value_name = "PLATFORM", num_args = 0..=2)]
    platforms: Vec<String>,

    /// Play the conversation, verify that everything arrived, in order and once, and exit 0 or 1;
    /// so it does wherever stdin is no terminal
    #[arg(long)]
    once: bool,

    /// Log level or filter; warnings unless given
    #[arg(long, value_name = "LEVEL", env = "BRIDGE_LOG")]
    log: Option<String>,
}

pub(super) fn demo(args: &Args, catalog: &Catalog) -> Exit {
    match try_demo(args, catalog) {
        Ok(exit) => exit,
        Err(error) => {
            output::error(&error);
            Exit::Failed
        }
    }
}

fn try_demo(args: &Args, catalog: &Catalog) -> Result<Exit, String> {
    logging::init(
        &LogSettings::default(),
        Some(args.log.as_deref().unwrap_or(QUIET)),
    )?;
    let sandboxes = Sandboxes::linked().map_err(|error| error.to_string())?;
    let linked = Linked {
        catalog,
        sandboxes: &sandboxes,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime can't start: {error}"))?;
    let audience = if args.once || !stdin().is_terminal() {
        Audience::Silent
    } else {
        let lines =
            keyboard::lines().map_err(|error| format!("the keyboard can't be read: {error}"))?;
        Audience::Typing {
            lines,
            pause: PAUSE,
        }
    };
    let verdict = runtime.block_on(async {
        let interrupted = Interruption::new()?;
        let played = play(
            linked,
            &args.platforms,
            look(),
            audience,
            &output::print,
            interrupted.come(),
        );
        played.await.map_err(|error| error.to_string())
    })?;
    output::print(&format_args!("\n{verdict}"));
    for problem in &verdict.problems {
        output::error(problem);
    }
    Ok(match verdict.is_fine() {
        true => Exit::Fine,
        false => Exit::Failed,
    })
}

fn look() -> Look {
    let columns = std::env::var("COLUMNS").ok();
    let no_color = std::env::var_os("NO_COLOR");
    match stdout().is_terminal() {
        true => look_of_terminal(columns.as_deref(), no_color.as_deref()),
        false => Look {
            columns: PLAIN_COLUMNS,
            paint: Paint::Plain,
        },
    }
}

/// `NO_COLOR` as no-color.org has it: any value but the empty one.
fn look_of_terminal(columns: Option<&str>, no_color: Option<&OsStr>) -> Look {
    let columns = columns.and_then(|columns| columns.trim().parse().ok());
    Look {
        columns: columns.unwrap_or(USUAL_COLUMNS),
        paint: match no_color {
            Some(value) if !value.is_empty() => Paint::Plain,
            _ => Paint::Ansi,
        },
    }
}

/// Ctrl-C and SIGTERM, which must not leave the temporary folder behind.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    fn new() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("signals can't be caught: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn come(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_follows_the_environment() {
        let rows = [
            (None, None, 100, Paint::Ansi),
            (Some("120"), None, 120, Paint::Ansi),
            (Some("wide"), Some(""), 100, Paint::Ansi),
            (Some("80"), Some("1"), 80, Paint::Plain),
        ];
        for (columns, no_color, expected, paint) in rows {
            let look = look_of_terminal(columns, no_color.map(OsStr::new));
            assert_eq!(
                (look.columns, look.paint),
                (expected, paint),
                "{columns:?} {no_color:?}"
            );
        }
    }

    #[test]
    fn the_quiet_filter_is_a_filter() {
        assert!(logging::parse_filter(QUIET).is_ok());
    }
}

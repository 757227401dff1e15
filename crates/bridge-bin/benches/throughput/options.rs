//! What the command line asks of a run.

use std::time::Duration;

use crate::Result;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Options {
    /// Times that every system is measured; the systems take turns.
    pub(crate) rounds: usize,
    /// How long a system is kept under full load.
    pub(crate) full: Duration,
    /// How long a system is given messages at a steady pace.
    pub(crate) paced: Duration,
    /// Sending threads of the minimal forwarder.
    pub(crate) senders: usize,
}

impl Options {
    /// Reads the arguments of `cargo bench --bench throughput -- [--seconds N] [--rounds N]
    /// [--senders N]`. Cargo itself adds `--bench`; without it, as under `cargo test`, or with
    /// `--test`, the run is a short proof that everything still works together, with no figure worth
    /// reading.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut is_bench = false;
        let mut is_test = false;
        let mut seconds = 2.0;
        let mut rounds = 3;
        let mut senders = 8;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("`{argument}` wants a number"))
            };
            match &*argument {
                "--bench" => is_bench = true,
                "--test" => is_test = true,
                "--seconds" => seconds = value()?.parse()?,
                "--rounds" => rounds = value()?.parse()?,
                "--senders" => senders = value()?.parse()?,
                _ => {
                    let help = "known: --seconds N, --rounds N, --senders N, --test";
                    return Err(format!("`{argument}` is not known; {help}").into());
                }
            }
        }
        if is_test || !is_bench {
            (seconds, rounds) = (0.2, 1);
        }
        if !(0.1..=600.0).contains(&seconds) || rounds == 0 || senders == 0 {
            return Err("--seconds wants 0.1 to 600, --rounds and --senders at least 1".into());
        }
        let full = Duration::from_secs_f64(seconds);
        Ok(Self {
            rounds,
            full,
            paced: full * 2,
            senders,
        })
    }
}

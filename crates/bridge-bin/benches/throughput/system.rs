//! The systems under test: how each is started as a process of its own, and known to be ready.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::bed::{APP, DEV, OPS, SECRET};

/// How long a system may take to start; none comes near.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum System {
    /// A hyper server that answers and does nothing.
    Bare,
    /// The least that makes a durable forwarder.
    Forwarder,
    /// The binary `bridge`.
    Bridge,
}

impl System {
    /// In the order of a report.
    pub(crate) const ALL: [Self; 3] = [Self::Bare, Self::Forwarder, Self::Bridge];

    /// Whether messages come out of it.
    pub(crate) fn delivers(self) -> bool {
        self != Self::Bare
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare server",
            Self::Forwarder => "minimal forwarder",
            Self::Bridge => "bridge",
        })
    }
}

/// A system that listens; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process until it said where it listens.
    pub(crate) start: Duration,
}

impl Process {
    /// Starts `system` with its files in `dir`, sending to the API at `api_base`.
    pub(crate) fn start(
        system: System,
        dir: &Path,
        api_base: &str,
        senders: usize,
    ) -> Result<Self> {
        let mut command = match system {
            System::Bridge => bridge(dir, api_base)?,
            System::Bare => reference(&["bare"])?,
            System::Forwarder => {
                let journal = dir.join("journal");
                let journal = journal.to_str().ok_or("a path that is not UTF-8")?;
                reference(&["forwarder", api_base, journal, &senders.to_string()])?
            }
        };
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).spawn()?;
        let (sender, listening) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || watch(output, &sender, address_of_reference));
        } else if let Some(log) = child.stderr.take() {
            std::thread::spawn(move || watch(log, &sender, address_of_bridge));
        }
        match listening.recv_timeout(PATIENCE) {
            Ok((address, at)) => Ok(Self {
                child,
                address,
                start: at - started,
            }),
            Err(error) => {
                child.kill()?;
                Err(format!("the {system} did not start: {error}").into())
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// This program again, as one of its references.
fn reference(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(crate::reference::FLAG).args(arguments);
    command.stdout(Stdio::piped());
    Ok(command)
}

/// The bridge, with files that send what is said in one group to the other, as fast as it can.
fn bridge(dir: &Path, api_base: &str) -> Result<Command> {
    let config = json!({
        "global": {
            "log": { "format": "json" },
            // The load outruns the target on purpose; nothing of it may become a dead letter.
            "store": { "lane_backlog": 100_000_000, "max_backlog": 100_000_000 }
        },
        "dingtalk": { "dt_main": {
            "app_key": APP, "app_secret": SECRET, "robot_code": APP, "signing_secret": SECRET,
            "api_base": api_base, "listen_host": "127.0.0.1", "listen_port": 0,
            "rate_per_second": 0, "channel_rate_per_minute": 0,
        }},
    });
    let room = |id: &str| json!({ "dt_main": { "open_conversation_id": id } });
    let rules = json!({ "rules": [{ "id": "ops-dev", "from": room(OPS), "to": room(DEV) }] });
    for (folder, name, content) in [
        ("config", "config.json", config),
        ("rules", "rules.json", rules),
    ] {
        let folder = dir.join(folder);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), content.to_string())?;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
    command.current_dir(dir).arg("run").env_remove("BRIDGE_LOG");
    command.stderr(Stdio::piped());
    Ok(command)
}

/// Reads lines to the end: the first that holds an address is reported, and what is out of the
/// ordinary is shown, as it may spoil the figures.
fn watch(
    output: impl Read,
    listening: &Sender<(SocketAddr, Instant)>,
    address: fn(&str) -> Option<SocketAddr>,
) {
    for line in BufReader::new(output)
        .lines()
        .map_while(std::result::Result::ok)
    {
        if let Some(address) = address(&line) {
            // Nobody waits for it any more if it took too long.
            listening.send((address, Instant::now())).ok();
        } else if !line.contains(r#""level":"INFO""#) {
            drop(writeln!(std::io::stderr(), "{line}"));
        }
    }
}

fn address_of_reference(line: &str) -> Option<SocketAddr> {
    line.parse().ok()
}

fn address_of_bridge(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "listening" {
        return None;
    }
    line["address"].as_str()?.parse().ok()
}

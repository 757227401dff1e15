//! `cargo xtask torture`: the real binary, from outside, under load and abuse; an oracle that knows
//! everything that was acknowledged compares.

mod bed;
mod bridge;
mod census;
mod client;
mod crowd;
mod disk;
mod kill;
mod lanes;
mod ledger;
mod network;
mod overload;
mod redelivery;
mod sync;

use std::path::PathBuf;

use crate::step::{Failed, cargo, say, top};

/// What to run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How often the bridge is killed
    #[arg(long, default_value_t = 1000)]
    cycles: u32,

    /// Where the random choices begin; printed, so that a run can be repeated
    #[arg(long)]
    seed: Option<u64>,

    /// Only this scenario: kill, redelivery, network, lanes, overload, crowd, disk or sync
    #[arg(long)]
    only: Option<String>,

    /// The short form that CI runs: 50 kills, a few seconds of overload
    #[arg(long)]
    short: bool,
}

impl Options {
    /// The short form.
    pub(crate) fn short() -> Self {
        Self {
            cycles: 0,
            seed: None,
            only: None,
            short: true,
        }
    }
}

/// What a scenario is given.
#[derive(Debug, Clone)]
struct Plan {
    binary: PathBuf,
    cycles: u32,
    seed: u64,
    overload_secs: u64,
    lanes_secs: u64,
    /// Whether every lane is awaited to the end.
    drains_lanes: bool,
}

/// What a scenario found.
#[derive(Debug)]
struct Verdict {
    /// Figures for the table.
    figures: String,
    /// Lines that belong under them.
    lines: Vec<String>,
    /// What was promised and not kept.
    faults: Vec<String>,
}

impl Verdict {
    fn new(figures: String, faults: Vec<String>) -> Self {
        let lines = Vec::new();
        Self {
            figures,
            lines,
            faults,
        }
    }
}

/// A scenario could not be run to its end.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Why a scenario was not run on this machine.
#[derive(Debug)]
struct NotRun(&'static str);

impl std::fmt::Display for NotRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotRun {}

const SCENARIOS: [&str; 8] = [
    "kill",
    "redelivery",
    "network",
    "lanes",
    "overload",
    "crowd",
    "disk",
    "sync",
];

/// Runs the scenarios and prints a table.
pub(crate) fn run(options: &Options) -> Result<(), Failed> {
    if let Some(only) = &options.only
        && !SCENARIOS.contains(&only.as_str())
    {
        let known = SCENARIOS.join(", ");
        let message = format!("no scenario \"{only}\"; there are {known}");
        return Err(Failed { message, code: 2 });
    }
    cargo(
        &["build", "--release", "--locked", "--package", "bridge-bin"],
        &[],
    )?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let plan = Plan {
        binary: release_binary(),
        cycles: if options.short { 50 } else { options.cycles },
        seed,
        overload_secs: if options.short { 5 } else { 60 },
        lanes_secs: if options.short { 3 } else { 20 },
        drains_lanes: !options.short,
    };
    say(&format!("seed {seed}"));
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failed::new(format!("no runtime: {error}")))?;
    let mut is_fine = true;
    for name in SCENARIOS {
        if options.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let verdict = runtime.block_on(scenario(name, &plan));
        is_fine &= print(name, verdict);
    }
    if is_fine {
        return Ok(());
    }
    Err(Failed::new(format!(
        "a promise was broken; run again with --seed {seed}"
    )))
}

async fn scenario(name: &str, plan: &Plan) -> Result<Verdict, Broken> {
    match name {
        "kill" => kill::run(plan).await,
        "redelivery" => redelivery::run(plan).await,
        "network" => network::run(plan).await,
        "lanes" => lanes::run(plan).await,
        "overload" => overload::run(plan).await,
        "crowd" => crowd::run(plan).await,
        "disk" => disk::run(plan).await,
        _ => sync::run(plan).await,
    }
}

/// One row of the table; whether it is fine.
fn print(name: &str, verdict: Result<Verdict, Broken>) -> bool {
    match verdict {
        Ok(verdict) => {
            let is_fine = verdict.faults.is_empty();
            let word = if is_fine { "ok" } else { "FAILED" };
            say(&format!("{name:<11} {word:<7} {}", verdict.figures));
            let faults = verdict.faults.iter().take(20);
            for line in verdict.lines.iter().chain(faults) {
                say(&format!("            {line}"));
            }
            is_fine
        }
        Err(broken) if broken.is::<NotRun>() => {
            say(&format!("{name:<11} not run: {broken}"));
            true
        }
        Err(broken) => {
            say(&format!("{name:<11} BROKEN  {broken}"));
            false
        }
    }
}

fn release_binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| top().join("target"));
    target.join("release/bridge")
}

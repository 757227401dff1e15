//! Twenty times what the target takes.

use std::time::{Duration, Instant};

use dingtalk_sandbox::Fault;

use super::bed::Bed;
use super::bridge::Bridge;
use super::census::Census;
use super::client::{Clients, Manner};
use super::{Broken, Plan, Verdict};

const CONNECTIONS: usize = 32;

/// The text behind each message.
const PADDING: usize = 8192;

/// More memory than this would grow with the backlog, whose texts are 16 MiB at least.
const MOST_MEMORY_MIB: u64 = 24;

/// What one send takes: the target takes at most 50 messages a second, and about 40.
const SEND: Duration = Duration::from_millis(20);

/// Fewer refusals than this show nothing; they come within this time, however slow the machine.
const ENOUGH_REFUSED: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the store holds at most, for each second of overload …
const BACKLOG_PER_SECOND: u64 = 200;
/// … and never less than this, so that a backlog in memory would be seen.
const LEAST_BACKLOG: u64 = 2_000;

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let mut bed = Bed::new(1).await?;
    let max_backlog = LEAST_BACKLOG.max(BACKLOG_PER_SECOND * plan.overload_secs);
    bed.config["global"]["store"]["max_backlog"] = max_backlog.into();
    bed.sandbox.faults().until_cleared(Fault::DelayAnswer(SEND));
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let manner = Manner {
        // 32 connections, 1 message in about 30 ms each: 1000 a second.
        pause: Duration::from_millis(24),
        insists: false,
        padding: PADDING,
    };
    let clients = Clients::start(&bed, CONNECTIONS, manner);
    let census = Census::start(&plan.binary, &bed, &clients, plan.seed);
    let began = Instant::now();
    let length = Duration::from_secs(plan.overload_secs);
    tokio::time::sleep(length).await;
    // A slow machine takes longer to fill the backlog.
    while clients.refused() < ENOUGH_REFUSED && began.elapsed() < length + PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let lasted = began.elapsed();
    let ledger = clients.stop().await?;
    let counted = census.end().await?;
    let taken = bed.targets[0].accepted();
    let peak_mib = bridge.peak_kib()? / 1024;
    bed.sandbox.faults().clear();
    bed.drained(&plan.binary).await?;
    let mut faults = ledger.faults(&bed.lanes(), &[]);
    faults.extend(counted.faults());
    if peak_mib > MOST_MEMORY_MIB {
        faults.push(format!(
            "it held {peak_mib} MiB, more than {MOST_MEMORY_MIB}"
        ));
    }
    let refused = ledger.refusals.get(&503).copied().unwrap_or(0);
    if refused == 0 {
        faults.push("past the backlog nobody was answered 503".to_owned());
    }
    let others: Vec<_> = ledger
        .refusals
        .keys()
        .filter(|status| **status != 503)
        .collect();
    if !others.is_empty() {
        faults.push(format!("answered otherwise than 200 or 503: {others:?}"));
    }
    let offered = ledger.acknowledged.len() as u64 + refused;
    let figures = format!(
        "{lasted:.0?}, {offered} offered and {taken} taken meanwhile ({:.0} times), {} acknowledged (p50 {:.1?}, p99 {:.1?}), {refused} answered 503, peak {peak_mib} MiB; {counted}",
        offered as f64 / taken.max(1) as f64,
        ledger.acknowledged.len(),
        ledger.latency(50),
        ledger.latency(99),
    );
    Ok(Verdict::new(figures, faults))
}

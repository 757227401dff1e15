//! Twenty times what the target takes.

use std::time::Duration;

use dingtalk_sandbox::Fault;

use super::bed::Bed;
use super::bridge::Bridge;
use super::client::{Clients, Manner};
use super::{Broken, Plan, Verdict};

const CONNECTIONS: usize = 8;

/// What one send takes: the target takes 50 messages a second.
const SEND: Duration = Duration::from_millis(20);

/// What the store holds at most.
const MAX_BACKLOG: u64 = 2_000;

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let mut bed = Bed::new(1).await?;
    bed.config["global"]["store"]["max_backlog"] = MAX_BACKLOG.into();
    bed.sandbox.faults().until_cleared(Fault::DelayAnswer(SEND));
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let manner = Manner {
        // 8 connections, 1 message in 8 ms each: 1000 a second.
        pause: Duration::from_millis(7),
        insists: false,
    };
    let clients = Clients::start(&bed, CONNECTIONS, manner);
    tokio::time::sleep(Duration::from_secs(plan.overload_secs)).await;
    let ledger = clients.stop().await?;
    let peak_kib = bridge.peak_kib()?;
    bed.sandbox.faults().clear();
    bed.drained(&plan.binary).await?;
    let mut faults = ledger.faults(&bed.lanes(), &[]);
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
    let figures = format!(
        "{} s, {} acknowledged (p50 {:.1?}, p99 {:.1?}), {refused} answered 503, peak {} MiB",
        plan.overload_secs,
        ledger.acknowledged.len(),
        ledger.latency(50),
        ledger.latency(99),
        peak_kib / 1024,
    );
    Ok(Verdict { figures, faults })
}

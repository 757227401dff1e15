//! `kill -9` at random moments under load from eight connections.

use std::time::Duration;

use dingtalk_sandbox::Fault;

use super::bed::Bed;
use super::bridge::Bridge;
use super::census::Census;
use super::client::{Clients, Manner};
use super::ledger::{Crash, count_repeats};
use super::{Broken, Plan, Verdict};

const CONNECTIONS: usize = 8;
const LANES: usize = 4;

/// How long a request of the dead bridge may take to reach the platform.
const AFTERMATH: Duration = Duration::from_millis(10);

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let bed = Bed::new(LANES).await?;
    let mut bridge = Bridge::start(&plan.binary, &bed).await?;
    let clients = Clients::start(&bed, CONNECTIONS, Manner::default());
    let census = Census::start(&plan.binary, &bed, &clients, plan.seed);
    let mut crashes: Vec<Crash> = Vec::new();
    for _ in 0..plan.cycles {
        // Now and then the platform is slow, so that a kill finds sends in every state.
        bed.sandbox.faults().clear();
        if random.bool() {
            let delay = Duration::from_micros(random.u64(..4_000));
            bed.sandbox
                .faults()
                .until_cleared(Fault::DelayAnswer(delay));
        }
        tokio::time::sleep(Duration::from_micros(random.u64(1_000..120_000))).await;
        bridge.kill().await?;
        crashes.push(shown(&bed).await);
        // The next one may die before it has begun: while it opens its store, or goes on with it.
        while random.u8(..5) == 0 {
            let starting = Bridge::spawn(&plan.binary, &bed)?;
            tokio::time::sleep(Duration::from_micros(random.u64(..30_000))).await;
            starting.kill().await?;
            crashes.push(shown(&bed).await);
        }
        bridge = Bridge::start(&plan.binary, &bed).await?;
    }
    bed.sandbox.faults().clear();
    let ledger = clients.stop().await?;
    let counted = census.end().await?;
    let totals = bed.drained(&plan.binary).await?;
    let lanes = bed.lanes();
    let mut faults = ledger.faults(&lanes, &crashes);
    faults.extend(counted.faults());
    // Each insisted until it was acknowledged, so both sides are known from outside.
    let acknowledged = ledger.acknowledged.len();
    if [
        &totals["planned"],
        &totals["accounted"],
        &totals["delivered"],
    ]
    .iter()
    .any(|count| **count != acknowledged)
    {
        faults.push(format!(
            "{acknowledged} were acknowledged, the totals are {totals}"
        ));
    }
    drop(bridge);
    let figures = format!(
        "{} kills, {} of them at a start, {} acknowledged, {} arrived, {} repeated; {counted}",
        crashes.len(),
        crashes.len() - plan.cycles as usize,
        acknowledged,
        lanes.iter().map(|lane| lane.texts.len()).sum::<usize>(),
        count_repeats(&lanes),
    );
    if !faults.is_empty() {
        faults.push(format!("its folder is {}", bed.keep().display()));
    }
    Ok(Verdict::new(figures, faults))
}

/// How many messages each target shows, once what the dead bridge has sent is there.
async fn shown(bed: &Bed) -> Crash {
    tokio::time::sleep(AFTERMATH).await;
    let shown = bed.targets.iter().map(|target| target.accepted());
    shown
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
        .collect()
}

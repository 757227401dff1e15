//! A slow room, a dead room and a platform that hangs, beside rooms that are well: who waits for
//! whom, and what the others' median is beside an undisturbed run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bridge_testkit::FaultProxy;
use bridge_testkit::fault_proxy::{Conduct, End, Flow};
use dingtalk_sandbox::{Fault, Group, StatusCode};
use serde_json::{Value, json};

use super::bed::{Bed, free_port, told, trace};
use super::bridge::Bridge;
use super::client::{Clients, Manner};
use super::ledger::{Ledger, percentile};
use super::{Broken, Plan, Verdict};

/// Looked at only after [`SLOW_BY`].
const SLOW: usize = 0;
/// Asked to send later, whenever anything is sent.
const DEAD: usize = 1;
/// Of another instance, whose platform answers nothing.
const HUNG: usize = 2;
const LANES: usize = 6;

const NAMES: [&str; LANES] = [
    "slow by 30 s",
    "dead",
    "hung platform",
    "well",
    "well",
    "well",
];

const SLOW_BY: Duration = Duration::from_secs(30);
/// So that what is slow arrives in the end, at the first attempt.
const ATTEMPT_TIMEOUT: &str = "45s";

/// How long the rooms that are well may take to show everything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    // Two bridges at the same time, so that whatever else the machine does is done to both.
    let calm = Bed::new(LANES).await?;
    let mut bed = Bed::new(LANES).await?;
    let exit = FaultProxy::start(bed.sandbox.address()).await?;
    let mut hung = bed.config["dingtalk"]["dt"].clone();
    hung["api_base"] = format!("http://{}", exit.address()).into();
    hung["listen_port"] = free_port()?.into();
    bed.config["dingtalk"]["hung"] = hung;
    bed.config["global"]["delivery"] = json!({ "attempt_timeout": ATTEMPT_TIMEOUT });
    let target = bed.targets[HUNG].open_conversation_id();
    bed.rules["rules"][HUNG]["to"] = json!({ "hung": { "open_conversation_id": target } });
    bed.targets[SLOW]
        .faults()
        .until_cleared(Fault::Delay(SLOW_BY));
    let later = Fault::refuse(StatusCode::BAD_REQUEST, "send.too.fast");
    bed.targets[DEAD].faults().until_cleared(later);
    exit.behave(|_| Conduct {
        request: Flow::default().ends_after(0, End::Stall),
        ..Conduct::default()
    });

    let bridges = [
        Bridge::start(&plan.binary, &calm).await?,
        Bridge::start(&plan.binary, &bed).await?,
    ];
    let (undisturbed, ledger) = tokio::join!(talk(&calm, plan), talk(&bed, plan));
    let (undisturbed, ledger) = (undisturbed?, ledger?);
    calm.drained(&plan.binary).await?;
    let mut faults = undisturbed.faults(&calm.lanes(), &[]);
    let seen = Seen {
        bed: &bed,
        plan,
        ledger: &ledger,
    };
    faults.extend(seen.faults().await?);
    let (alone, beside) = (latencies(&calm, &undisturbed), latencies(&bed, &ledger));
    let lines = seen.table(&alone, &beside);

    if plan.drains_lanes {
        for target in &bed.targets {
            target.faults().clear();
        }
        exit.behave(|_| Conduct::default());
        exit.cut();
        bed.drained(&plan.binary).await?;
        // What hung was swallowed on its way, so even that is shown once.
        faults.extend(ledger.faults(&bed.lanes(), &[]));
    }
    drop(bridges);
    let well = |of: &[Vec<Duration>]| median(of[HUNG + 1..].concat());
    let (alone, beside) = (well(&alone), well(&beside));
    let figures = format!(
        "the others' median {beside:.2?} beside a slow, a dead and a hung room, {alone:.2?} undisturbed at the same time ({:+.0} %)",
        (beside.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0
    );
    Ok(Verdict {
        figures,
        lines,
        faults,
    })
}

/// One client for each lane, for a while.
async fn talk(bed: &Bed, plan: &Plan) -> Result<Ledger, Broken> {
    let manner = Manner {
        pause: Duration::from_millis(40),
        ..Manner::default()
    };
    let clients = Clients::start(bed, LANES, manner);
    tokio::time::sleep(Duration::from_secs(plan.lanes_secs)).await;
    clients.stop().await
}

/// From the post of each message until its target showed it, by lane.
fn latencies(bed: &Bed, ledger: &Ledger) -> Vec<Vec<Duration>> {
    let lanes = bed.targets.iter().enumerate();
    let of = |(lane, target): (usize, &Group)| {
        let transcript = target.transcript();
        let shown: HashMap<&str, Instant> = transcript
            .sent()
            .map(|entry| (told(&entry.text), entry.at))
            .collect();
        let ours = ledger.acknowledged.iter().filter(|one| one.lane == lane);
        ours.filter_map(|one| {
            let at = shown.get(one.text.as_str())?;
            Some(at.duration_since(one.posted_at))
        })
        .collect()
    };
    lanes.map(of).collect()
}

fn median(all: Vec<Duration>) -> Duration {
    percentile(all, 50)
}

/// The disturbed run, while the disturbance lasts.
struct Seen<'a> {
    bed: &'a Bed,
    plan: &'a Plan,
    ledger: &'a Ledger,
}

impl Seen<'_> {
    fn acknowledged(&self, lane: usize) -> u64 {
        let ours = self.ledger.acknowledged.iter();
        ours.filter(|one| one.lane == lane).count() as u64
    }

    fn shown(&self, lane: usize) -> u64 {
        self.bed.targets[lane].accepted()
    }

    /// Which lane waited for what, and should not have.
    async fn faults(&self) -> Result<Vec<String>, Broken> {
        let mut faults = Vec::new();
        let end = Instant::now() + PATIENCE;
        for lane in HUNG + 1..LANES {
            while self.shown(lane) < self.acknowledged(lane) && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let (shown, acknowledged) = (self.shown(lane), self.acknowledged(lane));
            if shown != acknowledged {
                faults.push(format!(
                    "lane {lane} is well and showed {shown} of {acknowledged} beside those that are not"
                ));
            }
        }
        let mut waiting = 0;
        for (lane, name) in NAMES.iter().enumerate().take(HUNG + 1) {
            waiting += self.acknowledged(lane);
            if self.shown(lane) > 0 {
                faults.push(format!("lane {lane} ({name}) showed something"));
            }
        }
        let totals = trace(&self.plan.binary, self.bed.dir.path(), "--totals").await?;
        let totals = totals.ok_or("no totals")?;
        // The slow and the hung room each have one on its way, perhaps the dead one too.
        let in_flight = totals["in_flight"].as_u64().unwrap_or(0);
        if totals["queued"] != waiting || !(2..=3).contains(&in_flight) {
            faults.push(format!("{waiting} should wait: {totals}"));
        }
        faults.extend(self.unexpected_attempts().await?);
        Ok(faults)
    }

    /// Only the head of the dead lane was tried and failed: no other waited for a failure.
    async fn unexpected_attempts(&self) -> Result<Vec<String>, Broken> {
        let mut faults = Vec::new();
        for (lane, name) in NAMES.iter().enumerate() {
            let ours: Vec<_> = self
                .ledger
                .acknowledged
                .iter()
                .filter(|one| one.lane == lane)
                .collect();
            let last = ours.len().saturating_sub(1);
            for place in [0, last / 2, last] {
                let one = ours.get(place).ok_or("a lane got no message")?;
                let failed = self.failed_attempts(&one.message_id).await?;
                let is_dead_head = lane == DEAD && place == 0;
                if (failed > 0) != is_dead_head {
                    faults.push(format!(
                        "lane {lane} ({name}): message {place} of {} failed {failed} times",
                        ours.len()
                    ));
                }
            }
        }
        Ok(faults)
    }

    async fn failed_attempts(&self, message_id: &str) -> Result<usize, Broken> {
        let traced = trace(&self.plan.binary, self.bed.dir.path(), message_id).await?;
        let traced = traced.ok_or("no trace")?;
        let attempts = traced["messages"][0]["deliveries"][0]["attempts"].as_array();
        Ok(attempts.map(Vec::len).ok_or_else(|| no_attempts(&traced))?)
    }

    fn table(&self, alone: &[Vec<Duration>], beside: &[Vec<Duration>]) -> Vec<String> {
        let line = |lane: usize| {
            let (shown, acknowledged) = (self.shown(lane), self.acknowledged(lane));
            let alone = median(alone[lane].clone());
            let beside = match beside[lane].len() {
                0 => "nothing shown".to_owned(),
                _ => format!("{:.2?}", median(beside[lane].clone())),
            };
            format!(
                "lane {lane} {:<14} {acknowledged:>5} acknowledged {shown:>5} shown, median {beside}, undisturbed {alone:.2?}",
                NAMES[lane]
            )
        };
        (0..LANES).map(line).collect()
    }
}

fn no_attempts(traced: &Value) -> String {
    format!("a delivery without attempts: {traced}")
}

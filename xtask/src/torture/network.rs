//! A network that delays, dribbles, cuts, half-closes and stalls, on both sides of the bridge.

mod rows;

use std::time::Duration;

use bridge_testkit::FaultProxy;
use bridge_testkit::fault_proxy::Conduct;
use dingtalk_sandbox::{Callback, StatusCode};
use serde_json::Value;

use super::bed::{Bed, told, trace};
use super::bridge::Bridge;
use super::client::message_id;
use super::{Broken, Plan, Verdict};
use rows::{Inbound, Known, Outbound, Times};

/// Longer than anything takes that is not stalled.
const ATTEMPT_TIMEOUT: &str = "2s";

/// How long the platform waits for the answer to a callback.
const PATIENCE: Duration = Duration::from_secs(2);

/// Far longer than the attempts of a row take.
const SETTLED: Duration = Duration::from_secs(30);

/// A platform gives up some time.
const MOST_TRIES: u32 = 10;

/// Behind each text, so that a request's body is longer than its head.
const PADDING: usize = 2000;

/// A bed of which each side has a proxy.
struct Between {
    bed: Bed,
    /// Between the bridge and the platform's API.
    exit: FaultProxy,
    /// Between the platform's callbacks and the bridge.
    entry: FaultProxy,
}

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let between = Between::new().await?;
    let bridge = Bridge::start(&plan.binary, &between.bed).await?;
    let mut table = Table::default();
    let (outbound, inbound) = (rows::outbound(), rows::inbound());
    for (number, row) in outbound.iter().enumerate() {
        let found = between.send(plan, &format!("out{number}"), row).await;
        table.add(&row.name, found);
    }
    for (number, row) in inbound.iter().enumerate() {
        let found = between.receive(plan, &format!("in{number}"), row).await;
        table.add(&row.name, found);
    }
    drop(bridge);
    let figures = format!(
        "{} faults between bridge and platform, {} between platform and bridge",
        outbound.len(),
        inbound.len()
    );
    let Table { lines, faults } = table;
    Ok(Verdict {
        figures,
        lines,
        faults,
    })
}

/// A line of the table, and whether it is as it should be.
struct Found {
    line: String,
    fault: Option<String>,
}

#[derive(Default)]
struct Table {
    lines: Vec<String>,
    faults: Vec<String>,
}

impl Table {
    /// A row that can't be run to its end is a fault, and no reason to leave out the others.
    fn add(&mut self, name: &str, found: Result<Found, Broken>) {
        match found {
            Ok(Found { line, fault }) => {
                self.lines.push(line);
                self.faults.extend(fault);
            }
            Err(broken) => self.faults.push(format!("{name}: {broken}")),
        }
    }
}

impl Between {
    async fn new() -> Result<Self, Broken> {
        // The second lane parks what is uncertain.
        let mut bed = Bed::new(2).await?;
        let exit = FaultProxy::start(bed.sandbox.address()).await?;
        let port = bed.config["dingtalk"]["dt"]["listen_port"].as_u64();
        let port = u16::try_from(port.ok_or("no port")?)?;
        let entry = FaultProxy::start(([127, 0, 0, 1], port).into()).await?;
        let instance = &mut bed.config["dingtalk"]["dt"];
        instance["api_base"] = format!("http://{}", exit.address()).into();
        instance["attempt_timeout"] = ATTEMPT_TIMEOUT.into();
        instance["backoff_max"] = "50ms".into();
        bed.rules["rules"][1]["to"]["dt"]["on_uncertain"] = "park".into();
        let url = format!("http://{}/dingtalk/event", entry.address());
        bed.robot.set_callback(&url, super::bed::SECRET)?;
        Ok(Self { bed, exit, entry })
    }

    /// Sends one message while the way out behaves as the row says.
    async fn send(&self, plan: &Plan, id: &str, row: &Outbound) -> Result<Found, Broken> {
        let lane = usize::from(row.parks);
        let callback = self.callback(lane, id)?;
        disturb(&self.exit, row.conduct, row.times).await;
        let answer = self.bed.sandbox.post(&callback).await?;
        if answer.status != StatusCode::OK {
            return Err(
                format!("{}: the callback was answered {}", row.name, answer.status).into(),
            );
        }
        self.settled(plan).await?;
        let delivery = &self.traced(plan, &callback).await?["deliveries"][0];
        let attempts = delivery["attempts"].as_array().cloned();
        let attempts = attempts.unwrap_or_default();
        let uncertain = |attempt: &&Value| attempt["uncertain"] == true;
        let known = Known {
            shown: self.shown(lane, id),
            certain: attempts.len() - attempts.iter().filter(uncertain).count(),
            uncertain: attempts.iter().filter(uncertain).count(),
            is_parked: delivery["state"] == "dead",
        };
        let parked = delivery["may_have_been_delivered"] == true;
        let line = format!("{:<52} {known}", row.name);
        let fault = (known != row.expected || parked != known.is_parked)
            .then(|| format!("{}: {known}, not {}: {delivery}", row.name, row.expected));
        Ok(Found { line, fault })
    }

    /// Posts one message, as often as a platform does, while the way in behaves as the row says.
    async fn receive(&self, plan: &Plan, id: &str, row: &Inbound) -> Result<Found, Broken> {
        let callback = self.callback(0, id)?;
        disturb(&self.entry, row.conduct, Times::Once).await;
        let before = self.entry.connections();
        let mut tries = 0;
        loop {
            let posted = tokio::time::timeout(PATIENCE, self.bed.sandbox.post(&callback)).await;
            if let Ok(Ok(answer)) = posted
                && answer.status == StatusCode::OK
            {
                break;
            }
            tries += 1;
            if tries == MOST_TRIES {
                return Err(format!("{}: no answer to {tries} posts", row.name).into());
            }
        }
        // One that met a connection which was gone before has reached nobody.
        let posts = self.entry.connections() - before;
        self.settled(plan).await?;
        let duplicates = self.traced(plan, &callback).await?["duplicates"].clone();
        let shown = self.shown(0, id);
        let line = format!(
            "{:<52} posted {posts}, taken for a duplicate {duplicates}, shown {shown}",
            row.name
        );
        let is_fine = posts == row.posts && duplicates == row.duplicates && shown == 1;
        let fault = (!is_fine).then(|| {
            format!(
                "{}: should be posted {}, duplicate {}, shown 1",
                row.name, row.posts, row.duplicates
            )
        });
        Ok(Found { line, fault })
    }

    fn callback(&self, lane: usize, id: &str) -> Result<Callback, Broken> {
        let text = format!("{id} {}", "x".repeat(PADDING));
        Ok(self.bed.sources[lane].callback(&self.bed.member, &text)?)
    }

    /// How often the target was shown it.
    fn shown(&self, lane: usize, id: &str) -> usize {
        let transcript = self.bed.targets[lane].transcript();
        let texts = transcript.sent_texts().into_iter();
        texts.filter(|text| told(text) == id).count()
    }

    /// Waits until the message has left the queue.
    async fn settled(&self, plan: &Plan) -> Result<(), Broken> {
        let drained = tokio::time::timeout(SETTLED, self.bed.drained(&plan.binary)).await;
        drained.map_err(|_| format!("it is still queued after {SETTLED:?}"))??;
        Ok(())
    }

    async fn traced(&self, plan: &Plan, callback: &Callback) -> Result<Value, Broken> {
        let id = message_id(callback)?;
        let traced = trace(&plan.binary, self.bed.dir.path(), &id).await?;
        let messages = traced.as_ref().and_then(|traced| traced["messages"].get(0));
        Ok(messages.cloned().unwrap_or_default())
    }
}

/// From now on one new connection, or every one, behaves like this; those that are open are gone.
async fn disturb(proxy: &FaultProxy, conduct: Conduct, times: Times) {
    proxy.cut();
    proxy.until_idle().await;
    let first = proxy.connections();
    proxy.behave(move |number| {
        if times == Times::Always || number == first {
            conduct
        } else {
            Conduct::default()
        }
    });
}

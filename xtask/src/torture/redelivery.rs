//! The same message id again: at once on eight connections, after a restart, a day later, at another
//! instance.

use std::path::Path;
use std::time::{Duration, Instant};

use dingtalk_sandbox::{Callback, Group, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::bed::{Bed, SECRET, free_port, trace};
use super::bridge::Bridge;
use super::client::message_id;
use super::{Broken, Plan, Verdict};

const CONNECTIONS: usize = 8;
const MESSAGES: usize = 50;

const RETAIN_BODIES: &str = "1h";
const RETAIN_IDS: &str = "48h";
/// Longer than bodies are kept, and shorter than ids.
const A_DAY: Duration = Duration::from_secs(25 * 3600);

/// How long the bridge may take to remove what is too old.
const TIDIED: Duration = Duration::from_secs(30);

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let (bed, second, port) = two_instances().await?;
    let mut callbacks = Vec::new();
    for number in 0..MESSAGES {
        callbacks.push(bed.sources[0].callback(&bed.member, &format!("m{number}"))?);
    }
    let mut rounds = Rounds {
        plan,
        bed: &bed,
        callbacks: &callbacks,
        faults: Vec::new(),
    };
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    rounds.post("at once", 1).await?;
    bridge.kill().await?;

    let bridge = Bridge::start(&plan.binary, &bed).await?;
    rounds.post("after a restart", 1).await?;
    // The same ids at the other instance are other messages.
    let url = format!("http://127.0.0.1:{port}/dingtalk/event");
    rounds.elsewhere(&url, &second).await?;
    bridge.kill().await?;

    age(bed.dir.path(), A_DAY)?;
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let id = message_id(&callbacks[MESSAGES - 1])?;
    let body_is_gone = |traced: &Value| traced["messages"][0]["deliveries"][0]["text"].is_null();
    rounds.wait_until(&id, body_is_gone).await?;
    rounds.post("a day later", 1).await?;
    bridge.kill().await?;

    // Older than `retain_ids` it is unknown: so the day before was really a day.
    age(bed.dir.path(), A_DAY)?;
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let is_unknown = |traced: &Value| traced["messages"] == json!([]);
    rounds.wait_until(&id, is_unknown).await?;
    rounds.post("after `retain_ids`", 2).await?;
    drop(bridge);
    let figures = format!(
        "{MESSAGES} messages, each on {CONNECTIONS} connections at once, after a restart, a day later and at another instance: each arrived once; once more after `retain_ids`"
    );
    Ok(Verdict::new(figures, rounds.faults))
}

/// A bed with a second instance of the robot, which hears the same group and tells another target;
/// that target, and the instance's port.
async fn two_instances() -> Result<(Bed, Group, u16), Broken> {
    let mut bed = Bed::new(1).await?;
    let second = bed.sandbox.add_group("cidSecond==", "second");
    second.add_robot(&bed.robot);
    let port = free_port()?;
    let mut instance = bed.config["dingtalk"]["dt"].clone();
    instance["listen_port"] = port.into();
    bed.config["dingtalk"]["dt2"] = instance;
    bed.config["global"]["store"] =
        json!({ "retain_bodies": RETAIN_BODIES, "retain_ids": RETAIN_IDS });
    let rules = bed.rules["rules"].as_array_mut().ok_or("no rules")?;
    rules.push(json!({
        "from": { "dt2": { "open_conversation_id": bed.sources[0].open_conversation_id() } },
        "to": { "dt": { "open_conversation_id": second.open_conversation_id() } } }));
    Ok((bed, second, port))
}

/// The callbacks, posted again and again.
struct Rounds<'a> {
    plan: &'a Plan,
    bed: &'a Bed,
    callbacks: &'a [Callback],
    faults: Vec<String>,
}

impl Rounds<'_> {
    /// Posts each on all connections at once, signed anew; afterwards each has arrived `times` times
    /// in all.
    async fn post(&mut self, round: &str, times: usize) -> Result<(), Broken> {
        for callback in self.callbacks {
            let mut posts = JoinSet::new();
            for _ in 0..CONNECTIONS {
                let sandbox = self.bed.sandbox.clone();
                let callback = callback.clone().signed(SECRET);
                posts.spawn(async move { sandbox.post(&callback).await.map(|a| a.status) });
            }
            while let Some(status) = posts.join_next().await {
                let status = status??;
                if status != StatusCode::OK {
                    self.faults
                        .push(format!("a callback was answered {status} {round}"));
                }
            }
        }
        self.bed.drained(&self.plan.binary).await?;
        self.compare(&self.bed.targets[0], round, times);
        Ok(())
    }

    async fn elsewhere(&mut self, url: &str, target: &Group) -> Result<(), Broken> {
        for callback in self.callbacks {
            let again = Callback::new(url, callback.body().clone())?;
            self.bed.sandbox.post(&again.signed(SECRET)).await?;
        }
        self.bed.drained(&self.plan.binary).await?;
        self.compare(target, "at another instance", 1);
        Ok(())
    }

    fn compare(&mut self, target: &Group, round: &str, times: usize) {
        let transcript = target.transcript();
        let texts = transcript.sent_texts();
        for number in 0..MESSAGES {
            let text = format!("u: m{number}");
            let arrived = texts.iter().filter(|shown| **shown == text).count();
            if arrived != times {
                self.faults
                    .push(format!("m{number} had arrived {arrived} times {round}"));
            }
        }
    }

    /// Waits until the bridge has removed what is too old.
    async fn wait_until(&self, id: &str, done: impl Fn(&Value) -> bool) -> Result<(), Broken> {
        let end = Instant::now() + TIDIED;
        loop {
            let traced = trace(&self.plan.binary, self.bed.dir.path(), id).await?;
            let traced = traced.ok_or("no trace")?;
            if done(&traced) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("what is too old is not removed: {traced}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Moves everything in the store of a bridge that does not run into the past: the real binary has
/// no clock that could be set.
fn age(dir: &Path, by: Duration) -> Result<(), Broken> {
    const TIMES: [(&str, &str); 6] = [
        ("message", "received_at"),
        ("message", "last_duplicate_at"),
        ("settled", "at"),
        ("attempt", "at"),
        ("sent_part", "at"),
        ("record", "at"),
    ];
    let connection = rusqlite::Connection::open(dir.join("data/store.db"))?;
    for (table, column) in TIMES {
        let sql = format!("UPDATE {table} SET {column} = {column} - ?1");
        connection.execute(&sql, [i64::try_from(by.as_millis())?])?;
    }
    Ok(())
}

//! A connection of the platform: posts signed callbacks, one after the other, each until it is
//! acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};

use dingtalk_sandbox::{Callback, Group, Member, Sandbox, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use super::Broken;
use super::bed::Bed;
use super::ledger::{Acknowledged, Ledger};

/// The pause before a callback that was not acknowledged is posted again.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Connections that post until they are stopped.
pub(super) struct Clients {
    tasks: JoinSet<Result<Ledger, Broken>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

/// How a client behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// The pause after each answer.
    pub(super) pause: Duration,
    /// Whether a refused callback is posted again, as a platform does.
    pub(super) insists: bool,
    /// Bytes behind the word by which a message is known.
    pub(super) padding: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(2),
            insists: true,
            padding: 0,
        }
    }
}

impl Clients {
    /// `connections` clients, spread over the bed's sources.
    pub(super) fn start(bed: &Bed, connections: usize, manner: Manner) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (acknowledged, refused) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let mut tasks = JoinSet::new();
        for number in 0..connections {
            let lane = number % bed.sources.len();
            let client = Client {
                sandbox: bed.sandbox.clone(),
                group: bed.sources[lane].clone(),
                member: bed.member.clone(),
                manner,
                stop: Arc::clone(&stop),
                acknowledged: Arc::clone(&acknowledged),
                refused: Arc::clone(&refused),
            };
            tasks.spawn(client.run(number, lane));
        }
        Self {
            tasks,
            stop,
            acknowledged,
            refused,
        }
    }

    /// How many messages were acknowledged so far; never more than were.
    pub(super) fn acknowledged(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.acknowledged)
    }

    /// How often one was refused so far.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(SeqCst)
    }

    /// Lets each finish its message; what was acknowledged to all of them.
    pub(super) async fn stop(mut self) -> Result<Ledger, Broken> {
        self.stop.store(true, Relaxed);
        let mut ledger = Ledger::default();
        while let Some(done) = self.tasks.join_next().await {
            ledger.add(done??);
        }
        Ok(ledger)
    }
}

struct Client {
    sandbox: Sandbox,
    group: Group,
    member: Member,
    manner: Manner,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl Client {
    async fn run(self, number: usize, lane: usize) -> Result<Ledger, Broken> {
        let mut ledger = Ledger::default();
        for sequence in 0.. {
            if self.stop.load(Relaxed) {
                break;
            }
            let text = format!("c{number}-{sequence:07}");
            let padded = match self.manner.padding {
                0 => text.clone(),
                bytes => format!("{text} {}", "x".repeat(bytes)),
            };
            let callback = self.group.callback(&self.member, &padded)?;
            let began = Instant::now();
            let is_acknowledged = self.post(&callback, &text, &mut ledger).await;
            if is_acknowledged {
                self.acknowledged.fetch_add(1, SeqCst);
                let latency = began.elapsed();
                ledger.acknowledged.push(Acknowledged {
                    lane,
                    client: number,
                    text,
                    message_id: message_id(&callback)?,
                    posted_at: began,
                    latency,
                });
            }
            tokio::time::sleep(self.manner.pause).await;
        }
        Ok(ledger)
    }

    async fn post(&self, callback: &Callback, text: &str, ledger: &mut Ledger) -> bool {
        loop {
            match self.sandbox.post(callback).await {
                Ok(answer) if answer.status == StatusCode::OK => return true,
                Ok(answer) => {
                    self.refused.fetch_add(1, SeqCst);
                    *ledger.refusals.entry(answer.status.as_u16()).or_default() += 1;
                    if !self.manner.insists {
                        ledger.refused.push(text.to_owned());
                        return false;
                    }
                }
                // No answer: nobody knows, as with a real platform.
                Err(_) if !self.manner.insists => return false,
                Err(_) => {}
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// The platform's id of the message in a callback.
pub(super) fn message_id(callback: &Callback) -> Result<String, Broken> {
    let body: Value = serde_json::from_slice(callback.body())?;
    Ok(body["msgId"]
        .as_str()
        .ok_or("a callback without an id")?
        .to_owned())
}

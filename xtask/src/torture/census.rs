//! Asks for the totals at random moments, and compares both of their sides with each other and with
//! what is known outside.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use dingtalk_sandbox::Group;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::Broken;
use super::bed::{Bed, trace};
use super::client::Clients;

/// One who asks until it is stopped.
pub(super) struct Census {
    task: JoinHandle<Result<Counted, Broken>>,
    stop: Arc<AtomicBool>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Counted {
    answered: u32,
    /// The bridge was killed while it was asked.
    unanswered: u32,
    faults: Vec<String>,
}

/// What is known from outside: a bound from before the question, and one from after the answer.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Messages that had been acknowledged; each is one delivery.
    acknowledged: u64,
    /// Messages that the targets had been shown.
    shown: u64,
    /// What was said to be planned the last time.
    planned: u64,
}

struct Asking {
    binary: PathBuf,
    dir: PathBuf,
    targets: Vec<Group>,
    acknowledged: Arc<AtomicU64>,
    random: fastrand::Rng,
    stop: Arc<AtomicBool>,
}

impl Census {
    pub(super) fn start(binary: &Path, bed: &Bed, clients: &Clients, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asking = Asking {
            binary: binary.to_owned(),
            dir: bed.dir.path().to_owned(),
            targets: bed.targets.clone(),
            acknowledged: clients.acknowledged(),
            random: fastrand::Rng::with_seed(seed),
            stop: Arc::clone(&stop),
        };
        let task = tokio::spawn(asking.run());
        Self { task, stop }
    }

    /// Ends the questions.
    pub(super) async fn end(self) -> Result<Counted, Broken> {
        self.stop.store(true, Relaxed);
        self.task.await?
    }
}

impl Asking {
    async fn run(mut self) -> Result<Counted, Broken> {
        let mut counted = Counted::default();
        let mut planned = 0;
        while !self.stop.load(Relaxed) {
            let pause = self.random.u64(..40_000);
            tokio::time::sleep(Duration::from_micros(pause)).await;
            let acknowledged = self.acknowledged.load(SeqCst);
            let Some(totals) = trace(&self.binary, &self.dir, "--totals").await? else {
                counted.unanswered += 1;
                continue;
            };
            counted.answered += 1;
            let known = Known {
                acknowledged,
                shown: self.targets.iter().map(Group::accepted).sum(),
                planned,
            };
            counted.faults.extend(fault(&totals, known));
            planned = totals["planned"].as_u64().unwrap_or(0);
        }
        Ok(counted)
    }
}

impl Counted {
    /// What was broken; a census that nobody answered shows nothing.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.faults.clone();
        if self.answered == 0 {
            faults.push("the totals were never said while it ran".to_owned());
        }
        faults
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "totals compared {} times", self.answered)?;
        match self.unanswered {
            0 => Ok(()),
            count => write!(f, " ({count} more met a kill)"),
        }
    }
}

/// What is wrong with the totals.
fn fault(totals: &Value, known: Known) -> Option<String> {
    let of = |name: &str| totals[name].as_u64().unwrap_or(0);
    let (planned, delivered) = (of("planned"), of("delivered"));
    let wrong = if planned != of("accounted") {
        "the two sides differ".to_owned()
    } else if planned < known.acknowledged {
        format!("{} had been acknowledged", known.acknowledged)
    } else if delivered > known.shown {
        format!("the targets were shown {}", known.shown)
    } else if planned < known.planned {
        format!("{} had been planned before", known.planned)
    } else {
        return None;
    };
    Some(format!("totals: {wrong}: {totals}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_sides_are_compared_with_what_is_known() {
        // Planned, accounted for, delivered; acknowledged, shown, planned before; whether it is fine.
        let rows = [
            ([5, 5, 3], [5, 3, 5], true),
            ([5, 5, 3], [4, 4, 4], true),
            ([5, 4, 3], [5, 3, 5], false),
            ([5, 6, 3], [5, 3, 5], false),
            ([5, 5, 3], [6, 3, 5], false),
            ([5, 5, 3], [5, 2, 5], false),
            ([5, 5, 3], [5, 3, 6], false),
        ];
        for (said, known, is_fine) in rows {
            let totals = json!({ "planned": said[0], "accounted": said[1], "delivered": said[2] });
            let known = Known {
                acknowledged: known[0],
                shown: known[1],
                planned: known[2],
            };
            assert_eq!(
                fault(&totals, known).is_none(),
                is_fine,
                "{totals} {known:?}"
            );
        }
    }
}

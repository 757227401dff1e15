//! The oracle: what was acknowledged, what the targets show, and what follows from comparing them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// Deliveries of one lane that a crash may repeat: the one that was being sent, and the one before,
/// whose outcome was on its way to the disk.
const MOST_REPEATED: usize = 2;

/// What the clients know.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Texts that were answered with a refusal and not posted again.
    pub(super) refused: Vec<String>,
    /// Refusals by status.
    pub(super) refusals: BTreeMap<u16, u64>,
}

/// A message that was answered with 200.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub(super) lane: usize,
    /// Whose messages are acknowledged one after the other, so that they have an order.
    pub(super) client: usize,
    pub(super) text: String,
    /// The platform's id of it.
    pub(super) message_id: String,
    pub(super) posted_at: Instant,
    pub(super) latency: Duration,
}

/// What one target shows.
#[derive(Debug, Default, Clone)]
pub(super) struct Lane {
    pub(super) texts: Vec<String>,
}

/// How many messages each target showed when the bridge was killed.
pub(super) type Crash = Vec<usize>;

impl Ledger {
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.refused.extend(other.refused);
        for (status, count) in other.refusals {
            *self.refusals.entry(status).or_default() += count;
        }
    }

    /// The latency that `percent` of the acknowledgements kept.
    pub(super) fn latency(&self, percent: usize) -> Duration {
        let all = self.acknowledged.iter().map(|one| one.latency);
        percentile(all.collect(), percent)
    }

    /// Every promise that the targets break.
    pub(super) fn faults(&self, lanes: &[Lane], crashes: &[Crash]) -> Vec<String> {
        let mut faults = self.lost(lanes);
        faults.extend(self.disordered(lanes));
        for (number, lane) in lanes.iter().enumerate() {
            let ends: Vec<_> = crashes.iter().map(|crash| crash[number]).collect();
            faults.extend(repeated(number, lane, &ends));
        }
        faults.extend(self.delivered_though_refused(lanes));
        faults
    }

    fn lost(&self, lanes: &[Lane]) -> Vec<String> {
        let shown: Vec<HashSet<&str>> = lanes
            .iter()
            .map(|lane| lane.texts.iter().map(String::as_str).collect())
            .collect();
        let lost = self
            .acknowledged
            .iter()
            .filter(|one| !shown[one.lane].contains(one.text.as_str()));
        lost.map(|one| format!("lost: {} was acknowledged and never arrived", one.text))
            .collect()
    }

    /// What one client was acknowledged in turn must appear in that order.
    fn disordered(&self, lanes: &[Lane]) -> Vec<String> {
        let mut first_at: Vec<HashMap<&str, usize>> = Vec::new();
        for lane in lanes {
            let mut places = HashMap::new();
            for (place, text) in lane.texts.iter().enumerate() {
                places.entry(text.as_str()).or_insert(place);
            }
            first_at.push(places);
        }
        let mut last: HashMap<usize, usize> = HashMap::new();
        let mut faults = Vec::new();
        for one in &self.acknowledged {
            let Some(place) = first_at[one.lane].get(one.text.as_str()) else {
                continue;
            };
            let before = last.insert(one.client, *place);
            if before.is_some_and(|before| before > *place) {
                faults.push(format!(
                    "disordered: {} arrived before what was said earlier",
                    one.text
                ));
            }
        }
        faults
    }

    fn delivered_though_refused(&self, lanes: &[Lane]) -> Vec<String> {
        let refused: HashSet<&str> = self.refused.iter().map(String::as_str).collect();
        let shown = lanes.iter().flat_map(|lane| &lane.texts);
        let both = shown.filter(|text| refused.contains(text.as_str()));
        both.map(|text| format!("refused, and delivered all the same: {text}"))
            .collect()
    }
}

/// Repeats that no crash explains.
fn repeated(number: usize, lane: &Lane, crashes: &[usize]) -> Vec<String> {
    let mut last_at: HashMap<&str, usize> = HashMap::new();
    let mut faults = Vec::new();
    for (place, text) in lane.texts.iter().enumerate() {
        let Some(before) = last_at.insert(text, place) else {
            continue;
        };
        // A crash after it was sent, and before it was sent again, when it was among the last.
        let explained = crashes
            .iter()
            .any(|crash| before < *crash && *crash <= place && before + MOST_REPEATED >= *crash);
        if !explained {
            faults.push(format!(
                "repeated: {text} at {before} and {place} of lane {number}, without a crash that explains it"
            ));
        }
    }
    faults
}

/// What `percent` of `all` kept.
pub(super) fn percentile(mut all: Vec<Duration>, percent: usize) -> Duration {
    all.sort();
    let at = (all.len() * percent / 100).min(all.len().saturating_sub(1));
    all.get(at).copied().unwrap_or_default()
}

/// How many messages were shown more than once.
pub(super) fn count_repeats(lanes: &[Lane]) -> usize {
    let repeats = |lane: &Lane| {
        let distinct: HashSet<&String> = lane.texts.iter().collect();
        lane.texts.len() - distinct.len()
    };
    lanes.iter().map(repeats).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(texts: &[&str]) -> Ledger {
        let acknowledged = texts.iter().map(|text| Acknowledged {
            lane: 0,
            client: 0,
            text: (*text).to_owned(),
            message_id: String::new(),
            posted_at: Instant::now(),
            latency: Duration::ZERO,
        });
        Ledger {
            acknowledged: acknowledged.collect(),
            ..Ledger::default()
        }
    }

    /// The first word of each fault.
    fn faults(ledger: &Ledger, shown: &[&str], crashes: &[usize]) -> Vec<String> {
        let lane = Lane {
            texts: shown.iter().map(|text| (*text).to_owned()).collect(),
        };
        let crashes: Vec<Crash> = crashes.iter().map(|crash| vec![*crash]).collect();
        let faults = ledger.faults(&[lane], &crashes).into_iter();
        faults
            .map(|fault| {
                fault
                    .split([':', ','])
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn the_oracle_sees_what_is_wrong_and_nothing_else() {
        let all = ledger(&["a", "b", "c", "d"]);
        let rows: [(&[&str], &[usize], &[&str]); 9] = [
            (&["a", "b", "c", "d"], &[], &[]),
            // Somebody else's, or not yet acknowledged.
            (&["a", "x", "b", "c", "d"], &[], &[]),
            (&["a", "b", "d"], &[], &["lost"]),
            (&["b", "a", "c", "d"], &[], &["disordered"]),
            (&["a", "b", "b", "c", "d"], &[], &["repeated"]),
            (&["a", "b", "b", "c", "d"], &[2], &[]),
            (&["a", "b", "a", "b", "c", "d"], &[2], &[]),
            (&["a", "b", "c", "a", "d"], &[3], &["repeated"]),
            (&["a", "b", "c", "b", "d"], &[1], &["repeated"]),
        ];
        for (shown, crashes, expected) in rows {
            assert_eq!(
                faults(&all, shown, crashes),
                expected,
                "{shown:?} {crashes:?}"
            );
        }
    }

    #[test]
    fn what_was_refused_must_not_arrive() {
        let mut refused = ledger(&["a"]);
        refused.refused.push("b".to_owned());
        assert_eq!(faults(&refused, &["a"], &[]), [""; 0]);
        assert_eq!(faults(&refused, &["a", "b"], &[]), ["refused"]);
    }
}

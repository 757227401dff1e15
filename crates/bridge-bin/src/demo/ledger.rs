//! Keeps account of what was said and what arrived, and judges whether everything arrived, in
//! order and once.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::side::{Pair, Side};
use super::view::show_duration;

/// What was said in both rooms and what the bridge brought to them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    said: Vec<Said>,
    arrived: Pair<Vec<String>>,
}

#[derive(Debug)]
struct Said {
    side: Side,
    expected: String,
    at: Instant,
    took: Option<Duration>,
}

/// What became of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Messages that people said.
    said: usize,
    /// Those of them that arrived at least once.
    delivered: usize,
    /// Half of those took no longer.
    median: Option<Duration>,
    /// What was expected and what came instead; empty if all is well.
    pub(crate) problems: Vec<String>,
}

impl Ledger {
    /// Somebody said something on `side`, which is to arrive on the other as `expected`.
    pub(super) fn said(&mut self, side: Side, expected: String, at: Instant) {
        self.said.push(Said {
            side,
            expected,
            at,
            took: None,
        });
    }

    /// The bridge brought `text` to `side`. Gives back how long after it was said, or `None` for
    /// what nobody said, or what had arrived before.
    pub(super) fn arrived(&mut self, side: Side, text: &str, at: Instant) -> Option<Duration> {
        match side {
            Side::Left => self.arrived.left.push(text.to_owned()),
            Side::Right => self.arrived.right.push(text.to_owned()),
        }
        let said = self.said.iter_mut().find(|said| {
            said.side == side.other() && said.took.is_none() && said.expected == text
        })?;
        said.took = Some(at.saturating_duration_since(said.at));
        said.took
    }

    /// Whether all that was said has arrived.
    pub(super) fn has_settled(&self) -> bool {
        self.said.iter().all(|said| said.took.is_some())
    }

    /// Judges all that was said and arrived so far.
    pub(super) fn verdict(&self, titles: &Pair<String>) -> Verdict {
        let mut took: Vec<_> = self.said.iter().filter_map(|said| said.took).collect();
        took.sort_unstable();
        let problems = Side::BOTH.into_iter().filter_map(|side| {
            let expected: Vec<_> = self
                .said
                .iter()
                .filter(|said| said.side == side.other())
                .map(|said| said.expected.as_str())
                .collect();
            compare(titles.get(side), &expected, self.arrived.get(side))
        });
        Verdict {
            said: self.said.len(),
            delivered: took.len(),
            median: took.get(took.len().saturating_sub(1) / 2).copied(),
            problems: problems.collect(),
        }
    }
}

/// What is wrong with what arrived in a room.
fn compare(title: &str, expected: &[&str], arrived: &[String]) -> Option<String> {
    if expected == arrived {
        return None;
    }
    let mut balance: HashMap<&str, i64> = HashMap::new();
    for text in expected {
        *balance.entry(text).or_default() += 1;
    }
    for text in arrived {
        *balance.entry(text).or_default() -= 1;
    }
    let missing: i64 = balance.values().filter(|count| **count > 0).sum();
    let too_many: i64 = -balance.values().filter(|count| **count < 0).sum::<i64>();
    let fault = match (missing, too_many) {
        (0, 0) => "in another order than said".to_owned(),
        _ => format!("{missing} missing, {too_many} too many"),
    };
    Some(format!(
        "not what was said arrived in {title}: {fault}\n\
         \x20 expected: {expected:?}\n\
         \x20 arrived:  {arrived:?}"
    ))
}

impl Verdict {
    /// Adds a problem that shows in no transcript.
    pub(super) fn add(&mut self, problem: String) {
        self.problems.insert(0, problem);
    }

    /// Whether everything arrived, in order and once.
    pub(crate) fn is_fine(&self) -> bool {
        self.problems.is_empty()
    }
}

/// `12 messages, 12 delivered, in order, once each; median 3.1 ms`
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages, {} delivered", self.said, self.delivered)?;
        if self.is_fine() {
            f.write_str(", in order, once each")?;
        } else {
            f.write_str(", not as they were said")?;
        }
        match self.median {
            Some(median) => write!(f, "; median {}", show_duration(median)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles() -> Pair<String> {
        Pair {
            left: "Left".to_owned(),
            right: "Right".to_owned(),
        }
    }

    /// Says a, b and c on the left and lets `arrivals` come in on the right, a millisecond apart.
    fn ledger(arrivals: &[&str]) -> Ledger {
        let start = Instant::now();
        let mut ledger = Ledger::default();
        for text in ["a", "b", "c"] {
            ledger.said(Side::Left, text.to_owned(), start);
        }
        for (millis, text) in (1..).zip(arrivals) {
            ledger.arrived(Side::Right, text, start + Duration::from_millis(millis));
        }
        ledger
    }

    #[test]
    fn in_order_and_once_is_fine() {
        let ledger = ledger(&["a", "b", "c"]);
        let verdict = ledger.verdict(&titles());
        assert!(verdict.is_fine(), "{verdict:?}");
        let expected = "3 messages, 3 delivered, in order, once each; median 2.0 ms";
        assert_eq!(verdict.to_string(), expected);
    }

    #[test]
    fn everything_else_is_a_problem_of_the_group_it_concerns() {
        let rows: [(&[&str], &str, usize); 6] = [
            (&["a", "c"], "1 missing, 0 too many", 2),
            (&[], "3 missing, 0 too many", 0),
            (&["a", "b", "b", "c"], "0 missing, 1 too many", 3),
            (&["a", "c", "b"], "in another order than said", 3),
            (&["a", "b", "c", "forged"], "0 missing, 1 too many", 3),
            (&["a", "b", "C"], "1 missing, 1 too many", 2),
        ];
        for (arrivals, fault, delivered) in rows {
            let verdict = ledger(arrivals).verdict(&titles());
            assert!(!verdict.is_fine(), "{arrivals:?}");
            assert_eq!(verdict.delivered, delivered, "{arrivals:?}");
            let [problem] = &verdict.problems[..] else {
                panic!("{arrivals:?}: {:?}", verdict.problems);
            };
            let head = format!("not what was said arrived in Right: {fault}\n");
            assert!(problem.starts_with(&head), "{problem}");
            assert!(problem.contains(&format!("expected: {:?}", ["a", "b", "c"])));
            assert!(problem.contains(&format!("arrived:  {arrivals:?}")));
            assert!(verdict.to_string().contains("not as they were said"));
        }
    }

    #[test]
    fn what_comes_back_to_its_own_group_is_a_problem() {
        let mut ledger = ledger(&["a", "b", "c"]);
        let echo = ledger.arrived(Side::Left, "a", Instant::now());
        assert_eq!(echo, None);
        let verdict = ledger.verdict(&titles());
        assert!(verdict.problems[0].contains("in Left: 0 missing, 1 too many"));
    }

    #[test]
    fn equal_texts_are_told_apart_by_their_order() {
        let start = Instant::now();
        let later = start + Duration::from_millis(5);
        let mut ledger = Ledger::default();
        ledger.said(Side::Right, "ok".to_owned(), start);
        ledger.said(Side::Right, "ok".to_owned(), later);
        assert!(!ledger.has_settled());
        let took = |millis| Some(Duration::from_millis(millis));
        let at = start + Duration::from_millis(7);
        assert_eq!(ledger.arrived(Side::Left, "ok", at), took(7));
        assert_eq!(ledger.arrived(Side::Left, "ok", at), took(2));
        assert_eq!(ledger.arrived(Side::Left, "ok", at), None);
        assert!(ledger.has_settled());
    }

    #[test]
    fn a_problem_beside_the_transcripts_counts_as_well() {
        let mut verdict = ledger(&["a", "b", "c"]).verdict(&titles());
        verdict.add("the forged callback was answered 200".to_owned());
        assert!(!verdict.is_fine());
    }
}

//! Compares what was said with what each place shows, and both with what the store says.

use std::collections::{BTreeMap, HashMap, HashSet};

use bridge_store::Inspector;

use crate::ledger::{Said, owed};
use crate::place::Place;
use crate::receiver::Taken;

/// Deliveries of one lane that a kill may repeat: the one that was being sent, and the one before,
/// whose outcome was on its way to the disk.
const REPEATED_BY_KILL: usize = 2;

/// Uncertain sends, by place and text.
pub(crate) type Uncertain = HashMap<(Place, String), usize>;

/// What a place shows, repeated sends included.
pub(crate) type Shown = BTreeMap<Place, Vec<String>>;

/// What the oracle knows beside what the places show.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) said: Vec<Said>,
    /// Up to where each link to the IRC network was read.
    pub(crate) read: HashMap<u64, usize>,
    /// Kills of the bridge.
    pub(crate) kills: usize,
}

/// Every promise that the places break. Without `uncertain`, repeated sends are not judged.
pub(crate) fn faults(known: &Known, shown: &Shown, uncertain: Option<&Uncertain>) -> Vec<String> {
    let said = &known.said;
    let all: HashSet<_> = shown.values().flatten().map(String::as_str).collect();
    let owed = owed(said, &all, &known.read);
    let origins: HashMap<_, _> = said.iter().map(|said| (&*said.text, said.place)).collect();
    let mut faults = Vec::new();
    for (place, texts) in shown {
        let mut firsts: HashMap<&str, usize> = HashMap::new();
        for text in texts {
            let count = firsts.len();
            firsts.entry(text).or_insert(count);
            match origins.get(&**text) {
                None => faults.push(format!("{place:?} shows what nobody said: {text}")),
                Some(origin) if origin == place => {
                    faults.push(format!("echo: {place:?} shows its own {text}"));
                }
                Some(_) => {}
            }
        }
        let mut last: HashMap<Place, (usize, &str)> = HashMap::new();
        for said in owed.iter().filter(|said| said.place != *place) {
            let Some(at) = firsts.get(&*said.text) else {
                faults.push(format!("lost: {place:?} never shows {}", said.text));
                continue;
            };
            let before = last.insert(said.place, (*at, &said.text));
            if let Some((_, text)) = before.filter(|(before, _)| before > at) {
                faults.push(format!(
                    "order: {place:?} shows {} before {text}",
                    said.text
                ));
            }
        }
        if let Some(uncertain) = uncertain {
            faults.extend(repeated(*place, texts, uncertain, known.kills));
        }
    }
    faults
}

/// Repeated sends that neither uncertain ones nor kills explain. What is sent again without a kill
/// comes right behind the try before it, since its lane waits.
fn repeated(place: Place, texts: &[String], uncertain: &Uncertain, kills: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut late = Vec::new();
    let mut before = None;
    for text in texts {
        let count = counts.entry(text).or_default();
        *count += 1;
        if *count > 1 && before != Some(text) {
            late.push(text);
        }
        before = Some(text);
    }
    let unexplained = counts.into_iter().filter_map(|(text, count)| {
        let uncertain = uncertain.get(&(place, text.to_owned()));
        let more = count.saturating_sub(1 + uncertain.copied().unwrap_or_default());
        (more > 0).then_some((text, more))
    });
    let unexplained: Vec<_> = unexplained.collect();
    let mut faults = Vec::new();
    if unexplained.iter().map(|(_, more)| more).sum::<usize>() > REPEATED_BY_KILL * kills {
        faults.push(format!("repeated: {place:?} shows again {unexplained:?}"));
    }
    if late.len() > REPEATED_BY_KILL * kills {
        faults.push(format!("order: {place:?} shows again, later, {late:?}"));
    }
    faults
}

/// What the receiver and the mailbox hold: each message under one id of its own, both the same, each
/// once.
pub(crate) fn by_id(received: &[Taken], mailed: &[Taken]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ids: HashMap<&str, &str> = HashMap::new();
    for taken in received {
        if let Some(other) = ids.insert(&taken.text, &taken.id) {
            faults.push(format!("ids: {} has {} and {other}", taken.text, taken.id));
        }
    }
    let mut seen = HashSet::new();
    for taken in mailed.iter().filter(|taken| !seen.insert(&taken.id)) {
        faults.push(format!("the mailbox holds {taken:?} twice"));
    }
    let received_ids: HashSet<_> = received.iter().map(|taken| &taken.id).collect();
    for taken in received.iter().filter(|taken| !seen.contains(&taken.id)) {
        faults.push(format!("the mailbox lacks {taken:?}"));
    }
    for taken in mailed
        .iter()
        .filter(|taken| !received_ids.contains(&taken.id))
    {
        faults.push(format!("the receiver lacks {taken:?}"));
    }
    if faults.is_empty() && received != mailed {
        faults.push("the mailbox has another order than the receiver".into());
    }
    faults
}

/// The uncertain sends that the store counted, and whether it accounts for `arrived` messages, each
/// with a delivery to every other place.
pub(crate) fn account(store: &Inspector, arrived: usize) -> (Uncertain, Vec<String>) {
    let totals = store.totals().unwrap();
    let expected = u64::try_from(arrived * (Place::ALL.len() - 1)).unwrap();
    let mut faults = Vec::new();
    if [totals.planned, totals.delivered, totals.accounted()] != [expected; 3] {
        faults.push(format!(
            "{expected} deliveries, and the store counts {totals:?}"
        ));
    }
    let mut uncertain = Uncertain::new();
    let mut seen = HashSet::new();
    for id in 1..=i64::try_from(totals.planned).unwrap() {
        if seen.contains(&id) {
            continue;
        }
        let trace = store.trace(&id.to_string()).unwrap();
        for delivery in trace
            .messages
            .into_iter()
            .flat_map(|message| message.deliveries)
        {
            seen.insert(delivery.id);
            let failed = delivery.attempts.iter();
            let count = failed.filter(|attempt| attempt.uncertain).count();
            if let Some(text) = delivery.text.filter(|_| count > 0) {
                uncertain.insert((Place::of_target(&delivery.target), text), count);
            }
        }
    }
    (uncertain, faults)
}

mod tests {
    use super::*;
    use crate::ledger::Standing;

    fn said(place: Place, text: &str, standing: Standing) -> Said {
        let text = text.to_owned();
        Said {
            place,
            text,
            standing,
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_oracle_sees_what_is_lost_out_of_order_and_repeated() {
        let known = Known {
            said: vec![
                said(Place::RoomOps, "a", Standing::OnLink(1)),
                said(Place::RoomOps, "b", Standing::OnLink(1)),
                said(Place::RoomOps, "c", Standing::OnLink(2)),
                said(Place::GroupOps, "own", Standing::Accepted),
                said(Place::Hook, "posted", Standing::Accepted),
            ],
            ..Known::default()
        };
        let rows: &[(&[&str], &str)] = &[
            (&["posted"], ""),
            (&["a", "b", "posted", "c"], ""),
            (&["a", "b", "b", "posted"], ""),
            (&["a"], "lost: GroupOps never shows posted"),
            (&["b", "posted"], "lost: GroupOps never shows a"),
            (&["a", "c", "posted"], ""),
            (&["b", "a", "posted"], "order: GroupOps shows b before a"),
            (
                &["posted", "posted"],
                "repeated: GroupOps shows again [(\"posted\", 1)]",
            ),
            (
                &["a", "b", "posted", "b"],
                "order: GroupOps shows again, later, [\"b\"]",
            ),
            (&["posted", "own"], "echo: GroupOps shows its own own"),
            (&["posted", "x"], "GroupOps shows what nobody said: x"),
        ];
        let uncertain = [((Place::GroupOps, "b".to_owned()), 1)].into();
        for (shown, expected) in rows {
            let shown = [(Place::GroupOps, texts(shown))].into();
            let faults = faults(&known, &shown, Some(&uncertain));
            assert_eq!(faults.join("; "), *expected, "{shown:?}");
        }
    }
}

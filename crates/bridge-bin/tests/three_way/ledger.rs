//! What was said, where, and whether the bridge owes its delivery.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::place::Place;

/// What the promise says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Answered with 200, or said in an IRC channel while nothing could break.
    Accepted,
    /// Said in an IRC channel in which the bridge was, over the link of this number.
    OnLink(u64),
    /// Said in an IRC channel that the bridge did not hear at that moment.
    Unheard,
}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) place: Place,
    /// As it is shown elsewhere.
    pub(crate) text: String,
    pub(crate) standing: Standing,
}

/// Everything that was said; of one place, in its order there.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Said>>);

impl Ledger {
    pub(crate) fn push(&self, said: Said) {
        self.lock().push(said);
    }

    pub(crate) fn all(&self) -> Vec<Said> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Up to which message, as a place in `all`, the bridge has read each of its links, as far as others
/// can know it. `room` is what `#ops` shows, of people and of the bridge.
///
/// A lane says its next text only once the server has confirmed the one before, and what the bridge
/// hears comes in order. So a text of the bridge's that another one follows was confirmed on the link
/// over which it was said last, and everything that people had said before it was read by then.
pub(crate) fn read_links(all: &[Said], room: &[(bool, String)]) -> HashMap<u64, usize> {
    let mut people = all
        .iter()
        .enumerate()
        .filter(|(_, said)| said.place == Place::RoomOps);
    let mut read = HashMap::new();
    // What people said before the text that was confirmed last, and the link of that.
    let mut confirmed: Option<(usize, u64)> = None;
    let mut before: Option<(usize, u64)> = None;
    for (at, (is_from_bridge, text)) in room.iter().enumerate() {
        if *is_from_bridge {
            let mut next = room[at + 1..]
                .iter()
                .filter(|(is_from_bridge, _)| *is_from_bridge);
            if next.next().is_some_and(|(_, next)| next != text) {
                confirmed = before;
            }
            continue;
        }
        // What is being said at this moment is not in the ledger yet.
        let Some((place, said)) = people.next() else {
            break;
        };
        let Standing::OnLink(link) = said.standing else {
            continue;
        };
        before = Some((place, link));
        // Links do not come back: what lies between two messages over one is over that one, too.
        if let Some((read_to, _)) = confirmed.filter(|(_, other)| *other == link) {
            read.insert(link, read_to);
        }
    }
    read
}

/// The messages that must be shown at every other place, given those that are shown at any, and up to
/// where links were read.
///
/// - What was answered with 200 is owed.
/// - IRC answers nothing, so that nothing is promised for a line alone: it may be on a connection that
///   breaks. What the bridge has read over a link that was not ended by a kill is owed.
/// - The bridge takes in what it reads in order. So of what was said over one link, everything before a
///   message that is shown somewhere is owed. What is behind may be lost with the link, or with a
///   bridge that is killed between reading and writing it down.
/// - A message is taken in for all its targets or for none: what is shown anywhere is owed everywhere,
///   whatever was known of the link.
pub(crate) fn owed<'a>(
    all: &'a [Said],
    shown: &HashSet<&str>,
    read: &HashMap<u64, usize>,
) -> Vec<&'a Said> {
    let mut last_on_link = read.clone();
    for (at, said) in all.iter().enumerate() {
        if let Standing::OnLink(link) = said.standing
            && shown.contains(&*said.text)
        {
            let last = last_on_link.entry(link).or_default();
            *last = at.max(*last);
        }
    }
    let is_owed = |(at, said): &(usize, &Said)| {
        shown.contains(&*said.text)
            || match said.standing {
                Standing::Accepted => true,
                Standing::OnLink(link) => last_on_link.get(&link).is_some_and(|last| at <= last),
                Standing::Unheard => false,
            }
    };
    let owed = all.iter().enumerate().filter(is_owed);
    owed.map(|(_, said)| said).collect()
}

mod tests {
    use super::*;

    #[test]
    fn a_link_was_read_up_to_what_the_bridge_went_on_after() {
        let all = ["a", "b", "c", "d"].map(|text| {
            let link = if text == "d" { 2 } else { 1 };
            Said {
                place: Place::RoomOps,
                text: text.to_owned(),
                standing: Standing::OnLink(link),
            }
        });
        // What the room shows, `x` to `z` of the bridge; the last message of link 1 that was read.
        let rows: &[(&[&str], Option<usize>)] = &[
            (&["a", "b", "c", "d"], None),
            (&["x", "a", "b", "y", "c", "d"], None),
            (&["x", "a", "b", "y", "c", "z", "d"], Some(1)),
            (&["x", "a", "b", "y", "c", "d", "y", "z"], None),
            (&["a", "x", "y", "b", "c", "z", "d"], Some(0)),
            (&["a", "b", "x", "c", "d", "y"], Some(1)),
        ];
        for (room, expected) in rows {
            let entries = room.iter().map(|text| (*text >= "x", (*text).to_owned()));
            let read = read_links(&all, &entries.collect::<Vec<_>>());
            assert_eq!(read.get(&1), expected.as_ref(), "{room:?}");
        }
    }
}

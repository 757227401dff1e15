//! Checks of the ids that messages and changes have: what is recorded of them must fit together.

use std::mem::discriminant;

use bridge_core::driver::{Change, Event, Received};
use bridge_core::id::Address;

use super::bench::Setup;
use super::context::Context;
use super::decoding::{receive, something_comes_in};
use super::{Outcome, Stop, Subject};

/// What all recorded bodies bring, each with the name of its body.
struct Heard {
    /// The channel and the id of each message that has one.
    messages: Vec<(Address, String)>,
    changes: Vec<(&'static str, Change)>,
}

impl Heard {
    /// Ends the check if nothing that is recorded brings a change.
    fn of<S: Subject>(context: &Context<S>) -> Result<Self, Stop> {
        something_comes_in(context)?;
        let bench = context.open(Setup::default())?;
        let mut heard = Self {
            messages: Vec::new(),
            changes: Vec::new(),
        };
        for recorded in context.subject.recorded() {
            let Received::Accepted(batch) = receive(context, &bench, &recorded.body) else {
                continue;
            };
            for event in batch.events {
                match event {
                    Event::Message(message) => {
                        let id = message.id.map(|id| (message.address, id));
                        heard.messages.extend(id);
                    }
                    Event::Changed(change) => heard.changes.push((recorded.name, change)),
                    _ => {}
                }
            }
        }
        match heard.changes.is_empty() {
            true => Err(Stop::NotClaimed("nothing recorded brings a change")),
            false => Ok(heard),
        }
    }

    /// Whether a message of the channel has this id.
    fn has_message(&self, address: &Address, id: &str) -> bool {
        let mut messages = self.messages.iter();
        messages.any(|(channel, other)| channel == address && other == id)
    }
}

pub(super) fn changes_have_ids_of_their_own<S: Subject>(context: &Context<S>) -> Outcome {
    let heard = Heard::of(context)?;
    for (place, (name, change)) in heard.changes.iter().enumerate() {
        let Some(id) = &change.id else {
            continue;
        };
        let is_of_message = *id == change.of || heard.has_message(&change.address, id);
        ensure!(
            !is_of_message,
            "{name} brings a change with the id {id:?}, which is that of a message: it would be \
             taken for a repetition of it, and lost"
        );
        let mut earlier = heard.changes[..place].iter();
        let twin = earlier.find(|(_, other)| {
            other.address == change.address && other.id == change.id && other != change
        });
        if let Some((other, _)) = twin {
            return Err(Stop::Broken(format!(
                "{name} and {other} bring two changes with the id {id:?}: the second would be taken \
                 for a repetition of the first, and lost"
            )));
        }
    }
    Ok(())
}

pub(super) fn changes_name_recorded_messages<S: Subject>(context: &Context<S>) -> Outcome {
    let heard = Heard::of(context)?;
    for (name, change) in &heard.changes {
        let of_this_kind = heard
            .changes
            .iter()
            .filter(|(_, other)| discriminant(&other.kind) == discriminant(&change.kind));
        let mut of_this_kind = of_this_kind.map(|(_, other)| other);
        let finds_its_message =
            of_this_kind.any(|other| heard.has_message(&other.address, &other.of));
        ensure!(
            finds_its_message,
            "{name} brings a change of {:?} in {}, and no recorded message of that channel has the \
             id; record one that is changed like this, before and after",
            change.of,
            change.address
        );
    }
    Ok(())
}

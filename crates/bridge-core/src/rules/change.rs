//! Decides where a change of an earlier message goes: after the message.

use std::sync::Arc;

use super::template::Scene;
use super::{Dress, Rules};
use crate::driver::{Change, ChangeKind};
use crate::id::{Channel, RuleId};
use crate::message::{Content, Message};
use crate::purpose::Purpose;
use crate::store::NewDelivery;

impl Rules {
    /// The deliveries of a change that `source` brought, to the channels to which the message that it
    /// changes went: `went_to`, each with the rule that chose it.
    ///
    /// - No other channel gets it, whatever the rules choose by now; none whose rule no longer sends
    ///   there.
    /// - An edited text is dressed as the rule says, and asked by its filter once more, as that of a
    ///   message of the kind `text`: what a rule would not have carried does not slip through by an edit.
    pub fn plan_change<'a>(
        &self,
        platform: &str,
        source: &Channel,
        change: &Change,
        went_to: impl IntoIterator<Item = (&'a Channel, &'a RuleId)>,
    ) -> Vec<NewDelivery> {
        let edited = edited(change);
        let mut rendered: Vec<(&Dress, Arc<Content>)> = Vec::new();
        let mut sign = None;
        let mut deliveries = Vec::new();
        for (channel, id) in went_to {
            let Some((rule, target)) = self.target(id, channel) else {
                continue;
            };
            let content = match &edited {
                Some(message) if !rule.filter.passes(message) => continue,
                Some(message) => {
                    let known = rendered.iter().find(|(dress, _)| dress.is(&target.dress));
                    match known {
                        Some((_, content)) => Arc::clone(content),
                        None => {
                            let scene = Scene {
                                platform,
                                instance: &source.instance,
                                message,
                            };
                            let mut content = target.dress.render(&scene);
                            content.purpose = purpose(change);
                            let content = Arc::new(content);
                            rendered.push((&target.dress, Arc::clone(&content)));
                            content
                        }
                    }
                }
                None => Arc::clone(sign.get_or_insert_with(|| Arc::new(undressed(change)))),
            };
            deliveries.push(NewDelivery {
                channel: channel.clone(),
                rule: id.clone(),
                content,
            });
        }
        deliveries
    }
}

/// The message as it is after the change; `None` if no text is changed.
fn edited(change: &Change) -> Option<Message> {
    let ChangeKind::Edited(text) = &change.kind else {
        return None;
    };
    let mut message = Message::new(change.address.clone(), change.sender.clone(), text);
    message.id = Some(change.of.clone());
    message.sent_at = change.at;
    Some(message)
}

/// A change that shows no text of anybody's.
fn undressed(change: &Change) -> Content {
    Content {
        text: change.kind.text().to_owned(),
        purpose: purpose(change),
        ..Content::default()
    }
}

fn purpose(change: &Change) -> Purpose {
    let id = change.of.clone();
    match change.kind {
        ChangeKind::Edited(_) => Purpose::Edit { of: id },
        ChangeKind::Recalled => Purpose::Recall { of: id },
        ChangeKind::Reacted(_) => Purpose::React { to: id },
        ChangeKind::ReactionRemoved(_) => Purpose::RemoveReaction { from: id },
    }
}

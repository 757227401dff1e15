//! How a delivery is carried out at its target: as what it is where the channel shows that, as
//! [`crossing`](crate::crossing) says where not.

use std::borrow::Cow;

use crate::capability::Capabilities;
use crate::crossing::{EDITED, Feature, Otherwise};
use crate::driver::Act;
use crate::fit::{Part, fit};
use crate::message::Content;
use crate::purpose::{Purpose, quote_line};

/// What the target shows of the message that a delivery answers or changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counterpart {
    /// The platform's ids of it, part by part; those of a part are empty where they are not known.
    pub parts: Vec<Vec<String>>,
    /// The ids of what was sent for its edits, part by part: what stands anew is taken back with it.
    pub edits: Vec<Vec<String>>,
    /// Whether the target shows other messages in the same place, as a digest does. What changes one
    /// of them must not change all.
    pub is_shared: bool,
}

/// What is to be sent for a delivery, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carriage {
    /// What to show.
    pub parts: Vec<Part>,
    acts: Acts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Acts {
    Say,
    /// The first part answers, the others are said behind it.
    Reply(Vec<String>),
    Edit(Vec<Vec<String>>),
    Recall(Vec<Vec<String>>),
    React(Vec<String>),
    RemoveReaction(Vec<String>),
}

impl Carriage {
    /// What the part of this index is to do.
    pub fn act(&self, part: usize) -> Act {
        let ids = |parts: &[Vec<String>]| parts.get(part).cloned().unwrap_or_default();
        match &self.acts {
            Acts::Reply(to) if part == 0 => Act::Reply { to: to.clone() },
            Acts::Say | Acts::Reply(_) => Act::Say,
            Acts::Edit(parts) => Act::Edit { of: ids(parts) },
            Acts::Recall(parts) => Act::Recall { of: ids(parts) },
            Acts::React(to) => Act::React { to: to.clone() },
            Acts::RemoveReaction(from) => Act::RemoveReaction { from: from.clone() },
        }
    }
}

/// The feature that a target must show for the purpose to be carried out as such.
pub const fn feature(purpose: &Purpose) -> Option<Feature> {
    match purpose {
        Purpose::Say => None,
        Purpose::Reply(_) => Some(Feature::Replies),
        Purpose::Edit { .. } => Some(Feature::Edits),
        Purpose::Recall { .. } => Some(Feature::Recalls),
        Purpose::React { .. } | Purpose::RemoveReaction { .. } => Some(Feature::Reactions),
    }
}

/// Whether [`carry`] must know the counterpart: an answer only where answers are shown.
pub fn needs_counterpart(purpose: &Purpose, capabilities: &Capabilities) -> bool {
    match feature(purpose) {
        None => false,
        Some(Feature::Replies) => capabilities.shows.replies,
        Some(_) => true,
    }
}

/// What is to be sent for the content; the error says in a clause why nothing is.
///
/// - The same arguments give the same parts, so that a delivery can go on with the part at which it
///   stopped.
/// - An edit is carried out as such only if the text has as many parts as the message had, each with
///   its id: otherwise something of the old text would stay, or the rest stand elsewhere.
///
/// # Errors
///
/// If the target can't show the change, or never showed what it changes.
pub fn carry(
    content: &Content,
    counterpart: Option<&Counterpart>,
    capabilities: &Capabilities,
) -> Result<Carriage, String> {
    let purpose = &content.purpose;
    let Some(feature) = feature(purpose) else {
        return Ok(said(content, capabilities));
    };
    let Some(shown) = counterpart.or(purpose.is_said().then_some(&NOTHING)) else {
        return Err("the message that it changes is not shown here".to_owned());
    };
    let acts = match feature.is_in(&capabilities.shows) {
        true => acts(purpose, shown),
        false => Err("the channel does not show it"),
    };
    let reason = match acts {
        Ok(Acts::Edit(ids)) => {
            let parts = fit(content, capabilities);
            if parts.len() == ids.len() {
                let acts = Acts::Edit(ids);
                return Ok(Carriage { parts, acts });
            }
            "it has another number of parts now"
        }
        Ok(acts) => {
            let parts = match &acts {
                Acts::Recall(ids) => vec![Part::default(); ids.len()],
                Acts::React(_) | Acts::RemoveReaction(_) => vec![sign(content)],
                Acts::Say | Acts::Reply(_) | Acts::Edit(_) => fit(content, capabilities),
            };
            return Ok(Carriage { parts, acts });
        }
        Err(reason) => reason,
    };
    match feature.otherwise() {
        Otherwise::NotShown => Err(reason.to_owned()),
        Otherwise::Link | Otherwise::Quote | Otherwise::SaidAnew => {
            Ok(said(&as_said(content), capabilities))
        }
    }
}

static NOTHING: Counterpart = Counterpart {
    parts: Vec::new(),
    edits: Vec::new(),
    is_shared: false,
};

/// The content as something that is only said: an answer below what it answers, an edit behind its mark.
pub fn as_said(content: &Content) -> Cow<'_, Content> {
    let otherwise = feature(&content.purpose).map(Feature::otherwise);
    let before = match (otherwise, &content.purpose) {
        (Some(Otherwise::Quote), Purpose::Reply(quoted)) => {
            quote_line(quoted).map(|line| line + "\n")
        }
        (Some(Otherwise::SaidAnew), _) => Some(EDITED.to_owned()),
        _ => None,
    };
    let Some(before) = before else {
        return Cow::Borrowed(content);
    };
    let text = before + &content.text;
    Cow::Owned(Content {
        text,
        purpose: Purpose::Say,
        ..content.clone()
    })
}

fn sign(content: &Content) -> Part {
    Part {
        text: content.text.clone(),
        ..Part::default()
    }
}

fn said(content: &Content, capabilities: &Capabilities) -> Carriage {
    Carriage {
        parts: fit(content, capabilities),
        acts: Acts::Say,
    }
}

/// What is to be done natively, or why that can't be.
fn acts(purpose: &Purpose, shown: &Counterpart) -> Result<Acts, &'static str> {
    const UNKNOWN: &str = "the platform's id of the message that it changes is not known";
    let all: Vec<_> = shown.parts.iter().flatten().cloned().collect();
    if purpose.is_said() {
        return match all.is_empty() {
            true => Err(UNKNOWN),
            false => Ok(Acts::Reply(all)),
        };
    }
    if shown.is_shared {
        return Err("the message that it changes stands in a digest");
    }
    let parts = || match shown.parts.iter().any(Vec::is_empty) || shown.parts.is_empty() {
        true => Err(UNKNOWN),
        false => Ok(shown.parts.clone()),
    };
    let first = || {
        let first = shown.parts.first().filter(|ids| !ids.is_empty());
        first.cloned().ok_or(UNKNOWN)
    };
    match purpose {
        Purpose::Say | Purpose::Reply(_) => Ok(Acts::Say),
        Purpose::Edit { .. } => parts().map(Acts::Edit),
        Purpose::Recall { .. } => parts().map(|mut parts| {
            for ids in &shown.edits {
                // Of an edit that was carried out as such, they may be those of the message.
                if !ids.is_empty() && !parts.contains(ids) {
                    parts.push(ids.clone());
                }
            }
            Acts::Recall(parts)
        }),
        Purpose::React { .. } => first().map(Acts::React),
        Purpose::RemoveReaction { .. } => first().map(Acts::RemoveReaction),
    }
}

#[cfg(test)]
mod tests;

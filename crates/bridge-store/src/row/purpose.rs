//! What a delivery is for, as it is stored.

use std::borrow::Cow;

use bridge_core::message::Quoted;
use bridge_core::purpose::Purpose;
use serde::{Deserialize, Serialize};

/// Anything but to say the text. Variants and fields may be added, never renamed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredPurpose<'a> {
    #[serde(borrow)]
    Reply(StoredQuote<'a>),
    #[serde(borrow)]
    Edit(Cow<'a, str>),
    #[serde(borrow)]
    Recall(Cow<'a, str>),
    #[serde(borrow)]
    React(Cow<'a, str>),
    #[serde(borrow)]
    RemoveReaction(Cow<'a, str>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredQuote<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sender_name: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl<'a> StoredPurpose<'a> {
    /// `None` for what only says its text, and for what a newer core has made up.
    pub(super) fn of(purpose: &'a Purpose) -> Option<Self> {
        Some(match purpose {
            Purpose::Reply(quoted) => Self::Reply(StoredQuote {
                id: Cow::Borrowed(&quoted.id),
                sender_name: Cow::Borrowed(&quoted.sender_name),
                text: Cow::Borrowed(&quoted.text),
            }),
            Purpose::Edit { of } => Self::Edit(Cow::Borrowed(of)),
            Purpose::Recall { of } => Self::Recall(Cow::Borrowed(of)),
            Purpose::React { to } => Self::React(Cow::Borrowed(to)),
            Purpose::RemoveReaction { from } => Self::RemoveReaction(Cow::Borrowed(from)),
            _ => return None,
        })
    }

    pub(super) fn into_purpose(self) -> Purpose {
        match self {
            Self::Reply(quote) => {
                let mut quoted = Quoted::new(quote.id);
                quoted.sender_name = quote.sender_name.into_owned();
                quoted.text = quote.text.into_owned();
                Purpose::Reply(quoted)
            }
            Self::Edit(of) => Purpose::Edit { of: of.into() },
            Self::Recall(of) => Purpose::Recall { of: of.into() },
            Self::React(to) => Purpose::React { to: to.into() },
            Self::RemoveReaction(from) => Purpose::RemoveReaction { from: from.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_under_names_that_stay() {
        let id = || "m\"1".to_owned();
        let mut quoted = Quoted::new(id());
        "a".clone_into(&mut quoted.sender_name);
        let rows = [
            (
                Purpose::Reply(quoted),
                r#"{"reply":{"id":"m\"1","sender_name":"a","text":""}}"#,
            ),
            (Purpose::Edit { of: id() }, r#"{"edit":"m\"1"}"#),
            (Purpose::Recall { of: id() }, r#"{"recall":"m\"1"}"#),
            (Purpose::React { to: id() }, r#"{"react":"m\"1"}"#),
            (
                Purpose::RemoveReaction { from: id() },
                r#"{"remove_reaction":"m\"1"}"#,
            ),
        ];
        assert_eq!(StoredPurpose::of(&Purpose::Say), None);
        for (purpose, text) in rows {
            let stored = StoredPurpose::of(&purpose).unwrap();
            assert_eq!(serde_json::to_string(&stored).unwrap(), text);
            let read: StoredPurpose<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(read.into_purpose(), purpose);
        }
    }
}

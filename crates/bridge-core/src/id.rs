//! Names of things: instances, rules and channels. All are opaque; nobody splits, lowercases or
//! concatenates them.

use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;
use serde::ser::{Serialize, Serializer};

/// The name an operator gave to a configured driver, such as `dt_main`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(Arc<str>);

/// The name of a rule: the operator's `id`, or a hash of the rule's routing fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(Arc<str>);

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id!(InstanceId);
text_id!(RuleId);

/// Where a channel is within its instance: the driver's own address keys and their values, sorted
/// by key. Two addresses are the same channel exactly if all keys and values are equal. The default
/// has no keys: it is that of an instance which is one channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address(Arc<[(CompactString, CompactString)]>);

impl Address {
    /// An address of the given keys and values; a repeated key keeps its last value.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let pairs = pairs.into_iter();
        let mut sorted: Vec<_> = pairs
            .map(|(key, value)| (CompactString::new(key), CompactString::new(value)))
            .collect();
        sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
        sorted.dedup_by(|next, kept| {
            let is_repeated = next.0 == kept.0;
            if is_repeated {
                std::mem::swap(next, kept);
            }
            is_repeated
        });
        Self(sorted.into())
    }

    /// The value of `key`, if the address has it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether the address has no keys, as that of a platform with a single channel.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address as the JSON object that `rules.json` takes; equal addresses give equal text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Pairs(self)).expect("an object of strings can be written")
    }

    /// Reads what [`Address::to_json`] wrote; `None` if `text` is no object of strings.
    pub fn from_json(text: &str) -> Option<Self> {
        let pairs: std::collections::BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        Some(Self::new(pairs))
    }
}

/// As a JSON object.
struct Pairs<'a>(&'a Address);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// A room of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// The instance that reaches the room.
    pub instance: InstanceId,
    /// The room within the instance.
    pub address: Address,
}

impl Channel {
    /// The channel at `address` of `instance`.
    pub fn new(instance: InstanceId, address: Address) -> Self {
        Self { instance, address }
    }
}

/// `{"dt_main": {"open_conversation_id": "cid…"}}`: exactly what is pasted into `rules.json`.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = serde_json::Value::from(self.instance.as_str());
        write!(f, "{{{instance}: {}}}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_json_whatever_its_order() {
        let address = Address::new([("topic", "1"), ("group", "a/+=\"中")]);
        assert_eq!(address.to_json(), r#"{"group":"a/+=\"中","topic":"1"}"#);
        assert_eq!(Address::from_json(&address.to_json()), Some(address));
        assert_eq!(Address::from_json(r#"{"group": 1}"#), None);
        let repeated = Address::new([("b", "1"), ("a", "2"), ("b", "3"), ("b", "4")]);
        assert_eq!(repeated.to_json(), r#"{"a":"2","b":"4"}"#);
    }

    #[test]
    fn a_channel_prints_as_it_is_pasted_into_the_rules() {
        let channel = Channel::new(
            "dt_main".into(),
            Address::new([("open_conversation_id", "c")]),
        );
        assert_eq!(
            channel.to_string(),
            r#"{"dt_main": {"open_conversation_id":"c"}}"#
        );
    }
}

//! What a `msg` block says at the keys of a driver's own: templates, and what they come to.

use std::collections::BTreeMap;

use super::template::{Scene, ValueTemplate};
use crate::driver::{MsgForm, MsgKey};
use crate::message::{MsgValue, MsgValues};

/// The templates at keys of drivers' own, by key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

/// What stands at one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    One(ValueTemplate),
    Several(BTreeMap<String, ValueTemplate>),
}

impl Value {
    fn form(&self) -> MsgForm {
        match self {
            Self::One(_) => MsgForm::Template,
            Self::Several(_) => MsgForm::Templates,
        }
    }
}

impl Values {
    pub(crate) fn insert(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, and of `wide` what they do not say and a driver with the keys `known` knows.
    pub(super) fn within(mut self, wide: &Self, known: &[MsgKey]) -> Self {
        for key in known {
            let value = wide.0.get(key.name);
            if let Some(value) = value.filter(|value| value.form() == key.form) {
                self.0.entry(key.name).or_insert_with(|| value.clone());
            }
        }
        self
    }

    /// Fills the templates in, with `text` as the message's.
    pub(crate) fn render(&self, scene: &Scene<'_>, text: &str) -> MsgValues {
        let rendered = self.0.iter().map(|(key, value)| {
            let value = match value {
                Value::One(template) => MsgValue::Text(template.render(scene, text)),
                Value::Several(templates) => {
                    let texts = templates
                        .iter()
                        .map(|(key, template)| (key.clone(), template.render(scene, text)));
                    MsgValue::Texts(texts.collect())
                }
            };
            ((*key).to_owned(), value)
        });
        rendered.collect()
    }
}

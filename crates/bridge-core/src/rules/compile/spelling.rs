//! Values that the platform takes for one, and that the rules must write in one way.

use std::ops::Range;

use super::Compiler;
use crate::config::codes;
use crate::config::key_path::KeyPath;
use crate::driver::AddressKey;
use crate::id::InstanceId;

impl Compiler<'_> {
    /// Whether the value is written as it was before, where the platform takes both for one channel.
    pub(super) fn spelled_once(
        &mut self,
        instance: &InstanceId,
        key: &AddressKey,
        text: &str,
        span: &Range<usize>,
        path: &KeyPath<'_>,
    ) {
        let Some(fold) = key.fold else { return };
        let place = (instance.clone(), key.name, fold(text));
        let (first, first_span) = self
            .spellings
            .entry(place)
            .or_insert_with(|| (text.to_owned(), span.clone()));
        if first == text {
            return;
        }
        let problem = format!("{text:?} and {first:?} mean the same to the platform");
        let help = format!("write {first:?} here, too");
        let first = first_span.clone();
        let first = self.findings.at(&first);
        self.report(&codes::OTHER_SPELLING, span, path, problem)
            .label(first, "it is written otherwise here")
            .help(help);
    }
}

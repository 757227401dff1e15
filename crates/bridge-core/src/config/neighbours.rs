//! What two instances can't share: the address that they listen on.

use std::ops::Range;

use super::codes;
use super::diagnostic::Findings;
use super::instance::Draft;
use super::listen::Listeners;
use super::load::InstanceSetup;

/// The instances so far.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    listeners: Listeners,
    /// The path and the place of each instance that listens, by its number.
    listening: Vec<(String, Range<usize>)>,
}

impl Neighbours {
    /// Holds the instance against the earlier ones.
    pub(super) fn add(
        &mut self,
        draft: &Draft<'_>,
        instance: &InstanceSetup,
        findings: &mut Findings,
    ) {
        let Some(listen) = instance.driver.listen() else {
            return;
        };
        let (path, span) = (&draft.path, &draft.entry.key_span);
        let number = self.listening.len();
        self.listening.push((path.clone(), span.clone()));
        let Some(earlier) = self.listeners.add((listen.host, listen.port), number) else {
            return;
        };
        let (other, first) = &self.listening[earlier];
        let problem = format!(
            "\"{path}\" and \"{other}\" listen on the same address: {}:{}",
            listen.host, listen.port
        );
        let first = findings.at(first);
        findings
            .report(&codes::ADDRESS_IN_USE, span, path, problem)
            .label(first, "the first one is defined here")
            .help("give one of them another `listen_port`");
    }
}

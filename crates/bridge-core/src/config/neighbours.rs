//! What two instances can't share: the address that they listen on, and who they are.

use std::collections::HashMap;
use std::ops::Range;

use super::codes;
use super::diagnostic::Findings;
use super::instance::Draft;
use super::key_path::KeyPath;
use super::listen::Listeners;
use super::load::InstanceSetup;

/// The instances so far.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    listeners: Listeners,
    /// The path and the place of each instance that listens, by its number.
    listening: Vec<(String, Range<usize>)>,
    /// The path of the first instance with each identity, and where its settings say so.
    robots: HashMap<(&'static str, String), (String, Range<usize>)>,
}

impl Neighbours {
    /// Holds the instance against the earlier ones.
    pub(super) fn add(
        &mut self,
        draft: &Draft<'_>,
        instance: &InstanceSetup,
        findings: &mut Findings,
    ) {
        self.hold_listener(draft, instance, findings);
        self.hold_identity(draft, instance, findings);
    }

    fn hold_listener(
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

    fn hold_identity(
        &mut self,
        draft: &Draft<'_>,
        instance: &InstanceSetup,
        findings: &mut Findings,
    ) {
        let Some(identity) = instance.driver.identity() else {
            return;
        };
        let span = match draft.entry.node.get(identity.key) {
            Some(entry) => entry.node.span.clone(),
            None => draft.entry.key_span.clone(),
        };
        let robot = (instance.platform, identity.value.clone());
        let Some((other, first)) = self.robots.get(&robot) else {
            self.robots.insert(robot, (draft.path.clone(), span));
            return;
        };
        let problem = format!(
            "\"{}\" and \"{other}\" are one robot: {}",
            draft.path, identity.consequence
        );
        let first = findings.at(first);
        findings
            .report(
                &codes::SAME_ROBOT,
                &span,
                KeyPath::new(&draft.path).key(identity.key),
                problem,
            )
            .label(first, "the first one is this robot, too")
            .help("one instance serves all groups of its robot: remove one of the two");
    }
}

//! What rules mean together: those without effect, and ways for a message to come back.
//!
//! Everything here is a warning: what is found sends less than it says, or more often. All of it is
//! read from the compiled rules, so it can't disagree with the plan. Where the rules are so many
//! that looking at all would take long, a named bound ends the search, without a word.

mod coverage;
mod loops;
mod patterns;
mod repeated;

use std::sync::Arc;

use foldhash::HashMap;

use super::compile::InstanceFacts;
use super::{Channels, Rules, SourcePattern};
use crate::catalog::PreparedDriver;
use crate::config::diagnostic::Findings;
use crate::config::notes::Notes;
use crate::config::placeholder;
use crate::config::tree::Node;
use crate::id::Channel;
use patterns::Patterns;

/// What an instance hears beside people, and who it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hears {
    pub(crate) own_sends: bool,
    pub(crate) other_robots: bool,
    /// Instances with the same one are one robot.
    pub(crate) identity: Option<Arc<str>>,
}

impl Hears {
    pub(crate) fn of(driver: &PreparedDriver) -> Self {
        let capabilities = driver.capabilities();
        let identity = driver.identity();
        Self {
            own_sends: capabilities.hears_own_sends,
            other_robots: capabilities.hears_other_robots,
            identity: identity.map(|identity| identity.value.as_str().into()),
        }
    }
}

/// Warns of what stands in the rules and has no effect, or an effect that nobody can want. `root`
/// is the tree that `rules` were compiled from, without an error.
pub(crate) fn check(
    rules: &Rules,
    root: &Node,
    facts: Option<&HashMap<String, InstanceFacts>>,
    findings: &mut Findings,
) {
    let mut notes = Notes::new(findings);
    placeholder::in_rules(root, &mut notes);
    let patterns = Patterns::new(&rules.rules);
    repeated::check(&rules.rules, &patterns, &mut notes);
    coverage::check(&rules.rules, &patterns, &mut notes);
    if let Some(facts) = facts {
        loops::check(rules, facts, &mut notes);
    }
    notes.finish();
}

/// Whether the pattern is the address of one channel, and that is the given one.
fn is_same(source: &SourcePattern, target: &Channel) -> bool {
    source.instance == target.instance
        && matches!(&source.channels, Channels::Matching(address) if *address == target.address)
}

/// The pattern as a message's origin: `{"dt_main": {…}}` or `any channel of dt_main`.
fn origin(source: &SourcePattern) -> String {
    let SourcePattern { instance, .. } = source;
    match &source.channels {
        Channels::Any => format!("any channel of {instance}"),
        Channels::Matching(address) => Channel::new(instance.clone(), address.clone()).to_string(),
    }
}

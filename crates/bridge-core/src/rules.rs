//! The rules: which channels a message goes to, and how it is dressed for each.
//!
//! Compiled once at load. Planning looks the message's channel up in an index, so its cost grows
//! with the number of rules that match, not with the number of rules.

mod cases;
mod change;
pub(crate) mod compile;
mod explain;
mod filter;
mod index;
mod keys;
pub(crate) mod meaning;
mod plan;
mod replace;
mod schema;
mod template;
mod values;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use cases::read_cases;
pub use cases::{Case, CasesFile, Difference};
pub use explain::{Clause, ClauseKind, TargetVerdict, Verdict};
pub use schema::json_schema;
pub use template::Template;

use foldhash::{HashMap, HashSet, HashSetExt};

use crate::config::key_path::KeyPath;
use crate::config::settings::DeliveryPolicy;
use crate::driver::AddressKey;
use crate::id::{Address, Channel, InstanceId, RuleId};
use crate::message::Content;
use crate::purpose::{Purpose, quote};
use filter::Filter;
use index::Index;
use replace::Replacements;
use template::Scene;
use values::Values;

/// The path of the list of rules in their file.
pub(crate) const RULES: KeyPath<'static> = KeyPath::new("rules");

/// All rules of a bridge, compiled.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    index: Index,
    by_id: HashMap<RuleId, usize>,
    instances: HashSet<InstanceId>,
    /// Channels that some rule sends to.
    targets: HashSet<Channel>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The operator's id, or a hash of the routing fields.
    pub id: RuleId,
    /// Where it stands in the file, as 1-based line and column.
    pub place: (usize, usize),
    /// What stands for the rule in a snippet: its id, or the brace with which it begins.
    pub(crate) span: Range<usize>,
    pub(crate) sources: Vec<SourcePattern>,
    pub(crate) filter: Filter,
    /// Where it says that no later rule is asked once it has chosen a message; `None` if it does
    /// not say so.
    pub(crate) stop: Option<(usize, usize)>,
    pub(crate) targets: Vec<Target>,
}

/// Channels that a rule takes messages from.
#[derive(Debug)]
pub(crate) struct SourcePattern {
    pub(crate) instance: InstanceId,
    pub(crate) channels: Channels,
    pub(crate) place: (usize, usize),
    pub(crate) span: Range<usize>,
}

/// Which channels of an instance.
#[derive(Debug)]
pub(crate) enum Channels {
    /// `"*"`: any.
    Any,
    /// Those whose address has all of these keys and values.
    Matching(Address),
}

impl Channels {
    /// Fails closed: every key that is named must be there and equal.
    pub(crate) fn matches(&self, address: &Address) -> bool {
        match self {
            Self::Any => true,
            Self::Matching(pattern) => pattern
                .iter()
                .all(|(key, value)| address.get(key) == Some(value)),
        }
    }
}

/// How a message is made the content of a delivery. Equal ones share their parts.
#[derive(Debug, Clone)]
pub(crate) struct Dress {
    pub(crate) template: Arc<Template>,
    pub(crate) replacements: Option<Arc<Replacements>>,
    /// What is said at keys of the target's driver; `None` for nothing.
    pub(crate) values: Option<Arc<Values>>,
}

impl Dress {
    pub(crate) fn render(&self, scene: &Scene<'_>) -> Content {
        let text = self.replaced(&scene.message.text);
        let mut content = self.template.render(scene, &text);
        if let Some(values) = &self.values {
            content.msg = Arc::new(values.render(scene, &text));
        }
        if let Some(quoted) = &scene.message.reply_to {
            // What a rule hides must not come to light in the answer.
            content.purpose = Purpose::Reply(quote(quoted, &self.replaced(&quoted.text)));
        }
        content
    }

    fn replaced<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.replacements {
            Some(replacements) => Cow::Owned(replacements.apply(text)),
            None => Cow::Borrowed(text),
        }
    }

    /// Whether both are the same: a message looks the same in both.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let replacements = |dress: &Self| dress.replacements.as_ref().map(Arc::as_ptr);
        let values = |dress: &Self| dress.values.as_ref().map(Arc::as_ptr);
        Arc::ptr_eq(&self.template, &other.template)
            && replacements(self) == replacements(other)
            && values(self) == values(other)
    }
}

/// A channel that a rule sends to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) channel: Channel,
    pub(crate) dress: Dress,
    pub(crate) policy: Arc<DeliveryPolicy>,
    pub(crate) span: Range<usize>,
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let ids = rules.iter().enumerate();
        let by_id = ids.map(|(index, rule)| (rule.id.clone(), index)).collect();
        let mut instances = HashSet::new();
        let mut targets = HashSet::with_capacity(rules.len());
        for rule in &rules {
            let sources = rule.sources.iter().map(|source| &source.instance);
            let sends_to = rule.targets.iter().map(|target| &target.channel);
            for instance in sources.chain(sends_to.clone().map(|channel| &channel.instance)) {
                if !instances.contains(instance) {
                    instances.insert(instance.clone());
                }
            }
            targets.extend(sends_to.cloned());
        }
        Self {
            index: Index::new(&rules),
            rules,
            by_id,
            instances,
            targets,
        }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether some rule names the instance.
    pub fn uses_instance(&self, instance: &InstanceId) -> bool {
        self.instances.contains(instance)
    }

    /// Whether some rule names the channel, or takes messages from it.
    pub fn names(&self, channel: &Channel) -> bool {
        self.targets.contains(channel)
            || !self
                .index
                .find(&channel.instance, &channel.address)
                .is_empty()
    }

    /// The channels of the instance that some rule sends to or takes messages from, each once,
    /// sorted; only those that are named whole, by all of the driver's address keys.
    pub fn addresses(&self, instance: &InstanceId, keys: &[AddressKey]) -> Vec<Address> {
        let mut addresses = Vec::new();
        for rule in &self.rules {
            let targets = rule.targets.iter().map(|target| &target.channel);
            let targets = targets.filter(|channel| channel.instance == *instance);
            addresses.extend(targets.map(|channel| channel.address.clone()));
            let sources = rule.sources.iter().filter(|one| one.instance == *instance);
            addresses.extend(sources.filter_map(|source| match &source.channels {
                Channels::Matching(address) if address.iter().count() == keys.len() => {
                    Some(address.clone())
                }
                Channels::Matching(_) | Channels::Any => None,
            }));
        }
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// The pairs of instances of which some rule carries messages from the first to the second, each
    /// once, in the order of the rules.
    pub fn pairs(&self) -> Vec<(&InstanceId, &InstanceId)> {
        let mut pairs = Vec::new();
        for rule in &self.rules {
            for source in &rule.sources {
                // A message never goes back to where it came from.
                let is_another = |target: &&Target| match &source.channels {
                    Channels::Any => true,
                    Channels::Matching(address) => {
                        source.instance != target.channel.instance
                            || *address != target.channel.address
                    }
                };
                let targets = rule.targets.iter().filter(is_another);
                let to = targets.map(|target| &target.channel.instance);
                for pair in to.map(|to| (&source.instance, to)) {
                    if !pairs.contains(&pair) {
                        pairs.push(pair);
                    }
                }
            }
        }
        pairs
    }

    /// Where the rule stands in the file, as 1-based line and column.
    pub fn place_of(&self, rule: &RuleId) -> Option<(usize, usize)> {
        let position = self.by_id.get(rule)?;
        Some(self.rules[*position].place)
    }

    /// The channels that some rule sends to, each once, in the order of the rules.
    pub fn targets(&self) -> impl Iterator<Item = &Channel> {
        let mut seen = HashSet::new();
        let all = self
            .rules
            .iter()
            .flat_map(|rule| &rule.targets)
            .map(|target| &target.channel);
        all.filter(move |channel| seen.insert(*channel))
    }

    /// How a delivery that the rule planned for the channel is to be tried; `None` if the rule no
    /// longer exists or no longer sends there.
    pub fn policy(&self, rule: &RuleId, channel: &Channel) -> Option<&Arc<DeliveryPolicy>> {
        let (_, target) = self.target(rule, channel)?;
        Some(&target.policy)
    }

    fn target(&self, rule: &RuleId, channel: &Channel) -> Option<(&Rule, &Target)> {
        let rule = &self.rules[*self.by_id.get(rule)?];
        let mut targets = rule.targets.iter();
        let target = targets.find(|target| target.channel == *channel)?;
        Some((rule, target))
    }

    /// The longest `attempt_timeout` of any rule's target on the instance.
    pub fn longest_attempt(&self, instance: &InstanceId) -> Option<Duration> {
        let targets = self.rules.iter().flat_map(|rule| &rule.targets);
        let here = targets.filter(|target| target.channel.instance == *instance);
        here.map(|target| target.policy.attempt_timeout).max()
    }
}

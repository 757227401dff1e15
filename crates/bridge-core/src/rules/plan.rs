//! Decides the deliveries of one message.

use std::collections::HashSet;

use super::template::Scene;
use super::{Rule, Rules, Target};
use crate::id::Channel;
use crate::message::Message;
use crate::store::NewDelivery;

impl Rules {
    /// The deliveries that the rules choose for a message that `source` brought.
    ///
    /// Rules are asked in the order of the file. A channel gets the message at most once, dressed
    /// as the first rule that chose it says, and never the channel that it came from.
    pub fn plan(&self, platform: &str, source: &Channel, message: &Message) -> Vec<NewDelivery> {
        let scene = Scene {
            platform,
            instance: &source.instance,
            message,
        };
        let mut deliveries = Vec::new();
        for (rule, target) in self.choose(source) {
            deliveries.push(NewDelivery {
                channel: target.channel.clone(),
                rule: rule.id.clone(),
                content: target.template.render(&scene),
            });
        }
        deliveries
    }

    fn choose<'a>(&'a self, source: &'a Channel) -> Vec<(&'a Rule, &'a Target)> {
        let mut seen = HashSet::from([source]);
        let mut chosen = Vec::new();
        for position in self.index.find(&source.instance, &source.address) {
            let rule = &self.rules[position];
            let targets = rule
                .targets
                .iter()
                .filter(|target| seen.insert(&target.channel));
            chosen.extend(targets.map(|target| (rule, target)));
        }
        chosen
    }
}

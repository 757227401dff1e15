//! Decides the deliveries of one message.

use std::collections::HashSet;
use std::sync::Arc;

use super::template::Scene;
use super::{Dress, Rule, Rules, Target};
use crate::id::Channel;
use crate::message::{Content, Message};
use crate::store::NewDelivery;

impl Rules {
    /// The deliveries that the rules choose for a message that `source` brought.
    ///
    /// Rules are asked in the order of the file, up to the first that takes the message and stops. A channel gets the message at most once, dressed
    /// as the first rule that chose it says, and never the channel that it came from. What looks
    /// the same for several channels is rendered once and shared.
    pub fn plan(&self, platform: &str, source: &Channel, message: &Message) -> Vec<NewDelivery> {
        let scene = Scene {
            platform,
            instance: &source.instance,
            message,
        };
        let mut rendered: Vec<(&Dress, Arc<Content>)> = Vec::new();
        let mut deliveries = Vec::new();
        for (rule, target) in self.choose(source, message) {
            let known = rendered.iter().find(|(dress, _)| dress.is(&target.dress));
            let content = match known {
                Some((_, content)) => Arc::clone(content),
                None => {
                    let content = Arc::new(target.dress.render(&scene));
                    rendered.push((&target.dress, Arc::clone(&content)));
                    content
                }
            };
            deliveries.push(NewDelivery {
                channel: target.channel.clone(),
                rule: rule.id.clone(),
                content,
            });
        }
        deliveries
    }

    fn choose<'a>(&'a self, source: &'a Channel, message: &Message) -> Vec<(&'a Rule, &'a Target)> {
        let mut seen = HashSet::from([source]);
        let mut chosen = Vec::new();
        for position in self.index.find(&source.instance, &source.address) {
            let rule = &self.rules[position];
            if !rule.filter.passes(message) {
                continue;
            }
            let targets = rule
                .targets
                .iter()
                .filter(|target| seen.insert(&target.channel));
            chosen.extend(targets.map(|target| (rule, target)));
            if rule.stop.is_some() {
                break;
            }
        }
        chosen
    }
}

//! What one reading of the files made: rules, secrets to hold back, instances. Immutable; a reload
//! makes the next one and puts it in its place in one step, so that each message is routed by
//! exactly one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bridge_core::config::settings::DeliveryPolicy;
use bridge_core::id::{Channel, InstanceId, RuleId};
use bridge_core::rules::Rules;
use bridge_core::secret::LeakGuard;
use bridge_http::Endpoint;
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::lane::Target;

/// Which listener: counted up, never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DoorNumber(pub(crate) u64);

/// What a generation is made of.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) rules: Rules,
    pub(crate) leaks: LeakGuard,
    /// The configured instances.
    pub(crate) ends: HashMap<InstanceId, End>,
    /// What answers at each listener.
    pub(crate) endpoints: HashMap<DoorNumber, Endpoint>,
}

/// An instance, as deliveries to it see it.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) target: Arc<Target>,
    /// For deliveries whose rule is gone.
    pub(crate) policy: Arc<DeliveryPolicy>,
}

/// One generation.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) parts: Parts,
    /// Dropped with the generation, which is how its end is heard of.
    _in_use: oneshot::Sender<()>,
}

impl Generation {
    fn new(number: u64, parts: Parts) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (in_use, ended) = oneshot::channel();
        let generation = Self {
            number,
            parts,
            _in_use: in_use,
        };
        (Arc::new(generation), ended)
    }

    /// Whether the instance is configured.
    pub(crate) fn has(&self, instance: &InstanceId) -> bool {
        self.parts.ends.contains_key(instance)
    }

    /// How a delivery that the rule planned for the channel is to be tried: as the rule of that id
    /// says now, or if it is gone, the instance. `None` if that is gone as well.
    pub(crate) fn policy(&self, rule: &RuleId, channel: &Channel) -> Option<Arc<DeliveryPolicy>> {
        let end = self.parts.ends.get(&channel.instance)?;
        let policy = self.parts.rules.policy(rule, channel);
        Some(Arc::clone(policy.unwrap_or(&end.policy)))
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Generation").field(&self.number).finish()
    }
}

/// The current generation, and those before it that something still works with.
pub(crate) struct Generations {
    current: ArcSwap<Generation>,
    /// Resolve when their generations are no longer in use.
    earlier: Mutex<Vec<oneshot::Receiver<()>>>,
    current_ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Generations {
    /// Before the first reading of the files: number 0.
    pub(crate) fn new(parts: Parts) -> Self {
        let (first, ended) = Generation::new(0, parts);
        Self {
            current: ArcSwap::new(first),
            earlier: Mutex::default(),
            current_ended: Mutex::new(Some(ended)),
        }
    }

    /// The current one. Whoever decides something asks once and holds on to it until what was
    /// decided is written: [`only_current`](Self::only_current) waits for that.
    pub(crate) fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Makes the next generation the current one; its number. One caller at a time.
    pub(crate) fn replace(&self, parts: Parts) -> u64 {
        let number = self.current.load().number + 1;
        let (next, ended) = Generation::new(number, parts);
        let mut current_ended = lock(&self.current_ended);
        let mut earlier = lock(&self.earlier);
        // Those that have ended need not be waited for.
        earlier.retain_mut(|ended| ended.try_recv() == Err(TryRecvError::Empty));
        earlier.extend(current_ended.replace(ended));
        drop(self.current.swap(next));
        number
    }

    /// Resolves when nothing works with a generation before the current one.
    pub(crate) async fn only_current(&self) {
        let earlier = std::mem::take(&mut *lock(&self.earlier));
        for ended in earlier {
            // An error is how its end is heard of.
            ended.await.ok();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn an_earlier_generation_is_waited_for_while_somebody_holds_it() {
        let generations = Generations::new(Parts::default());
        let first = generations.current();
        assert_eq!(generations.replace(Parts::default()), 1);
        let second = generations.current();
        assert_eq!((first.number, second.number), (0, 1));
        assert_eq!(generations.replace(Parts::default()), 2);
        drop(second);

        let mut waiting = Box::pin(generations.only_current());
        assert!((&mut waiting).now_or_never().is_none(), "the first is held");
        drop(first);
        waiting.await;
        assert_eq!(generations.current().number, 2);
        generations.only_current().await;

        for _ in 0..10 {
            generations.replace(Parts::default());
        }
        assert_eq!(
            lock(&generations.earlier).len(),
            1,
            "only the last is unknown"
        );
    }
}

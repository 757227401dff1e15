//! Step 6 to 7: hands committed deliveries to the lanes of their channels, in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::id::{Channel, InstanceId};
use bridge_core::ports::Clock;
use bridge_core::rules::Rules;
use bridge_core::store::{Feed, QueuedDelivery, Store};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::warn;

use crate::lane::window::Window;
use crate::lane::{self, Target};

/// Has one lane for each channel that deliveries go to; lanes are made as they are needed, and
/// there are no more of them than the rules and the store name channels.
pub(crate) struct Dispatcher {
    targets: HashMap<InstanceId, Arc<Target>>,
    rules: Arc<Rules>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    stopping: watch::Receiver<bool>,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    /// `None` for a channel whose instance is not configured: its deliveries stay in the store.
    windows: HashMap<Channel, Option<Arc<Window>>>,
    tasks: JoinSet<()>,
}

impl Dispatcher {
    /// A dispatcher whose lanes run on the current runtime until `stopping` turns true.
    pub(crate) fn new(
        targets: HashMap<InstanceId, Arc<Target>>,
        rules: Arc<Rules>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let (runtime, lanes) = (Handle::current(), Mutex::default());
        Self {
            targets,
            rules,
            store,
            clock,
            runtime,
            stopping,
            lanes,
        }
    }

    /// Makes sure that the channel has a lane; the lane goes on with what the store holds for it.
    pub(crate) fn open_lane(&self, channel: &Channel) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        self.window(&mut lanes, channel);
    }

    /// Takes the lanes' tasks, to wait for their ends.
    pub(crate) fn take_tasks(&self) -> JoinSet<()> {
        std::mem::take(
            &mut self
                .lanes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .tasks,
        )
    }

    /// Sends that run.
    pub(crate) fn in_flight(&self) -> u64 {
        let targets = self.targets.values();
        targets.map(|target| target.in_flight.count()).sum()
    }

    fn window(&self, lanes: &mut Lanes, channel: &Channel) -> Option<Arc<Window>> {
        if let Some(known) = lanes.windows.get(channel) {
            return known.clone();
        }
        let window = match self.targets.get(&channel.instance) {
            Some(target) => {
                let window = Arc::new(Window::default());
                let context = lane::Context {
                    channel: channel.clone(),
                    window: Arc::clone(&window),
                    target: Arc::clone(target),
                    rules: Arc::clone(&self.rules),
                    store: Arc::clone(&self.store),
                    clock: Arc::clone(&self.clock),
                    stopping: self.stopping.clone(),
                };
                lanes.tasks.spawn_on(lane::run(context), &self.runtime);
                Some(window)
            }
            None => {
                warn!(
                    instance = %channel.instance, address = %channel.address,
                    "the store holds deliveries to an instance that is not in the config; they stay there until it is"
                );
                None
            }
        };
        lanes.windows.insert(channel.clone(), window.clone());
        window
    }
}

impl Feed for Dispatcher {
    fn committed(&self, deliveries: Vec<QueuedDelivery>) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in deliveries {
            if let Some(window) = self.window(&mut lanes, &delivery.channel) {
                window.push(delivery);
            }
        }
    }

    fn reordered(&self, channel: &Channel) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = self.window(&mut lanes, channel) {
            window.reorder();
        }
    }
}

//! Step 6 to 7: hands committed deliveries to the lanes of their channels, in order.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::id::{Channel, InstanceId};
use bridge_core::ports::Clock;
use bridge_core::store::{Feed, QueuedDelivery, Store};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing::warn;

use crate::generation::Generations;
use crate::lane;
use crate::lane::window::Window;

/// Has one lane for each channel that deliveries go to; lanes are made as they are needed, and
/// there are no more of them than the rules, of this and of earlier generations, and the store have
/// named channels.
pub(crate) struct Dispatcher {
    generations: Arc<Generations>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    stopping: watch::Receiver<bool>,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    open: HashMap<Channel, OpenLane>,
    /// Channels whose instance is not configured, of which the log has been told.
    stranded: HashSet<Channel>,
    tasks: JoinSet<()>,
}

struct OpenLane {
    window: Arc<Window>,
    /// Resolves when the lane's task has ended.
    ended: oneshot::Receiver<()>,
}

impl Dispatcher {
    /// A dispatcher whose lanes run on the current runtime until `stopping` turns true.
    pub(crate) fn new(
        generations: Arc<Generations>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let (runtime, lanes) = (Handle::current(), Mutex::default());
        Self {
            generations,
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

    /// Ends the lanes of an instance that the current generation does not have, once the sends that
    /// run have been settled. From here on nothing is taken out of the store for it.
    pub(crate) async fn close_lanes(&self, instance: &InstanceId) {
        let ended: Vec<_> = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            let closed = lanes
                .open
                .extract_if(|channel, _| channel.instance == *instance);
            closed.map(|(_, lane)| lane.ended).collect()
        };
        for ended in ended {
            // An error is how the end of the task is heard of.
            ended.await.ok();
        }
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        while lanes.tasks.try_join_next().is_some() {}
    }

    /// Sends that run.
    pub(crate) fn in_flight(&self) -> u64 {
        let generation = self.generations.current();
        let ends = generation.parts.ends.values();
        ends.map(|end| end.target.in_flight.count()).sum()
    }

    /// The window of the channel's lane, which is opened if it has none. `None` if its instance is
    /// not configured: its deliveries stay in the store.
    fn window<'a>(&self, lanes: &'a mut Lanes, channel: &Channel) -> Option<&'a Window> {
        // Not by its entry: that would copy the channel for each delivery.
        if !lanes.open.contains_key(channel) {
            // Under the lock, so that no lane is opened for an instance whose lanes were closed.
            if !self.generations.current().has(&channel.instance) {
                if lanes.stranded.insert(channel.clone()) {
                    warn!(
                        instance = %channel.instance, address = %channel.address,
                        "the store holds deliveries to an instance that is not in the config; they stay there until it is"
                    );
                }
                return None;
            }
            let lane = self.open(&mut lanes.tasks, channel);
            lanes.stranded.remove(channel);
            lanes.open.insert(channel.clone(), lane);
        }
        lanes.open.get(channel).map(|lane| &*lane.window)
    }

    fn open(&self, tasks: &mut JoinSet<()>, channel: &Channel) -> OpenLane {
        let window = Arc::new(Window::default());
        let context = lane::Context {
            channel: channel.clone(),
            window: Arc::clone(&window),
            generations: Arc::clone(&self.generations),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            stopping: self.stopping.clone(),
        };
        let (working, ended) = oneshot::channel::<()>();
        let work = async move {
            lane::run(context).await;
            drop(working);
        };
        tasks.spawn_on(work, &self.runtime);
        OpenLane { window, ended }
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

//! What runs, and how other files change it: in one step, or not at all.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::config::settings::{GlobalSettings, LogSettings, ServerSettings, StoreSettings};
use bridge_core::config::{InstanceSetup, Setup};
use bridge_core::id::{Channel, InstanceId};
use bridge_core::store::Store;
use bridge_http::{BindError, Endpoint, ServerOptions};
use tokio::sync::watch;
use tracing::info;

use super::door::{BoundDoor, Door, DoorKey};
use super::instance::{Instance, Prepared, Shape, Workshop};
use super::refusal::Refusal;
use super::work::Worker;
use crate::dispatch::Dispatcher;
use crate::generation::{DoorNumber, End, Generations, Parts};

/// What runs.
pub(super) struct Site {
    pub(super) workshop: Workshop,
    pub(super) generations: Arc<Generations>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) store: Arc<dyn Store>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) server: ServerOptions,
    pub(super) fixed: Fixed,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) doors: HashMap<DoorKey, Door>,
    /// Doors at which nobody listens any more, whose connections have not all ended.
    pub(super) closing: Vec<Door>,
    /// Work of instances that are gone, or no longer do any.
    pub(super) leaving: Vec<Worker>,
    pub(super) next_door: u64,
    pub(super) listeners: Listeners,
}

/// Where the instances listen, for those who only look.
pub(super) type Listeners = Arc<Mutex<Vec<(InstanceId, SocketAddr)>>>;

/// What can't change while the bridge runs, as it was at the start.
pub(super) struct Fixed {
    data_dir: String,
    log: LogSettings,
    store: StoreSettings,
    server: ServerSettings,
}

impl Fixed {
    pub(super) fn of(global: &GlobalSettings) -> Self {
        Self {
            data_dir: global.data_dir.clone(),
            log: global.log.clone(),
            store: global.store.clone(),
            server: global.server.clone(),
        }
    }

    /// The keys whose new values wait for a restart.
    fn differing(&self, global: &GlobalSettings) -> Vec<&'static str> {
        let keys = [
            ("global.log", self.log != global.log),
            ("global.store", self.store != global.store),
            ("global.server", self.server != global.server),
        ];
        let differing = keys.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(key, _)| key).collect()
    }
}

/// What a change did.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) generation: u64,
    pub(super) added: Vec<InstanceId>,
    pub(super) changed: Vec<InstanceId>,
    pub(super) removed: Vec<InstanceId>,
    pub(super) untouched: usize,
    /// Keys whose new values wait for a restart.
    pub(super) needs_restart: Vec<&'static str>,
}

/// A change of which nothing can fail any more.
struct Plan {
    untouched: Vec<InstanceSetup>,
    prepared: Vec<Prepared>,
    doors: Vec<(DoorKey, BoundDoor)>,
    /// Channels for which the store holds deliveries to instances that are new.
    waiting: Vec<Channel>,
}

impl Site {
    /// Makes what runs agree with `setup`, in one step: what comes in is routed by the old files or
    /// by the new ones, and a lane whose instance is not touched does not hear of it. What has to end
    /// for that is ended by [`drain`](Self::drain).
    ///
    /// # Errors
    ///
    /// [`Refusal`]; then nothing was changed.
    pub(super) async fn change(
        &mut self,
        setup: Setup,
        follows_earlier_run: bool,
    ) -> Result<Change, Refusal> {
        let Setup {
            global,
            instances,
            rules,
            leaks,
        } = setup;
        if global.data_dir != self.fixed.data_dir {
            let (from, to) = (self.fixed.data_dir.clone(), global.data_dir);
            return Err(Refusal::DataDir { from, to });
        }
        let needs_restart = self.fixed.differing(&global);
        let shapes = instances.iter().map(|one| Shape::of(one, &rules)).collect();
        let plan = self.plan(instances, shapes).await?;
        let change = self.carry_out(plan, needs_restart, follows_earlier_run, |parts| {
            parts.rules = rules;
            parts.leaks = leaks;
        });
        Ok(change)
    }

    /// Every door that is not known to be closed.
    pub(super) fn all_doors(&mut self) -> impl Iterator<Item = &mut Door> {
        self.doors.values_mut().chain(&mut self.closing)
    }

    /// Logs what was counted.
    pub(super) fn log_counts(&self) {
        for instance in self.instances.values() {
            instance.intake.log_counts();
        }
    }

    /// Whether `setup` would leave every instance as it is.
    pub(super) fn has_same_instances(&self, setup: &Setup) -> bool {
        let is_same = |one: &InstanceSetup| {
            let running = self.instances.get(&one.id);
            running.is_some_and(|running| running.shape == Shape::of(one, &setup.rules))
        };
        setup.instances.len() == self.instances.len() && setup.instances.iter().all(is_same)
    }

    /// Keys whose values in `global` wait for a restart.
    pub(super) fn needs_restart(&self, global: &GlobalSettings) -> Vec<&'static str> {
        self.fixed.differing(global)
    }

    /// Everything that can fail: ports are opened, nothing is accepted at them yet.
    async fn plan(
        &mut self,
        instances: Vec<InstanceSetup>,
        shapes: Vec<Shape>,
    ) -> Result<Plan, Refusal> {
        let mut plan = Plan {
            untouched: Vec::new(),
            prepared: Vec::new(),
            doors: Vec::new(),
            waiting: Vec::new(),
        };
        for (setup, shape) in instances.into_iter().zip(shapes) {
            let running = self.instances.get(&setup.id);
            if running.is_some_and(|running| running.shape == shape) {
                plan.untouched.push(setup);
                continue;
            }
            if running.is_some_and(|running| running.shape.platform != shape.platform) {
                return Err(Refusal::Platform(setup.id));
            }
            if let Some(listen) = setup.driver.listen() {
                let key = DoorKey::of(listen, &setup.id);
                if !self.doors.contains_key(&key) {
                    let number = DoorNumber(self.next_door);
                    self.next_door += 1;
                    let bound = BoundDoor::bind(&key, number);
                    let bound = bound.map_err(|error| self.cannot_bind(&setup.id, &key, error))?;
                    plan.doors.push((key, bound));
                }
            }
            let prepared = self.workshop.prepare(setup, shape);
            plan.prepared
                .push(prepared.map_err(|(id, error)| Refusal::Client(id, error))?);
        }
        let is_new = |channel: &Channel| !self.instances.contains_key(&channel.instance);
        let mut waiting = self.store.lanes().await.map_err(Refusal::Read)?;
        waiting.retain(is_new);
        plan.waiting = waiting;
        Ok(plan)
    }

    fn cannot_bind(&self, instance: &InstanceId, key: &DoorKey, error: BindError) -> Refusal {
        let is_ours = |door: &DoorKey| door.port == key.port && key.port != 0;
        let is_busy = error.kind() == std::io::ErrorKind::AddrInUse;
        match is_busy && self.doors.keys().any(is_ours) {
            true => Refusal::OwnPort(instance.clone(), error.address()),
            false => Refusal::Bind(instance.clone(), error),
        }
    }

    /// Nothing here fails or waits.
    fn carry_out(
        &mut self,
        plan: Plan,
        needs_restart: Vec<&'static str>,
        follows_earlier_run: bool,
        fill: impl FnOnce(&mut Parts),
    ) -> Change {
        let mut change = Change {
            needs_restart,
            untouched: plan.untouched.len(),
            ..Change::default()
        };
        let mut before = std::mem::take(&mut self.instances);
        let mut retired = Vec::new();
        let mut workers = HashMap::new();
        for setup in plan.untouched {
            if let Some(mut instance) = before.remove(&setup.id) {
                instance.end.policy = setup.policy;
                self.instances.insert(setup.id, instance);
            }
        }
        for prepared in plan.prepared {
            let id = prepared.setup.id.clone();
            let changed = before.remove(&id);
            let instance = self
                .workshop
                .build(prepared, changed.as_ref(), follows_earlier_run);
            match changed {
                Some(changed) => {
                    retired.push(changed.end.target);
                    workers.extend(changed.worker.map(|worker| (id.clone(), worker)));
                    change.changed.push(id.clone());
                }
                None => change.added.push(id.clone()),
            }
            self.instances.insert(id, instance);
        }
        let current = self.generations.current();
        for (id, removed) in before {
            removed.intake.set_last(&current);
            removed.intake.log_counts();
            retired.push(removed.end.target);
            self.leaving.extend(removed.worker);
            change.removed.push(id);
        }
        drop(current);
        let bound: HashMap<_, _> = plan.doors.into_iter().collect();
        let mut parts = Parts {
            ends: self.ends().collect(),
            endpoints: self.endpoints(&bound),
            ..Parts::default()
        };
        fill(&mut parts);

        change.generation = self.generations.replace(parts);

        for target in retired {
            target.retirement.declare();
        }
        self.set_to_work(workers);
        for channel in plan.waiting {
            self.dispatcher.open_lane(&channel);
        }
        self.move_doors(bound);
        change
    }

    /// Has instances begin their own work, and tells those that are at it which channels are named
    /// now. `before` has what the places of new ones were at.
    fn set_to_work(&mut self, mut before: HashMap<InstanceId, Worker>) {
        let generation = self.generations.current();
        let rules = &generation.parts.rules;
        for (id, instance) in &mut self.instances {
            let before = before.remove(id);
            if instance.idle.is_some() {
                self.workshop.set_to_work(id, instance, rules, before);
            } else if let Some(worker) = &instance.worker {
                worker.name(instance.named(id, rules));
            } else {
                self.leaving.extend(before);
            }
        }
    }

    /// Every instance's own work that is not known to have ended.
    pub(super) fn all_workers(&mut self) -> impl Iterator<Item = &mut Worker> {
        let at_work = self.instances.values_mut();
        let at_work = at_work.filter_map(|instance| instance.worker.as_mut());
        at_work.chain(&mut self.leaving)
    }

    fn ends(&self) -> impl Iterator<Item = (InstanceId, End)> {
        let instances = self.instances.iter();
        instances.map(|(id, instance)| (id.clone(), instance.end.clone()))
    }

    /// What is to answer at each door: whoever is configured to listen there; at one that nobody is,
    /// the instance that did, if it listens elsewhere now.
    fn endpoints(&self, bound: &HashMap<DoorKey, BoundDoor>) -> HashMap<DoorNumber, Endpoint> {
        let inlets = || {
            let instances = self.instances.iter();
            instances.filter_map(|(id, instance)| Some((id, instance.inlet.as_ref()?)))
        };
        let by_key: HashMap<_, _> = inlets().map(|(_, inlet)| (&inlet.key, inlet)).collect();
        let by_user: HashMap<_, _> = inlets().collect();
        let open = self.doors.iter().map(|(key, door)| {
            let inlet = by_key.get(key).or_else(|| by_user.get(&door.user));
            (door.number, inlet)
        });
        let closing = self.closing.iter();
        let closing = closing.map(|door| (door.number, by_user.get(&door.user)));
        let new = bound.iter();
        let new = new.map(|(key, door)| (door.number, by_key.get(key)));
        let all = open.chain(closing).chain(new);
        all.filter_map(|(number, inlet)| Some((number, inlet?.endpoint.clone())))
            .collect()
    }

    /// Opens what is new and closes what nobody listens at any more.
    fn move_doors(&mut self, mut bound: HashMap<DoorKey, BoundDoor>) {
        let mut users = HashMap::new();
        for (id, instance) in &self.instances {
            if let Some(inlet) = &instance.inlet {
                users.insert(inlet.key.clone(), (id.clone(), inlet.path.clone()));
            }
        }
        self.closing.retain(|door| !door.has_ended());
        let unused = self.doors.extract_if(|key, _| !users.contains_key(key));
        for (_, door) in unused {
            info!(instance = %door.user, address = %door.address, "no longer listening");
            door.close();
            self.closing.push(door);
        }
        for (key, (user, path)) in users {
            if let Some(door) = bound.remove(&key) {
                let (generations, options) = (Arc::clone(&self.generations), self.server.clone());
                let stopping = self.stopping.clone();
                let door = door.open(user, generations, options, stopping);
                info!(instance = %door.user, address = %door.address, path, "listening");
                self.doors.insert(key, door);
            } else if let Some(door) = self.doors.get_mut(&key)
                && door.user != user
            {
                door.user = user;
                info!(instance = %door.user, address = %door.address, path, "listening");
            }
        }
        let listeners = self.doors.values();
        let mut listeners: Vec<_> = listeners
            .map(|door| (door.user.clone(), door.address))
            .collect();
        listeners.sort();
        *self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = listeners;
    }
}

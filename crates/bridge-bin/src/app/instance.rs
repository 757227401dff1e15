//! What an instance is made of, and whether another setup makes it another one.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::capability::Inbound;
use bridge_core::config::{Fingerprint, InstanceSetup};
use bridge_core::driver::{DriverInfo, ErasedDriver, Listen};
use bridge_core::id::{Address, InstanceId};
use bridge_core::ports::Clock;
use bridge_core::rules::Rules;
use bridge_core::secret::Secret;
use bridge_http::{
    BlockingPool, ClientError, Dialer, Endpoint, HttpClient, InboundOptions, OutboundOptions,
    endpoint, stack,
};

use super::door::DoorKey;
use super::mailbox::InstanceMailbox;
use super::outside::{self, Way};
use super::work::{Job, Worker};
use crate::generation::End;
use crate::intake::{InstanceIntake, Shared};
use crate::lane::Target;

/// An instance that runs.
pub(super) struct Instance {
    pub(super) shape: Shape,
    pub(super) end: End,
    pub(super) intake: InstanceIntake,
    pub(super) inlet: Option<Inlet>,
    /// The same for as long as the instance is there, so that whoever waits hears of every letter.
    mailbox: Arc<InstanceMailbox>,
    info: &'static DriverInfo,
    /// The driver, if it does work of its own, until that has begun.
    pub(super) idle: Option<Arc<dyn ErasedDriver>>,
    pub(super) worker: Option<Worker>,
}

impl Instance {
    /// The channels that the rules name.
    pub(super) fn named(&self, id: &InstanceId, rules: &Rules) -> Arc<[Address]> {
        rules.addresses(id, self.info.address_keys).into()
    }
}

/// An instance's way in.
pub(super) struct Inlet {
    pub(super) key: DoorKey,
    pub(super) path: String,
    pub(super) endpoint: Endpoint,
}

/// Everything by which a running instance differs from another; the policy of its deliveries is
/// none of that, it is read for each try.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) platform: &'static str,
    fingerprint: Fingerprint,
    rate_per_second: u32,
    channel_rate_per_minute: u32,
    max_in_flight: usize,
    proxy: Option<Secret>,
    authorities: Option<Arc<str>>,
    /// Its client's timeouts end within that.
    longest_attempt: Duration,
}

impl Shape {
    pub(super) fn of(setup: &InstanceSetup, rules: &Rules) -> Self {
        let by_rules = rules.longest_attempt(&setup.id).unwrap_or_default();
        Self {
            platform: setup.platform,
            fingerprint: setup.fingerprint,
            rate_per_second: setup.rate_per_second,
            channel_rate_per_minute: setup.channel_rate_per_minute,
            max_in_flight: setup.max_in_flight,
            proxy: setup.proxy.clone(),
            authorities: setup.authorities.clone(),
            longest_attempt: by_rules.max(setup.policy.attempt_timeout),
        }
    }

    fn way(&self) -> Way<'_> {
        Way {
            proxy: self.proxy.as_ref().map(Secret::expose),
            authorities: self.authorities.as_deref(),
        }
    }

    fn outbound(&self, follows_earlier_run: bool) -> OutboundOptions {
        OutboundOptions {
            max_in_flight: self.max_in_flight,
            rate_per_second: self.rate_per_second,
            follows_earlier_run,
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        let plain = |shape: &Self| {
            (
                shape.platform,
                shape.fingerprint,
                shape.rate_per_second,
                shape.channel_rate_per_minute,
                shape.max_in_flight,
                shape.longest_attempt,
            )
        };
        plain(self) == plain(other) && self.way() == other.way()
    }
}

/// What all instances are made with.
pub(super) struct Workshop {
    pub(super) shared: Shared,
    pub(super) pool: Arc<BlockingPool>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbound: InboundOptions,
}

/// An instance of which nothing can fail any more.
pub(super) struct Prepared {
    pub(super) setup: InstanceSetup,
    shape: Shape,
    client: HttpClient,
    dialer: Dialer,
}

impl Workshop {
    pub(super) fn prepare(
        &self,
        setup: InstanceSetup,
        shape: Shape,
    ) -> Result<Prepared, (InstanceId, ClientError)> {
        let (longest, bound) = (shape.longest_attempt, shape.max_in_flight);
        match shape.way().open(&self.pool, longest, bound) {
            Ok((client, dialer)) => Ok(Prepared {
                setup,
                shape,
                client,
                dialer,
            }),
            Err(error) => Err((setup.id, error)),
        }
    }

    /// Makes the instance, in the place of `before` if it is one that has changed: what the platform
    /// has asked it for, what it has used of its budget, and what it has counted go on.
    pub(super) fn build(
        &self,
        prepared: Prepared,
        before: Option<&Instance>,
        follows_earlier_run: bool,
    ) -> Instance {
        let Prepared {
            setup,
            shape,
            client,
            dialer,
        } = prepared;
        let InstanceSetup {
            id, driver, policy, ..
        } = setup;
        let (info, listen) = (driver.info(), driver.listen().cloned());
        let capabilities = driver.capabilities();
        let mailbox = match before {
            Some(before) => Arc::clone(&before.mailbox),
            None => Arc::new(InstanceMailbox::new(
                id.clone(),
                Arc::clone(&self.shared.store),
                Arc::clone(&self.clock),
            )),
        };
        let mut ports = outside::ports(client, dialer, Arc::clone(&self.clock));
        ports.mailbox = Arc::clone(&mailbox) as _;
        let driver = driver.open(ports);
        let (options, clock) = (shape.outbound(follows_earlier_run), Arc::clone(&self.clock));
        let (gate, in_flight) = before
            .map(|before| {
                let target = &before.end.target;
                (Arc::clone(&target.gate), target.in_flight.succeeded())
            })
            .unwrap_or_default();
        let outbound = match before {
            Some(before) => {
                let outbound = &before.end.target.outbound;
                outbound.succeeded_by(Arc::clone(&driver), options, clock)
            }
            None => stack(Arc::clone(&driver), options, clock),
        };
        let target = Target {
            outbound,
            capabilities,
            channel_rate_per_minute: shape.channel_rate_per_minute,
            gate,
            in_flight,
            threads: Some(self.pool.share(shape.max_in_flight)),
            retirement: Default::default(),
        };
        let intake = before
            .map(|before| before.intake.clone())
            .unwrap_or_else(|| {
                InstanceIntake::new(id.clone(), shape.platform, self.shared.clone())
            });
        let works = matches!(capabilities.inbound, Inbound::Connection | Inbound::Polling);
        let idle = works.then(|| Arc::clone(&driver));
        let inlet = listen.map(|listen: Listen| {
            let taken_by = Arc::new(intake.clone());
            let inbound = InboundOptions {
                looks_up: capabilities.looks_up,
                ..self.inbound.clone()
            };
            let endpoint = endpoint(driver, &listen, taken_by, inbound);
            Inlet {
                key: DoorKey::of(&listen, &id),
                path: listen.path,
                endpoint: Endpoint::new(endpoint),
            }
        });
        Instance {
            shape,
            end: End {
                target: Arc::new(target),
                policy,
            },
            intake,
            inlet,
            mailbox,
            info,
            idle,
            worker: None,
        }
    }

    /// Begins the work that the instance does by itself, if it does any; `before` is that of the
    /// instance in whose place it is.
    pub(super) fn set_to_work(
        &self,
        id: &InstanceId,
        instance: &mut Instance,
        rules: &Rules,
        before: Option<Worker>,
    ) {
        let Some(driver) = instance.idle.take() else {
            return;
        };
        let job = Job {
            instance: id.clone(),
            driver,
            intake: instance.intake.clone(),
            clock: Arc::clone(&self.clock),
            target: Arc::clone(&instance.end.target),
        };
        let channels = instance.named(id, rules);
        instance.worker = Some(Worker::start(job, channels, before));
    }
}

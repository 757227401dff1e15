//! What an instance is made of: its driver with the ways in and out.

use std::net::SocketAddr;
use std::sync::Arc;

use bridge_core::config::InstanceSetup;
use bridge_core::driver::{ErasedDriver, Listen};
use bridge_core::id::InstanceId;
use bridge_core::ports::{Clock, Ports};
use bridge_core::rules::Rules;
use bridge_http::{BlockingPool, OutboundOptions, bind, stack};
use tokio::net::TcpListener;

use super::StartError;
use super::outside;
use crate::lane::Target;

/// An instance's ends.
pub(super) struct End {
    pub(super) id: InstanceId,
    pub(super) platform: &'static str,
    pub(super) driver: Arc<dyn ErasedDriver>,
    pub(super) target: Arc<Target>,
    pub(super) listener: Option<(Listen, TcpListener, SocketAddr)>,
}

impl End {
    pub(super) fn open(
        instance: InstanceSetup,
        rules: &Rules,
        pool: &Arc<BlockingPool>,
        clock: &Arc<dyn Clock>,
        follows_earlier_run: bool,
    ) -> Result<Self, StartError> {
        let InstanceSetup {
            id,
            platform,
            driver,
            policy,
            ..
        } = instance;
        let listener = match driver.listen() {
            Some(listen) => {
                let bound = bind(listen.host, listen.port).map(|listener| {
                    let address = listener.local_addr();
                    let address = address.unwrap_or((listen.host, listen.port).into());
                    (listen.clone(), listener, address)
                });
                Some(bound.map_err(|error| StartError::Bind(id.clone(), error))?)
            }
            None => None,
        };
        let longest = rules
            .longest_attempt(&id)
            .unwrap_or_default()
            .max(policy.attempt_timeout);
        let http = outside::client(
            pool,
            longest,
            instance.max_in_flight,
            instance.proxy.as_ref(),
        )
        .map_err(|error| StartError::Client(id.clone(), error))?;
        let capabilities = driver.capabilities();
        let driver = driver.open(Ports {
            http: Arc::new(http),
            clock: Arc::clone(clock),
        });
        let options = OutboundOptions {
            max_in_flight: instance.max_in_flight,
            rate_per_second: instance.rate_per_second,
            follows_earlier_run,
        };
        let outbound = stack(Arc::clone(&driver), options, Arc::clone(clock));
        let channel_rate_per_minute = instance.channel_rate_per_minute;
        let target = Target {
            outbound,
            capabilities,
            channel_rate_per_minute,
            policy,
            gate: Default::default(),
            in_flight: Default::default(),
        };
        Ok(Self {
            id,
            platform,
            driver,
            target: Arc::new(target),
            listener,
        })
    }
}

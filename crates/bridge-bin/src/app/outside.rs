//! An instance's way to the outside.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::config::InstanceSetup;
use bridge_core::ports::{Clock, Ports};
use bridge_core::secret::Secret;
use bridge_http::{
    Authorities, BlockingPool, ClientError, ClientOptions, Dialer, HttpClient, SystemRandom,
};

/// What a driver is given, but for a mailbox.
pub(crate) fn ports(http: HttpClient, dialer: Dialer, clock: Arc<dyn Clock>) -> Ports {
    let mut ports = Ports::new(Arc::new(http), clock, Arc::new(SystemRandom));
    ports.dial = Arc::new(dialer);
    ports
}

/// What stands between an instance and its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way<'a> {
    /// The URL of a proxy.
    pub(crate) proxy: Option<&'a str>,
    /// A PEM text of authorities that are trusted beside Mozilla's.
    pub(crate) authorities: Option<&'a str>,
}

impl<'a> Way<'a> {
    pub(crate) fn of(instance: &'a InstanceSetup) -> Self {
        Self {
            proxy: instance.proxy.as_ref().map(Secret::expose),
            authorities: instance.authorities.as_deref(),
        }
    }

    /// A client whose calls end within the longest attempt that the instance may make, and what
    /// opens the connections that it keeps.
    pub(crate) fn open(
        self,
        pool: &Arc<BlockingPool>,
        longest_attempt: Duration,
        max_in_flight: usize,
    ) -> Result<(HttpClient, Dialer), ClientError> {
        let authorities = self.authorities.map(Authorities::from_pem).transpose()?;
        let options = ClientOptions {
            proxy: self.proxy,
            authorities: authorities.as_ref(),
            max_in_flight,
            ..ClientOptions::within(longest_attempt)
        };
        let client = HttpClient::new(Arc::clone(pool), options)?;
        Ok((client, Dialer::new(self.proxy, authorities.as_ref())?))
    }
}

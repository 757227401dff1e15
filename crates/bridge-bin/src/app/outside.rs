//! An instance's way to the outside.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::ports::{Clock, Ports};
use bridge_core::secret::Secret;
use bridge_http::{BlockingPool, ClientError, ClientOptions, Dialer, HttpClient, SystemRandom};

/// What a driver is given, but for a mailbox.
pub(crate) fn ports(http: HttpClient, dialer: Dialer, clock: Arc<dyn Clock>) -> Ports {
    let mut ports = Ports::new(Arc::new(http), clock, Arc::new(SystemRandom));
    ports.dial = Arc::new(dialer);
    ports
}

/// What opens the connections that an instance keeps.
pub(crate) fn dialer(proxy: Option<&Secret>) -> Result<Dialer, ClientError> {
    Dialer::new(proxy.map(Secret::expose))
}

/// A client whose calls end within the longest attempt that the instance may make.
pub(crate) fn client(
    pool: &Arc<BlockingPool>,
    longest_attempt: Duration,
    max_in_flight: usize,
    proxy: Option<&Secret>,
) -> Result<HttpClient, ClientError> {
    let options = ClientOptions {
        proxy: proxy.map(Secret::expose),
        max_in_flight,
        ..ClientOptions::within(longest_attempt)
    };
    HttpClient::new(Arc::clone(pool), options)
}

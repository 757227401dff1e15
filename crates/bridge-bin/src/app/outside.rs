//! An instance's way to the outside.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::secret::Secret;
use bridge_http::{BlockingPool, ClientError, ClientOptions, HttpClient};

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

//! Knows whether a failed call had begun to write its request.
//!
//! ureq's errors do not tell: a reset connection looks the same before and after. What does tell is
//! whether the finished connection (after TCP, proxy and TLS) was ever written to, so that is
//! watched. A call runs on one thread from its beginning to its end, hence the thread local.

use std::cell::Cell;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

thread_local! {
    static WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// To be called before a call begins.
pub(super) fn forget() {
    WRITTEN.set(false);
}

/// Whether the call on this thread has written, or tried to write, a part of its request.
pub(super) fn on_this_thread() -> bool {
    WRITTEN.get()
}

/// Makes ureq's usual connections, and watches them.
#[derive(Debug)]
pub(super) struct Watched(pub(super) DefaultConnector);

impl Connector<()> for Watched {
    type Out = WatchedTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<WatchedTransport>, Error> {
        let connected = self.0.connect(details, chained);
        // A CONNECT to a proxy goes over a connection that this connector made too; it is not the
        // request.
        forget();
        Ok(connected?.map(WatchedTransport))
    }
}

/// A connection that notes when it is written to.
#[derive(Debug)]
pub(super) struct WatchedTransport(Box<dyn Transport>);

impl Transport for WatchedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // Before the attempt: one that fails may have sent a part.
        WRITTEN.set(true);
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

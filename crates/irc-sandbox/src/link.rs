//! A connection to the network, without a socket.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::network::LinkId;
use crate::state::State;

/// A client's end of a connection; dropping it closes it.
pub struct Link {
    state: Arc<State>,
    id: LinkId,
    notify: Arc<Notify>,
}

impl Link {
    pub(crate) fn open(state: &Arc<State>) -> Option<Self> {
        let (id, notify) = state.connect()?;
        Some(Self {
            state: Arc::clone(state),
            id,
            notify,
        })
    }

    /// Sends bytes, of which the network handles every whole line before this returns.
    pub fn write(&self, bytes: &[u8]) {
        self.state.with(|network| network.receive(self.id, bytes));
    }

    /// What the network has sent since this was asked last; may be empty.
    pub fn read(&self) -> Bytes {
        self.take().0
    }

    /// Whether the network has not closed it; there may be something to read even if it has.
    pub fn is_open(&self) -> bool {
        self.state.with(|network| !network.is_closed(self.id))
    }

    /// Waits for bytes of the network; empty once it has closed the connection and all is read.
    pub async fn next(&self) -> Bytes {
        loop {
            let (bytes, is_closed) = self.take();
            if is_closed || !bytes.is_empty() {
                return bytes;
            }
            self.notify.notified().await;
        }
    }

    fn take(&self) -> (Bytes, bool) {
        self.state.with(|network| network.outbound(self.id))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.disconnect(self.id);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("id", &self.id.0)
            .finish_non_exhaustive()
    }
}

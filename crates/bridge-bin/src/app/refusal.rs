//! Why other files can't be applied.

use std::fmt;
use std::net::SocketAddr;

use bridge_core::id::InstanceId;
use bridge_core::store::StoreError;
use bridge_http::{BindError, ClientError};

/// Why nothing was changed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The store would have to move.
    DataDir { from: String, to: String },
    /// The instance would be of another platform, and what waits for it is addressed in this one's
    /// way.
    Platform(InstanceId),
    /// An instance's address can't be bound.
    Bind(InstanceId, BindError),
    /// The same, because this bridge itself listens on a part of it.
    OwnPort(InstanceId, SocketAddr),
    /// An instance's HTTP client can't be made.
    Client(InstanceId, ClientError),
    /// The store can't say what it holds.
    Read(StoreError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir { from, to } => write!(
                f,
                "`data_dir` can't change from \"{from}\" to \"{to}\" while the bridge runs; restart it, or set it back"
            ),
            Self::Platform(instance) => write!(
                f,
                "instance \"{instance}\" can't become one of another platform; give the new one another name"
            ),
            Self::Bind(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::OwnPort(instance, address) => write!(
                f,
                "instance \"{instance}\": can't listen on {address} while this bridge listens on that port at another address; choose another port, or restart the bridge"
            ),
            Self::Client(instance, error) => write!(f, "instance \"{instance}\": {error}"),
            Self::Read(error) => write!(f, "{error}; try again"),
        }
    }
}

//! A dial port that connects to what a test gives it and remembers what was dialled.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::ports::{ByteStream, Dial, DialError, DialTarget};

/// What dialling brings.
pub type Dialled = Result<Box<dyn ByteStream>, DialError>;

type Handler = dyn Fn(&DialTarget) -> Dialled + Send + Sync;

/// The other side of a driver's connections, for tests. Clones are the same one.
///
/// No socket is opened and no TLS spoken: a stream is what the handler makes of the target, such as
/// one end of [`tokio::io::duplex`], which needs no runtime.
#[derive(Clone)]
pub struct FakeDial {
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<Handler>,
    targets: Mutex<Vec<DialTarget>>,
}

impl FakeDial {
    /// One that asks `handler` whenever the driver dials. The handler must not call the fake.
    pub fn with(handler: impl Fn(&DialTarget) -> Dialled + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                handler: Box::new(handler),
                targets: Mutex::default(),
            }),
        }
    }

    /// One whose every target refuses.
    pub fn refusing() -> Self {
        Self::with(|target| Err(refused(target)))
    }

    /// What was dialled so far, in order.
    pub fn targets(&self) -> Vec<DialTarget> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<DialTarget>> {
        let targets = self.shared.targets.lock();
        targets.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a target says that takes no connections.
pub fn refused(target: &DialTarget) -> DialError {
    let DialTarget { host, port, .. } = target;
    DialError {
        detail: format!("{host}:{port}: connection refused"),
    }
}

impl Dial for FakeDial {
    fn dial(&self, target: DialTarget) -> BoxFuture<'_, Dialled> {
        Box::pin(async move {
            self.lock().push(target.clone());
            (self.shared.handler)(&target)
        })
    }
}

impl fmt::Debug for FakeDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeDial")
            .field("targets", &*self.lock())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::ports::Security;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn target(port: u16) -> DialTarget {
        DialTarget {
            host: "chat.example".into(),
            port,
            security: Security::Tls,
        }
    }

    #[tokio::test]
    async fn streams_come_from_the_handler_and_targets_are_kept() {
        let (near, mut far) = tokio::io::duplex(64);
        let near = Mutex::new(Some(near));
        let dial = FakeDial::with(move |target| match near.lock().unwrap().take() {
            Some(near) => Ok(Box::new(near)),
            None => Err(refused(target)),
        });
        let mut stream = dial.dial(target(1)).await.ok().unwrap();
        stream.write_all(b"hi").await.unwrap();
        let mut heard = [0; 2];
        far.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hi");
        let error = dial.dial(target(2)).await.err().unwrap();
        assert_eq!(error.detail, "chat.example:2: connection refused");
        assert_eq!(dial.targets(), [target(1), target(2)]);
    }
}

//! Polls futures by hand, without a runtime: what a driver waits for comes through its ports, or never.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};

use bridge_core::BoxFuture;
use bridge_core::ports::HttpExchange;
use bytes::Bytes;
use http::Request;

use crate::FakeHttp;
use crate::fake_http::Answer;

/// Remembers that something it was given to was woken.
#[derive(Default)]
pub(super) struct Woken(AtomicBool);

impl Woken {
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Whether there was a wake since this was asked last.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Gives way once.
pub(super) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An exchange that waits once before it asks and once before it answers, so that a future can be
/// dropped at each of its awaits.
pub(super) struct Slow(pub(super) FakeHttp);

impl HttpExchange for Slow {
    fn exchange(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            pause().await;
            let answer = self.0.exchange(request).await;
            pause().await;
            answer
        })
    }
}

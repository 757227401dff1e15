//! Work that goes on when the one who waits for it goes away.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bridge_core::BoxFuture;
use tokio::runtime::Handle;

/// A future that is finished in a task of its own if it is dropped before its end.
///
/// hyper drops a request's future when the caller disconnects. A batch may hold several events, and
/// one that is taken in half would be answered to nobody. Running every batch in its own task would
/// protect it too, at the price of a task and two hand-offs for each; this way only the rare broken
/// connection pays. If the runtime is gone, so is the work: it was never answered.
pub(super) struct Handover<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
}

impl<T: Send + 'static> Handover<T> {
    /// `work`, to be awaited in the place of this.
    pub(super) fn new(work: BoxFuture<'static, T>) -> Self {
        Self { work: Some(work) }
    }
}

impl<T: Send + 'static> Future for Handover<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut();
        let work = work.expect("a future is not polled after it was ready");
        let output = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Handover<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        // Work that has just panicked can't be polled again.
        if std::thread::panicking() {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn dropped_work_is_finished_from_where_it_stood() {
        let (open, gate) = oneshot::channel::<()>();
        let (report, finished) = oneshot::channel();
        let mut handover = Handover::new(Box::pin(async move {
            gate.await.expect("the gate opens");
            report.send(()).expect("the test listens");
        }));
        let started = std::future::poll_fn(|context| {
            Poll::Ready(Pin::new(&mut handover).poll(context).is_pending())
        });
        assert!(started.await);
        drop(handover);
        open.send(()).expect("the work waits");
        finished.await.expect("finished all the same");
    }

    #[tokio::test]
    async fn finished_work_is_not_run_again() {
        let handover = Handover::new(Box::pin(async { 7 }));
        assert_eq!(handover.await, 7);
    }
}

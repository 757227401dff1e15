//! The machine's clock: the one place that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bridge_core::BoxFuture;
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;

/// The wall clock of the machine, and tokio's timer for waiting.
///
/// - A time before 1970 reads as 1970.
/// - [`Clock::sleep`] counts on the monotonic clock, so that setting the wall clock shortens or
///   lengthens no wait. It needs a tokio runtime with its timer enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock port's own implementation"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::EPOCH.plus(since_epoch)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_clock_runs_while_one_sleeps() {
        let before = SystemClock.now();
        SystemClock.sleep(Duration::from_millis(5)).await;
        assert!(SystemClock.now().since(before) >= Duration::from_millis(4));
        assert!(before > Timestamp::from_millis(1_700_000_000_000));
    }
}

//! The pause that a platform asks of a whole instance.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use bridge_core::time::Timestamp;

/// Closed until a point in time; open by default.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    opens_at_millis: AtomicI64,
}

impl Gate {
    /// Keeps the gate closed until `time`; never opens it earlier than it would have.
    pub(crate) fn close_until(&self, time: Timestamp) {
        self.opens_at_millis.fetch_max(time.as_millis(), Relaxed);
    }

    /// When the gate opens, or has opened.
    pub(crate) fn opens_at(&self) -> Timestamp {
        Timestamp::from_millis(self.opens_at_millis.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_holds() {
        let gate = Gate::default();
        assert_eq!(gate.opens_at(), Timestamp::EPOCH);
        for millis in [500, 200] {
            gate.close_until(Timestamp::from_millis(millis));
            assert_eq!(gate.opens_at(), Timestamp::from_millis(500));
        }
    }
}

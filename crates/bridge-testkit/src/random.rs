//! A source of numbers that a test can foresee.

use std::sync::atomic::{AtomicU64, Ordering};

use bridge_core::ports::Random;

/// Gives 1, 2, 3, …
#[derive(Debug, Default)]
pub struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

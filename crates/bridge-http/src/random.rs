//! The machine's source of random numbers.

use bridge_core::ports::Random;

/// Random numbers of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    ///
    /// If the operating system gives none, which no supported one does once it has started.
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("the operating system has random numbers")
    }
}

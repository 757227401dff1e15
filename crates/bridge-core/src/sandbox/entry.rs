//! The sandboxes linked into this binary.

use std::fmt;

use super::{ErasedSandbox, Sandbox};
use crate::BoxFuture;

inventory::collect!(SandboxEntry);

/// A sandbox that starts.
type Starting = BoxFuture<'static, Result<Box<dyn ErasedSandbox>, String>>;

/// A linked sandbox.
#[derive(Clone, Copy)]
pub struct SandboxEntry {
    platform: &'static str,
    short: &'static str,
    room: &'static str,
    start: fn() -> Starting,
}

impl fmt::Debug for SandboxEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SandboxEntry").field(&self.platform).finish()
    }
}

impl SandboxEntry {
    /// The entry of the sandbox type `S`.
    pub const fn of<S: Sandbox>() -> Self {
        Self {
            platform: S::PLATFORM,
            short: S::SHORT,
            room: S::ROOM,
            start: start::<S>,
        }
    }

    /// See [`Sandbox::PLATFORM`].
    pub const fn platform(&self) -> &'static str {
        self.platform
    }

    /// See [`Sandbox::SHORT`].
    pub const fn short(&self) -> &'static str {
        self.short
    }

    /// See [`Sandbox::ROOM`].
    pub const fn room(&self) -> &'static str {
        self.room
    }

    /// See [`Sandbox::start`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn start(&self) -> Result<Box<dyn ErasedSandbox>, String> {
        (self.start)().await
    }
}

fn start<S: Sandbox>() -> Starting {
    Box::pin(async { Ok(Box::new(S::start().await?) as Box<dyn ErasedSandbox>) })
}

/// All linked sandboxes, sorted by platform.
#[derive(Debug, Clone, Default)]
pub struct Sandboxes {
    entries: Vec<SandboxEntry>,
}

impl Sandboxes {
    /// Those that registered themselves with [`register_sandbox!`](crate::register_sandbox).
    ///
    /// # Errors
    ///
    /// If two play one platform.
    pub fn linked() -> Result<Self, DuplicateSandbox> {
        Self::of(inventory::iter::<SandboxEntry>.into_iter().copied())
    }

    /// The given ones.
    ///
    /// # Errors
    ///
    /// If two play one platform.
    pub fn of(entries: impl IntoIterator<Item = SandboxEntry>) -> Result<Self, DuplicateSandbox> {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|entry| entry.platform);
        let mut pairs = entries.windows(2);
        match pairs.find(|pair| pair[0].platform == pair[1].platform) {
            Some(pair) => Err(DuplicateSandbox(pair[0].platform)),
            None => Ok(Self { entries }),
        }
    }

    /// The sandbox of `platform`.
    pub fn get(&self, platform: &str) -> Option<&SandboxEntry> {
        self.entries.iter().find(|entry| entry.platform == platform)
    }

    /// All of them, sorted by platform.
    pub fn iter(&self) -> impl Iterator<Item = &SandboxEntry> {
        self.entries.iter()
    }
}

/// Two linked sandboxes play the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateSandbox(pub &'static str);

impl fmt::Display for DuplicateSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "two sandboxes of platform \"{}\" are linked into this binary; leave one of them out",
            self.0
        )
    }
}

impl std::error::Error for DuplicateSandbox {}

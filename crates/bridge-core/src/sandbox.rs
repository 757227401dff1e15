//! Sandboxes: stand-ins for a platform on this machine, on which `bridge demo` plays.
//!
//! A crate that is linked registers one with [`register_sandbox!`](crate::register_sandbox): the crate
//! of the driver itself, or one beside it. The demo starts it, opens one or two rooms, lets a bridge
//! run with an instance for each, has people speak, and judges what the bridge brings.
//!
//! Unlike a driver, a sandbox opens sockets, on loopback only, and may spawn tasks on the tokio
//! runtime that it is started on. It needs no account and no file, and takes a free port.

use crate::BoxFuture;

pub use entry::{DuplicateSandbox, SandboxEntry, Sandboxes};
pub use room::{ErasedRoom, Person, Place, Room, RoomError, Screen};

mod entry;
mod room;

/// Registers a [`Sandbox`] type, so that `bridge demo` of every binary that links its crate can play
/// there. Write it once, beside the type: `bridge_core::register_sandbox!(MySandbox);`
#[macro_export]
macro_rules! register_sandbox {
    ($sandbox:ty) => {
        $crate::macros::inventory::submit! {
            $crate::sandbox::SandboxEntry::of::<$sandbox>()
        }
    };
}

/// A running stand-in for a platform. Authors implement this trait; the demo holds its erased twin,
/// [`ErasedSandbox`], which every `Sandbox` is.
pub trait Sandbox: Sized + Send + Sync + 'static {
    /// The platform that it plays, as its driver names it.
    const PLATFORM: &'static str;

    /// What the ids of its instances begin with.
    const SHORT: &'static str = Self::PLATFORM;

    /// What people call a room there, such as `DingTalk group`; with an `s` at the end, several.
    const ROOM: &'static str;

    /// A room of it.
    type Room: Room;

    /// Starts one, with nobody in it, on a free port of this machine. Several may run at once.
    ///
    /// # Errors
    ///
    /// A sentence that says why there is none.
    fn start() -> impl Future<Output = Result<Self, String>> + Send;

    /// What it plays and where, as a clause: `plays DingTalk on http://127.0.0.1:40123`.
    fn describe(&self) -> String;

    /// Opens a room for `place`, and gives `screen` whatever the bridge brings to it: in order, as
    /// soon as people there would see it, and as they would read it. What people say themselves is
    /// not given.
    ///
    /// - Called before the bridge starts, for one or two places of different names.
    ///
    /// # Errors
    ///
    /// A sentence that says why there is none.
    fn open_room(&self, place: &Place, screen: Screen) -> Result<Self::Room, String>;

    /// Closes ports and connections. Once it resolves, nothing answers, no task runs, and no screen
    /// is given anything any more.
    ///
    /// - Called once, after the bridge has stopped.
    fn stop(&self) -> impl Future<Output = ()> + Send;
}

/// The erased twin of [`Sandbox`], as the demo holds it.
pub trait ErasedSandbox: Send + Sync + 'static {
    /// See [`Sandbox::describe`].
    fn describe(&self) -> String;

    /// See [`Sandbox::open_room`].
    ///
    /// # Errors
    ///
    /// As there.
    fn open_room(&self, place: &Place, screen: Screen) -> Result<Box<dyn ErasedRoom>, String>;

    /// See [`Sandbox::stop`].
    fn stop(&self) -> BoxFuture<'_, ()>;
}

impl<S: Sandbox> ErasedSandbox for S {
    fn describe(&self) -> String {
        Sandbox::describe(self)
    }

    fn open_room(&self, place: &Place, screen: Screen) -> Result<Box<dyn ErasedRoom>, String> {
        Ok(Box::new(Sandbox::open_room(self, place, screen)?))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(Sandbox::stop(self))
    }
}

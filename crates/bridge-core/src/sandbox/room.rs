//! A room of a sandbox: which instance of the bridge sits in it, and what people do there.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::BoxFuture;
use crate::id::Address;

/// Where a conversation takes place, in words of which each platform makes names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// A word of lower-case ASCII letters, at most 9, for ids and for names that may hold nothing else.
    pub name: &'static str,
    /// What people read, in any script.
    pub title: &'static str,
}

impl Place {
    /// The place of this name and title.
    pub const fn new(name: &'static str, title: &'static str) -> Self {
        Self { name, title }
    }
}

/// Somebody who speaks in rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// What people read, in any script.
    pub name: &'static str,
    /// ASCII letters, at most 9, for platforms whose names may hold nothing else.
    pub handle: &'static str,
    /// Decimal digits, such as the number of an employee.
    pub id: &'static str,
}

impl Person {
    /// The person of this name, handle and id.
    pub const fn new(name: &'static str, handle: &'static str, id: &'static str) -> Self {
        Self { name, handle, id }
    }
}

/// What a screen does with what is shown.
type Take = dyn Fn(&str, Instant) + Send + Sync;

/// Takes what the bridge brings to one room. Clones mean the same screen.
#[derive(Clone)]
pub struct Screen(Arc<Take>);

impl Screen {
    /// A screen that hands everything to `take`, which must not block.
    pub fn new(take: impl Fn(&str, Instant) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// The bridge brought `text`, which people see since `at`. Does not block.
    pub fn show(&self, text: &str, at: Instant) {
        (self.0)(text, at);
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

/// Why something that not every room can do did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomError {
    /// The room can't do it, and did nothing: the demo leaves it out, and says so.
    Unable,
    /// The bridge did something else than it should, or nothing; a sentence that says so.
    Failed(String),
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unable => f.write_str("the room can't do it"),
            Self::Failed(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for RoomError {}

/// A room, and the people in it.
pub trait Room: Send + Sync + 'static {
    /// The name of the room, as people there read it.
    fn title(&self) -> String;

    /// The block of the bridge's instance for this room, as an operator would write it: it passes the
    /// check and leads to the sandbox, its secrets are made up, and if it listens, then at port 0 of
    /// `127.0.0.1`.
    fn settings(&self) -> Value;

    /// The room's address, as it stands in the rules.
    fn address(&self) -> Address;

    /// The name that the bridge is told for `person`.
    fn name_of(&self, person: &Person) -> String {
        person.name.to_owned()
    }

    /// Resolves once what people say reaches the bridge, which has started: its instance listens at
    /// `listener`, or at nothing if the driver does not listen. May wait for the bridge to connect.
    ///
    /// - Called once, before anything is said.
    ///
    /// # Errors
    ///
    /// A sentence that says why the room and the bridge don't meet; after a while, not never.
    fn connect(&self, listener: Option<&str>) -> impl Future<Output = Result<(), String>> + Send;

    /// `person` says `text`. Resolves once the platform has told the bridge, and knows that it was
    /// taken, if it hears of that. `text` has line breaks only if the driver's capabilities have.
    ///
    /// - One thing is said at a time.
    ///
    /// # Errors
    ///
    /// A sentence that says what the bridge answered, or that it didn't.
    fn say(&self, person: &Person, text: &str) -> impl Future<Output = Result<(), String>> + Send;

    /// As [`say`](Self::say), but the platform did not hear the bridge, and tells it a second time of
    /// the same message. Gives what the bridge answered then, as a clause: `answered 200`.
    ///
    /// # Errors
    ///
    /// [`RoomError`]; a platform that repeats nothing leaves this method out.
    fn say_twice(
        &self,
        _person: &Person,
        _text: &str,
    ) -> impl Future<Output = Result<String, RoomError>> + Send {
        async { Err(RoomError::Unable) }
    }

    /// Nobody says anything, but somebody who does not know the secret makes the bridge believe that
    /// `person` said `text`. Gives what the bridge answered, as a clause: `answered 401`.
    ///
    /// # Errors
    ///
    /// [`RoomError`], also if the bridge believes it; where nobody can come in between, the method is
    /// left out.
    fn forge(
        &self,
        _person: &Person,
        _text: &str,
    ) -> impl Future<Output = Result<String, RoomError>> + Send {
        async { Err(RoomError::Unable) }
    }
}

/// The erased twin of [`Room`], as the demo holds it.
pub trait ErasedRoom: Send + Sync + 'static {
    /// See [`Room::title`].
    fn title(&self) -> String;

    /// See [`Room::settings`].
    fn settings(&self) -> Value;

    /// See [`Room::address`].
    fn address(&self) -> Address;

    /// See [`Room::name_of`].
    fn name_of(&self, person: &Person) -> String;

    /// See [`Room::connect`].
    fn connect<'a>(&'a self, listener: Option<&'a str>) -> BoxFuture<'a, Result<(), String>>;

    /// See [`Room::say`].
    fn say<'a>(&'a self, person: &'a Person, text: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// See [`Room::say_twice`].
    fn say_twice<'a>(
        &'a self,
        person: &'a Person,
        text: &'a str,
    ) -> BoxFuture<'a, Result<String, RoomError>>;

    /// See [`Room::forge`].
    fn forge<'a>(
        &'a self,
        person: &'a Person,
        text: &'a str,
    ) -> BoxFuture<'a, Result<String, RoomError>>;
}

impl<R: Room> ErasedRoom for R {
    fn title(&self) -> String {
        Room::title(self)
    }

    fn settings(&self) -> Value {
        Room::settings(self)
    }

    fn address(&self) -> Address {
        Room::address(self)
    }

    fn name_of(&self, person: &Person) -> String {
        Room::name_of(self, person)
    }

    fn connect<'a>(&'a self, listener: Option<&'a str>) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(Room::connect(self, listener))
    }

    fn say<'a>(&'a self, person: &'a Person, text: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(Room::say(self, person, text))
    }

    fn say_twice<'a>(
        &'a self,
        person: &'a Person,
        text: &'a str,
    ) -> BoxFuture<'a, Result<String, RoomError>> {
        Box::pin(Room::say_twice(self, person, text))
    }

    fn forge<'a>(
        &'a self,
        person: &'a Person,
        text: &'a str,
    ) -> BoxFuture<'a, Result<String, RoomError>> {
        Box::pin(Room::forge(self, person, text))
    }
}

//! What the demo runs on: one or two sandboxes with a room for each side, and a bridge between them
//! whose store is in a temporary folder.

use std::fmt;
use std::io;
use std::sync::Arc;

use bridge_core::capability::Capabilities;
use bridge_core::config::Setup;
use bridge_core::sandbox::{ErasedRoom, Place, SandboxEntry};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::choice::{Linked, NoSandbox};
use super::files::End;
use super::house::{Brought, House};
use super::side::{Pair, Side};
use crate::app::{Bridge, StartError};

/// Where the conversation takes place.
pub(super) const PLACES: Pair<Place> = Pair {
    left: Place::new("shanghai", "上海值班群"),
    right: Place::new("berlin", "Berlin Ops"),
};

/// Sandboxes and a bridge that run, until [`Stage::close`].
pub(super) struct Stage {
    pub(super) seats: Pair<Seat>,
    entries: Pair<SandboxEntry>,
    house: House,
    rules: String,
    bridge: Bridge,
    folder: TempDir,
}

/// A room, and what the demo knows of it.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) platform: &'static str,
    pub(super) room: Arc<dyn ErasedRoom>,
    pub(super) capabilities: Capabilities,
    instance: String,
    /// The path at which the instance listens, if it does.
    path: Option<String>,
}

/// Why the demo can't begin. Nothing runs then.
#[derive(Debug)]
pub(crate) enum StageError {
    /// There is nothing to play on.
    Choice(NoSandbox),
    /// There is no temporary folder to be had.
    Folder(io::Error),
    /// A sandbox does not start, or a room does not open.
    Sandbox(String),
    /// The files are wrong.
    Files(String),
    /// The bridge does not start.
    Bridge(StartError),
    /// Bridge and room don't meet.
    Room(String),
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(error) => write!(f, "{error}"),
            Self::Folder(error) => write!(
                f,
                "no temporary folder can be made for the store: {error}; \
                 set TMPDIR to a folder that can be written"
            ),
            Self::Sandbox(problem) | Self::Files(problem) | Self::Room(problem) => {
                f.write_str(problem)
            }
            Self::Bridge(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StageError {}

impl Stage {
    /// Starts the sandboxes, then the bridge with an instance for each room. What the bridge brings
    /// comes through the receiver.
    pub(super) async fn open(
        linked: Linked<'_>,
        names: &[String],
    ) -> Result<(Self, mpsc::Receiver<Brought>), StageError> {
        let entries = linked.choose(names).map_err(StageError::Choice)?;
        let folder = tempfile::Builder::new().prefix("bridge-demo-").tempdir();
        let folder = folder.map_err(StageError::Folder)?;
        let house = House::start(&entries).await;
        let house = house.map_err(StageError::Sandbox)?;
        let started = async {
            let (rooms, brought) = house.open_rooms(PLACES).map_err(StageError::Sandbox)?;
            let ends = Pair::of(&rooms, entries, PLACES);
            let setup = ends.setup(linked.catalog, folder.path());
            let setup = setup.map_err(StageError::Files)?;
            let rules = ends.rules();
            let seats = rooms.zip(ends);
            let seats = seats.try_map(|(room, end)| Seat::of(room, end, &setup));
            let seats = seats.map_err(StageError::Files)?;
            let bridge = Bridge::start(setup).await.map_err(StageError::Bridge)?;
            Ok((seats, rules, bridge, brought))
        };
        match started.await {
            Ok((seats, rules, bridge, brought)) => {
                let stage = Self {
                    seats,
                    entries,
                    house,
                    rules,
                    bridge,
                    folder,
                };
                Ok((stage, brought))
            }
            Err(error) => {
                house.stop().await;
                Err(error)
            }
        }
    }

    /// Waits until what people say in the rooms reaches the bridge.
    pub(super) async fn connect(&self) -> Result<(), StageError> {
        for side in Side::BOTH {
            let seat = self.seats.get(side);
            let listener = self.listener(seat)?;
            let connected = seat.room.connect(listener.as_deref()).await;
            connected.map_err(StageError::Room)?;
        }
        Ok(())
    }

    /// What runs where, and the rules, in lines for people.
    pub(super) fn describe(&self) -> String {
        let Pair { left, right } = &self.entries;
        let rooms = match left.platform() == right.platform() {
            true => format!("two {}s, all of it", left.room()),
            false => format!("one {} and one {}, all", left.room(), right.room()),
        };
        let sandboxes = self.house.describe().into_iter();
        let sandboxes = sandboxes.map(|(name, clause)| (name.to_owned(), clause));
        let listeners = self
            .bridge
            .listeners()
            .into_iter()
            .map(|(instance, address)| {
                let clause = format!("listens on http://{address}");
                (instance.as_str().to_owned(), clause)
            });
        let lines: Vec<_> = sandboxes.chain(listeners).collect();
        let width = lines.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default().max(12);
        let lines = lines
            .iter()
            .map(|(name, clause)| format!("  {name:<width$} {clause}\n"));
        format!(
            "A bridge between {rooms} on this machine.\n{}\n\
             The bridge runs by these rules:\n\n{}\n",
            lines.collect::<String>(),
            self.rules,
        )
    }

    /// Stops the bridge, then the sandboxes, and removes the folder.
    pub(super) async fn close(self) {
        self.bridge.stop().await;
        self.house.stop().await;
        let path = self.folder.path().to_owned();
        if let Err(error) = self.folder.close() {
            tracing::warn!(
                path = %path.display(), %error,
                "the demo's temporary folder can't be removed; remove it by hand"
            );
        }
    }

    /// Where the seat's instance is called; `None` if it does not listen.
    fn listener(&self, seat: &Seat) -> Result<Option<String>, StageError> {
        let Some(path) = &seat.path else {
            return Ok(None);
        };
        let mut listeners = self.bridge.listeners().into_iter();
        let found = listeners.find(|(instance, _)| instance.as_str() == seat.instance);
        let (_, address) = found.ok_or_else(|| {
            StageError::Room(format!("instance \"{}\" has no listener", seat.instance))
        })?;
        Ok(Some(format!("http://{address}{path}")))
    }
}

impl Seat {
    fn of(room: Box<dyn ErasedRoom>, end: End, setup: &Setup) -> Result<Self, String> {
        let mut instances = setup.instances.iter();
        let instance = instances.find(|instance| instance.id.as_str() == end.instance);
        let instance = instance.ok_or_else(|| format!("there is no instance {}", end.instance))?;
        let listen = instance.driver.listen();
        Ok(Self {
            platform: end.platform,
            room: room.into(),
            capabilities: instance.driver.capabilities(),
            instance: end.instance,
            path: listen.map(|listen| listen.path.clone()),
        })
    }

    /// Whether `text` is one message there, and not cut or split.
    pub(super) fn holds(&self, text: &str) -> bool {
        let Capabilities {
            text_limit,
            text_size,
            ..
        } = self.capabilities;
        text_size(text) <= text_limit
    }
}

//! The sandboxes of the demo, and what the bridge brings to their rooms.

use std::time::Instant;

use bridge_core::sandbox::{ErasedRoom, ErasedSandbox, Place, SandboxEntry, Screen};
use tokio::sync::mpsc;

use super::side::{Pair, Side};

/// What was brought and is not shown yet; far more than is ever said. What is lost beyond it shows as
/// missing.
const MOST_WAITING: usize = 1024;

/// A room for each side.
pub(super) type Rooms = Pair<Box<dyn ErasedRoom>>;

/// Something that the bridge brought to a room.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) side: Side,
    pub(super) text: String,
    /// Since when people see it.
    pub(super) at: Instant,
}

/// The sandboxes: one for both sides, or one for each.
pub(super) struct House {
    left: Box<dyn ErasedSandbox>,
    right: Option<Box<dyn ErasedSandbox>>,
}

impl House {
    /// Starts what is needed for both sides, or nothing.
    pub(super) async fn start(entries: &Pair<SandboxEntry>) -> Result<Self, String> {
        let left = entries.left.start().await?;
        if entries.left.platform() == entries.right.platform() {
            return Ok(Self { left, right: None });
        }
        match entries.right.start().await {
            Ok(right) => Ok(Self {
                left,
                right: Some(right),
            }),
            Err(problem) => {
                left.stop().await;
                Err(problem)
            }
        }
    }

    /// Opens a room for each side. What the bridge brings there comes through the receiver.
    pub(super) fn open_rooms(
        &self,
        places: Pair<Place>,
    ) -> Result<(Rooms, mpsc::Receiver<Brought>), String> {
        let (bring, brought) = mpsc::channel(MOST_WAITING);
        let screen = |side| {
            let bring = bring.clone();
            Screen::new(move |text, at| {
                let text = text.to_owned();
                // An error is one too many: it is missed when all is judged.
                bring.try_send(Brought { side, text, at }).ok();
            })
        };
        let right = self.right.as_ref().unwrap_or(&self.left);
        let rooms = Pair {
            left: self.left.open_room(&places.left, screen(Side::Left))?,
            right: right.open_room(&places.right, screen(Side::Right))?,
        };
        Ok((rooms, brought))
    }

    /// What each is called, and what it plays where.
    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        match &self.right {
            None => vec![("the sandbox", self.left.describe())],
            Some(right) => vec![
                ("a sandbox", self.left.describe()),
                ("a sandbox", right.describe()),
            ],
        }
    }

    /// Stops them all. Nothing is brought any more once it resolves.
    pub(super) async fn stop(&self) {
        self.left.stop().await;
        if let Some(right) = &self.right {
            right.stop().await;
        }
    }
}

//! Shows what happens in both rooms as it happens.
//!
//! One task plays and shows: while it waits for anything, it shows what the bridge brings. So what was
//! said stands before what arrived of it, and notes stand where they belong.

use std::fmt::Display;
use std::pin::pin;
use std::time::{Duration, Instant};

use bridge_core::sandbox::Person;
use tokio::sync::mpsc;

use super::house::Brought;
use super::ledger::{Ledger, Verdict};
use super::side::{Pair, Side};
use super::stage::{Seat, Stage};
use super::view::{Look, View};

/// How long it is waited for deliveries before they count as missing; generous, so that a busy
/// machine fails no demo.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes whole lines for the terminal.
pub(crate) type Print<'a> = &'a dyn Fn(&dyn Display);

/// The show on a stage.
pub(super) struct Show<'a> {
    pub(super) seats: Pair<Seat>,
    brought: mpsc::Receiver<Brought>,
    ledger: Ledger,
    view: View,
    print: Print<'a>,
}

impl<'a> Show<'a> {
    pub(super) fn new(
        stage: &Stage,
        brought: mpsc::Receiver<Brought>,
        look: Look,
        print: Print<'a>,
    ) -> Self {
        Self {
            seats: stage.seats.clone(),
            brought,
            ledger: Ledger::default(),
            view: View::new(look),
            print,
        }
    }

    /// Names both rooms at the top of their columns.
    pub(super) fn begin(&self) {
        (self.print)(&self.view.head(&self.titles()));
    }

    /// Shows what the bridge brings until all that was said has arrived.
    ///
    /// # Errors
    ///
    /// If that takes longer than [`PATIENCE`].
    pub(super) async fn until_delivered(&mut self) -> Result<(), String> {
        let delivered = async {
            while !self.ledger.has_settled() {
                match self.brought.recv().await {
                    Some(brought) => self.take(&brought),
                    None => return false,
                }
            }
            true
        };
        match tokio::time::timeout(PATIENCE, delivered).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("a sandbox stopped before everything had arrived".to_owned()),
            Err(_) => Err(format!("not everything had arrived after {PATIENCE:?}")),
        }
    }

    /// Judges the show. To be called when the stage is closed, since nothing more comes then.
    pub(super) fn end(mut self) -> Verdict {
        while let Ok(brought) = self.brought.try_recv() {
            self.take(&brought);
        }
        self.ledger.verdict(&self.titles())
    }

    /// Does something and shows meanwhile what the bridge brings.
    pub(super) async fn during<T>(&mut self, doing: impl Future<Output = T>) -> T {
        let mut doing = pin!(doing);
        loop {
            tokio::select! {
                biased;
                Some(brought) = self.brought.recv() => self.take(&brought),
                done = &mut doing => return done,
            }
        }
    }

    /// Shows what somebody is about to say on `side`, which is to arrive on the other.
    pub(super) fn said(&mut self, side: Side, person: &Person, text: &str) {
        let text = self.shown_as(side, person, text);
        (self.print)(&self.view.said(side, &text));
        self.ledger.said(side, text, Instant::now());
    }

    /// How it is shown what somebody says on `side`, here and on the other side.
    pub(super) fn shown_as(&self, side: Side, person: &Person, text: &str) -> String {
        let name = self.seats.get(side).room.name_of(person);
        format!("{name}: {text}")
    }

    fn take(&mut self, brought: &Brought) {
        let Brought { side, text, at } = brought;
        let took = self.ledger.arrived(*side, text, *at);
        (self.print)(&self.view.arrived(*side, text, took));
    }

    /// Shows something that happened beside the conversation.
    pub(super) fn note(&self, text: &str) {
        (self.print)(&self.view.note(text));
    }

    /// Tells the person something.
    pub(super) fn tell(&self, text: &str) {
        (self.print)(&self.view.paragraph(text));
    }

    pub(super) fn titles(&self) -> Pair<String> {
        self.seats.as_ref().map(|seat| seat.room.title())
    }
}

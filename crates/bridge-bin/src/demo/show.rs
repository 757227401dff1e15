//! Shows what happens in both groups as it happens.
//!
//! One task plays and shows: while it waits for anything, it shows what appears in the groups. So
//! rows stand in the order of the sandbox's journal, and notes where they belong.

use std::fmt::Display;
use std::pin::pin;
use std::time::Duration;

use dingtalk_sandbox::{Author, Entries, Entry, Group, Sandbox};

use super::ledger::{Ledger, Verdict};
use super::side::{Pair, Side};
use super::stage::Stage;
use super::view::{Look, View};

/// How long it is waited for deliveries before they count as missing; generous, so that a busy
/// machine fails no demo.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes whole lines for the terminal.
pub(crate) type Print<'a> = &'a dyn Fn(&dyn Display);

/// The show on a stage.
pub(super) struct Show<'a> {
    pub(super) sandbox: Sandbox,
    pub(super) groups: Pair<Group>,
    entries: Entries,
    ledger: Ledger,
    view: View,
    print: Print<'a>,
}

impl<'a> Show<'a> {
    pub(super) fn new(stage: &Stage, look: Look, print: Print<'a>) -> Self {
        Self {
            sandbox: stage.sandbox.clone(),
            groups: stage.groups.clone(),
            entries: stage.sandbox.subscribe(),
            ledger: Ledger::default(),
            view: View::new(look),
            print,
        }
    }

    /// Names both groups at the top of their columns.
    pub(super) fn begin(&self) {
        (self.print)(&self.view.head(&self.titles()));
    }

    /// Shows what appears until all that was said has arrived.
    ///
    /// # Errors
    ///
    /// If that takes longer than [`PATIENCE`].
    pub(super) async fn until_delivered(&mut self) -> Result<(), String> {
        let said = self.sandbox_said();
        let delivered = async {
            while !self.ledger.has_settled(said) {
                match self.entries.next().await {
                    Some(entry) => self.take(&entry),
                    None => return false,
                }
            }
            true
        };
        match tokio::time::timeout(PATIENCE, delivered).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the sandbox stopped before everything had arrived".to_owned()),
            Err(_) => Err(format!("not everything had arrived after {PATIENCE:?}")),
        }
    }

    /// Judges the show. To be called when the stage is closed, since nothing more comes then.
    pub(super) async fn end(mut self) -> Verdict {
        while let Some(entry) = self.entries.next().await {
            self.take(&entry);
        }
        self.ledger.verdict(&self.titles())
    }

    /// How many messages the journal holds that people said, shown or not yet.
    fn sandbox_said(&self) -> usize {
        let transcript = self.sandbox.transcript();
        transcript
            .iter()
            .filter(|entry| !entry.is_from_robot())
            .count()
    }

    /// Does something and shows meanwhile what appears in the groups.
    pub(super) async fn during<T>(&mut self, doing: impl Future<Output = T>) -> T {
        let mut doing = pin!(doing);
        loop {
            tokio::select! {
                biased;
                Some(entry) = self.entries.next() => self.take(&entry),
                done = &mut doing => return done,
            }
        }
    }

    fn take(&mut self, entry: &Entry) {
        let is_here = |side: &Side| self.groups.get(*side).open_conversation_id() == &*entry.group;
        let Some(side) = Side::BOTH.into_iter().find(is_here) else {
            return;
        };
        let rows = match &entry.author {
            Author::Member(member) => {
                let text = format!("{}: {}", member.nick(), entry.text);
                let rows = self.view.said(side, &text);
                self.ledger.said(side, text, entry.at);
                rows
            }
            Author::Robot { .. } => {
                let took = self.ledger.arrived(side, &entry.text, entry.at);
                self.view.arrived(side, &entry.text, took)
            }
        };
        (self.print)(&rows);
    }

    /// Shows something that happened beside the conversation.
    pub(super) fn note(&self, text: &str) {
        (self.print)(&self.view.note(text));
    }

    /// Tells the person something.
    pub(super) fn tell(&self, text: &str) {
        (self.print)(&self.view.paragraph(text));
    }

    fn titles(&self) -> Pair<String> {
        Pair {
            left: self.groups.left.title().to_owned(),
            right: self.groups.right.title().to_owned(),
        }
    }
}

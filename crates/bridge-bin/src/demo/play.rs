//! Plays the script, and says what the person at the terminal types.

use std::borrow::Cow;
use std::time::Duration;

use bridge_core::sandbox::{Person, RoomError};
use tokio::sync::mpsc;

use super::keyboard::Typed;
use super::script::{Step, Way, YOU};
use super::show::Show;
use super::side::{Pair, Side};

impl Show<'_> {
    /// Plays `script`, with `pause` before each step, until all has arrived. What a room can't do is
    /// left out, and a note says so.
    ///
    /// # Errors
    ///
    /// A sentence that says what the bridge did instead of what it should.
    pub(super) async fn play(&mut self, script: &[Step], pause: Duration) -> Result<(), String> {
        let mut previous = None;
        for step in script {
            // People answer what they have read; in one room they just go on talking.
            if previous.is_some_and(|side| side != step.side) {
                self.until_delivered().await?;
            }
            previous = Some(step.side);
            if !pause.is_zero() {
                self.during(tokio::time::sleep(pause)).await;
            }
            match step.way {
                Way::Once => {
                    let text = self.sayable(step.text);
                    self.say(step.side, &step.person, &text).await?;
                }
                Way::Twice => self.say_twice(step).await?,
                Way::Forged => self.forge(step).await?,
            }
        }
        self.until_delivered().await
    }

    /// Says what the person types, until they leave or `lines` ends.
    pub(super) async fn talk(&mut self, lines: &mut mpsc::Receiver<String>) {
        let Pair { left, right } = self.titles();
        let hint = format!(
            "Your turn: \"1 text\" speaks in {left}, \"2 text\" in {right}; \"quit\" or Ctrl-D ends."
        );
        self.tell(&format!("\n{hint}\n"));
        while let Some(line) = self.during(lines.recv()).await {
            match Typed::parse(&line) {
                Typed::Say(side, text) => {
                    if let Err(problem) = self.say_typed(side, text).await {
                        self.note(&problem);
                    }
                }
                Typed::Nothing => {}
                Typed::Unknown => self.tell(&hint),
                Typed::Quit => break,
            }
        }
    }

    /// Says what a keyboard gave: as long as it may be, with keys that are no characters.
    async fn say_typed(&mut self, side: Side, text: &str) -> Result<(), String> {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let whole = self.shown_as(side, &YOU, &text);
        for seat in [&self.seats.left, &self.seats.right] {
            if !seat.holds(&whole) {
                let platform = seat.platform;
                return Err(format!(
                    "not said: it is too long for one message of {platform}"
                ));
            }
        }
        self.say(side, &YOU, &text).await
    }

    async fn say(&mut self, side: Side, person: &Person, text: &str) -> Result<(), String> {
        self.said(side, person, text);
        let room = self.seats.get(side).room.clone();
        self.during(room.say(person, text)).await
    }

    /// The platform did not hear the answer and tells the bridge of the same message again.
    async fn say_twice(&mut self, step: &Step) -> Result<(), String> {
        let Step { person, text, .. } = step;
        self.said(step.side, person, text);
        let seat = self.seats.get(step.side).clone();
        let note = match self.during(seat.room.say_twice(person, text)).await {
            Ok(answered) => format!(
                "refused: the same callback a second time ({answered}, not delivered again)"
            ),
            Err(RoomError::Unable) => {
                self.during(seat.room.say(person, text)).await?;
                format!(
                    "left out: the same message a second time; the sandbox of {} can't",
                    seat.platform
                )
            }
            Err(error) => return Err(error.to_string()),
        };
        self.until_delivered().await?;
        self.note(&note);
        Ok(())
    }

    async fn forge(&mut self, step: &Step) -> Result<(), String> {
        let Step { person, text, .. } = step;
        let seat = self.seats.get(step.side).clone();
        let note = match self.during(seat.room.forge(person, text)).await {
            Ok(answered) => {
                let name = seat.room.name_of(person);
                format!("refused: \"{text}\", forged in the name of {name} ({answered})")
            }
            Err(RoomError::Unable) => format!(
                "left out: a forged message; the sandbox of {} can't",
                seat.platform
            ),
            Err(error) => return Err(error.to_string()),
        };
        self.note(&note);
        Ok(())
    }

    /// `text` as it can be said in one room and shown in the other.
    fn sayable<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let seats = [&self.seats.left, &self.seats.right];
        let mut lacking = seats
            .into_iter()
            .filter(|seat| !seat.capabilities.line_breaks);
        match lacking.next() {
            Some(seat) if text.contains('\n') => {
                let platform = seat.platform;
                self.note(&format!("left out: line breaks; {platform} has none"));
                text.replace('\n', " ").into()
            }
            _ => text.into(),
        }
    }
}

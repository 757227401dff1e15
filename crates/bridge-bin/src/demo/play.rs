//! Plays the script, and says what the person at the terminal types.

use std::time::Duration;

use dingtalk_sandbox::{CallbackAnswer, CallbackError, Member, StatusCode};
use tokio::sync::mpsc;

use super::keyboard::Typed;
use super::script::{Person, Step, Way, YOU};
use super::show::Show;
use super::side::Side;

/// With what a forged callback is signed: whatever it is, it is not the secret.
const GUESS: &str = "a guess at the secret";

impl Show<'_> {
    /// Plays `script`, with `pause` before each step, until all has arrived.
    ///
    /// # Errors
    ///
    /// A sentence that says what the bridge did instead of what it should.
    pub(super) async fn play(&mut self, script: &[Step], pause: Duration) -> Result<(), String> {
        let mut previous = None;
        for step in script {
            // People answer what they have read; in one group they just go on talking.
            if previous.is_some_and(|side| side != step.side) {
                self.until_delivered().await?;
            }
            previous = Some(step.side);
            if !pause.is_zero() {
                self.during(tokio::time::sleep(pause)).await;
            }
            match step.way {
                Way::Once => {
                    let answer = self.say(step.side, step.person, step.text).await;
                    expect_status("a message", answer, StatusCode::OK)?;
                }
                Way::Twice => self.say_twice(step).await?,
                Way::Forged => self.forge(step).await?,
            }
        }
        self.until_delivered().await
    }

    /// Says what the person types, until they leave or `lines` ends.
    pub(super) async fn talk(&mut self, lines: &mut mpsc::Receiver<String>) {
        let hint = format!(
            "Your turn: \"1 text\" speaks in {}, \"2 text\" in {}; \"quit\" or Ctrl-D ends.",
            self.groups.left.title(),
            self.groups.right.title()
        );
        self.tell(&format!("\n{hint}\n"));
        while let Some(line) = self.during(lines.recv()).await {
            match Typed::parse(&line) {
                Typed::Say(side, text) => {
                    let answer = self.say(side, YOU, text).await;
                    if let Err(problem) = expect_status("your message", answer, StatusCode::OK) {
                        self.note(&problem);
                    }
                }
                Typed::Nothing => {}
                Typed::Unknown => self.tell(&hint),
                Typed::Quit => break,
            }
        }
    }

    async fn say(
        &mut self,
        side: Side,
        person: Person,
        text: &str,
    ) -> Result<CallbackAnswer, CallbackError> {
        let group = self.groups.get(side).clone();
        self.during(group.say(&member(person), text)).await
    }

    /// The platform did not hear the answer and posts the same callback again.
    async fn say_twice(&mut self, step: &Step) -> Result<(), String> {
        let group = self.groups.get(step.side).clone();
        let member = member(step.person);
        let callback = group
            .callback(&member, step.text)
            .map_err(|error| error.to_string())?;
        group.chat(&member, step.text);
        let sandbox = self.sandbox.clone();
        for post in ["a message", "the repeated callback"] {
            let answer = self.during(sandbox.post(&callback)).await;
            expect_status(post, answer, StatusCode::OK)?;
        }
        self.until_delivered().await?;
        self.note("refused: the same callback a second time (answered 200, not delivered again)");
        Ok(())
    }

    async fn forge(&mut self, step: &Step) -> Result<(), String> {
        let group = self.groups.get(step.side).clone();
        let callback = group
            .callback(&member(step.person), step.text)
            .map_err(|error| error.to_string())?
            .signed(GUESS);
        let sandbox = self.sandbox.clone();
        let answer = self.during(sandbox.post(&callback)).await;
        expect_status("a forged callback", answer, StatusCode::UNAUTHORIZED)?;
        self.note(&format!(
            "refused: \"{}\", forged in the name of {} (answered 401)",
            step.text, step.person.nick
        ));
        Ok(())
    }
}

fn member(person: Person) -> Member {
    Member::new(person.nick, person.staff_id)
}

fn expect_status(
    post: &str,
    answer: Result<CallbackAnswer, CallbackError>,
    expected: StatusCode,
) -> Result<(), String> {
    match answer {
        Ok(answer) if answer.status == expected => Ok(()),
        Ok(CallbackAnswer { status, .. }) => Err(format!(
            "{post} was answered {} instead of {}",
            status.as_u16(),
            expected.as_u16()
        )),
        Err(error) => Err(format!("{post} was not answered: {error}")),
    }
}

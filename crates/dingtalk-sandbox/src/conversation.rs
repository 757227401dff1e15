//! Groups: people speak in them, robots are told of it, and all of it is written down.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::callback::{Callback, CallbackAnswer, CallbackError, Utterance};
use crate::clock::now_ms;
use crate::faults::Faults;
use crate::ids;
use crate::journal::{Author, Entries, Transcript, WaitTimeout};
use crate::people::{App, Member, Robot};
use crate::state::{Room, State};

/// A group. A cheap handle; clones mean the same group. Whoever speaks in it is a member of it.
#[derive(Clone)]
pub struct Group {
    room: Arc<Room>,
    state: Arc<State>,
}

impl Group {
    pub(crate) fn new(room: Arc<Room>, state: Arc<State>) -> Self {
        Self { room, state }
    }

    /// The group's `openConversationId`, which is also the `conversationId` of its callbacks.
    pub fn open_conversation_id(&self) -> &str {
        &self.room.id
    }

    /// The group's name.
    pub fn title(&self) -> &str {
        &self.room.title
    }

    /// Lets a robot in: from now on it may send here and can be mentioned.
    pub fn add_robot(&self, robot: &Robot) {
        let mut apps = self.write_apps();
        apps.retain(|app| app.robot_code != robot.app.robot_code);
        apps.push(Arc::clone(&robot.app));
    }

    /// Throws a robot out; sends to the group are refused from now on.
    pub fn remove_robot(&self, robot: &Robot) {
        self.write_apps()
            .retain(|app| app.robot_code != robot.app.robot_code);
    }

    /// A member says `text` and mentions the robot that was let in first. The utterance is in the
    /// transcript before the callback is posted; resolves with the callback's answer, whatever its
    /// status. An answer in the form of a message appears in the group, as in DingTalk
    /// ([`CallbackAnswer::reply`]).
    ///
    /// # Errors
    ///
    /// [`CallbackError`]. If there is no robot, or none that listens, nothing was said.
    pub async fn say(&self, member: &Member, text: &str) -> Result<CallbackAnswer, CallbackError> {
        let app = self.first_app()?;
        self.speak(&app, member, text).await
    }

    /// As [`say`](Self::say), mentioning one robot of several.
    ///
    /// # Errors
    ///
    /// [`CallbackError`]. If the robot is not told of anything, nothing was said.
    pub async fn say_to(
        &self,
        robot: &Robot,
        member: &Member,
        text: &str,
    ) -> Result<CallbackAnswer, CallbackError> {
        self.speak(&robot.app, member, text).await
    }

    /// A member says `text` without mentioning a robot, so that no robot is told of it.
    pub fn chat(&self, member: &Member, text: &str) {
        self.record(member, &ids::message_id(), text);
    }

    /// The signed callback that [`say`](Self::say) would post. Nothing is said: the caller may
    /// bend it and post it as often as it likes.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] if there is no robot, or none that listens.
    pub fn callback(&self, member: &Member, text: &str) -> Result<Callback, CallbackError> {
        let app = self.first_app()?;
        self.callback_of(&app, member, &ids::message_id(), text)
    }

    /// Fails sends to this group, after the token, the robot and the message were found right.
    pub fn faults(&self) -> &Faults {
        &self.room.faults
    }

    /// How many messages robots have sent here.
    pub fn accepted(&self) -> u64 {
        self.room.accepted.get()
    }

    /// What was said here so far; empty where no transcript is kept.
    pub fn transcript(&self) -> Transcript {
        self.room.journal.transcript()
    }

    /// Whether a robot has taken back what it sent under this `processQueryKey`. The transcript keeps
    /// it all the same: it says what people have seen.
    pub fn is_recalled(&self, process_query_key: &str) -> bool {
        let recalled = self.room.recalled.lock();
        let recalled = recalled.unwrap_or_else(PoisonError::into_inner);
        recalled.contains(process_query_key)
    }

    /// What is said here from now on.
    pub fn subscribe(&self) -> Entries {
        self.room.journal.subscribe()
    }

    /// Waits until `is_enough` says so of the transcript; it is asked at once, and again whenever
    /// something was said.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`, or when the sandbox stops.
    pub async fn wait_for(
        &self,
        is_enough: impl FnMut(&Transcript) -> bool,
        timeout: Duration,
    ) -> Result<Transcript, WaitTimeout> {
        self.room.journal.wait_for(is_enough, timeout).await
    }

    /// Waits until robots have sent at least `count` messages here.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`, or when the sandbox stops.
    pub async fn wait_for_sent(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Transcript, WaitTimeout> {
        self.wait_for(|transcript| transcript.sent().count() >= count, timeout)
            .await
    }

    async fn speak(
        &self,
        app: &App,
        member: &Member,
        text: &str,
    ) -> Result<CallbackAnswer, CallbackError> {
        let message_id = ids::message_id();
        let callback = self.callback_of(app, member, &message_id, text)?;
        self.record(member, &message_id, text);
        let answer = self.state.pusher.post(&callback).await?;
        if let Some(reply) = answer.reply() {
            let author = Author::Robot {
                robot_code: Arc::clone(&app.robot_code),
            };
            self.state.record(&self.room, author, "", &reply, None);
        }
        Ok(answer)
    }

    fn callback_of(
        &self,
        app: &App,
        member: &Member,
        message_id: &str,
        text: &str,
    ) -> Result<Callback, CallbackError> {
        let utterance = Utterance {
            group: &self.room.id,
            title: &self.room.title,
            app,
            member,
            text,
            message_id,
            at_ms: now_ms(),
            api_base: &self.state.api_base,
        };
        utterance.callback()
    }

    fn record(&self, member: &Member, message_id: &str, text: &str) {
        let author = Author::Member(member.clone());
        self.state
            .record(&self.room, author, message_id, text, None);
    }

    fn first_app(&self) -> Result<Arc<App>, CallbackError> {
        let apps = self
            .room
            .apps
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        apps.first().cloned().ok_or_else(|| CallbackError::NoRobot {
            group: self.room.id.to_string(),
        })
    }

    fn write_apps(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<App>>> {
        self.room
            .apps
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("open_conversation_id", &self.room.id)
            .field("title", &self.room.title)
            .finish_non_exhaustive()
    }
}

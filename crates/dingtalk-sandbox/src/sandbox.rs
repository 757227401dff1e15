//! The handle that starts, furnishes, watches and stops a sandbox.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::callback::{Callback, CallbackAnswer, CallbackError};
use crate::conversation::Group;
use crate::counters::Counters;
use crate::faults::Faults;
use crate::journal::{Entries, Transcript, WaitTimeout};
use crate::people::Robot;
use crate::server::Server;
use crate::state::State;

/// A running DingTalk on a port of 127.0.0.1 that the kernel chose. A cheap handle; the sandbox
/// stops when the last clone is dropped or [`stop`](Self::stop) is called. Groups and robots do not
/// keep it running.
#[derive(Clone)]
pub struct Sandbox {
    state: Arc<State>,
    server: Arc<Server>,
}

/// How a sandbox is to be.
#[derive(Debug, Clone)]
pub struct Builder {
    token_lifetime: Duration,
    callback_timeout: Duration,
    keeps_transcript: bool,
}

impl Builder {
    /// How long a token is valid since it was last asked for; 2 hours unless set. Callers are told
    /// whole seconds, rounded down. Zero gives tokens that have expired when they arrive.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// How long the answer to a callback is waited for; 10 seconds unless set, more patient than
    /// DingTalk (about 2.5), so that a busy machine fails no test.
    pub fn callback_timeout(mut self, timeout: Duration) -> Self {
        self.callback_timeout = timeout;
        self
    }

    /// Keeps only counts: transcripts stay empty and memory does not grow with the messages. For
    /// benchmarks.
    pub fn without_transcript(mut self) -> Self {
        self.keeps_transcript = false;
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If no port of 127.0.0.1 can be bound.
    pub async fn start(self) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let state = Arc::new(State::new(
            format!("http://{address}"),
            self.token_lifetime,
            self.callback_timeout,
            self.keeps_transcript,
            stopping,
        ));
        let server = Server::start(listener, address, stop, Arc::clone(&state));
        Ok(Sandbox {
            state,
            server: Arc::new(server),
        })
    }
}

impl Sandbox {
    /// Starts a sandbox with nobody in it, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If no port of 127.0.0.1 can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A sandbox that differs from the usual.
    pub fn builder() -> Builder {
        Builder {
            token_lifetime: Duration::from_secs(7200),
            callback_timeout: Duration::from_secs(10),
            keeps_transcript: true,
        }
    }

    /// What stands for `https://api.dingtalk.com`: `http://127.0.0.1:PORT`, no slash at the end.
    pub fn api_base(&self) -> String {
        self.state.api_base.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Adds an app with its robot, in place of an earlier one with the same key or robot code. The
    /// robot is in no group and has no callback URL yet.
    pub fn add_robot(&self, app_key: &str, app_secret: &str, robot_code: &str) -> Robot {
        let robot = Robot::new(app_key, app_secret, robot_code);
        self.state.add_app(Arc::clone(&robot.app));
        robot
    }

    /// Adds a group without robots, in place of an earlier one with the same id. The id is taken
    /// as it is; DingTalk's begin with `cid` and end in base64.
    pub fn add_group(&self, open_conversation_id: &str, title: &str) -> Group {
        let room = self.state.add_room(open_conversation_id, title);
        Group::new(room, Arc::clone(&self.state))
    }

    /// Posts a callback that the caller made or bent; nothing appears in a transcript.
    ///
    /// # Errors
    ///
    /// [`CallbackError`] if no answer came. Any status is an answer.
    pub async fn post(&self, callback: &Callback) -> Result<CallbackAnswer, CallbackError> {
        self.state.pusher.post(callback).await
    }

    /// Fails sends to any group, and recalls, before the request is checked.
    pub fn faults(&self) -> &Faults {
        &self.state.send_faults
    }

    /// Fails requests for a token.
    pub fn token_faults(&self) -> &Faults {
        &self.state.token_faults
    }

    /// Makes every token that is out invalid, as when the app's secret is reset.
    pub fn revoke_tokens(&self) {
        self.state.tokens.revoke_all();
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.state.tally.counters()
    }

    /// What was said in all groups, in order; empty where no transcript is kept.
    pub fn transcript(&self) -> Transcript {
        self.state.journal.transcript()
    }

    /// What is said in any group from now on.
    pub fn subscribe(&self) -> Entries {
        self.state.journal.subscribe()
    }

    /// Waits until robots have sent at least `count` messages since the start; also where no
    /// transcript is kept.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`.
    pub async fn wait_for_accepted(
        &self,
        count: u64,
        timeout: Duration,
    ) -> Result<(), WaitTimeout> {
        tokio::time::timeout(timeout, self.state.tally.wait_for_accepted(count))
            .await
            .map_err(|_| WaitTimeout {
                waited: timeout,
                transcript: self.transcript(),
            })
    }

    /// Closes the port and every connection, then ends all [`Entries`]. Once it resolves, nothing
    /// answers any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

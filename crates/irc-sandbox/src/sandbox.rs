//! The handle that starts, furnishes, watches, breaks and stops a network.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::clock::{Clock, wall_clock};
use crate::counters::Counters;
use crate::faults::Fault;
use crate::journal::{Entry, WaitTimeout};
use crate::link::Link;
use crate::network::{Conduct, Config, FloodLimit, Network};
use crate::person::Person;
use crate::room::Room;
use crate::server::{self, Server};
use crate::state::State;

/// The capabilities that clients may ask for.
const CAPABILITIES: [&str; 5] = [
    "account-tag",
    "echo-message",
    "message-tags",
    "sasl",
    "server-time",
];

/// A running IRC network. A cheap handle; its port closes when the last clone is dropped or
/// [`stop`](Self::stop) is called. Persons, rooms and links do not keep the port open.
#[derive(Clone)]
pub struct Sandbox {
    state: Arc<State>,
    server: Option<Arc<Server>>,
}

/// How a network is to be.
#[derive(Clone)]
pub struct Builder {
    config: Config,
    clock: Clock,
}

impl Builder {
    /// Clients must say this password: 464 and the end of the connection otherwise.
    pub fn password(mut self, password: &str) -> Self {
        self.config.password = Some(password.to_owned());
        self
    }

    /// An account that clients may log in to by SASL PLAIN.
    pub fn account(mut self, name: &str, password: &str) -> Self {
        self.config
            .accounts
            .insert(name.to_owned(), password.to_owned());
        self
    }

    /// Throws clients out that send more once they are registered; no limit unless set.
    pub fn flood_limit(mut self, burst: u32, per_line: Duration) -> Self {
        self.config.flood = Some(FloodLimit { burst, per_line });
        self
    }

    /// A message of the day; none (422) unless set.
    pub fn motd(mut self, text: &str) -> Self {
        self.config.motd = Some(text.to_owned());
        self
    }

    /// The longest nickname; 16 unless set.
    pub fn nick_limit(mut self, characters: usize) -> Self {
        self.config.nick_limit = characters;
        self
    }

    /// Offers none of this name; offered otherwise are `account-tag`, `echo-message`,
    /// `message-tags`, `sasl` and `server-time`.
    pub fn without(mut self, capability: &str) -> Self {
        self.config.capabilities.remove(capability);
        self
    }

    /// Offers no capability at all, as an old server.
    pub fn without_capabilities(mut self) -> Self {
        self.config.capabilities.clear();
        self
    }

    /// The time, in milliseconds since the Unix epoch, by which things are dated and floods
    /// counted; the machine's unless set.
    pub fn clock(mut self, now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now_ms);
        self
    }

    /// A network without a port, for [`Sandbox::connect`] and [`Sandbox::attach`].
    pub fn in_memory(self) -> Sandbox {
        let network = Network::new(self.config, self.clock);
        Sandbox {
            state: Arc::new(State::new(network)),
            server: None,
        }
    }

    /// Starts it on a port of 127.0.0.1 that the kernel chose, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If no port can be bound.
    pub async fn start(self) -> io::Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let sandbox = self.in_memory();
        let server = Server::start(listener, Arc::clone(&sandbox.state))?;
        Ok(Sandbox {
            server: Some(Arc::new(server)),
            ..sandbox
        })
    }
}

impl Sandbox {
    /// Starts a network with nobody on it, on a port of 127.0.0.1 that the kernel chose.
    ///
    /// # Errors
    ///
    /// If no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A network with nobody on it and without a port.
    pub fn in_memory() -> Self {
        Self::builder().in_memory()
    }

    /// A network that differs from the usual.
    pub fn builder() -> Builder {
        let config = Config {
            name: "irc.sandbox".to_owned(),
            password: None,
            accounts: BTreeMap::new(),
            flood: None,
            motd: None,
            nick_limit: 16,
            capabilities: CAPABILITIES.into(),
        };
        Builder {
            config,
            clock: wall_clock(),
        }
    }

    /// Where it listens; `None` for a network without a port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| server.address())
    }

    /// A connection without a socket; `None` while they are refused.
    pub fn connect(&self) -> Option<Link> {
        Link::open(&self.state)
    }

    /// Serves a connection that the caller made, such as one end of a pipe, until it ends; dropped
    /// at once while connections are refused.
    pub async fn attach(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        server::serve(stream, &self.state).await;
    }

    /// Whoever has this nickname: a new person unless there is one.
    pub fn person(&self, nick: &str) -> Person {
        Person {
            id: self.state.with(|network| network.person(nick)),
            state: Arc::clone(&self.state),
        }
    }

    /// The channel of this name, made if there is none.
    pub fn room(&self, name: &str) -> Room {
        Room::new(&self.state, name)
    }

    /// What was said in all channels so far, oldest first.
    pub fn said(&self) -> Vec<Entry> {
        self.state.journal.read(|_| true)
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.state.with(|network| network.counters)
    }

    /// Waits until `is_enough` says so of the counters.
    ///
    /// # Errors
    ///
    /// [`WaitTimeout`] after `timeout`.
    pub async fn wait_for_counters(
        &self,
        mut is_enough: impl FnMut(&Counters) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitTimeout> {
        let counted = self.state.until(|network| is_enough(&network.counters));
        tokio::time::timeout(timeout, counted)
            .await
            .map_err(|_| WaitTimeout {
                waited: timeout,
                said: self.said(),
            })
    }

    /// The next sends of clients fail so, one each, after those given before.
    pub fn next_sends(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.with(|network| network.faults.extend(faults));
    }

    /// Breaks all connections at once; what was on its way is lost. With
    /// [`refuse_links`](Self::refuse_links) before it, that is a netsplit as the client sees it.
    pub fn drop_links(&self) {
        self.state
            .with(|network| network.drop_links("Connection reset by peer"));
    }

    /// Takes no new connection until [`accept_links`](Self::accept_links): over TCP it is closed
    /// as soon as it is there.
    pub fn refuse_links(&self) {
        self.state.refuse_links();
    }

    /// Takes connections again.
    pub fn accept_links(&self) {
        self.state.accept_links();
    }

    /// Handles and answers nothing until [`resume`](Self::resume), as a machine that hangs.
    pub fn stall(&self) {
        self.state.with(|network| network.behave(Conduct::Stalled));
    }

    /// Handles everything and sends nothing to anybody until [`resume`](Self::resume), as over a
    /// line that is dead in one direction. What is not sent meanwhile is lost.
    pub fn mute(&self) {
        self.state.with(|network| network.behave(Conduct::Mute));
    }

    /// Handles and answers again, what came during a stall as well.
    pub fn resume(&self) {
        self.state.with(|network| network.behave(Conduct::Lively));
    }

    /// Closes the port and every connection. Once it resolves, nothing answers any more.
    pub async fn stop(&self) {
        if let Some(server) = &self.server {
            server.stop().await;
        }
        self.state
            .with(|network| network.drop_links("Server shutting down"));
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

//! The IRC driver: an instance is one connection to a network, under one nickname, in as many
//! channels as the rules name.
//!
//! | file | answers for |
//! |---|---|
//! | `settings` | what an operator writes, and what can be wrong with it |
//! | `link` | the connection: bytes between the server and the session |
//! | `session` | the talk with the server, without a socket: registration, channels, sends, pauses |
//! | `outbox` | sends on their way from the lanes to the session |
//! | `inbound` | what a line brought |
//! | `text` | formatting codes and control characters |
//! | `wire` | one line, read |
//! | `known` | our own name and the spelling of channels |
//! | `errors` | what failures mean |
//!
//! IRC's limits: nothing that was said while the connection was away is heard, nothing is edited or
//! taken back, and nothing is acknowledged. A line counts as delivered once the server has shown it
//! to us (`echo-message`), or has answered a `PING` that was sent after it.
#![warn(missing_docs)]

mod errors;
mod inbound;
mod known;
mod link;
mod outbox;
mod session;
mod settings;
mod text;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::capability::{Capabilities, Inbound};
use bridge_core::driver::{
    AddressKey, Batch, Driver, DriverInfo, Identity, Outgoing, Refusal, Report, RunError, Work,
};
use bridge_core::outcome::{SendError, Sent};
use bridge_core::ports::Ports;
use bytes::Bytes;
use tokio::sync::mpsc;

pub use settings::Settings;

use inbound::ADDRESS_KEY;
use known::Knowledge;
use link::{Link, Talk};
use outbox::Outbox;
use session::Session;

/// Lines that wait for the intake; while there are more, nothing is read from the server.
const INBOUND_LINES: usize = 256;

/// How long the intake may take for what came before the connection was lost.
const LAST_LINES: Duration = Duration::from_secs(5);

/// One connection to an IRC network.
pub struct Irc {
    settings: Arc<Settings>,
    ports: Ports,
    outbox: Arc<Outbox>,
    knowledge: Arc<Knowledge>,
}

impl fmt::Debug for Irc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Irc")
            .field("server", &self.settings.server)
            .field("nick", &self.settings.nick)
            .finish_non_exhaustive()
    }
}

impl Driver for Irc {
    type Settings = Settings;

    const INFO: DriverInfo = DriverInfo::new(
        "irc",
        "IRC networks: one connection, TLS, SASL, several channels",
    )
    .address_keys(&[AddressKey::new(
        ADDRESS_KEY,
        "the channel's name with its sign, such as \"#ops\"; the bridge joins it",
    )
    .checked_by(check_channel)
    .folded_by(|channel| channel.to_ascii_lowercase())]);

    fn check(settings: &Settings, report: &mut Report) {
        settings.check(report);
    }

    fn capabilities(settings: &Settings) -> Capabilities {
        let mut capabilities = Capabilities::text(settings.text_limit());
        capabilities.inbound = Inbound::Connection;
        capabilities.line_breaks = false;
        capabilities.hears_other_robots = true;
        capabilities
    }

    fn identity(settings: &Settings) -> Option<Identity> {
        Some(settings.identity())
    }

    fn open(settings: Settings, ports: Ports) -> Self {
        Self {
            outbox: Arc::new(Outbox::new(settings.flood_pause.0)),
            knowledge: Arc::new(Knowledge::new(&settings.nick)),
            settings: Arc::new(settings),
            ports,
        }
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        inbound::decode(raw, &self.knowledge.now())
    }

    async fn run(&self, work: &dyn Work) -> Result<(), RunError> {
        let ended = self.run_once(work).await;
        if let Err(error) = &ended {
            self.outbox.explain(error, self.ports.clock.now());
        }
        ended
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Sent, SendError> {
        let channel = outgoing.address.get(ADDRESS_KEY);
        let channel = channel.ok_or_else(|| errors::no_address(ADDRESS_KEY))?;
        if !wire::is_channel(channel) {
            return Err(errors::no_channel_name(ADDRESS_KEY));
        }
        let text = text::outbound(&outgoing.text);
        if text.is_empty() {
            return Err(errors::nothing_to_say());
        }
        let now = self.ports.clock.now();
        self.outbox.send(channel, text, outgoing, now).await
    }

    async fn probe(&self) -> Result<Option<&'static str>, SendError> {
        let tried = async { self.connect().await?.try_out().await };
        tried.await.map_err(errors::probe)?;
        Ok(Some("registered with the network"))
    }
}

/// Nobody joins what is no channel: the rule would hear nothing, and each send be a dead letter.
fn check_channel(name: &str) -> Result<(), &'static str> {
    match wire::is_channel(name) {
        true => Ok(()),
        false => Err("is no channel's name"),
    }
}

impl Irc {
    async fn connect(&self) -> Result<Link, RunError> {
        let stream = self.ports.dial.dial(self.settings.target()).await;
        let stream = stream.map_err(|error| errors::lost(errors::shown(&error.detail)))?;
        let session = Session::new(
            Arc::clone(&self.settings),
            Arc::clone(&self.outbox),
            Arc::clone(&self.knowledge),
        );
        Ok(Link::new(
            stream,
            session,
            Arc::clone(&self.knowledge),
            Arc::clone(&self.outbox),
            Arc::clone(&self.ports.clock),
        ))
    }

    async fn run_once(&self, work: &dyn Work) -> Result<(), RunError> {
        let link = tokio::select! {
            biased;
            () = work.stopping() => return Ok(()),
            link = self.connect() => link?,
        };
        let (talk, heard) = mpsc::channel(INBOUND_LINES);
        let keeping = async {
            let _opened = self.outbox.open();
            link.keep(work, &talk).await
        };
        let mut taking = std::pin::pin!(self.take_in(work, heard));
        let (ended, leftover) = tokio::select! {
            ended = keeping => ended,
            // Ends only after the other.
            () = &mut taking => return Ok(()),
        };
        let handing_over = async {
            for line in leftover {
                // An error means that nobody takes it any more.
                talk.send(line).await.ok();
            }
            drop(talk);
        };
        tokio::select! {
            _ = async { tokio::join!(handing_over, taking) } => {}
            () = self.ports.clock.sleep(LAST_LINES) => {}
        }
        ended
    }

    /// Hands over what was said, in order, for as long as the connection brings something.
    async fn take_in(&self, work: &dyn Work, mut heard: mpsc::Receiver<Talk>) {
        while let Some((line, known)) = heard.recv().await {
            // Made anew for each try: who refused a batch has it.
            while let Ok(batch) = inbound::decode(&line, &known) {
                if batch.events.is_empty() {
                    break;
                }
                match work.take(batch).await {
                    Ok(()) => break,
                    Err(busy) => self.ports.clock.sleep(busy.retry_after).await,
                }
            }
        }
    }
}

bridge_core::register_driver!(Irc);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_may_name_channels_only() {
        let [key] = Irc::INFO.address_keys else {
            panic!("one key");
        };
        for (name, expected) in [("#ops", true), ("ops", false), ("#a b", false)] {
            assert_eq!((key.check)(name).is_ok(), expected, "{name}");
        }
    }
}

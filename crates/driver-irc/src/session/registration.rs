//! How we come in: capabilities, SASL, password, nickname, until the welcome.

use std::sync::Arc;

use bridge_core::driver::RunError;

use super::{Heard, Session, Stage};
use crate::errors;
use crate::wire::Line;

/// What is asked for where the server has it: to see what we said ourselves, and tags that tell
/// who, when and which.
const WANTED: [&str; 4] = ["account-tag", "echo-message", "message-tags", "server-time"];

/// The longest piece of a SASL response.
const SASL_PIECE_BYTES: usize = 400;

/// Capabilities that a server may offer; more than that are not remembered.
const MOST_OFFERED: usize = 200;

/// Nicknames that are tried beside the configured one.
const MOST_NICKS: usize = 8;

/// Where registration is.
#[derive(Debug, Default)]
pub(super) struct Registration {
    /// What the server has said so far that it can.
    offered: Vec<String>,
    /// How many nicknames were tried after the configured one.
    nicks_tried: usize,
    is_logged_in: bool,
}

impl Session {
    /// Says who we are.
    pub(super) fn introduce(&mut self) {
        let settings = Arc::clone(&self.settings);
        self.line("CAP LS 302");
        if let Some(password) = &settings.password {
            self.line(&format!("PASS :{}", password.expose()));
        }
        self.line(&format!("NICK {}", settings.nick));
        self.line(&format!(
            "USER {} 0 * :{}",
            settings.username, settings.realname
        ));
    }

    /// An answer to it came.
    pub(super) fn register(&mut self, line: &Line<'_>) -> Result<Heard, RunError> {
        let said = &*self.masked(line.last());
        match &*line.command {
            "CAP" => self.hear_of_capabilities(line)?,
            "AUTHENTICATE" if line.param(0) == "+" => self.authenticate(),
            _ => {}
        }
        match line.numeric() {
            Some(1) => {
                self.welcome(line)?;
                return Ok(Heard::Welcome);
            }
            Some(903) => {
                if let Stage::Registering(registration) = &mut self.stage {
                    registration.is_logged_in = true;
                }
                self.line("CAP END");
            }
            Some(numeric @ (902 | 904 | 905 | 906 | 908)) => {
                let cure = "check `sasl_user` and `sasl_password`";
                return Err(errors::unauthorized(numeric, said, cure));
            }
            Some(464) => return Err(errors::unauthorized(464, said, "check `password`")),
            Some(numeric @ (463 | 465 | 466)) => return Err(errors::banned(numeric, said)),
            Some(numeric @ (432 | 433 | 436 | 437)) => self.try_other_nick(numeric, said)?,
            _ => {}
        }
        Ok(Heard::Nothing)
    }

    fn hear_of_capabilities(&mut self, line: &Line<'_>) -> Result<(), RunError> {
        let names = line.last().split_ascii_whitespace();
        let wants_sasl = self.settings.sasl_user.is_some();
        match line.param(1) {
            "LS" => {
                let Stage::Registering(registration) = &mut self.stage else {
                    return Ok(());
                };
                let room = MOST_OFFERED.saturating_sub(registration.offered.len());
                registration
                    .offered
                    .extend(names.take(room).map(str::to_owned));
                // With an asterisk between, more of them follow.
                if line.param(2) != "*" {
                    let offered = std::mem::take(&mut registration.offered);
                    self.request(&offered)?;
                }
            }
            "ACK" => self.granted(&names.collect::<Vec<_>>()),
            "NAK" if wants_sasl && line.last().trim() != "sasl" => self.line("CAP REQ :sasl"),
            "NAK" if wants_sasl => return Err(errors::no_sasl()),
            "NAK" => self.line("CAP END"),
            _ => {}
        }
        Ok(())
    }

    fn request(&mut self, offered: &[String]) -> Result<(), RunError> {
        let name_of = |one: &str| one.split('=').next().unwrap_or_default().to_owned();
        let names: Vec<_> = offered.iter().map(|one| name_of(one)).collect();
        let has = |name: &str| names.iter().any(|one| one == name);
        let mut asked: Vec<_> = WANTED.into_iter().filter(|name| has(name)).collect();
        if self.settings.sasl_user.is_some() {
            let mut offered = offered.iter();
            let mechanisms = offered.find_map(|one| one.strip_prefix("sasl="));
            let mut mechanisms = mechanisms.unwrap_or("PLAIN").split(',');
            let has_plain = mechanisms.any(|one| one.eq_ignore_ascii_case("PLAIN"));
            if !has("sasl") || !has_plain {
                return Err(errors::no_sasl());
            }
            asked.push("sasl");
        }
        match asked.is_empty() {
            true => self.line("CAP END"),
            false => self.line(&format!("CAP REQ :{}", asked.join(" "))),
        }
        Ok(())
    }

    fn granted(&mut self, names: &[&str]) {
        if names.contains(&"echo-message") {
            self.sends.expect_echoes();
        }
        match names.contains(&"sasl") {
            true => self.line("AUTHENTICATE PLAIN"),
            false => self.line("CAP END"),
        }
    }

    /// In pieces, as <https://ircv3.net/specs/extensions/sasl-3.1> has them.
    fn authenticate(&mut self) {
        let Some(response) = self.settings.sasl_response() else {
            return;
        };
        let mut rest = response.expose();
        while rest.len() >= SASL_PIECE_BYTES {
            let (piece, after) = rest.split_at(SASL_PIECE_BYTES);
            self.line(&format!("AUTHENTICATE {piece}"));
            rest = after;
        }
        let last = if rest.is_empty() { "+" } else { rest };
        self.line(&format!("AUTHENTICATE {last}"));
    }

    fn welcome(&mut self, line: &Line<'_>) -> Result<(), RunError> {
        let Stage::Registering(registration) = &self.stage else {
            return Ok(());
        };
        if self.settings.sasl_user.is_some() && !registration.is_logged_in {
            return Err(errors::no_sasl());
        }
        let nick = line.param(0).to_owned();
        self.knowledge.change(|known| known.nick = nick);
        self.retake_nick_at = self.now + self.nick_pause;
        self.stage = Stage::Welcomed(self.now);
        Ok(())
    }

    fn try_other_nick(&mut self, numeric: u16, said: &str) -> Result<(), RunError> {
        let wanted = &self.settings.nick;
        let Stage::Registering(registration) = &mut self.stage else {
            return Ok(());
        };
        if numeric == 432 && registration.nicks_tried == 0 {
            return Err(errors::bad_nick(wanted, said));
        }
        if registration.nicks_tried == MOST_NICKS {
            return Err(errors::no_nick_left(wanted));
        }
        let nick = other_nick(wanted, registration.nicks_tried);
        registration.nicks_tried += 1;
        self.line(&format!("NICK {nick}"));
        Ok(())
    }
}

/// `bridge_`, `bridg_`, `bridge__`, `brid__`, …: underscores behind, and for networks with short
/// nicknames in place of the last characters.
fn other_nick(nick: &str, tried: usize) -> String {
    let underscores = "_".repeat(tried / 2 + 1);
    let kept = match tried % 2 {
        0 => nick.len(),
        _ => nick.len().saturating_sub(underscores.len()),
    };
    format!("{}{underscores}", nick.get(..kept).unwrap_or(nick))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_nicknames_are_like_the_wanted_one() {
        let tried = (0..MOST_NICKS).map(|tried| other_nick("bridge", tried));
        assert_eq!(
            tried.collect::<Vec<_>>(),
            [
                "bridge_",
                "bridg_",
                "bridge__",
                "brid__",
                "bridge___",
                "bri___",
                "bridge____",
                "br____"
            ]
        );
        assert_eq!(other_nick("b", 3), "__");
    }
}

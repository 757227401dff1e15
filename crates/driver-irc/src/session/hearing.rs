//! What the server says once we are in: of people, of channels, of what it refuses.

use super::{Heard, LONGEST_NICK_PAUSE, Session};
use crate::errors;
use crate::wire::{CaseMapping, Line, nick_of};

impl Session {
    pub(super) fn hear_talk(&mut self, line: &Line<'_>) -> Heard {
        if !self.is_own(line) {
            return Heard::Talk;
        }
        let mapping = self.mapping();
        let ids = line.tag("msgid").into_iter().collect();
        self.sends
            .echoed(|channel| mapping.is_same(channel, line.param(0)), ids);
        Heard::Nothing
    }

    pub(super) fn hear_of_people(&mut self, line: &Line<'_>) {
        let mapping = self.mapping();
        match &*line.command {
            "JOIN" if self.is_own(line) => {
                self.source = Some(line.source.to_owned());
                let is_wanted = self.channels.joined(line.param(0), mapping, self.now);
                if !is_wanted {
                    // The server has put us there in place of another one.
                    self.line(&format!("PART {}", line.param(0)));
                }
            }
            "PART" if self.is_own(line) => self.channels.left(line.param(0), mapping, self.now),
            "KICK" if self.knowledge.now().is_own(line.param(1)) => {
                self.channels.left(line.param(0), mapping, self.now);
            }
            "NICK" if self.is_own(line) => self.renamed(line.param(0)),
            "NICK" | "QUIT" if mapping.is_same(line.nick(), &self.settings.nick) => {
                self.retake_nick_at = self.now;
            }
            _ => {}
        }
    }

    fn renamed(&mut self, nick: &str) {
        self.knowledge.change(|known| known.nick = nick.to_owned());
        if let Some(source) = &mut self.source {
            let rest = &source[nick_of(source).len()..];
            *source = format!("{nick}{rest}");
        }
    }

    pub(super) fn retake_nick(&mut self) {
        if !self.has_right_nick() && self.now >= self.retake_nick_at {
            self.nick_pause = (self.nick_pause * 2).min(LONGEST_NICK_PAUSE);
            self.retake_nick_at = self.now + self.nick_pause;
            let nick = self.settings.nick.clone();
            self.line(&format!("NICK {nick}"));
        }
    }

    pub(super) fn hear_of_support(&mut self, line: &Line<'_>) {
        let mut words = line.params.iter();
        let Some(named) = words.find_map(|word| word.strip_prefix("CASEMAPPING=")) else {
            return;
        };
        let mapping = match named {
            "ascii" => CaseMapping::Ascii,
            _ => CaseMapping::Rfc1459,
        };
        self.knowledge.change(|known| known.mapping = mapping);
        // Two channels may have passed for one until now.
        let named = self.knowledge.now();
        self.channels.want(&named.channels, mapping, self.now);
    }

    pub(super) fn hear_numeric(&mut self, line: &Line<'_>) {
        let Some(numeric @ (263 | 400..=599 | 700..=799)) = line.numeric() else {
            return;
        };
        let (channel, said) = (line.param(1), &*self.masked(line.last()));
        let mapping = self.mapping();
        if self
            .channels
            .refused(channel, mapping, numeric, said, self.now)
        {
            return;
        }
        let is_member = self.channels.is_member(channel, mapping);
        let is_refused = self.sends.refused(
            |target| mapping.is_same(target, channel),
            || errors::refused(numeric, said, is_member),
        );
        if !is_refused && is_about_no_channel(numeric, channel) {
            self.sends.doubt(&errors::not_told(numeric, said));
        }
        if is_refused && matches!(numeric, 401 | 403 | 442) {
            // The server does not see us in there.
            self.channels.left(channel, mapping, self.now);
        }
    }
}

/// Whether it refuses a `PRIVMSG` without saying of which channel: nothing to say, a line too long,
/// too few parameters, too much at once.
fn is_about_no_channel(numeric: u16, about: &str) -> bool {
    match numeric {
        411 | 412 | 417 => true,
        263 | 421 | 461 => about.eq_ignore_ascii_case("PRIVMSG"),
        _ => false,
    }
}

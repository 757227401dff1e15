//! The numerics that the network answers with: RFC 2812, 5.

use super::Network;
use super::link::LinkId;

/// A numeric and its words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    number: u16,
    words: &'static str,
}

macro_rules! replies {
    ($($name:ident = $number:literal $words:literal;)*) => {
        impl Reply {
            $(pub(super) const $name: Self = Self { number: $number, words: $words };)*
        }
    };
}

replies! {
    END_OF_WHO = 315 "End of WHO list";
    NO_TOPIC = 331 "No topic is set";
    END_OF_NAMES = 366 "End of NAMES list";
    NO_SUCH_NICK = 401 "No such nick/channel";
    NO_SUCH_CHANNEL = 403 "No such channel";
    CANNOT_SEND = 404 "Cannot send to channel";
    NO_ORIGIN = 409 "No origin specified";
    INVALID_CAP = 410 "Invalid CAP command";
    NO_RECIPIENT = 411 "No recipient given";
    NO_TEXT = 412 "No text to send";
    INPUT_TOO_LONG = 417 "Input line was too long";
    UNKNOWN_COMMAND = 421 "Unknown command";
    NO_MOTD = 422 "MOTD File is missing";
    NO_NICK_GIVEN = 431 "No nickname given";
    ERRONEOUS_NICK = 432 "Erroneous nickname";
    NICK_IN_USE = 433 "Nickname is already in use";
    NOT_ON_CHANNEL = 442 "You're not on that channel";
    NOT_REGISTERED = 451 "You have not registered";
    NEED_MORE_PARAMS = 461 "Not enough parameters";
    ALREADY_REGISTERED = 462 "You may not reregister";
    PASSWORD_MISMATCH = 464 "Password incorrect";
    CHANNEL_IS_FULL = 471 "Cannot join channel (+l)";
    INVITE_ONLY = 473 "Cannot join channel (+i)";
    BANNED = 474 "Cannot join channel (+b)";
    BAD_CHANNEL_KEY = 475 "Cannot join channel (+k)";
    NOT_OPERATOR = 482 "You're not channel operator";
    LOGGED_IN = 900 "You are now logged in";
    SASL_SUCCESS = 903 "SASL authentication successful";
    SASL_FAIL = 904 "SASL authentication failed";
    SASL_TOO_LONG = 905 "SASL message too long";
    SASL_ABORTED = 906 "SASL authentication aborted";
    SASL_MECHANISMS = 908 "are available SASL mechanisms";
}

impl Network {
    /// Sends a numeric: server, number, whom it is for, the parameters, the words.
    pub(super) fn reply(&mut self, id: LinkId, reply: Reply, params: &[&str]) {
        self.numeric(id, reply.number, params, reply.words);
    }

    pub(super) fn numeric(&mut self, id: LinkId, number: u16, params: &[&str], words: &str) {
        let mut line = format!(":{} {number:03} {}", self.config.name, self.name_of(id));
        for param in params {
            line.push(' ');
            line.push_str(param);
        }
        if !words.is_empty() {
            line.push_str(" :");
            line.push_str(words);
        }
        self.send(id, line);
    }

    /// The nickname of a client, `*` before it has one.
    pub(super) fn name_of(&self, id: LinkId) -> String {
        let Some(link) = self.links.get(&id) else {
            return "*".to_owned();
        };
        let user = link.user.and_then(|user| self.users.get(&user));
        match user {
            Some(user) => user.nick.clone(),
            None => link.nick.clone().unwrap_or_else(|| "*".to_owned()),
        }
    }
}

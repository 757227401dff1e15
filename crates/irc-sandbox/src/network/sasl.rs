//! `AUTHENTICATE PLAIN`: <https://ircv3.net/specs/extensions/sasl-3.1>.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Network;
use super::line::Command;
use super::link::LinkId;
use super::replies::Reply;

/// The longest piece of a response; one of exactly this length is followed by another.
const PIECE_BYTES: usize = 400;

/// How far an authentication is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum Sasl {
    #[default]
    None,
    /// What came of the response so far.
    Responding(String),
    Done,
}

impl Network {
    pub(super) fn authenticate(&mut self, id: LinkId, command: &Command) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(param) = command
            .param(0)
            .filter(|_| link.capabilities.contains("sasl"))
        else {
            self.reply(id, Reply::SASL_FAIL, &[]);
            return;
        };
        match (std::mem::take(&mut link.sasl), param) {
            (Sasl::None, "*") | (Sasl::Responding(_), "*") => {
                self.reply(id, Reply::SASL_ABORTED, &[])
            }
            (Sasl::None, mechanism) if mechanism.eq_ignore_ascii_case("PLAIN") => {
                link.sasl = Sasl::Responding(String::new());
                self.send(id, "AUTHENTICATE +".to_owned());
            }
            (Sasl::None, _) => {
                self.reply(id, Reply::SASL_MECHANISMS, &["PLAIN"]);
                self.reply(id, Reply::SASL_FAIL, &[]);
            }
            (Sasl::Responding(_), piece) if piece.len() > PIECE_BYTES => {
                self.reply(id, Reply::SASL_TOO_LONG, &[]);
            }
            (Sasl::Responding(mut response), piece) => {
                response.push_str(if piece == "+" { "" } else { piece });
                if piece.len() == PIECE_BYTES {
                    link.sasl = Sasl::Responding(response);
                } else {
                    self.judge(id, &response);
                }
            }
            (Sasl::Done, _) => {
                link.sasl = Sasl::Done;
                self.numeric(id, 907, &[], "You have already authenticated using SASL");
            }
        }
    }

    fn judge(&mut self, id: LinkId, response: &str) {
        let account = account(response).filter(|(name, password)| {
            self.config
                .accounts
                .get(name)
                .is_some_and(|right| right == password)
        });
        let name = self.name_of(id);
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        match account {
            Some((account, _)) => {
                link.sasl = Sasl::Done;
                link.account = Some(account.clone());
                let mask = format!("{name}!*@*");
                self.reply(id, Reply::LOGGED_IN, &[&mask, &account]);
                self.reply(id, Reply::SASL_SUCCESS, &[]);
            }
            None => self.reply(id, Reply::SASL_FAIL, &[]),
        }
    }
}

/// The account and password of a response: RFC 4616.
fn account(response: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD.decode(response).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut fields = text.split('\0');
    let (acts_as, name, password) = (fields.next()?, fields.next()?, fields.next()?);
    let is_plain = fields.next().is_none() && (acts_as.is_empty() || acts_as == name);
    is_plain.then(|| (name.to_owned(), password.to_owned()))
}

//! The sentences of the contract, word for word as they stand in the documentation of `Driver`.

use std::fmt;

/// A numbered sentence of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clause {
    /// Its number, such as `V2`.
    pub id: &'static str,
    /// The sentence.
    pub text: &'static str,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.text)
    }
}

macro_rules! clauses {
    ($($id:ident $text:literal)+) => {
        $(pub(super) const $id: Clause = Clause { id: stringify!($id), text: $text };)+
        pub(super) const ALL: &[Clause] = &[$($id),+];
    };
}

clauses! {
    N1 "Platform and address keys are lower-case words, and address keys are described."
    N2 "Nothing that a driver logs or reports holds a secret or the text of a message."
    S1 "A key that is not known is refused, by its name."
    S2 "A required key that is missing and a value of another type are refused, by the key's name."
    S3 "Every key is described."
    S4 "What must not be shown is of a type that hides it: no `Debug`, error or schema shows it."
    C1 "Pure: the same settings give the same report."
    C2 "Settings that work give no error."
    C3 "What is reported names a key of the settings."
    L1 "The path begins with a slash."
    K1 "Some text fits, no part counts as more than its whole, and no two parts as less."
    K2 "The way in is a listener exactly where [`Driver::listen`] gives one."
    I1 "Pure, as [`Driver::check`] is. The value is compared and never shown; no secret."
    O1 "Does nothing else: no request, no task."
    V1 "What the platform signed passes."
    V2 "All else is refused: anything signed that has changed, a header that is missing or repeated."
    V3 "What was signed too long ago is refused, and what was signed in the future, if the platform signs a time."
    V4 "Compares raw bytes, in constant time, and parses nothing of the body."
    V5 "Pure but for the clock port; must not block."
    V6 "A refusal holds neither a secret nor the signature that would have passed."
    D1 "What the platform sends becomes the messages that were said, in their order."
    D2 "Pure but for the clock port; must not block. The same bytes give the same messages and ids."
    D3 "Takes any bytes: what makes no sense is an error or ignored, never a panic."
    D4 "A message has something to say, and its address has exactly the platform's address keys, none empty."
    D5 "What the instance itself said is no message, unless the capabilities say that it hears its own sends."
    D6 "What it brings beside text is among what the capabilities claim to hear."
    D7 "A callback that wants an answer of its own, such as a challenge that is to be repeated, gets it."
    D8 "A change has an id of its own in the channel, if any, and names its message by the id that the message had."
    D9 "Of several that one body brings, one that makes no sense hides no other."
    Q1 "Refuses, before it looks at anything else, whoever does not show the credential of the settings, compared in constant time."
    Q2 "Takes any query and any headers: what makes no sense is answered 400, never a panic."
    W1 "Ends with an error when the platform is lost; does not connect twice by itself."
    W2 "Ends soon after [`Work::stopping`] resolves; may be dropped at any await, and begun anew."
    W3 "Tells the platform that something is taken only once [`Work::take`] has taken it, and brings it again as long as it is refused."
    W4 "Takes in what came in the order in which it came."
    W5 "Notices a platform that has gone silent: on a connection by the clock port, and where it asks by the error of the HTTP port, which ends every request in time."
    W6 "Says [`Work::reached`] once the platform has accepted it, not before."
    W7 "Tells refused credentials as such."
    W8 "Pauses after an answer that brings nothing, however soon it comes."
    W9 "Ends with the pause that the platform asks for where it throttles what the driver asks."
    T1 "The text reaches the channel of the address whole, and people see what it says: markup of the platform's is escaped."
    T2 "Whatever fits the capabilities can be sent."
    T3 "A send is delivered only once the platform has said so; nothing is kept for later."
    T4 "Does not retry: the error's advice says what the framework should do. (Refreshing a credential and calling once more is not a retry.)"
    T5 "If the capabilities promise an idempotent send, each try of a part carries its key, and no other part does."
    T6 "Sends to several channels run at once and don't mix."
    T7 "May be dropped at any await, and may fail; must then leave the driver usable."
    T8 "What is dropped counts as perhaps delivered, unless it was [`Outgoing::preparing`]: then no send was asked for."
    T9 "A credential that the platform no longer accepts is replaced."
    T10 "An address without the platform's keys is rejected before anything is asked."
    T11 "Whatever the capabilities claim to show beside text is asked of the platform as such."
    T12 "What is delivered tells the ids that the platform gave what people see of it, in their order and as they are."
    R1 "A request that was never written: not delivered, and tried again."
    R2 "A request that was written and not answered: nobody knows, and it is tried again."
    R3 "A failure on the platform's side is tried again; one of a gateway in between leaves it unknown."
    R4 "An answer of success that makes no sense is no success, and nobody knows."
    R5 "What the platform refuses for good is rejected, not delivered, and never tried again."
    R6 "What the platform throttles is not delivered and tried again, not before the pause it asks for."
    R7 "Refused credentials are told as such; nothing was delivered."
    R8 "As long as no send was asked for, nothing was delivered, whatever failed."
    R9 "The detail is one line of at most 1000 characters."
    P1 "Sends no message, and changes nothing that people see."
    P2 "Asks the platform itself: nothing that was kept from before counts."
    P3 "An error of the kind `Unauthorized` or `Rejected` says that the settings are wrong; its detail names the keys to look at. All others say nothing about the settings."
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences as they stand in the documentation.
    fn documented() -> Vec<(&'static str, &'static str)> {
        let source = include_str!("../../../bridge-core/src/driver.rs");
        let bullets = source
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("/// - "));
        let numbered = bullets.filter_map(|bullet| bullet.split_once(": "));
        let is_number = |id: &str| {
            id.starts_with(|c: char| c.is_ascii_uppercase())
                && id.len() > 1
                && id[1..].bytes().all(|byte| byte.is_ascii_digit())
        };
        numbered.filter(|(id, _)| is_number(id)).collect()
    }

    #[test]
    fn the_clauses_are_the_sentences_of_the_documentation() {
        let clauses: Vec<_> = ALL.iter().map(|clause| (clause.id, clause.text)).collect();
        assert_eq!(clauses, documented());
    }
}

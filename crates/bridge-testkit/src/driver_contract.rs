//! The contract of [`bridge_core::driver::Driver`] as checks that every driver passes.
//!
//! The author of a driver implements [`Subject`]: what the platform looks like from outside, without
//! an account. Then a test is one line:
//!
//! ```no_run
//! # use bridge_testkit::driver_contract::{self, Subject};
//! # fn test(my_platform: impl Subject) {
//! driver_contract::check_all(my_platform);
//! # }
//! ```
//!
//! The driver runs between [`FakeClock`](crate::FakeClock) and [`FakeHttp`](crate::FakeHttp), on the
//! thread of the test and without a runtime: what it waits for must come through its ports.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bridge_core::driver::Driver;
use bridge_core::id::Address;
use bridge_core::message::Message;
use bridge_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

pub use clause::Clause;
pub use table::{Row, Table, Verdict};

use bench::Context;
use logs::Logs;

/// Ends a check, as one that does not hold, unless the condition does.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::driver_contract::Stop::Broken(format!($($text)+)));
        }
    };
}

mod bench;
mod clause;
mod decoding;
mod fields;
mod logs;
mod outcomes;
mod pauses;
mod probing;
mod sending;
mod settings;
mod table;
mod verifying;

/// A driver under test, and how its platform behaves as far as the driver can tell.
pub trait Subject: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: Driver;

    /// Settings that work, with a value for every key there is. Secrets stand as literals of at least
    /// 8 characters, which occur nowhere else in what the subject gives.
    fn settings(&self) -> Value;

    /// The keys of [`Subject::settings`] that hold secrets; empty if there are none.
    fn secret_keys(&self) -> &'static [&'static str];

    /// How callbacks are authenticated with [`Subject::settings`]; `None` if they are not.
    fn verification(&self) -> Option<Verification>;

    /// The callback with this body as the platform makes it, signed at `at` with the secrets of
    /// [`Subject::settings`].
    fn callback(&self, body: &[u8], at: Timestamp) -> Request<Bytes>;

    /// Recorded callbacks, with what they bring; at least one brings a message.
    fn recorded(&self) -> Vec<Recorded>;

    /// A callback about a message of the instance itself; `None` if the platform sends none, or if
    /// nothing in it tells.
    fn own_message(&self) -> Option<Bytes> {
        None
    }

    /// The address of a channel; another one for each number.
    fn address(&self, number: usize) -> Address;

    /// What a request of the driver sends; `None` if it is no send, such as one for a token.
    fn sent(&self, request: &Request<Bytes>) -> Option<SentText>;

    /// The platform's answer to `request` while all is well, be it a send or another.
    fn accepted(&self, request: &Request<Bytes>) -> Response<Bytes>;

    /// What in an answer tells the driver that a send was taken.
    fn success(&self) -> Success;

    /// The platform's answer to a send that it refuses for good, with `saying` where it has its words
    /// for people.
    fn refused(&self, saying: &str) -> Response<Bytes>;

    /// The platform's answer to a send that comes too soon.
    fn throttled(&self) -> Response<Bytes>;

    /// The platform's answer to any request under credentials that it does not know.
    fn unauthorized(&self) -> Response<Bytes>;

    /// The platform's answer to a send under a token that has expired; `None` if there are no tokens.
    fn expired(&self) -> Option<Response<Bytes>> {
        None
    }
}

/// How a platform authenticates its callbacks.
#[derive(Debug, Clone, Copy)]
pub struct Verification {
    /// The header that holds the signature.
    pub signature: &'static str,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The other headers without which a callback is not authentic.
    pub other_headers: &'static [&'static str],
    /// How far the time of signing may lie from the clock, either way; `None` if none is signed.
    pub window: Option<std::time::Duration>,
    /// What is signed.
    pub covers: Covers,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As text in which every character counts: base64, a shared token.
    Text,
    /// As hexadecimal digits of either case.
    Hex,
}

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The body, perhaps with headers.
    Body,
    /// Headers only.
    Headers,
}

/// A recorded callback.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its name in failures, such as that of its file.
    pub name: &'static str,
    /// The body.
    pub body: Bytes,
    /// What it brings, in order.
    pub brings: Vec<Brings>,
}

/// One thing that a recorded callback brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brings {
    /// Exactly this message.
    Message(Box<Message>),
    /// Nothing that can be forwarded, for this reason.
    Ignored(&'static str),
}

/// What a send's request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentText {
    /// The channel.
    pub address: Address,
    /// The text as people will see it.
    pub text: String,
    /// The idempotency key; `None` if the platform takes none.
    pub key: Option<String>,
}

/// What tells a driver that a send was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// A status of success, whatever the body.
    Status,
    /// A status of success with a JSON body in which something must stand, such as an id.
    Body,
}

/// Runs every check and shows the table.
///
/// # Panics
///
/// If a check fails, with the table; each failure quotes the sentence of the contract.
#[expect(
    clippy::print_stdout,
    reason = "the table is for whoever runs the test with --nocapture"
)]
pub fn check_all<S: Subject>(subject: S) {
    let table = run(subject);
    assert!(!table.has_failures(), "{table}");
    println!("{table}");
}

/// Runs every check, also after one that fails.
pub fn run<S: Subject>(subject: S) -> Table {
    let context = Context::new(subject);
    let logs = Logs::default();
    let mut rows: Vec<_> = checks::<S>()
        .iter()
        .map(|check| logs.record(|| check.run(&context)))
        .collect();
    rows.push(Row {
        group: "hygiene",
        name: "no_log_line_holds_a_secret_or_a_text",
        clause: clause::N2,
        verdict: verdict(|| logs.hold_nothing_private(&context)),
    });
    Table::new(S::Driver::INFO.platform, rows)
}

/// The sentences of the contract that a check holds.
pub fn clauses() -> &'static [Clause] {
    clause::ALL
}

/// Why a check ends early.
enum Stop {
    /// The driver does not claim what the check is about; says what it lacks.
    NotClaimed(&'static str),
    /// It does not hold; says what was seen.
    Broken(String),
}

type Outcome = Result<(), Stop>;

struct Check<S> {
    group: &'static str,
    name: &'static str,
    clause: Clause,
    check: fn(&Context<S>) -> Outcome,
}

impl<S: Subject> Check<S> {
    fn run(&self, context: &Context<S>) -> Row {
        Row {
            group: self.group,
            name: self.name,
            clause: self.clause,
            verdict: verdict(|| (self.check)(context)),
        }
    }
}

fn verdict(check: impl FnOnce() -> Outcome) -> Verdict {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Stop::NotClaimed(why))) => Verdict::NotClaimed(why),
        Ok(Err(Stop::Broken(seen))) => Verdict::Failed(seen),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Verdict::Failed(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}

/// The checks as a table: the module they stand in, their name, the sentence they hold.
macro_rules! checks {
    ($($group:ident { $($name:ident: $clause:ident,)+ })+) => {
        fn checks<S: Subject>() -> Vec<Check<S>> {
            vec![$($(Check {
                group: stringify!($group),
                name: stringify!($name),
                clause: clause::$clause,
                check: $group::$name,
            },)+)+]
        }
    };
}

checks! {
    settings {
        names_are_plain: N1,
        working_settings_give_no_error: C2,
        an_unknown_key_is_refused: S1,
        a_missing_key_is_refused_by_name: S2,
        a_value_of_another_type_is_refused_by_name: S2,
        every_key_is_described: S3,
        secrets_are_of_a_hiding_type: S4,
        debug_shows_no_secret: S4,
        errors_show_no_secret: S4,
        the_schema_shows_no_secret: S4,
        the_check_is_pure: C1,
        the_check_names_keys: C3,
        the_path_begins_with_a_slash: L1,
        the_size_of_text_is_sound: K1,
        the_way_in_is_as_claimed: K2,
        the_identity_is_pure_and_no_secret: I1,
        opening_asks_nothing: O1,
    }
    verifying {
        what_is_signed_passes: V1,
        every_bit_of_the_signature_counts: V2,
        every_byte_of_a_signed_body_counts: V2,
        no_header_may_be_missing: V2,
        no_header_may_be_repeated: V2,
        the_window_is_kept: V3,
        the_body_is_not_parsed: V4,
        only_the_clock_port_tells_the_time: V5,
        refusals_give_nothing_away: V6,
    }
    decoding {
        recorded_callbacks_bring_what_was_said: D1,
        the_same_bytes_give_the_same_messages: D2,
        decoding_asks_nothing: D2,
        every_prefix_is_borne: D3,
        every_field_may_be_missing: D3,
        every_field_may_be_null: D3,
        every_field_may_be_of_another_type: D3,
        huge_numbers_are_borne: D3,
        deep_nesting_is_borne: D3,
        bytes_that_are_no_text_are_borne: D3,
        messages_are_well_formed: D4,
        own_messages_are_known: D5,
    }
    sending {
        the_text_arrives_whole: T1,
        what_fits_can_be_sent: T2,
        delivered_means_taken: T3,
        a_failed_send_is_not_repeated: T4,
        a_retry_carries_the_same_key: T5,
        channels_do_not_mix: T6,
        a_dropped_send_leaves_the_driver_usable: T7,
        what_prepares_has_not_sent: T8,
        an_expired_token_is_replaced: T9,
        a_foreign_address_is_rejected: T10,
    }
    outcomes {
        an_unwritten_request_is_not_delivered: R1,
        an_unanswered_request_is_uncertain: R2,
        a_failing_platform_is_no_success: R3,
        a_gateway_leaves_it_unknown: R3,
        a_senseless_success_is_no_success: R4,
        a_truncated_success_is_no_success: R4,
        a_refusal_is_final: R5,
        refused_credentials_are_told: R7,
        nothing_asked_is_nothing_delivered: R8,
        a_failure_leaves_the_driver_usable: T7,
        details_are_one_short_line: R9,
        details_show_no_secret_and_no_text: N2,
    }
    pauses {
        throttling_is_tried_again: R6,
        retry_after_is_heeded: R6,
        an_odd_retry_after_is_borne: R6,
    }
    probing {
        a_probe_sends_no_message: P1,
        a_probe_asks_anew: P2,
        a_probe_tells_bad_credentials: P3,
        a_probe_blames_no_settings_for_the_network: P3,
    }
}

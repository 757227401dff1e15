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
//! The driver runs between [`FakeClock`](crate::FakeClock), [`FakeHttp`](crate::FakeHttp), a line
//! that the suite breaks and slows down, and [`FakeWork`](crate::FakeWork), on the thread of the test
//! and without a runtime: what it waits for must come through its ports.
//!
//! | group | of what | for |
//! |---|---|---|
//! | `settings`, `hygiene` | settings, and what is logged | all |
//! | `verifying`, `questions` | requests to the listener | those that have one |
//! | `decoding`, `batches`, `ids` | what comes in | all into which something comes |
//! | `connecting`, `working` | the driver's own work | those that keep a connection or ask |
//! | `polling` | how the platform is asked | those that ask |
//! | `sending`, `dropping`, `outcomes`, `pauses`, `probing`, `scenarios` | sends | all, as their way out has it |
//! | `acts` | what is shown beside text | those that claim it |
//!
//! A check that does not apply is a row that says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bridge_core::driver::Driver;

pub use api_error::{ApiError, Meaning};
pub use clause::Clause;
pub use platform::{
    Api, Asked, Callbacks, Covers, Credentials, Encoding, Fate, Feed, FeedServer, Network,
    Published, Server, Success, Verification, WayIn, WayOut,
};
pub use subject::{Brings, Markup, Questions, Recorded, Subject};
pub use table::{Row, Table, Verdict};

use context::Context;
use logs::Logs;

/// Ends a check, as one that does not hold, unless the condition does.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::driver_contract::Stop::Broken(format!($($text)+)));
        }
    };
}

mod acts;
mod api_error;
mod batches;
mod bench;
mod clause;
mod connecting;
mod context;
mod decoding;
mod drive;
mod dropping;
mod fields;
mod ids;
mod lane;
mod line;
mod logs;
mod outcomes;
mod pauses;
mod platform;
mod polling;
mod probing;
mod questions;
mod samples;
mod scenarios;
mod sending;
mod settings;
mod subject;
mod table;
mod verifying;
mod working;

/// The environment variable that names a file to which [`check_all`] adds the rows of its table.
pub const ROWS: &str = "BRIDGE_CONTRACT_ROWS";

/// Runs every check and shows the table.
///
/// # Panics
///
/// If a check fails, with the table; each failure quotes the sentence of the contract. If the file
/// that [`ROWS`] names can't be written.
#[expect(
    clippy::print_stdout,
    reason = "the table is for whoever runs the test with --nocapture"
)]
pub fn check_all<S: Subject>(subject: S) {
    let table = run(subject);
    if let Some(path) = std::env::var_os(ROWS) {
        let written = table.append_to(Path::new(&path));
        written.expect("the file for the rows of the table can be written");
    }
    println!("{table}");
    if table.has_failures() {
        // Without the hook of a panic: where this stands, and the stack, are nothing to the author.
        std::panic::resume_unwind(Box::new(table.to_string()));
    }
}

/// Runs every check, also after one that fails.
pub fn run<S: Subject>(subject: S) -> Table {
    run_those(subject, |_| true)
}

/// Runs the check of this name only; one of the group `hygiene` looks at what all others bring
/// about, and has them run.
pub fn run_check<S: Subject>(subject: S, name: &str) -> Table {
    let is_alone = checks::<S>().iter().any(|check| check.name == name);
    run_those(subject, |other| !is_alone || other == name)
}

fn run_those<S: Subject>(subject: S, is_wanted: impl Fn(&str) -> bool) -> Table {
    let seed = seed();
    let context = Context::new(subject, seed);
    let logs = Logs::default();
    let mut rows: Vec<_> = checks::<S>()
        .iter()
        .filter(|check| is_wanted(check.name))
        .map(|check| logs.record(|| check.run(&context)))
        .collect();
    // These look at what all the others brought about.
    let hygiene = |name, check: &dyn Fn() -> Outcome| Row {
        group: "hygiene",
        name,
        clause: clause::N2,
        verdict: verdict(check),
    };
    rows.push(hygiene(
        "reasons_of_the_work_are_short_and_not_private",
        &|| connecting::reasons_are_short_and_not_private(&context),
    ));
    rows.push(hygiene("no_log_line_holds_a_secret_or_a_text", &|| {
        logs.hold_nothing_private(&context)
    }));
    Table::new(S::Driver::INFO.platform, seed, rows)
}

/// Another one for each run, unless the environment gives the one of an earlier run.
fn seed() -> u64 {
    let given = std::env::var("BRIDGE_CONTRACT_SEED").ok();
    given
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
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
        what_others_have_signed_passes: V1,
        every_bit_of_the_signature_counts: V2,
        every_byte_of_a_signed_body_counts: V2,
        every_signed_header_counts: V2,
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
        what_comes_beside_text_is_claimed: D6,
        what_wants_an_answer_gets_it: D7,
    }
    batches {
        one_without_sense_hides_no_other: D9,
    }
    ids {
        changes_have_ids_of_their_own: D8,
        changes_name_recorded_messages: D8,
    }
    questions {
        who_shows_the_credential_is_answered: Q1,
        all_others_are_refused: Q1,
        only_the_credential_decides: Q1,
        any_question_is_borne: Q2,
    }
    connecting {
        a_lost_platform_ends_the_work: W1,
        an_unreached_platform_ends_the_work: W1,
        one_connection_at_a_time: W1,
        a_silent_platform_is_noticed: W5,
        a_quiet_platform_is_not_lost: W5,
        reached_is_said_once_accepted: W6,
        refused_credentials_end_the_work: W7,
    }
    working {
        it_ends_soon_when_told: W2,
        it_may_be_dropped_at_any_await: W2,
        nothing_is_acknowledged_before_it_is_taken: W3,
        what_is_refused_is_brought_again: W3,
        what_came_is_taken_in_its_order: W4,
        what_comes_in_pieces_is_whole: W4,
        own_sends_are_known: D5,
    }
    polling {
        what_brings_nothing_is_followed_by_a_pause: W8,
        the_pause_of_a_throttled_poll_is_told: W9,
    }
    sending {
        the_text_arrives_whole: T1,
        markup_is_shown_as_it_stands: T1,
        what_fits_can_be_sent: T2,
        delivered_means_taken: T3,
        the_ids_of_a_send_are_told: T12,
        a_failed_send_is_not_repeated: T4,
        a_retry_carries_the_same_key: T5,
        channels_do_not_mix: T6,
        an_expired_token_is_replaced: T9,
        a_foreign_address_is_rejected: T10,
    }
    dropping {
        a_dropped_send_leaves_the_driver_usable: T7,
        what_prepares_has_not_sent: T8,
    }
    acts {
        attachments_are_asked_for: T11,
        replies_are_asked_for: T11,
        edits_are_asked_for: T11,
        recalls_are_asked_for: T11,
        reactions_are_asked_for: T11,
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
        the_pause_asked_for_is_heeded: R6,
        an_odd_pause_is_borne: R6,
    }
    probing {
        a_probe_sends_no_message: P1,
        a_probe_asks_anew: P2,
        a_probe_tells_bad_credentials: P3,
        a_probe_blames_no_settings_for_the_network: P3,
    }
    scenarios {
        everything_arrives_while_all_is_well: T3,
        everything_arrives_after_a_while_of_failures: T7,
        what_is_refused_for_good_is_tried_once: R5,
        refusals_and_failures_are_told_apart: R5,
        four_at_once_keep_their_order: T6,
        a_stop_on_the_way_loses_nothing: T8,
        tokens_expire_on_the_way: T9,
    }
}

//! What the pigeon driver can do wrong, each with the check that must catch it.

use std::cell::Cell;

thread_local! {
    static PRESENT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Does the work with the fault in every pigeon driver of this thread.
pub(crate) fn with<T>(fault: Option<Fault>, work: impl FnOnce() -> T) -> T {
    PRESENT.set(fault);
    let done = work();
    PRESENT.set(None);
    done
}

macro_rules! faults {
    ($($name:ident: $check:literal,)+) => {
        /// A fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($name,)+
        }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            /// The check that must catch it.
            pub(crate) fn check(self) -> &'static str {
                match self {
                    $(Self::$name => $check,)+
                }
            }
        }
    };
}

impl Fault {
    pub(crate) fn is_present(self) -> bool {
        PRESENT.get() == Some(self)
    }
}

faults! {
    TakesUnknownKeys: "an_unknown_key_is_refused",
    UndocumentedKey: "every_key_is_described",
    SecretInDebug: "debug_shows_no_secret",
    SecretInReport: "errors_show_no_secret",
    ReportsAnotherKey: "the_check_names_keys",
    SecretIdentity: "the_identity_is_pure_and_no_secret",
    ClaimsNoListener: "the_way_in_is_as_claimed",
    AsksWhenOpened: "opening_asks_nothing",
    TakesAnySignature: "every_bit_of_the_signature_counts",
    ComparesHalfTheSignature: "every_bit_of_the_signature_counts",
    SignsNoBody: "every_byte_of_a_signed_body_counts",
    TakesUnsigned: "no_header_may_be_missing",
    TakesRepeatedHeaders: "no_header_may_be_repeated",
    TakesStale: "the_window_is_kept",
    TakesEarly: "the_window_is_kept",
    ParsesBeforeVerifying: "the_body_is_not_parsed",
    ReadsItsOwnClock: "only_the_clock_port_tells_the_time",
    TellsTheRightSignature: "refusals_give_nothing_away",
    ReordersEvents: "recorded_callbacks_bring_what_was_said",
    RandomIds: "the_same_bytes_give_the_same_messages",
    PanicsOnPrefix: "every_prefix_is_borne",
    PanicsOnNull: "every_field_may_be_null",
    PanicsOnMissing: "every_field_may_be_missing",
    PanicsOnHugeNumber: "huge_numbers_are_borne",
    PanicsOnBytes: "bytes_that_are_no_text_are_borne",
    EmptyMessages: "every_field_may_be_of_another_type",
    HearsItself: "own_messages_are_known",
    TrimsText: "the_text_arrives_whole",
    LimitTooHigh: "what_fits_can_be_sent",
    SendsOneBehind: "delivered_means_taken",
    Retries: "a_failed_send_is_not_repeated",
    NoKey: "a_retry_carries_the_same_key",
    NewKeyForEachTry: "a_retry_carries_the_same_key",
    MixesChannels: "channels_do_not_mix",
    StaysLockedWhenDropped: "a_dropped_send_leaves_the_driver_usable",
    PreparesForever: "what_prepares_has_not_sent",
    KeepsExpiredToken: "an_expired_token_is_replaced",
    SendsAnywhere: "a_foreign_address_is_rejected",
    DeliveredOn500: "a_failing_platform_is_no_success",
    DeliveredOnGarbage: "a_senseless_success_is_no_success",
    CertainAfterTimeout: "an_unanswered_request_is_uncertain",
    UncertainBeforeWriting: "an_unwritten_request_is_not_delivered",
    GivesUpOnGateway: "a_failing_platform_is_no_success",
    RetriesRefusals: "a_refusal_is_final",
    IgnoresRetryAfter: "retry_after_is_heeded",
    NoPauseAtAll: "an_odd_retry_after_is_borne",
    HidesBadCredentials: "refused_credentials_are_told",
    UncertainWithoutToken: "nothing_asked_is_nothing_delivered",
    LongDetails: "details_are_one_short_line",
    TextInDetail: "details_show_no_secret_and_no_text",
    ProbeSends: "a_probe_sends_no_message",
    ProbeRemembers: "a_probe_asks_anew",
    LogsSecret: "no_log_line_holds_a_secret_or_a_text",
    LogsText: "no_log_line_holds_a_secret_or_a_text",
    LogsToken: "no_log_line_holds_a_secret_or_a_text",
    WaitsOutsideThePorts: "the_text_arrives_whole",
}

//! What the drivers of these tests can do wrong, each with the check that must catch it.

use std::cell::Cell;

thread_local! {
    static PRESENT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Does the work with the fault in every driver of this thread.
pub(crate) fn with<T>(fault: Option<Fault>, work: impl FnOnce() -> T) -> T {
    PRESENT.set(fault);
    let done = work();
    PRESENT.set(None);
    done
}

macro_rules! faults {
    ($($driver:ident { $($name:ident: $check:literal,)+ })+) => {
        /// A fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($($name,)+)+
        }

        impl Fault {
            $(
                /// Those of this driver.
                pub(crate) const $driver: &[Self] = &[$(Self::$name),+];
            )+

            /// The check that must catch it.
            pub(crate) fn check(self) -> &'static str {
                match self {
                    $($(Self::$name => $check,)+)+
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
    PIGEON {
        ReportsAnError: "working_settings_give_no_error",
        DefaultsARequiredKey: "a_missing_key_is_refused_by_name",
        TakesPortsOfAnyType: "a_value_of_another_type_is_refused_by_name",
        PlainSecret: "secrets_are_of_a_hiding_type",
        SecretInSchema: "the_schema_shows_no_secret",
        ReportsByChance: "the_check_is_pure",
        PathWithoutSlash: "the_path_begins_with_a_slash",
        CountsByHalves: "the_size_of_text_is_sound",
        RefusesAllCallbacks: "what_is_signed_passes",
        AsksWhileDecoding: "decoding_asks_nothing",
        PanicsOnDepth: "deep_nesting_is_borne",
        EmptyIds: "messages_are_well_formed",
        ChangesNothing: "messages_are_well_formed",
        StaysLockedWhenFailed: "a_failure_leaves_the_driver_usable",
        CertainOfGateways: "a_gateway_leaves_it_unknown",
        DeliveredOnHalfAnAnswer: "a_truncated_success_is_no_success",
        ProbesNothing: "a_probe_tells_bad_credentials",
        ProbeBlamesSettings: "a_probe_blames_no_settings_for_the_network",
        TakesUnknownKeys: "an_unknown_key_is_refused",
        UndocumentedKey: "every_key_is_described",
        SecretInDebug: "debug_shows_no_secret",
        SecretInReport: "errors_show_no_secret",
        ReportsAnotherKey: "the_check_names_keys",
        SecretIdentity: "the_identity_is_pure_and_no_secret",
        ClaimsNoListener: "the_way_in_is_as_claimed",
        AsksWhenOpened: "opening_asks_nothing",
        TakesAnySignature: "every_bit_of_the_signature_counts",
        SignsAnotherText: "what_others_have_signed_passes",
        ComparesHalfTheSignature: "every_bit_of_the_signature_counts",
        SignsNoBody: "every_byte_of_a_signed_body_counts",
        SignsNoTime: "every_signed_header_counts",
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
        HearsUnclaimedEdits: "what_comes_beside_text_is_claimed",
        ForgetsChallenges: "what_wants_an_answer_gets_it",
        RefusesWholeBatches: "one_without_sense_hides_no_other",
        StopsAtNonsense: "one_without_sense_hides_no_other",
        SharesIds: "changes_have_ids_of_their_own",
        RepeatsIdsOfChanges: "changes_have_ids_of_their_own",
        NamesVersions: "changes_name_recorded_messages",
        RefusesEverybody: "who_shows_the_credential_is_answered",
        TakesStrangers: "all_others_are_refused",
        ComparesBeginnings: "all_others_are_refused",
        TakesTwoCredentials: "all_others_are_refused",
        LooksAtQueriesFirst: "only_the_credential_decides",
        PanicsOnOddQueries: "any_question_is_borne",
        FailsOnOddQueries: "any_question_is_borne",
        EscapesNothing: "markup_is_shown_as_it_stands",
        DropsFiles: "attachments_are_asked_for",
        RepliesAsSays: "replies_are_asked_for",
        EditsAsSays: "edits_are_asked_for",
        RecallsNothing: "recalls_are_asked_for",
        ReactsAnew: "reactions_are_asked_for",
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
        IgnoresPauseInBody: "the_pause_asked_for_is_heeded",
        NoPauseAtAll: "an_odd_pause_is_borne",
        HidesBadCredentials: "refused_credentials_are_told",
        UncertainWithoutToken: "nothing_asked_is_nothing_delivered",
        LongDetails: "details_are_one_short_line",
        TextInDetail: "details_show_no_secret_and_no_text",
        ProbeSends: "a_probe_sends_no_message",
        ProbeRemembers: "a_probe_asks_anew",
        LosesEveryTenth: "everything_arrives_while_all_is_well",
        LosesTheNextAfterAFailure: "everything_arrives_after_a_while_of_failures",
        RetriesLaterRefusals: "what_is_refused_for_good_is_tried_once",
        TakesThrottlingForRefusal: "refusals_and_failures_are_told_apart",
        MixesManyAtOnce: "four_at_once_keep_their_order",
        KeepsOneForLater: "a_stop_on_the_way_loses_nothing",
        RefusesWhatExpires: "tokens_expire_on_the_way",
        BlamesTheTokenForARoom: "a_refusal_is_final",
        TakesSlowDownForRefusal: "throttling_is_tried_again",
        TakesRevokedForRefusal: "refused_credentials_are_told",
        TakesBusyForRefusal: "a_failing_platform_is_no_success",
        DeliveredOnAnyId: "a_refusal_is_final",
        KnowsOnlyListedErrors: "a_refusal_is_final",
        TellsAnotherId: "the_ids_of_a_send_are_told",
        TellsNoIdOfReplies: "the_ids_of_a_send_are_told",
        FilesAtTheFirstLoft: "attachments_are_asked_for",
        RepliesAtTheFirstLoft: "replies_are_asked_for",
        EditsAtTheFirstLoft: "edits_are_asked_for",
        ReactsAtTheFirstLoft: "reactions_are_asked_for",
        RecallsWhatCameBefore: "recalls_are_asked_for",
        EditUncertainBeforeWriting: "an_unwritten_request_is_not_delivered",
        RecallCertainAfterTimeout: "an_unanswered_request_is_uncertain",
        EditDeliveredOn500: "a_failing_platform_is_no_success",
        ReactionCertainOfGateways: "a_gateway_leaves_it_unknown",
        EditDeliveredOnGarbage: "a_senseless_success_is_no_success",
        RecallDeliveredOnHalfAnAnswer: "a_truncated_success_is_no_success",
        RecallDeliveredOn400: "a_refusal_is_final",
        EditGivesUpWhenThrottled: "throttling_is_tried_again",
        EditIgnoresPause: "the_pause_asked_for_is_heeded",
        RecallHidesBadCredentials: "refused_credentials_are_told",
        EditTrimsText: "the_text_arrives_whole",
        EditEscapesNothing: "markup_is_shown_as_it_stands",
        EditRetries: "a_failed_send_is_not_repeated",
        LogsSecret: "no_log_line_holds_a_secret_or_a_text",
        LogsText: "no_log_line_holds_a_secret_or_a_text",
        LogsToken: "no_log_line_holds_a_secret_or_a_text",
        WaitsOutsideThePorts: "the_text_arrives_whole",
    }
    TELEGRAPH {
        ClaimsPolling: "the_way_in_is_as_claimed",
        ConnectsWhenOpened: "opening_asks_nothing",
        ConnectsAgainByItself: "a_lost_platform_ends_the_work",
        HoldsTwoConnections: "one_connection_at_a_time",
        WaitsWhenUnreached: "an_unreached_platform_ends_the_work",
        BlamesSettings: "an_unreached_platform_ends_the_work",
        WaitsForever: "a_silent_platform_is_noticed",
        NeverPings: "a_quiet_platform_is_not_lost",
        ReachedWhenConnected: "reached_is_said_once_accepted",
        HidesRefusal: "refused_credentials_end_the_work",
        SecretInReason: "reasons_of_the_work_are_short_and_not_private",
        LongReason: "reasons_of_the_work_are_short_and_not_private",
        IgnoresStopping: "it_ends_soon_when_told",
        StaysTakenWhenDropped: "it_may_be_dropped_at_any_await",
        AcknowledgesEarly: "nothing_is_acknowledged_before_it_is_taken",
        NeverAcknowledges: "nothing_is_acknowledged_before_it_is_taken",
        DropsRefused: "what_is_refused_is_brought_again",
        SwapsMessages: "what_came_is_taken_in_its_order",
        TakesPiecesForLines: "what_comes_in_pieces_is_whole",
        HearsOwnSends: "own_sends_are_known",
        LosesTabs: "the_text_arrives_whole",
        ShowsControlCharacters: "the_text_arrives_whole",
        NeverFlushes: "the_text_arrives_whole",
        KeepsForLater: "an_unwritten_request_is_not_delivered",
        UncertainUnconnected: "an_unwritten_request_is_not_delivered",
        GivesUpUnconnected: "an_unwritten_request_is_not_delivered",
        DeliveredWhenQueued: "an_unanswered_request_is_uncertain",
        CertainWhenBroken: "an_unanswered_request_is_uncertain",
        SendsAgainWhenConnected: "a_failed_send_is_not_repeated",
        RecallUncertainUnconnected: "an_unwritten_request_is_not_delivered",
        RecallCertainWhenBroken: "an_unanswered_request_is_uncertain",
        RecallsAgainWhenConnected: "a_failed_send_is_not_repeated",
        RecallGivesUpWhenThrottled: "throttling_is_tried_again",
        GivesUpWhenThrottled: "throttling_is_tried_again",
        RepeatsWords: "details_show_no_secret_and_no_text",
        LogsEncodedToken: "no_log_line_holds_a_secret_or_a_text",
    }
    CRIER {
        AsksForever: "an_unreached_platform_ends_the_work",
        ReachedBeforeAsking: "reached_is_said_once_accepted",
        HidesRefusedKey: "refused_credentials_end_the_work",
        PollsWhenTold: "it_ends_soon_when_told",
        AsksPastEarly: "nothing_is_acknowledged_before_it_is_taken",
        ForgetsRefused: "what_is_refused_is_brought_again",
        AsksAtOnce: "what_brings_nothing_is_followed_by_a_pause",
        DropsThePause: "the_pause_of_a_throttled_poll_is_told",
        TakesSilenceForQuiet: "a_silent_platform_is_noticed",
        IgnoresRetryAfter: "the_pause_asked_for_is_heeded",
        PanicsOnOddRetryAfter: "an_odd_pause_is_borne",
        CriesBackwards: "what_came_is_taken_in_its_order",
    }
}

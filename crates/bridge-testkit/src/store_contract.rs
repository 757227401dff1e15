//! The contract of [`bridge_core::store::Store`] as checks that every store passes.
//!
//! ```no_run
//! # use bridge_testkit::store_contract::{self, StoreUnderTest};
//! # async fn test<S: StoreUnderTest>(open: impl AsyncFn() -> S) {
//! store_contract::check_all(open).await;
//! # }
//! ```

use std::sync::Arc;

use bridge_core::store::{Death, DeliveryId, Store};
use bridge_core::time::Timestamp;

mod admit;
pub mod fixtures;
mod known;
mod lanes;
mod letters;
mod mailbox;
mod merge;
mod park;
mod settle;

/// A store, with the means to look at what the trait does not show.
pub trait StoreUnderTest {
    /// The store. After [`StoreUnderTest::crash`] it is another one.
    fn store(&self) -> Arc<dyn Store>;

    /// Goes on with what would be there had the process been killed now; `false` if this store does
    /// not outlive its process.
    fn crash(&mut self) -> impl Future<Output = bool> + Send;

    /// All deliveries that left the queue, in any order.
    fn ended(&self) -> Vec<Ended>;

    /// Goes on at [`StoreUnderTest::after_retention`], and lets the store drop what it drops by then;
    /// `false` if it drops nothing.
    fn outlast_retention(&mut self) -> impl Future<Output = bool> + Send;

    /// When entries of mailboxes that were posted with the fixtures' time have expired, and none of
    /// their keys is forgotten.
    fn after_retention() -> Timestamp;

    /// An empty store whose lanes hold so many deliveries at most, and its mailboxes so many entries;
    /// `None` if it knows no such limit.
    fn limited(lane_backlog: u64) -> impl Future<Output = Option<Self>> + Send
    where
        Self: Sized;
}

/// A delivery that left the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub delivery: DeliveryId,
    /// How.
    pub how: How,
}

/// How a delivery left the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// A platform took it.
    Delivered,
    /// It expired.
    Expired,
    /// Its channel could not show it, for this reason.
    NotShown(String),
    /// It was merged into this one.
    Merged(DeliveryId),
    /// It is a dead letter.
    Dead(Death),
    /// It was given up by a person.
    Discarded,
}

/// Runs every check, each on an empty store that `open` makes.
///
/// # Panics
///
/// At the first clause of the contract that does not hold; the message names it.
pub async fn check_all<S: StoreUnderTest>(open: impl AsyncFn() -> S) {
    admit::what_is_answered_survives_a_crash(open().await).await;
    admit::nothing_of_an_admission_is_changed(open().await).await;
    admit::a_message_is_taken_in_once(open().await).await;
    admit::the_same_id_elsewhere_is_another_message(open().await).await;
    admit::a_message_without_id_is_never_a_duplicate(open().await).await;
    admit::of_racing_duplicates_one_is_new(open().await).await;
    admit::ids_grow_and_the_feed_hears_them_in_order(open().await).await;
    admit::the_feed_hears_before_the_answer(open().await).await;
    admit::a_later_feed_replaces_an_earlier_one(open().await).await;
    admit::a_full_lane_costs_only_its_own_deliveries::<S>().await;
    settle::each_step_does_what_it_says(open().await).await;
    settle::what_is_settled_survives_the_process(open().await).await;
    settle::settlements_take_effect_in_order(open().await).await;
    settle::settling_what_is_not_queued_changes_nothing(open().await).await;
    settle::records_are_taken(open().await).await;
    lanes::lanes_are_the_channels_with_queued_deliveries(open().await).await;
    lanes::queued_gives_a_window_of_one_lane(open().await).await;
    lanes::a_lane_is_blocked_by_a_letter_that_says_so(open().await).await;
    known::the_deliveries_of_a_message_are_known(open().await).await;
    known::a_send_is_known_by_its_ids(open().await).await;
    known::ids_may_come_before_and_after_the_settlement(open().await).await;
    known::what_was_sent_for_edits_is_known_with_the_message(open().await).await;
    known::what_a_digest_shows_is_shared(open().await).await;
    letters::a_letter_is_replayed_once_and_last(open().await).await;
    letters::a_blocking_letter_comes_back_to_its_place(open().await).await;
    letters::a_full_lane_takes_no_letter_back::<S>().await;
    letters::a_discarded_letter_is_gone_and_unblocks(open().await).await;
    park::what_is_queued_for_an_instance_is_parked_in_order(open().await).await;
    park::a_blocked_lane_is_parked_as_well(open().await).await;
    merge::deliveries_are_merged_all_or_none(open().await).await;
    merge::used_permissions_survive_the_process(open().await).await;
    mailbox::nothing_of_an_entry_is_changed(open().await).await;
    mailbox::entries_are_read_by_number(open().await).await;
    mailbox::reading_changes_nothing(open().await).await;
    mailbox::what_is_posted_survives_the_process(open().await).await;
    mailbox::a_key_is_posted_once(open().await).await;
    mailbox::a_number_is_never_given_again(open().await).await;
    mailbox::what_is_confirmed_is_gone(open().await).await;
    mailbox::confirming_less_or_again_changes_nothing(open().await).await;
    mailbox::what_is_not_given_yet_is_not_confirmed(open().await).await;
    mailbox::a_full_mailbox_takes_no_more::<S>().await;
    mailbox::what_expires_unread_is_said(open().await).await;
    mailbox::a_store_knows_itself(open().await, open().await).await;
}

/// A clause of the contract.
#[derive(Debug, Clone, Copy)]
struct Clause(&'static str);

impl Clause {
    #[track_caller]
    fn holds_if(self, holds: bool) {
        assert!(holds, "the store breaks its contract: {}", self.0);
    }

    #[track_caller]
    fn holds_if_equal<T: PartialEq + std::fmt::Debug>(self, found: T, expected: T) {
        assert!(
            found == expected,
            "the store breaks its contract: {}\n   found: {found:?}\nexpected: {expected:?}",
            self.0
        );
    }
}

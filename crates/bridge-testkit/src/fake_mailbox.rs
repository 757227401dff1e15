//! A mailbox in memory, for drivers under test.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::BoxFuture;
use bridge_core::ports::{Cursor, Letter, Mailbox, MailboxError, Mailed};
use bridge_core::time::Timestamp;
use tokio::sync::Notify;

/// The mailbox of one instance. Clones are the same one. Letters bear the time at which
/// [`FakeClock`](crate::FakeClock) begins.
#[derive(Debug, Clone, Default)]
pub struct FakeMailbox {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    put: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Those that are not confirmed, by number.
    letters: BTreeMap<i64, Letter>,
    /// The number of each key that was ever put in.
    numbers: BTreeMap<String, i64>,
    last: i64,
    confirmed: i64,
    expired: i64,
    is_broken: bool,
    /// How many wait for a letter.
    waiting: usize,
}

impl FakeMailbox {
    /// All letters that are not confirmed, in order.
    pub fn letters(&self) -> Vec<Letter> {
        self.state().letters.values().cloned().collect()
    }

    /// Gives up all letters up to this one unread, as retention does.
    pub fn expire(&self, up_to: Cursor) {
        let mut state = self.state();
        let before = state.letters.len();
        state.letters.retain(|number, _| *number > up_to.0);
        if state.letters.len() < before {
            state.expired = state.expired.max(up_to.0.min(state.last));
        }
    }

    /// Gives up this letter alone unread, as a store does with one that is damaged.
    pub fn lose(&self, cursor: Cursor) {
        let mut state = self.state();
        if state.letters.remove(&cursor.0).is_some() {
            state.expired = state.expired.max(cursor.0);
        }
    }

    /// Has every call fail from here.
    pub fn break_down(&self) {
        self.state().is_broken = true;
    }

    /// How many wait for a letter now.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, State>, MailboxError> {
        let state = self.state();
        match state.is_broken {
            true => Err(MailboxError {
                detail: "the fake mailbox is broken".to_owned(),
            }),
            false => Ok(state),
        }
    }
}

impl Mailbox for FakeMailbox {
    fn put(&self, key: String, body: String) -> BoxFuture<'_, Result<(), MailboxError>> {
        Box::pin(async move {
            let mut state = self.working()?;
            if state.numbers.contains_key(&key) {
                return Ok(());
            }
            state.last += 1;
            let number = state.last;
            state.numbers.insert(key.clone(), number);
            let letter = Letter {
                cursor: Cursor(number),
                key,
                body,
                at: Timestamp::from_millis(1_772_366_400_000),
            };
            state.letters.insert(number, letter);
            drop(state);
            self.shared.put.notify_waiters();
            Ok(())
        })
    }

    fn read(&self, after: Cursor, limit: usize) -> BoxFuture<'_, Result<Mailed, MailboxError>> {
        Box::pin(async move {
            let state = self.working()?;
            let behind = state.letters.range(after.0.saturating_add(1)..);
            Ok(Mailed {
                letters: behind
                    .map(|(_, letter)| letter.clone())
                    .take(limit)
                    .collect(),
                confirmed: state.confirmed,
                expired: state.expired,
            })
        })
    }

    fn confirm(&self, up_to: Cursor) -> BoxFuture<'_, Result<(), MailboxError>> {
        Box::pin(async move {
            let mut state = self.working()?;
            let up_to = up_to.0.min(state.last);
            state.letters.retain(|number, _| *number > up_to);
            state.confirmed = state.confirmed.max(up_to);
            Ok(())
        })
    }

    fn waits_for(&self, after: Cursor) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _waits = Waits::begin(self);
            loop {
                let mut put = pin!(self.shared.put.notified());
                // Before the look, so that what is put in after it is heard.
                put.as_mut().enable();
                if self.state().last > after.0 {
                    return;
                }
                put.await;
            }
        })
    }
}

/// Counts one who waits.
struct Waits<'a>(&'a FakeMailbox);

impl<'a> Waits<'a> {
    fn begin(mailbox: &'a FakeMailbox) -> Self {
        mailbox.state().waiting += 1;
        Self(mailbox)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn numbers(mailbox: &FakeMailbox, after: i64, limit: usize) -> Vec<i64> {
        let mailed = mailbox.read(Cursor(after), limit).await.unwrap();
        mailed
            .letters
            .iter()
            .map(|letter| letter.cursor.0)
            .collect()
    }

    #[tokio::test]
    async fn letters_are_kept_in_order_until_they_are_confirmed() {
        let mailbox = FakeMailbox::default();
        for key in ["a", "b", "a", "c"] {
            mailbox
                .put(key.to_owned(), key.to_uppercase())
                .await
                .unwrap();
        }
        assert_eq!(numbers(&mailbox, 0, 9).await, [1, 2, 3]);
        assert_eq!(numbers(&mailbox, 1, 1).await, [2]);
        mailbox.confirm(Cursor(2)).await.unwrap();
        mailbox.confirm(Cursor(1)).await.unwrap();
        mailbox
            .put("a".to_owned(), "again".to_owned())
            .await
            .unwrap();
        assert_eq!(numbers(&mailbox, 0, 9).await, [3]);
        mailbox.expire(Cursor(3));
        let mailed = mailbox.read(Cursor::START, 9).await.unwrap();
        assert_eq!(
            (mailed.letters.len(), mailed.confirmed, mailed.expired),
            (0, 2, 3)
        );
        mailbox.confirm(Cursor(99)).await.unwrap();
        mailbox.put("d".to_owned(), String::new()).await.unwrap();
        assert_eq!(numbers(&mailbox, 0, 9).await, [4]);
        mailbox.break_down();
        assert!(mailbox.read(Cursor::START, 1).await.is_err());
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_a_letter() {
        let mailbox = FakeMailbox::default();
        let waiter = mailbox.clone();
        let waiting = tokio::spawn(async move { waiter.waits_for(Cursor::START).await });
        while mailbox.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        mailbox.put("a".to_owned(), String::new()).await.unwrap();
        waiting.await.unwrap();
        assert_eq!(mailbox.waiting(), 0);
    }
}

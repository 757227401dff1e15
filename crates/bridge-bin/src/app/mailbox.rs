//! The mailbox of an instance, kept in the store.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bridge_core::BoxFuture;
use bridge_core::id::InstanceId;
use bridge_core::ports::{Clock, Cursor, Letter, Mailbox, MailboxError, Mailed};
use bridge_core::store::{Entry, EntryNumber, Mail, NewEntry, Store, StoreError};
use tokio::sync::Notify;

/// What an instance keeps for readers. One for each instance, through every change of its settings.
pub(super) struct InstanceMailbox {
    instance: InstanceId,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Told of every letter.
    bell: Notify,
}

impl fmt::Debug for InstanceMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceMailbox")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

impl InstanceMailbox {
    pub(super) fn new(instance: InstanceId, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            instance,
            store,
            clock,
            bell: Notify::new(),
        }
    }

    async fn mail(&self, after: Cursor, limit: usize) -> Result<Mail, MailboxError> {
        let mail = self.store.mail(&self.instance, number(after), limit).await;
        mail.map_err(failed)
    }
}

impl Mailbox for InstanceMailbox {
    fn put(&self, key: String, body: String) -> BoxFuture<'_, Result<(), MailboxError>> {
        let at = self.clock.now();
        let posted = self.store.post(&self.instance, NewEntry { key, body, at });
        Box::pin(async move {
            posted.await.map_err(failed)?;
            self.bell.notify_waiters();
            Ok(())
        })
    }

    fn read(&self, after: Cursor, limit: usize) -> BoxFuture<'_, Result<Mailed, MailboxError>> {
        Box::pin(async move {
            let Mail {
                entries,
                confirmed,
                expired,
            } = self.mail(after, limit).await?;
            Ok(Mailed {
                letters: entries.into_iter().map(letter).collect(),
                confirmed: confirmed.0,
                expired: expired.0,
            })
        })
    }

    fn confirm(&self, up_to: Cursor) -> BoxFuture<'_, Result<(), MailboxError>> {
        let confirmed = self.store.confirm(&self.instance, number(up_to));
        Box::pin(async move { confirmed.await.map_err(failed) })
    }

    fn waits_for(&self, after: Cursor) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let mut rung = pin!(self.bell.notified());
                // Before the look, so that a letter which is put in after it is heard of.
                rung.as_mut().enable();
                // A store that fails is for whoever reads next to tell of.
                let mail = self.mail(after, 1).await;
                if mail.is_err() || mail.is_ok_and(|mail| !mail.entries.is_empty()) {
                    return;
                }
                rung.await;
            }
        })
    }
}

fn number(cursor: Cursor) -> EntryNumber {
    EntryNumber(cursor.0)
}

fn letter(entry: Entry) -> Letter {
    let Entry {
        number,
        key,
        body,
        at,
    } = entry;
    Letter {
        cursor: Cursor(number.0),
        key,
        body,
        at,
    }
}

fn failed(error: StoreError) -> MailboxError {
    let detail = match error {
        StoreError::Full(_) => "the mailbox is full (`lane_backlog`): its reader does not come, or does not confirm what it has read".to_owned(),
        error => error.to_string(),
    };
    MailboxError { detail }
}

#[cfg(test)]
mod tests {
    use bridge_testkit::{FakeClock, MemoryStore};
    use futures_util::FutureExt;

    use super::*;

    fn mailbox(instance: &str, store: &Arc<MemoryStore>) -> InstanceMailbox {
        let store = Arc::clone(store) as Arc<dyn Store>;
        InstanceMailbox::new(instance.into(), store, Arc::new(FakeClock::default()))
    }

    async fn bodies(mailbox: &InstanceMailbox, after: i64) -> Vec<String> {
        let mailed = mailbox
            .read(Cursor(after), 10)
            .await
            .expect("a store that works");
        mailed
            .letters
            .into_iter()
            .map(|letter| letter.body)
            .collect()
    }

    #[tokio::test]
    async fn letters_of_an_instance_are_its_own() {
        let store = Arc::new(MemoryStore::default());
        let (one, two) = (mailbox("one", &store), mailbox("two", &store));
        for (mailbox, body) in [(&one, "a"), (&two, "b"), (&one, "c"), (&one, "again")] {
            let key = if body == "again" { "a" } else { body };
            mailbox
                .put(key.to_owned(), body.to_owned())
                .await
                .expect("a store that works");
        }
        assert_eq!(bodies(&one, 0).await, ["a", "c"]);
        assert_eq!(bodies(&two, 0).await, ["b"]);
        let first = one
            .read(Cursor::START, 1)
            .await
            .expect("a store that works");
        let [letter] = &first.letters[..] else {
            panic!("{first:?}");
        };
        one.confirm(letter.cursor)
            .await
            .expect("a store that works");
        assert_eq!(bodies(&one, 0).await, ["c"]);
        assert_eq!(bodies(&two, 0).await, ["b"]);
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_a_letter_and_of_nothing_else() {
        let store = Arc::new(MemoryStore::default());
        let (one, two) = (mailbox("one", &store), mailbox("two", &store));
        let mut waiting = one.waits_for(Cursor::START);
        assert!(waiting.as_mut().now_or_never().is_none());
        two.put("a".to_owned(), "a".to_owned())
            .await
            .expect("a store that works");
        assert!(waiting.as_mut().now_or_never().is_none());
        one.put("a".to_owned(), "a".to_owned())
            .await
            .expect("a store that works");
        assert!(waiting.as_mut().now_or_never().is_some());
        assert!(one.waits_for(Cursor::START).now_or_never().is_some());
        let mailed = one
            .read(Cursor::START, 9)
            .await
            .expect("a store that works");
        let last = mailed.letters.last().expect("a letter").cursor;
        assert!(one.waits_for(last).now_or_never().is_none());
    }
}

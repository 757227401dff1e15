//! The mailboxes of a store in memory, and its identity.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bridge_core::id::InstanceId;
use bridge_core::store::{Entry, EntryNumber, Mail, NewEntry, StoreError, StoreIdentity};
use bridge_core::time::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    last: i64,
    mailboxes: HashMap<InstanceId, Mailbox>,
}

#[derive(Debug)]
struct Mailbox {
    /// Every key that was posted.
    keys: HashMap<String, EntryNumber>,
    unread: BTreeMap<EntryNumber, Entry>,
    last: EntryNumber,
    confirmed: EntryNumber,
    expired: EntryNumber,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            keys: HashMap::new(),
            unread: BTreeMap::new(),
            last: EntryNumber::ZERO,
            confirmed: EntryNumber::ZERO,
            expired: EntryNumber::ZERO,
        }
    }
}

impl Mailboxes {
    pub(super) fn post(
        &mut self,
        instance: &InstanceId,
        entry: NewEntry,
        limit: Option<usize>,
    ) -> Result<EntryNumber, StoreError> {
        let mailbox = self.mailboxes.entry(instance.clone()).or_default();
        if let Some(number) = mailbox.keys.get(&entry.key) {
            return Ok(*number);
        }
        if limit.is_some_and(|limit| mailbox.unread.len() >= limit) {
            let reason = format!("the mailbox of \"{instance}\" is full (lane_backlog)");
            return Err(StoreError::Full(reason));
        }
        self.last += 1;
        let number = EntryNumber(self.last);
        let NewEntry { key, body, at } = entry;
        mailbox.keys.insert(key.clone(), number);
        mailbox.last = number;
        let entry = Entry {
            number,
            key,
            body,
            at,
        };
        mailbox.unread.insert(number, entry);
        Ok(number)
    }

    pub(super) fn mail(&self, instance: &InstanceId, after: EntryNumber, limit: usize) -> Mail {
        let Some(mailbox) = self.mailboxes.get(instance) else {
            return Mail::default();
        };
        let later = mailbox.unread.values().filter(|entry| entry.number > after);
        Mail {
            entries: later.take(limit).cloned().collect(),
            confirmed: mailbox.confirmed,
            expired: mailbox.expired,
        }
    }

    pub(super) fn confirm(&mut self, instance: &InstanceId, up_to: EntryNumber) {
        let Some(mailbox) = self.mailboxes.get_mut(instance) else {
            return;
        };
        let up_to = up_to.min(mailbox.last);
        mailbox.unread.retain(|number, _| *number > up_to);
        mailbox.confirmed = mailbox.confirmed.max(up_to);
    }

    /// Drops what nobody has confirmed and is older than `before`.
    pub(super) fn expire(&mut self, before: Timestamp) {
        for mailbox in self.mailboxes.values_mut() {
            let is_old = |_: &EntryNumber, entry: &mut Entry| entry.at < before;
            let last = mailbox.unread.extract_if(.., is_old).last();
            if let Some((number, _)) = last {
                mailbox.expired = mailbox.expired.max(number);
            }
        }
    }
}

/// An identity that no other store of this process has.
#[derive(Debug)]
pub(super) struct Identity(pub(super) StoreIdentity);

impl Default for Identity {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let digits = format!("{:x}", NEXT.fetch_add(1, Relaxed));
        Self(StoreIdentity::new(&digits).expect("sixteen digits at most"))
    }
}

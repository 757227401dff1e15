//! How mailboxes and their entries are written in rows and read back, and what is made of a row that
//! is damaged.

use bridge_core::store::{Entry, EntryNumber, NewEntry};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::row::{add, integer, text};

/// Selects the columns of entries, for [`read_entry`].
macro_rules! select_entries {
    ($tail:literal) => {
        concat!(
            "SELECT number, instance, key, body, checksum, at FROM entry WHERE body IS NOT NULL ",
            $tail
        )
    };
}
pub(crate) use select_entries;

/// What is known of a mailbox beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mailbox {
    /// The highest number that was given to it.
    pub(crate) last: i64,
    pub(crate) confirmed: i64,
    /// The highest number that was dropped unread.
    pub(crate) expired: i64,
    /// Entries that are neither confirmed nor dropped.
    pub(crate) unread: i64,
}

/// What is found of a mailbox.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    Whole(Mailbox),
    Damaged,
}

/// Looks a mailbox up.
pub(crate) fn find(connection: &Connection, instance: &str) -> rusqlite::Result<Found> {
    let mut select = connection.prepare_cached(
        "SELECT instance, last, confirmed, expired, unread, checksum FROM mailbox WHERE instance = ?1",
    )?;
    let mailbox = select.query_row([instance], |row| {
        Ok(read_mailbox(row).map(|(_, mailbox)| mailbox))
    });
    Ok(match mailbox.optional()? {
        None => Found::Nothing,
        Some(None) => Found::Damaged,
        Some(Some(mailbox)) => Found::Whole(mailbox),
    })
}

/// Reads a row of all columns of `mailbox`; `None` if it is not what was written.
pub(crate) fn read_mailbox<'a>(row: &'a Row<'_>) -> Option<(&'a str, Mailbox)> {
    let instance = text(row, 0)?;
    let mailbox = Mailbox {
        last: integer(row, 1)?,
        confirmed: integer(row, 2)?,
        expired: integer(row, 3)?,
        unread: integer(row, 4)?,
    };
    let is_whole = integer(row, 5)? == i64::from(mailbox.checksum(instance));
    is_whole.then_some((instance, mailbox))
}

impl Mailbox {
    /// Writes it down.
    pub(crate) fn save(&self, connection: &Connection, instance: &str) -> rusqlite::Result<()> {
        let mut save = connection.prepare_cached(
            "INSERT OR REPLACE INTO mailbox (instance, last, confirmed, expired, unread, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        save.execute(params![
            instance,
            self.last,
            self.confirmed,
            self.expired,
            self.unread,
            self.checksum(instance),
        ])?;
        Ok(())
    }

    /// What a damaged one must have been, by its entries. What they can't tell is said rather too
    /// often than not: that something was dropped unread.
    pub(crate) fn recover(connection: &Connection, instance: &str) -> rusqlite::Result<Self> {
        let last = "SELECT coalesce(max(number), 0) FROM entry WHERE instance = ?1";
        let last: i64 = connection.query_row(last, [instance], |row| row.get(0))?;
        let unread = "SELECT count(*), min(number) FROM entry
            WHERE instance = ?1 AND body IS NOT NULL";
        let (unread, first): (i64, Option<i64>) =
            connection.query_row(unread, [instance], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            last,
            confirmed: first.map_or(last, |first| first - 1),
            expired: last,
            unread,
        })
    }

    fn checksum(&self, instance: &str) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        add(&mut hasher, instance);
        for number in [self.last, self.confirmed, self.expired, self.unread] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.finalize()
    }
}

/// The checksum of an entry that has no number yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntrySeal(u32);

impl EntrySeal {
    /// Sums up what is posted.
    pub(crate) fn new(instance: &str, entry: &NewEntry) -> Self {
        Self::of(instance, &entry.key, &entry.body, entry.at)
    }

    fn of(instance: &str, key: &str, body: &str, at: Timestamp) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        add(&mut hasher, instance);
        add(&mut hasher, key);
        add(&mut hasher, body);
        hasher.update(&at.as_millis().to_le_bytes());
        Self(hasher.finalize())
    }

    /// The checksum of the entry with this number: under another one it would be read at another
    /// time, or never.
    pub(crate) fn checksum(self, number: EntryNumber) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(&number.0.to_le_bytes());
        hasher.finalize()
    }
}

/// Reads a row of [`select_entries`]; the number alone if it is not what was written.
pub(crate) fn read_entry(row: &Row<'_>) -> rusqlite::Result<Result<Entry, EntryNumber>> {
    let number = EntryNumber(row.get(0)?);
    Ok(decode(number, row).ok_or(number))
}

fn decode(number: EntryNumber, row: &Row<'_>) -> Option<Entry> {
    let (instance, key, body) = (text(row, 1)?, text(row, 2)?, text(row, 3)?);
    let at = Timestamp::from_millis(integer(row, 5)?);
    let sum = EntrySeal::of(instance, key, body, at).checksum(number);
    (integer(row, 4)? == i64::from(sum)).then(|| Entry {
        number,
        key: key.to_owned(),
        body: body.to_owned(),
        at,
    })
}

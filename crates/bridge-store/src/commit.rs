//! Writes a batch of operations in one transaction, or none of it.

mod admit;
mod backlog;
mod channels;
#[cfg(test)]
mod fault;
mod letters;
mod mailbox;
mod orphans;
mod park;
mod reconcile;
mod settle;

use bridge_core::id::Channel;
use bridge_core::store::{
    DeliveryId, Discarded, EntryNumber, Identification, Record, Replayed, Turn,
};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, ErrorCode, params};

use self::backlog::Backlog;
use self::channels::Channels;
pub(crate) use self::channels::find_channel;
#[cfg(test)]
pub(crate) use self::fault::Fault;
pub(crate) use self::mailbox::expire;
use crate::fail_point::fail_point;
use crate::open::StoreOptions;
use crate::queue::Operation;

/// How long used permissions of a rate budget are kept: twice the longest window of a budget.
const SPENT_MILLIS: i64 = 120_000;

/// The writing connection.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    channels: Channels,
    backlog: Backlog,
    /// Whether commits are synced, as SQLite was told last.
    syncs: bool,
    #[cfg(test)]
    fault: Fault,
}

/// What a committed batch did.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// One for each operation.
    pub(crate) effects: Vec<Effect>,
    /// One for each new delivery, in order; `None` for those whose lane was full.
    pub(crate) numbered: Vec<Option<Numbered>>,
    /// The channels whose lanes must be read again.
    pub(crate) reordered: Vec<Channel>,
}

/// What a new delivery was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered {
    pub(crate) id: DeliveryId,
    pub(crate) turn: Turn,
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Took a message in; its deliveries have the next ones of [`Committed::numbered`].
    New {
        overflowed: usize,
    },
    /// Found the message there before.
    Duplicate,
    /// Took nothing in: so many deliveries are queued that there is no room for these.
    Full {
        limit: u64,
    },
    /// Wrote what it had to write.
    Written,
    /// Found nothing to change.
    Nothing,
    Replayed(Vec<Replayed>),
    Discarded(Vec<Discarded>),
    Parked(usize),
    /// Has an entry in its mailbox, now or since an earlier post.
    Posted(EntryNumber),
    /// Posted nothing: so many entries are unread that there is no room for one more.
    MailboxFull {
        limit: u64,
    },
}

/// What an operation writes to.
struct Tables<'a> {
    connection: &'a Connection,
    channels: &'a mut Channels,
    backlog: &'a mut Backlog,
    numbered: Vec<Option<Numbered>>,
    reordered: Vec<Channel>,
}

/// Why a batch was not committed. Nothing of it was written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite or the disk can't write.
    Storage(rusqlite::Error),
    /// This one operation can't be written whatever the state of the disk; the others may.
    Operation {
        /// Its index in the batch.
        index: usize,
        error: rusqlite::Error,
    },
}

impl Database {
    /// Counts what is queued, moves what no lane would find to the dead letters, and brings mailboxes
    /// into step with their entries.
    pub(crate) fn open(
        connection: Connection,
        options: &StoreOptions,
        now: Timestamp,
    ) -> rusqlite::Result<Self> {
        let backlog = Backlog::count(&connection, options.lane_backlog, options.max_backlog)?;
        let mut database = Self {
            connection,
            channels: Channels::default(),
            backlog,
            syncs: true,
            #[cfg(test)]
            fault: options.fault.clone(),
        };
        database.put_in_order(now)?;
        Ok(database)
    }

    fn put_in_order(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        self.execute("BEGIN IMMEDIATE")?;
        let mut tables = Tables {
            connection: &self.connection,
            channels: &mut self.channels,
            backlog: &mut self.backlog,
            numbered: Vec::new(),
            reordered: Vec::new(),
        };
        let orphans = orphans::quarantine_orphans(&mut tables, now)?;
        reconcile::reconcile(&self.connection)?;
        self.execute("COMMIT")?;
        self.backlog.commit();
        if orphans > 0 {
            tracing::error!(
                deliveries = orphans,
                "the rows of some channels are damaged; the deliveries to them are dead letters"
            );
        }
        Ok(())
    }

    /// Writes `operations` in their order, and syncs if one of them needs it; `now` is the time of
    /// what happens here.
    pub(crate) fn commit(
        &mut self,
        operations: &[Operation],
        now: Timestamp,
    ) -> Result<Committed, Failure> {
        let syncs = operations.iter().any(Operation::needs_sync);
        self.sync_commits(syncs).map_err(Failure::Storage)?;
        let result = self.write(operations, now);
        match &result {
            Ok(_) => self.backlog.commit(),
            Err(_) => self.roll_back(),
        }
        result
    }

    /// Does `work` in a transaction of its own, without a sync.
    pub(crate) fn tidy<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.sync_commits(false)?;
        self.execute("BEGIN IMMEDIATE")?;
        let result = work(&self.connection).and_then(|done| {
            self.execute("COMMIT")?;
            Ok(done)
        });
        if result.is_err() {
            self.roll_back();
        }
        result
    }

    /// In a log, a commit without a sync is as atomic as one with it: it can be undone by a power
    /// cut, as a whole and together with those behind it, and by nothing else.
    fn sync_commits(&mut self, syncs: bool) -> rusqlite::Result<()> {
        if self.syncs != syncs {
            let level = if syncs { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.syncs = syncs;
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        // Numbers that were given within the transaction are void.
        self.channels.forget();
        self.backlog.roll_back();
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "can't roll back a failed commit");
        }
    }

    fn write(&mut self, operations: &[Operation], now: Timestamp) -> Result<Committed, Failure> {
        self.execute("BEGIN IMMEDIATE").map_err(Failure::Storage)?;
        let mut effects = Vec::with_capacity(operations.len());
        let mut tables = Tables {
            connection: &self.connection,
            channels: &mut self.channels,
            backlog: &mut self.backlog,
            numbered: Vec::new(),
            reordered: Vec::new(),
        };
        for (index, operation) in operations.iter().enumerate() {
            #[cfg(test)]
            self.fault.pass().map_err(Failure::Storage)?;
            let effect = apply(&mut tables, operation, now);
            effects.push(effect.map_err(|error| {
                if is_about_the_row(&error) {
                    Failure::Operation { index, error }
                } else {
                    Failure::Storage(error)
                }
            })?);
        }
        let committed = Committed {
            effects,
            numbered: tables.numbered,
            reordered: tables.reordered,
        };
        fail_point("commit.before");
        self.execute("COMMIT").map_err(Failure::Storage)?;
        fail_point("commit.after");
        Ok(committed)
    }

    fn execute(&self, sql: &'static str) -> rusqlite::Result<()> {
        #[cfg(test)]
        self.fault.pass()?;
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// Whether the error is about what is written, not about where.
fn is_about_the_row(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
    ) || matches!(error, rusqlite::Error::ToSqlConversionFailure(_))
}

fn apply(
    tables: &mut Tables<'_>,
    operation: &Operation,
    now: Timestamp,
) -> rusqlite::Result<Effect> {
    match operation {
        Operation::Admit {
            admission, sealed, ..
        } => admit::admit(tables, admission, sealed, now),
        Operation::Settle { settlement, .. } => settle::settle(tables, settlement).map(changed),
        Operation::Merge { merge, .. } => settle::merge(tables, merge).map(changed),
        Operation::Spend { channel, at, .. } => spend(tables, channel, *at),
        Operation::Identify { identification, .. } => {
            identify(tables.connection, identification).map(changed)
        }
        Operation::Record(record) => {
            let written = write_record(tables.connection, tables.channels, record)?;
            Ok(changed(written > 0))
        }
        Operation::Quarantine(id) => settle::quarantine(tables, *id, now).map(changed),
        Operation::Replay { letters, at, .. } => {
            letters::replay(tables, letters, *at).map(Effect::Replayed)
        }
        Operation::Discard { letters, at, .. } => {
            letters::discard(tables, letters, *at).map(Effect::Discarded)
        }
        Operation::Park {
            instance,
            reason,
            limit,
            at,
            ..
        } => park::park(tables, instance, reason, *limit, *at).map(Effect::Parked),
        Operation::Post {
            instance,
            entry,
            seal,
            ..
        } => mailbox::post(tables, instance.as_str(), entry, *seal),
        Operation::Confirm {
            instance, up_to, ..
        } => mailbox::confirm(tables.connection, instance.as_str(), *up_to).map(changed),
        Operation::QuarantineEntry { instance, number } => {
            mailbox::quarantine(tables.connection, instance.as_str(), *number).map(changed)
        }
        Operation::Flush(_) => Ok(Effect::Nothing),
    }
}

fn changed(is_changed: bool) -> Effect {
    if is_changed {
        Effect::Written
    } else {
        Effect::Nothing
    }
}

fn spend(tables: &mut Tables<'_>, channel: &Channel, at: Timestamp) -> rusqlite::Result<Effect> {
    let connection = tables.connection;
    let lane = tables.channels.number(connection, channel)?;
    let at = at.as_millis();
    let mut forget = connection.prepare_cached("DELETE FROM spent WHERE lane = ?1 AND at < ?2")?;
    forget.execute(params![lane, at - SPENT_MILLIS])?;
    let mut insert = connection.prepare_cached("INSERT INTO spent (lane, at) VALUES (?1, ?2)")?;
    insert.execute(params![lane, at])?;
    Ok(Effect::Written)
}

/// Whether the delivery is known, and its channel one of the instance.
fn identify(connection: &Connection, identification: &Identification) -> rusqlite::Result<bool> {
    let Identification {
        instance,
        delivery,
        part,
        platform_ids,
    } = identification;
    let mut find = connection.prepare_cached(
        "SELECT 1 FROM channel WHERE instance = ?2 AND id = coalesce(
             (SELECT lane FROM settled WHERE id = ?1),
             (SELECT lane FROM delivery WHERE id = ?1),
             (SELECT lane FROM dead_letter WHERE id = ?1))",
    )?;
    if !find.exists(params![delivery.0, instance.as_str()])? {
        return Ok(false);
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO identified (delivery, part, platform_ids) VALUES (?1, ?2, ?3)",
    )?;
    let platform_ids = serde_json::Value::from(&platform_ids[..]).to_string();
    insert.execute(params![delivery.0, part, platform_ids])?;
    Ok(true)
}

fn write_record(
    connection: &Connection,
    channels: &mut Channels,
    record: &Record,
) -> rusqlite::Result<usize> {
    match record {
        Record::NotForwarded {
            instance,
            address,
            message_id,
            at,
            reason,
        } => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO record (instance, address, message_id, reason, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let address = address.as_ref().map(|address| address.to_json());
            insert.execute(params![
                instance.as_str(),
                address,
                message_id,
                reason,
                at.as_millis()
            ])
        }
        Record::ChannelSeen { channel, title, at } => {
            let channel = channels.number(connection, channel)?;
            // A callback without a title does not make a known one forgotten.
            let mut upsert = connection.prepare_cached(
                "INSERT INTO channel_seen (channel, title, first_seen, last_seen)
                 VALUES (?1, ?2, ?3, ?3)
                 ON CONFLICT (channel) DO UPDATE SET
                     title = CASE excluded.title WHEN '' THEN title ELSE excluded.title END,
                     last_seen = max(last_seen, excluded.last_seen)",
            )?;
            upsert.execute(params![channel, title, at.as_millis()])
        }
        record => {
            tracing::error!(
                ?record,
                "this store does not know how to write such a record"
            );
            Ok(0)
        }
    }
}

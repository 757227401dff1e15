//! Writes a batch of operations in one transaction, or none of it.

mod channels;
mod settle;

use bridge_core::store::{Admission, DeliveryId, Record};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, ErrorCode, params};

use self::channels::Channels;
pub(crate) use self::channels::find_channel;
use self::settle::{quarantine, settle};
use crate::queue::Operation;
use crate::row::Sealed;

/// The writing connection.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    channels: Channels,
}

/// What a committed batch did.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// One for each operation.
    pub(crate) effects: Vec<Effect>,
    /// The numbers of all new deliveries, in order.
    pub(crate) ids: Vec<DeliveryId>,
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Took a message in; its deliveries have the next numbers of [`Committed::ids`].
    New,
    /// Found the message there before.
    Duplicate,
    /// Wrote what it had to write.
    Written,
    /// Found nothing to change.
    Nothing,
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
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            channels: Channels::default(),
        }
    }

    /// Writes `operations` in their order and syncs; `now` is the time of what happens here.
    pub(crate) fn commit(
        &mut self,
        operations: &[Operation],
        now: Timestamp,
    ) -> Result<Committed, Failure> {
        let result = self.write(operations, now);
        if result.is_err() {
            // Numbers that were given within the transaction are void.
            self.channels.forget();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "can't roll back a failed commit");
            }
        }
        result
    }

    fn write(&mut self, operations: &[Operation], now: Timestamp) -> Result<Committed, Failure> {
        self.execute("BEGIN IMMEDIATE").map_err(Failure::Storage)?;
        let mut committed = Committed::default();
        for (index, operation) in operations.iter().enumerate() {
            let effect = apply(
                &self.connection,
                &mut self.channels,
                &mut committed.ids,
                operation,
                now,
            );
            let effect = effect.map_err(|error| {
                if is_about_the_row(&error) {
                    Failure::Operation { index, error }
                } else {
                    Failure::Storage(error)
                }
            })?;
            committed.effects.push(effect);
        }
        self.execute("COMMIT").map_err(Failure::Storage)?;
        Ok(committed)
    }

    fn execute(&self, sql: &'static str) -> rusqlite::Result<()> {
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
    connection: &Connection,
    channels: &mut Channels,
    ids: &mut Vec<DeliveryId>,
    operation: &Operation,
    now: Timestamp,
) -> rusqlite::Result<Effect> {
    match operation {
        Operation::Admit {
            admission, sealed, ..
        } => admit(connection, channels, ids, admission, sealed),
        Operation::Settle(settlement) => settle(connection, settlement).map(changed),
        Operation::Record(record) => write_record(connection, channels, record).map(changed),
        Operation::Quarantine(id) => quarantine(connection, *id, now).map(changed),
        Operation::Flush(_) => Ok(Effect::Nothing),
    }
}

fn changed(rows: usize) -> Effect {
    if rows > 0 {
        Effect::Written
    } else {
        Effect::Nothing
    }
}

fn admit(
    connection: &Connection,
    channels: &mut Channels,
    ids: &mut Vec<DeliveryId>,
    admission: &Admission,
    sealed: &[Sealed],
) -> rusqlite::Result<Effect> {
    let source = channels.number(connection, &admission.source)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (source, message_id, received_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    let received_at = admission.received_at.as_millis();
    if insert.execute(params![source, admission.message_id, received_at])? == 0 {
        return Ok(Effect::Duplicate);
    }
    let message = connection.last_insert_rowid();
    for (delivery, sealed) in admission.deliveries.iter().zip(sealed) {
        let lane = channels.number(connection, &delivery.channel)?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO delivery (message, lane, rule, body, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let rule = delivery.rule.as_str();
        insert.execute(params![message, lane, rule, sealed.body, sealed.checksum])?;
        ids.push(DeliveryId(connection.last_insert_rowid()));
    }
    Ok(Effect::New)
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

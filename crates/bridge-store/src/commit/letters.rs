//! The statements behind what an operator does with dead letters.

use bridge_core::id::Channel;
use bridge_core::store::{DeliveryId, Discarded, Progress, QueuedDelivery, Replayed};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Tables;
use crate::fail_point::fail_point;
use crate::reader::blocked_by;
use crate::row::{self, Damaged, progress_sum, select_deliveries};

struct Letter {
    delivery: Result<QueuedDelivery, Damaged>,
    lane: i64,
    channel: Option<Channel>,
}

pub(super) fn replay(
    tables: &mut Tables<'_>,
    letters: &[DeliveryId],
    at: Timestamp,
) -> rusqlite::Result<Vec<Replayed>> {
    let replay = |id: &DeliveryId| replay_one(tables, *id, at);
    letters.iter().map(replay).collect()
}

fn replay_one(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    at: Timestamp,
) -> rusqlite::Result<Replayed> {
    let connection = tables.connection;
    let Some(letter) = find(connection, id)? else {
        let mut queued = connection.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1")?;
        return Ok(match queued.exists([id.0])? {
            true => Replayed::AlreadyQueued,
            false => Replayed::Unknown,
        });
    };
    let Ok(delivery) = &letter.delivery else {
        return Ok(Replayed::Damaged);
    };
    let turn = match blocked_by(connection, letter.lane)? {
        Some(blocking) if blocking == id => delivery.turn,
        _ if !tables.backlog.has_room(letter.lane) => return Ok(Replayed::Full),
        _ if !tables.backlog.has_total_room(1) => return Ok(Replayed::Full),
        _ => tables.backlog.next_turn(),
    };
    let progress = Progress {
        parts_sent: delivery.progress.parts_sent,
        ..Progress::START
    };
    let mut requeue = connection.prepare_cached(
        "INSERT INTO delivery (id, message, lane, turn, rule, body, checksum, queued_at,
             attempts, uncertain, parts_sent, not_before, progress_sum, last_reason)
         SELECT id, message, lane, ?2, rule, body, checksum, ?3, 0, 0, parts_sent, 0, ?4, reason
         FROM dead_letter WHERE id = ?1",
    )?;
    let sum = progress_sum(turn, at, &progress);
    requeue.execute(params![id.0, turn.0, at.as_millis(), sum])?;
    tables.backlog.add(letter.lane);
    fail_point("replay.between_tables");
    remove(connection, id)?;
    note(connection, id, &letter, "replayed", at)?;
    tables.reordered.extend(letter.channel);
    Ok(Replayed::Queued)
}

pub(super) fn discard(
    tables: &mut Tables<'_>,
    letters: &[DeliveryId],
    at: Timestamp,
) -> rusqlite::Result<Vec<Discarded>> {
    let discard = |id: &DeliveryId| discard_one(tables, *id, at);
    letters.iter().map(discard).collect()
}

fn discard_one(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    at: Timestamp,
) -> rusqlite::Result<Discarded> {
    let connection = tables.connection;
    let Some(letter) = find(connection, id)? else {
        return Ok(Discarded::Unknown);
    };
    let mut keep = connection.prepare_cached(
        "INSERT INTO settled (id, message, lane, rule, body, end, reason, attempts, uncertain, at)
         SELECT id, message, lane, rule, body, 'discarded', reason, attempts, uncertain, ?2
         FROM dead_letter WHERE id = ?1",
    )?;
    keep.execute(params![id.0, at.as_millis()])?;
    // What another delivery of the message still shows stays.
    let mut drop_body = connection.prepare_cached(
        "DELETE FROM body WHERE id = (SELECT body FROM dead_letter WHERE id = ?1)
         AND NOT EXISTS (
             SELECT 1 FROM message m JOIN delivery d
                 ON d.id BETWEEN m.first_delivery AND m.first_delivery + m.deliveries - 1
             WHERE m.id = body.message AND d.body = body.id)
         AND NOT EXISTS (
             SELECT 1 FROM message m JOIN dead_letter d
                 ON d.id BETWEEN m.first_delivery AND m.first_delivery + m.deliveries - 1
             WHERE m.id = body.message AND d.body = body.id AND d.id <> ?1)",
    )?;
    drop_body.execute([id.0])?;
    remove(connection, id)?;
    note(connection, id, &letter, "discarded", at)?;
    tables.reordered.extend(letter.channel);
    Ok(Discarded::Discarded)
}

fn find(connection: &Connection, id: DeliveryId) -> rusqlite::Result<Option<Letter>> {
    let mut find = connection.prepare_cached(select_deliveries!(
        "dead_letter",
        ", d.lane",
        "WHERE d.id = ?1"
    ))?;
    find.query_row([id.0], |row| {
        Ok(Letter {
            delivery: row::read(row)?,
            lane: row.get(row::COLUMNS)?,
            channel: row::read_channel(row, 12),
        })
    })
    .optional()
}

fn remove(connection: &Connection, id: DeliveryId) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM dead_letter WHERE id = ?1")?;
    delete.execute([id.0])?;
    Ok(())
}

/// Writes to the record what was done.
fn note(
    connection: &Connection,
    id: DeliveryId,
    letter: &Letter,
    reason: &'static str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let delivery = letter.delivery.as_ref().ok();
    let message_id = delivery.and_then(|delivery| delivery.message_id.as_deref());
    let instance = letter
        .channel
        .as_ref()
        .map(|channel| channel.instance.as_str());
    let address = letter
        .channel
        .as_ref()
        .map(|channel| channel.address.to_json());
    let mut insert = connection.prepare_cached(
        "INSERT INTO record (instance, address, message_id, delivery, reason, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![
        instance.unwrap_or_default(),
        address,
        message_id,
        id.0,
        reason,
        at.as_millis()
    ])?;
    Ok(())
}

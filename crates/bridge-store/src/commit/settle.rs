//! The statements that write down what became of a delivery.

use bridge_core::store::{Death, DeliveryId, Merge, Progress, Settlement, Step, Turn};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Tables;
use crate::fail_point::fail_point;
use crate::row::{self, progress_sum, select_deliveries};

/// Why a damaged delivery is a dead letter.
const DAMAGED: &str =
    "its stored row is damaged: what was written is not what is read; its content is lost";

/// How a delivery ended that is neither queued nor a dead letter.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) name: &'static str,
    pub(super) reason: Option<&'a str>,
    pub(super) platform_ids: Option<&'a str>,
    pub(super) merged_into: Option<DeliveryId>,
}

impl End<'_> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            reason: None,
            platform_ids: None,
            merged_into: None,
        }
    }
}

/// Whether it changed anything: not if the delivery is not queued.
pub(super) fn settle(tables: &mut Tables<'_>, settlement: &Settlement) -> rusqlite::Result<bool> {
    fail_point("settle.before_write");
    let connection = tables.connection;
    let (id, at) = (settlement.delivery, settlement.at);
    match &settlement.step {
        Step::PartSent {
            platform_ids,
            progress,
        } => {
            let is_queued = update_progress(connection, id, progress, None)?;
            if is_queued {
                let part = progress.parts_sent.saturating_sub(1);
                let mut insert = connection.prepare_cached(
                    "INSERT OR REPLACE INTO sent_part (delivery, part, platform_ids, at)
                     VALUES (?1, ?2, ?3, ?4)",
                )?;
                insert.execute(params![id.0, part, json(platform_ids), at.as_millis()])?;
            }
            Ok(is_queued)
        }
        Step::Postponed {
            progress,
            reason,
            uncertain,
        } => {
            let is_queued = update_progress(connection, id, progress, Some(reason))?;
            if is_queued {
                add_attempt(connection, id, progress, *uncertain, reason, at)?;
            }
            Ok(is_queued)
        }
        Step::Delivered { platform_ids } => {
            let platform_ids = json(platform_ids);
            let end = End {
                platform_ids: Some(&platform_ids),
                ..End::new("delivered")
            };
            end_delivery(tables, id, &end, at)
        }
        Step::Expired { reason } => {
            let end = End {
                reason: Some(reason),
                ..End::new("expired")
            };
            end_delivery(tables, id, &end, at)
        }
        Step::NotShown { reason } => {
            let end = End {
                reason: Some(reason),
                ..End::new("not_shown")
            };
            end_delivery(tables, id, &end, at)
        }
        Step::Dead(death) => {
            let before = tries(connection, id)?;
            let is_queued = bury(tables, id, death, at)?;
            let Death {
                progress, reason, ..
            } = death;
            // What died of its age was not tried once more.
            if let Some((attempts, uncertain)) = before
                && i64::from(progress.attempts) > attempts
            {
                let uncertain = i64::from(progress.uncertain) > uncertain;
                add_attempt(connection, id, progress, uncertain, reason, at)?;
            }
            Ok(is_queued)
        }
    }
}

/// Whether it merged them: not if one of them is not queued.
pub(super) fn merge(tables: &mut Tables<'_>, merge: &Merge) -> rusqlite::Result<bool> {
    let connection = tables.connection;
    for id in &merge.merged {
        let mut find = connection.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1")?;
        if !find.exists([id.0])? {
            return Ok(false);
        }
    }
    let mut find = connection.prepare_cached(select_deliveries!(
        "delivery",
        ", d.message",
        "WHERE d.id = ?1"
    ))?;
    let first = find
        .query_row([merge.into.0], |row| {
            Ok((row::read(row)?, row.get::<_, i64>(row::COLUMNS)?))
        })
        .optional()?;
    let Some((Ok(first), message)) = first else {
        return Ok(false);
    };
    let sealed = row::reseal(&first, &merge.content);
    let (body, checksum) =
        sealed.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let mut insert =
        connection.prepare_cached("INSERT INTO body (message, content) VALUES (?1, ?2)")?;
    let body = insert.insert(params![message, body])?;
    let mut update = connection.prepare_cached(
        "UPDATE delivery SET body = ?2, checksum = ?3, queued_at = ?4, progress_sum = ?5 WHERE id = ?1",
    )?;
    let sum = progress_sum(first.turn, merge.queued_at, &first.progress);
    let queued_at = merge.queued_at.as_millis();
    update.execute(params![merge.into.0, body, checksum, queued_at, sum])?;
    let end = End {
        merged_into: Some(merge.into),
        ..End::new("merged")
    };
    for id in &merge.merged {
        end_delivery(tables, *id, &end, merge.at)?;
    }
    Ok(true)
}

fn update_progress(
    connection: &Connection,
    id: DeliveryId,
    progress: &Progress,
    reason: Option<&str>,
) -> rusqlite::Result<bool> {
    let mut find =
        connection.prepare_cached("SELECT turn, queued_at FROM delivery WHERE id = ?1")?;
    let place = find.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((turn, queued_at)) = place.optional()? else {
        return Ok(false);
    };
    let mut update = connection.prepare_cached(
        "UPDATE delivery SET attempts = ?2, uncertain = ?3, parts_sent = ?4, not_before = ?5,
             progress_sum = ?6, last_reason = ?7
         WHERE id = ?1",
    )?;
    update.execute(params![
        id.0,
        progress.attempts,
        progress.uncertain,
        progress.parts_sent,
        progress.not_before.as_millis(),
        progress_sum(Turn(turn), Timestamp::from_millis(queued_at), progress),
        reason,
    ])?;
    Ok(true)
}

/// How many tries of a queued delivery failed, and after how many of them nobody knew.
fn tries(connection: &Connection, id: DeliveryId) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut find =
        connection.prepare_cached("SELECT attempts, uncertain FROM delivery WHERE id = ?1")?;
    let tries = find.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)));
    tries.optional()
}

fn add_attempt(
    connection: &Connection,
    id: DeliveryId,
    progress: &Progress,
    uncertain: bool,
    answer: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO attempt (delivery, part, uncertain, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let at = at.as_millis();
    insert.execute(params![id.0, progress.parts_sent, uncertain, answer, at])?;
    Ok(())
}

/// Moves a queued delivery to those that have ended; whether it was queued.
fn end_delivery(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    end: &End<'_>,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let mut keep = tables.connection.prepare_cached(
        "INSERT OR REPLACE INTO settled (id, message, lane, rule, body, end, reason, platform_ids,
             merged_into, attempts, uncertain, at)
         SELECT id, message, lane, rule, body, ?2, ?3, ?4, ?5, attempts, uncertain, ?6
         FROM delivery WHERE id = ?1",
    )?;
    let merged_into = end.merged_into.map(|id| id.0);
    let kept = keep.execute(params![
        id.0,
        end.name,
        end.reason,
        end.platform_ids,
        merged_into,
        at.as_millis(),
    ])?;
    Ok(kept > 0 && leave_queue(tables, id)?)
}

/// Moves a queued delivery to the dead letters; whether it was queued.
pub(super) fn bury(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    death: &Death,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    fail_point("dead.before_write");
    let place = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut find = tables
        .connection
        .prepare_cached("SELECT turn, queued_at FROM delivery WHERE id = ?1")?;
    let Some((turn, queued_at)) = find.query_row([id.0], place).optional()? else {
        return Ok(false);
    };
    let progress = &death.progress;
    let sum = progress_sum(Turn(turn), Timestamp::from_millis(queued_at), progress);
    let mut keep = tables.connection.prepare_cached(
        "INSERT OR REPLACE INTO dead_letter (id, message, lane, turn, rule, body, checksum, queued_at, attempts,
             uncertain, parts_sent, not_before, progress_sum, reason, may_have_been_delivered, blocks, at)
         SELECT id, message, lane, turn, rule, body, checksum, queued_at, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
         FROM delivery WHERE id = ?1",
    )?;
    keep.execute(params![
        id.0,
        progress.attempts,
        progress.uncertain,
        progress.parts_sent,
        progress.not_before.as_millis(),
        sum,
        death.reason,
        death.may_have_been_delivered,
        death.blocks,
        at.as_millis(),
    ])?;
    fail_point("dead.between_tables");
    leave_queue(tables, id)
}

/// Moves a damaged delivery to the dead letters; whether it was queued.
pub(super) fn quarantine(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    bury_as_it_is(tables, id, DAMAGED, at)
}

/// Moves a delivery to the dead letters without a look at what its row says; whether it was queued.
pub(super) fn bury_as_it_is(
    tables: &mut Tables<'_>,
    id: DeliveryId,
    reason: &str,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let mut keep = tables.connection.prepare_cached(
        "INSERT OR REPLACE INTO dead_letter (id, message, lane, turn, rule, body, checksum, queued_at, attempts,
             uncertain, parts_sent, not_before, progress_sum, reason, may_have_been_delivered, blocks, at)
         SELECT id, message, lane, turn, rule, body, checksum, queued_at, attempts, uncertain, parts_sent,
             not_before, progress_sum, ?2, uncertain <> 0 OR parts_sent <> 0, 0, ?3
         FROM delivery WHERE id = ?1",
    )?;
    let kept = keep.execute(params![id.0, reason, at.as_millis()])?;
    Ok(kept > 0 && leave_queue(tables, id)?)
}

fn leave_queue(tables: &mut Tables<'_>, id: DeliveryId) -> rusqlite::Result<bool> {
    let mut delete = tables
        .connection
        .prepare_cached("DELETE FROM delivery WHERE id = ?1 RETURNING lane")?;
    let lane = delete.query_row([id.0], |row| row.get(0)).optional()?;
    if let Some(lane) = lane {
        tables.backlog.remove(lane);
    }
    Ok(lane.is_some())
}

fn json(platform_ids: &[String]) -> String {
    serde_json::Value::from(platform_ids).to_string()
}

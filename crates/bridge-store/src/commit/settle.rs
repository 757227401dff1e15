//! The statements that write down what became of a delivery.

use bridge_core::store::{Death, DeliveryId, Progress, Settlement, Step};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// Why a damaged delivery is a dead letter.
const DAMAGED: &str =
    "its stored row is damaged: what was written is not what is read; its content is lost";

/// Returns how many deliveries it changed: one, or none if it is not queued.
pub(super) fn settle(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<usize> {
    let (id, at) = (settlement.delivery, settlement.at);
    match &settlement.step {
        Step::PartSent {
            platform_ids,
            progress,
        } => {
            let queued = update_progress(connection, id, progress, None)?;
            if queued > 0 {
                let part = progress.parts_sent.saturating_sub(1);
                add_part(connection, id, part, platform_ids, at)?;
            }
            Ok(queued)
        }
        Step::Postponed { progress, reason } => {
            update_progress(connection, id, progress, Some(reason))
        }
        Step::Delivered { platform_ids } => {
            let mut read =
                connection.prepare_cached("SELECT parts_sent FROM delivery WHERE id = ?1")?;
            let last_part = read.query_row([id.0], |row| row.get(0)).optional()?;
            let Some(last_part) = last_part else {
                return Ok(0);
            };
            add_part(connection, id, last_part, platform_ids, at)?;
            let mut keep = connection.prepare_cached(
                "INSERT OR REPLACE INTO delivered (id, message, lane, rule, attempts, at)
                 SELECT id, message, lane, rule, attempts, ?2 FROM delivery WHERE id = ?1",
            )?;
            keep.execute(params![id.0, at.as_millis()])?;
            leave_queue(connection, id)
        }
        Step::Dead(death) => bury(connection, id, death, at),
    }
}

fn update_progress(
    connection: &Connection,
    id: DeliveryId,
    progress: &Progress,
    reason: Option<&str>,
) -> rusqlite::Result<usize> {
    let mut update = connection.prepare_cached(
        "UPDATE delivery SET attempts = ?2, uncertain = ?3, parts_sent = ?4, not_before = ?5, last_reason = ?6
         WHERE id = ?1",
    )?;
    update.execute(params![
        id.0,
        progress.attempts,
        progress.uncertain,
        progress.parts_sent,
        progress.not_before.as_millis(),
        reason,
    ])
}

fn add_part(
    connection: &Connection,
    id: DeliveryId,
    part: u32,
    platform_ids: &[String],
    at: Timestamp,
) -> rusqlite::Result<()> {
    for (position, platform_id) in (0_i64..).zip(platform_ids) {
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO sent_part (delivery, part, position, platform_id, at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        insert.execute(params![id.0, part, position, platform_id, at.as_millis()])?;
    }
    Ok(())
}

fn bury(
    connection: &Connection,
    id: DeliveryId,
    death: &Death,
    at: Timestamp,
) -> rusqlite::Result<usize> {
    let progress = &death.progress;
    let mut keep = connection.prepare_cached(
        "INSERT OR REPLACE INTO dead_letter (id, message, lane, rule, body, checksum, attempts, uncertain,
             parts_sent, not_before, reason, may_have_been_delivered, at)
         SELECT id, message, lane, rule, body, checksum, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         FROM delivery WHERE id = ?1",
    )?;
    keep.execute(params![
        id.0,
        progress.attempts,
        progress.uncertain,
        progress.parts_sent,
        progress.not_before.as_millis(),
        death.reason,
        death.may_have_been_delivered,
        at.as_millis(),
    ])?;
    leave_queue(connection, id)
}

/// Moves a damaged delivery to the dead letters; returns as [`settle`] does.
pub(super) fn quarantine(
    connection: &Connection,
    id: DeliveryId,
    at: Timestamp,
) -> rusqlite::Result<usize> {
    let mut keep = connection.prepare_cached(
        "INSERT OR REPLACE INTO dead_letter (id, message, lane, rule, body, checksum, attempts, uncertain,
             parts_sent, not_before, reason, may_have_been_delivered, at)
         SELECT id, message, lane, rule, body, checksum, attempts, uncertain, parts_sent, not_before,
             ?2, uncertain > 0 OR parts_sent > 0, ?3
         FROM delivery WHERE id = ?1",
    )?;
    keep.execute(params![id.0, DAMAGED, at.as_millis()])?;
    leave_queue(connection, id)
}

fn leave_queue(connection: &Connection, id: DeliveryId) -> rusqlite::Result<usize> {
    let mut delete = connection.prepare_cached("DELETE FROM delivery WHERE id = ?1")?;
    delete.execute([id.0])
}

//! The statements that take a message in.

use bridge_core::purpose::Purpose;
use bridge_core::store::{Admission, Death, DeliveryId, Progress};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::settle::bury;
use super::{Effect, Numbered, Tables};
use crate::fail_point::fail_point;
use crate::row::{Sealed, progress_sum};

pub(super) fn admit(
    tables: &mut Tables<'_>,
    admission: &Admission,
    sealed: &Sealed,
    now: Timestamp,
) -> rusqlite::Result<Effect> {
    fail_point("admit.before_insert");
    let connection = tables.connection;
    let source = tables.channels.number(connection, &admission.source)?;
    let received_at = admission.received_at.as_millis();
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (source, message_id, received_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    if insert.execute(params![source, admission.message_id, received_at])? == 0 {
        count_duplicate(connection, source, admission, now)?;
        return Ok(Effect::Duplicate);
    }
    let message = connection.last_insert_rowid();
    if !tables.backlog.has_total_room(admission.deliveries.len()) {
        let mut delete = connection.prepare_cached("DELETE FROM message WHERE id = ?1")?;
        delete.execute([message])?;
        let (_, limit) = tables.backlog.limits();
        return Ok(Effect::Full { limit });
    }
    note_change(connection, message, admission)?;
    let bodies = insert_bodies(connection, message, &sealed.bodies)?;
    let mut first = None;
    let mut overflowed = 0;
    for (delivery, sealed) in admission.deliveries.iter().zip(&sealed.deliveries) {
        let lane = tables.channels.number(connection, &delivery.channel)?;
        let turn = tables.backlog.next_turn();
        let mut insert = connection.prepare_cached(
            "INSERT INTO delivery (message, lane, turn, rule, body, checksum, queued_at,
                 attempts, uncertain, parts_sent, not_before, progress_sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0, ?8)",
        )?;
        insert.execute(params![
            message,
            lane,
            turn.0,
            delivery.rule.as_str(),
            bodies[sealed.body],
            sealed.checksum,
            received_at,
            progress_sum(turn, admission.received_at, &Progress::START),
        ])?;
        let id = DeliveryId(connection.last_insert_rowid());
        first.get_or_insert(id);
        let has_room = tables.backlog.has_room(lane);
        tables.backlog.add(lane);
        if has_room {
            tables.numbered.push(Some(Numbered { id, turn }));
        } else {
            overflowed += 1;
            tables.numbered.push(None);
            overflow(tables, id, now)?;
        }
    }
    let mut update = connection
        .prepare_cached("UPDATE message SET first_delivery = ?2, deliveries = ?3 WHERE id = ?1")?;
    let first = first.map_or(0, |id| id.0);
    let count = i64::try_from(admission.deliveries.len()).unwrap_or(i64::MAX);
    update.execute(params![message, first, count])?;
    fail_point("admit.after_insert");
    Ok(Effect::New { overflowed })
}

/// Writes down which message this one changes, if it does.
fn note_change(
    connection: &Connection,
    message: i64,
    admission: &Admission,
) -> rusqlite::Result<()> {
    let purpose = admission.deliveries.first().map(|d| &d.content.purpose);
    if let Some(purpose) = purpose
        && let Some(changed) = purpose.change_of()
    {
        let mut insert = connection
            .prepare_cached("INSERT INTO change (message, changed, is_edit) VALUES (?1, ?2, ?3)")?;
        let is_edit = matches!(purpose, Purpose::Edit { .. });
        insert.execute(params![message, changed, is_edit])?;
    }
    Ok(())
}

fn count_duplicate(
    connection: &Connection,
    source: i64,
    admission: &Admission,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE message SET duplicates = duplicates + 1, last_duplicate_at = ?3
         WHERE message_id = ?2 AND source = ?1",
    )?;
    update.execute(params![source, admission.message_id, now.as_millis()])?;
    Ok(())
}

/// Writes the bodies of a message; their numbers.
fn insert_bodies(
    connection: &Connection,
    message: i64,
    bodies: &[String],
) -> rusqlite::Result<Vec<i64>> {
    let mut insert =
        connection.prepare_cached("INSERT INTO body (message, content) VALUES (?1, ?2)")?;
    bodies
        .iter()
        .map(|body| insert.insert(params![message, body]))
        .collect()
}

/// The lane is full: what would come next is a dead letter at once.
fn overflow(tables: &mut Tables<'_>, id: DeliveryId, now: Timestamp) -> rusqlite::Result<()> {
    let (limit, _) = tables.backlog.limits();
    let death = Death {
        reason: format!("its lane is full: {limit} deliveries wait in it (lane_backlog)"),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress::START,
    };
    bury(tables, id, &death, now)?;
    Ok(())
}

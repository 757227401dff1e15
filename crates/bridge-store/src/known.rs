//! The questions about messages that were taken in before: their deliveries, the platforms' ids of
//! those, and the message behind such an id.

use bridge_core::carriage::Counterpart;
use bridge_core::id::Channel;
use bridge_core::store::{DeliveryId, KnownDelivery, Origin, Whereabouts};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::commit::find_channel;
use crate::row;

/// Digests that a delivery may stand in, one in the other.
const MOST_MERGERS: usize = 16;

/// Deliveries of a channel that are looked through for one that got an id. An index over the ids
/// themselves would make each settlement several times as dear: they are random, so each would touch a
/// page of its own.
const LATEST: i64 = 1000;

/// See [`bridge_core::store::Store::deliveries_of`].
pub(crate) fn deliveries_of(
    connection: &Connection,
    source: &Channel,
    message_id: &str,
) -> rusqlite::Result<Vec<KnownDelivery>> {
    // One transaction, so that a delivery that ends meanwhile is not missed.
    let look = connection.unchecked_transaction()?;
    let Some(source) = find_channel(&look, source)? else {
        return Ok(Vec::new());
    };
    let edits = edits_of(&look, source, message_id)?;
    let mut select = look.prepare_cached(
        "SELECT first_delivery, deliveries FROM message WHERE message_id = ?1 AND source = ?2
         AND NOT EXISTS (SELECT 1 FROM change WHERE change.message = message.id)",
    )?;
    let numbers = select.query_row(params![message_id, source], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    let Some((first, count)) = numbers.optional()? else {
        return Ok(Vec::new());
    };
    let mut select = look.prepare_cached(
        "SELECT d.id, d.rule, c.instance, c.address, d.lane FROM (
             SELECT id, rule, lane FROM delivery WHERE id BETWEEN ?1 AND ?2
             UNION ALL SELECT id, rule, lane FROM settled WHERE id BETWEEN ?1 AND ?2
             UNION ALL SELECT id, rule, lane FROM dead_letter WHERE id BETWEEN ?1 AND ?2
         ) d JOIN channel c ON c.id = d.lane ORDER BY d.id",
    )?;
    let last = first.saturating_add(count) - 1;
    let mut rows = select.query([first, last])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        // A row that is damaged says nothing.
        if let (Some(channel), Ok(rule)) = (row::read_channel(row, 2), row.get::<_, String>(1)) {
            let mut whereabouts = whereabouts(&look, DeliveryId(row.get(0)?))?;
            if let Whereabouts::Shown(counterpart) = &mut whereabouts {
                let lane: i64 = row.get(4)?;
                let here = edits.iter().filter(|(at, _)| *at == lane);
                counterpart.edits = here.map(|(_, ids)| ids.clone()).collect();
            }
            known.push(KnownDelivery {
                channel,
                rule: rule.as_str().into(),
                whereabouts,
            });
        }
    }
    Ok(known)
}

/// The ids of what was sent for edits of a message, part by part, each with its lane.
fn edits_of(
    connection: &Connection,
    source: i64,
    message_id: &str,
) -> rusqlite::Result<Vec<(i64, Vec<String>)>> {
    let mut select = connection.prepare_cached(
        "SELECT s.id, s.lane, s.platform_ids FROM change x JOIN message m ON m.id = x.message
         JOIN settled s ON s.id BETWEEN m.first_delivery AND m.first_delivery + m.deliveries - 1
         WHERE x.changed = ?1 AND x.is_edit = 1 AND m.source = ?2 AND s.end = 'delivered'
         ORDER BY s.id",
    )?;
    let mut rows = select.query(params![message_id, source])?;
    let mut edits = Vec::new();
    while let Some(row) = rows.next()? {
        let lane: i64 = row.get(1)?;
        let parts = parts_of(connection, DeliveryId(row.get(0)?), ids(row, 2)?)?;
        edits.extend(parts.into_iter().map(|ids| (lane, ids)));
    }
    Ok(edits)
}

/// See [`bridge_core::store::Store::origin_of`].
pub(crate) fn origin_of(
    connection: &Connection,
    channel: &Channel,
    platform_id: &str,
) -> rusqlite::Result<Option<Origin>> {
    let look = connection.unchecked_transaction()?;
    let Some(lane) = find_channel(&look, channel)? else {
        return Ok(None);
    };
    let Some(delivery) = sent_as(&look, lane, platform_id)? else {
        return Ok(None);
    };
    if is_digest(&look, delivery)? {
        return Ok(None);
    }
    let mut select = look.prepare_cached(
        "SELECT coalesce(x.changed, m.message_id), c.instance, c.address
         FROM message m JOIN channel c ON c.id = m.source LEFT JOIN change x ON x.message = m.id
         WHERE m.id = coalesce(
             (SELECT message FROM settled WHERE id = ?1),
             (SELECT message FROM delivery WHERE id = ?1),
             (SELECT message FROM dead_letter WHERE id = ?1))",
    )?;
    let origin = select.query_row([delivery.0], |row| {
        let message_id: Option<String> = row.get(0)?;
        Ok(message_id.zip(row::read_channel(row, 1)))
    });
    let origin = origin.optional()?.flatten();
    Ok(origin.map(|(message_id, source)| Origin { source, message_id }))
}

/// The latest delivery of the lane of which a part got this id, among its [`LATEST`].
fn sent_as(
    connection: &Connection,
    lane: i64,
    platform_id: &str,
) -> rusqlite::Result<Option<DeliveryId>> {
    // As it stands in the list of ids. What is found by it is looked at once more.
    let written = serde_json::Value::from(platform_id).to_string();
    let mut select = connection.prepare_cached(
        "SELECT s.id, s.platform_ids FROM (
             SELECT id, platform_ids FROM settled WHERE lane = ?1 ORDER BY id DESC LIMIT ?3) s
         WHERE instr(s.platform_ids, ?2) > 0
             OR EXISTS (SELECT 1 FROM sent_part p
                 WHERE p.delivery = s.id AND instr(p.platform_ids, ?2) > 0)
             OR EXISTS (SELECT 1 FROM identified i
                 WHERE i.delivery = s.id AND instr(i.platform_ids, ?2) > 0)",
    )?;
    let mut rows = select.query(params![lane, written, LATEST])?;
    while let Some(row) = rows.next()? {
        let id = DeliveryId(row.get(0)?);
        let mut ids = parts_of(connection, id, ids(row, 1)?)?
            .into_iter()
            .flatten();
        if ids.any(|id| id == platform_id) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn whereabouts(connection: &Connection, id: DeliveryId) -> rusqlite::Result<Whereabouts> {
    let mut id = id;
    for _ in 0..MOST_MERGERS {
        let mut select = connection
            .prepare_cached("SELECT end, platform_ids, merged_into FROM settled WHERE id = ?1")?;
        let Some(end) = select.query_row([id.0], read_end).optional()? else {
            let mut queued = connection.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1")?;
            return Ok(match queued.exists([id.0])? {
                true => Whereabouts::Queued,
                false => Whereabouts::NotShown,
            });
        };
        match end {
            End::Shown(last) => {
                return Ok(Whereabouts::Shown(Counterpart {
                    parts: parts_of(connection, id, last)?,
                    edits: Vec::new(),
                    is_shared: is_digest(connection, id)?,
                }));
            }
            End::Merged(into) => id = into,
            End::NotShown => return Ok(Whereabouts::NotShown),
        }
    }
    Ok(Whereabouts::NotShown)
}

enum End {
    /// With the ids of the last part.
    Shown(Vec<String>),
    Merged(DeliveryId),
    NotShown,
}

fn read_end(row: &Row<'_>) -> rusqlite::Result<End> {
    let end: String = row.get(0)?;
    let merged_into: Option<i64> = row.get(2)?;
    Ok(match (&*end, merged_into) {
        ("delivered", _) => End::Shown(ids(row, 1)?),
        ("merged", Some(into)) => End::Merged(DeliveryId(into)),
        _ => End::NotShown,
    })
}

/// The ids of all parts of a delivery that has ended, the last of which had `last`.
fn parts_of(
    connection: &Connection,
    id: DeliveryId,
    last: Vec<String>,
) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut select = connection
        .prepare_cached("SELECT platform_ids FROM sent_part WHERE delivery = ?1 ORDER BY part")?;
    let sent = select.query_map([id.0], |row| ids(row, 0))?;
    let mut parts: Vec<_> = sent.collect::<rusqlite::Result<_>>()?;
    parts.push(last);
    for (part, later) in identified(connection, id)? {
        if let Some(known) = parts.get_mut(part) {
            *known = later;
        }
    }
    Ok(parts)
}

/// The ids that were told apart from the settlements, with their parts from 0.
pub(crate) fn identified(
    connection: &Connection,
    id: DeliveryId,
) -> rusqlite::Result<Vec<(usize, Vec<String>)>> {
    let mut select = connection
        .prepare_cached("SELECT part, platform_ids FROM identified WHERE delivery = ?1")?;
    let identified = select.query_map([id.0], |row| {
        let part: i64 = row.get(0)?;
        Ok((usize::try_from(part).unwrap_or(usize::MAX), ids(row, 1)?))
    })?;
    identified.collect()
}

/// Whether other deliveries were merged into it.
fn is_digest(connection: &Connection, id: DeliveryId) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(
        "SELECT 1 FROM settled WHERE merged_into IS NOT NULL AND merged_into = ?1 LIMIT 1",
    )?;
    select.exists([id.0])
}

/// The ids at the column `at`; none where there are none, or the row is damaged.
fn ids(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<String>> {
    let ids: Option<String> = row.get(at)?;
    let ids = ids.and_then(|ids| serde_json::from_str(&ids).ok());
    Ok(ids.unwrap_or_default())
}

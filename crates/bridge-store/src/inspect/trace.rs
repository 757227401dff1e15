//! Where a message is, and what happened to it.

use bridge_core::store::DeliveryId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    InspectError, Inspector, Trace, TracedAttempt, TracedDelivery, TracedMessage, TracedPart,
    TracedRecord, lenient,
};
use crate::known::identified;
use crate::row::{self, text_of};

/// Messages and records of one id that are shown at most.
const MOST: i64 = 100;

impl Inspector {
    /// What is known of an id: the platform's id of a message, or the number of a delivery. Empty if
    /// nothing is.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn trace(&self, id: &str) -> Result<Trace, InspectError> {
        self.read(|connection| {
            let look = connection.unchecked_transaction()?;
            let mut messages = messages_of(&look, id)?;
            if let Ok(delivery) = id.trim_start_matches('#').parse()
                && messages.is_empty()
            {
                messages.extend(message_of_delivery(&look, delivery)?);
            }
            Ok(Trace {
                records: records(&look, id)?,
                messages: messages
                    .into_iter()
                    .map(|message| message.trace(&look))
                    .collect::<rusqlite::Result<_>>()?,
            })
        })
    }
}

struct Message {
    first: i64,
    deliveries: i64,
    traced: TracedMessage,
}

const SELECT_MESSAGE: &str = "SELECT m.first_delivery, m.deliveries, m.message_id, m.received_at,
        m.duplicates, m.last_duplicate_at, c.instance, c.address, coalesce(s.title, ''), x.changed
    FROM message m LEFT JOIN channel c ON c.id = m.source
    LEFT JOIN channel_seen s ON s.channel = m.source LEFT JOIN change x ON x.message = m.id";

fn messages_of(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Message>> {
    let sql = format!(
        "{SELECT_MESSAGE} WHERE m.id IN (
             SELECT id FROM message WHERE message_id = ?1
             UNION SELECT message FROM change WHERE changed = ?1)
         ORDER BY m.id LIMIT {MOST}"
    );
    let mut select = connection.prepare(&sql)?;
    let messages = select.query_map([id], read_message)?;
    messages.collect()
}

fn message_of_delivery(connection: &Connection, id: i64) -> rusqlite::Result<Option<Message>> {
    let sql = format!(
        "{SELECT_MESSAGE} WHERE m.id = coalesce(
             (SELECT message FROM delivery WHERE id = ?1),
             (SELECT message FROM settled WHERE id = ?1),
             (SELECT message FROM dead_letter WHERE id = ?1))"
    );
    let mut select = connection.prepare(&sql)?;
    select.query_row([id], read_message).optional()
}

fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let channel = row::read_channel(row, 6);
    Ok(Message {
        first: lenient::number(row, 0),
        deliveries: lenient::number(row, 1),
        traced: TracedMessage {
            message_id: lenient::optional_text(row, 2),
            received_at: lenient::time(row, 3),
            duplicates: lenient::count(row, 4),
            last_duplicate_at: lenient::optional_time(row, 5),
            source: lenient::or_damaged(channel),
            source_title: lenient::text(row, 8),
            change_of: lenient::optional_text(row, 9),
            deliveries: Vec::new(),
        },
    })
}

impl Message {
    fn trace(self, connection: &Connection) -> rusqlite::Result<TracedMessage> {
        // A delivery is in one of three tables, under the same number.
        let sql = "SELECT d.id, d.rule, d.state, d.at, d.reason, d.may, d.blocks, d.not_before,
                 d.merged_into, b.content, c.instance, c.address, d.platform_ids, d.parts_sent
             FROM (
                 SELECT id, rule, lane, body, 'queued' AS state, NULL AS at, last_reason AS reason,
                     0 AS may, 0 AS blocks, not_before, NULL AS merged_into, NULL AS platform_ids,
                     parts_sent
                 FROM delivery WHERE id BETWEEN ?1 AND ?2
                 UNION ALL
                 SELECT id, rule, lane, body, end, at, reason, 0, 0, 0, merged_into, platform_ids, 0
                 FROM settled WHERE id BETWEEN ?1 AND ?2
                 UNION ALL
                 SELECT id, rule, lane, body, 'dead', at, reason, may_have_been_delivered, blocks, 0,
                     NULL, NULL, parts_sent
                 FROM dead_letter WHERE id BETWEEN ?1 AND ?2
             ) d LEFT JOIN body b ON b.id = d.body LEFT JOIN channel c ON c.id = d.lane
             ORDER BY d.id";
        let mut select = connection.prepare(sql)?;
        let last = self.first.saturating_add(self.deliveries) - 1;
        let deliveries =
            select.query_map([self.first, last], |row| read_delivery(connection, row))?;
        Ok(TracedMessage {
            deliveries: deliveries.collect::<rusqlite::Result<_>>()?,
            ..self.traced
        })
    }
}

fn read_delivery(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<TracedDelivery> {
    let id: i64 = row.get(0)?;
    let at = lenient::optional_time(row, 3);
    let not_before = lenient::number(row, 7);
    let body = lenient::optional_text(row, 9);
    let mut parts = parts(connection, id)?;
    if let Some(at) = &at
        && let Some(ids) = lenient::optional_text(row, 12)
    {
        parts.push(TracedPart {
            at: at.clone(),
            part: parts.last().map_or(1, |part| part.part + 1),
            platform_ids: parse(&ids),
        });
    }
    for (part, platform_ids) in identified(connection, DeliveryId(id))? {
        if let Some(known) = parts.get_mut(part) {
            known.platform_ids = platform_ids;
        }
    }
    Ok(TracedDelivery {
        id,
        rule: lenient::text(row, 1),
        target: lenient::or_damaged(row::read_channel(row, 10)),
        state: lenient::text(row, 2),
        at,
        reason: lenient::optional_text(row, 4),
        may_have_been_delivered: lenient::flag(row, 5),
        blocks: lenient::flag(row, 6),
        not_before: (not_before > 0).then(|| lenient::print(not_before)),
        merged_into: row.get(8).unwrap_or(None),
        text: body.as_deref().and_then(text_of),
        attempts: attempts(connection, id)?,
        parts,
    })
}

fn attempts(connection: &Connection, id: i64) -> rusqlite::Result<Vec<TracedAttempt>> {
    let mut select = connection.prepare_cached(
        "SELECT at, part, answer, uncertain FROM attempt WHERE delivery = ?1 ORDER BY id",
    )?;
    let attempts = select.query_map([id], |row| {
        Ok(TracedAttempt {
            at: lenient::time(row, 0),
            part: lenient::part(row, 1),
            answer: lenient::text(row, 2),
            uncertain: lenient::flag(row, 3),
        })
    })?;
    attempts.collect()
}

fn parts(connection: &Connection, id: i64) -> rusqlite::Result<Vec<TracedPart>> {
    let mut select = connection.prepare_cached(
        "SELECT at, part, platform_ids FROM sent_part WHERE delivery = ?1 ORDER BY part",
    )?;
    let parts = select.query_map([id], |row| {
        Ok(TracedPart {
            at: lenient::time(row, 0),
            part: lenient::part(row, 1),
            platform_ids: parse(&lenient::text(row, 2)),
        })
    })?;
    parts.collect()
}

fn records(connection: &Connection, id: &str) -> rusqlite::Result<Vec<TracedRecord>> {
    let delivery: Option<i64> = id.trim_start_matches('#').parse().ok();
    let sql = format!(
        "SELECT at, instance, address, delivery, reason FROM record
         WHERE message_id = ?1 OR delivery = ?2 ORDER BY id LIMIT {MOST}"
    );
    let mut select = connection.prepare(&sql)?;
    let records = select.query_map(params![id, delivery], |row| {
        Ok(TracedRecord {
            at: lenient::time(row, 0),
            instance: lenient::text(row, 1),
            address: lenient::optional_text(row, 2),
            delivery: row.get(3).unwrap_or(None),
            reason: lenient::text(row, 4),
        })
    })?;
    records.collect()
}

fn parse(platform_ids: &str) -> Vec<String> {
    serde_json::from_str(platform_ids).unwrap_or_default()
}

//! Where a message is, and what happened to it.

use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    InspectError, Inspector, Trace, TracedAttempt, TracedDelivery, TracedMessage, TracedPart,
    TracedRecord,
};
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
        m.duplicates, m.last_duplicate_at, c.instance, c.address, coalesce(s.title, '')
    FROM message m LEFT JOIN channel c ON c.id = m.source
    LEFT JOIN channel_seen s ON s.channel = m.source";

fn messages_of(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Message>> {
    let sql = format!("{SELECT_MESSAGE} WHERE m.message_id = ?1 ORDER BY m.id LIMIT {MOST}");
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
        first: row.get(0)?,
        deliveries: row.get(1)?,
        traced: TracedMessage {
            message_id: row.get(2)?,
            received_at: time(row, 3)?,
            duplicates: super::count(row, 4)?,
            last_duplicate_at: row.get::<_, Option<i64>>(5)?.map(print),
            source: channel.map_or_else(|| "(damaged)".to_owned(), |channel| channel.to_string()),
            source_title: row.get(8)?,
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
    let at: Option<i64> = row.get(3)?;
    let not_before: i64 = row.get(7)?;
    let body: Option<String> = row.get(9)?;
    let platform_ids: Option<String> = row.get(12)?;
    let mut parts = parts(connection, id)?;
    if let Some(at) = at
        && let Some(ids) = platform_ids
    {
        parts.push(TracedPart {
            at: print(at),
            part: parts.last().map_or(1, |part| part.part + 1),
            platform_ids: parse(&ids),
        });
    }
    Ok(TracedDelivery {
        id,
        rule: row.get(1)?,
        target: row::read_channel(row, 10)
            .map_or_else(|| "(damaged)".to_owned(), |channel| channel.to_string()),
        state: row.get(2)?,
        at: at.map(print),
        reason: row.get(4)?,
        may_have_been_delivered: row.get(5)?,
        blocks: row.get(6)?,
        not_before: (not_before > 0).then(|| print(not_before)),
        merged_into: row.get(8)?,
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
            at: time(row, 0)?,
            part: row.get::<_, u32>(1)?.saturating_add(1),
            answer: row.get(2)?,
            uncertain: row.get(3)?,
        })
    })?;
    attempts.collect()
}

fn parts(connection: &Connection, id: i64) -> rusqlite::Result<Vec<TracedPart>> {
    let mut select = connection.prepare_cached(
        "SELECT at, part, platform_ids FROM sent_part WHERE delivery = ?1 ORDER BY part",
    )?;
    let parts = select.query_map([id], |row| {
        let ids: String = row.get(2)?;
        Ok(TracedPart {
            at: time(row, 0)?,
            part: row.get::<_, u32>(1)?.saturating_add(1),
            platform_ids: parse(&ids),
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
            at: time(row, 0)?,
            instance: row.get(1)?,
            address: row.get(2)?,
            delivery: row.get(3)?,
            reason: row.get(4)?,
        })
    })?;
    records.collect()
}

fn parse(platform_ids: &str) -> Vec<String> {
    serde_json::from_str(platform_ids).unwrap_or_default()
}

fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    row.get(at).map(print)
}

fn print(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

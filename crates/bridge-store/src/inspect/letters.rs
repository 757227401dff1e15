//! The dead letters.

use bridge_core::time::Timestamp;
use rusqlite::{Row, params};

use super::{DeadLetter, InspectError, Inspector, lenient};
use crate::row::{self, select_deliveries, text_of};

/// Which dead letters to show.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// Only those to this instance.
    pub instance: Option<String>,
    /// Only those that were given up at this time or later.
    pub since: Option<Timestamp>,
    /// Only those with numbers below this one, for showing them page by page.
    pub below: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

impl LetterFilter {
    /// The latest `limit`.
    pub fn latest(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }
}

impl Inspector {
    /// Dead letters, the newest delivery first.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetter>, InspectError> {
        self.read(|connection| {
            let mut select = connection.prepare(select_deliveries!(
                "dead_letter",
                ", d.reason, d.may_have_been_delivered, d.at, d.blocks",
                "WHERE (?1 IS NULL OR t.instance = ?1) AND d.at >= ?2 AND d.id < ?3
                 ORDER BY d.id DESC LIMIT ?4"
            ))?;
            let since = filter.since.unwrap_or(Timestamp::EPOCH).as_millis();
            let below = filter.below.unwrap_or(i64::MAX);
            let limit = super::rows(filter.limit);
            let letters = select.query_map(params![filter.instance, since, below, limit], read)?;
            letters.collect()
        })
    }

    /// The dead letter of this number.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, InspectError> {
        self.read(|connection| {
            let mut select = connection.prepare(select_deliveries!(
                "dead_letter",
                ", d.reason, d.may_have_been_delivered, d.at, d.blocks",
                "WHERE d.id = ?1"
            ))?;
            let mut letters = select.query_map([id], read)?;
            letters.next().transpose()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let delivery = row::read(row)?.ok();
    let delivery = delivery.as_ref();
    let channel = row::read_channel(row, 12);
    let body = delivery.map(|_| lenient::text(row, 2));
    Ok(DeadLetter {
        id: row.get(0)?,
        at: lenient::time(row, row::COLUMNS + 2),
        instance: lenient::or_damaged(channel.as_ref().map(|channel| &channel.instance)),
        target: lenient::or_damaged(channel),
        source: delivery.map(|delivery| delivery.source.to_string()),
        message_id: delivery.and_then(|delivery| delivery.message_id.clone()),
        received_at: delivery.map(|delivery| delivery.received_at.to_string()),
        rule: lenient::text(row, 1),
        reason: lenient::text(row, row::COLUMNS),
        may_have_been_delivered: lenient::flag(row, row::COLUMNS + 1),
        blocks: lenient::flag(row, row::COLUMNS + 3),
        attempts: delivery.map_or(0, |delivery| delivery.progress.attempts),
        parts_sent: delivery.map_or(0, |delivery| delivery.progress.parts_sent),
        text: body.as_deref().and_then(text_of),
    })
}

//! Deliveries that no lane would ever look for, because the row of their channel is damaged.

use bridge_core::store::DeliveryId;
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::Tables;
use super::settle::quarantine;
use crate::row::read_channel;

/// Moves all of them to the dead letters; how many there were.
pub(super) fn quarantine_orphans(
    tables: &mut Tables<'_>,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let connection = tables.connection;
    let mut orphans = 0;
    for lane in tables.backlog.lanes() {
        if has_channel(connection, lane)? {
            continue;
        }
        let mut select = connection.prepare("SELECT id FROM delivery WHERE lane = ?1")?;
        let ids = select.query_map([lane], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>()?;
        for id in ids {
            orphans += usize::from(quarantine(tables, DeliveryId(id), now)?);
        }
    }
    Ok(orphans)
}

fn has_channel(connection: &Connection, lane: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT instance, address FROM channel WHERE id = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let channel = select.query_row([lane], |row| Ok(read_channel(row, 0)));
    Ok(channel.optional()?.flatten().is_some())
}

//! The statements that give up sending what is queued for an instance.

use bridge_core::id::InstanceId;
use bridge_core::store::DeliveryId;
use bridge_core::time::Timestamp;
use rusqlite::params;

use super::Tables;
use super::settle::bury_as_it_is;

/// How many were moved to the dead letters.
pub(super) fn park(
    tables: &mut Tables<'_>,
    instance: &InstanceId,
    reason: &str,
    limit: usize,
    at: Timestamp,
) -> rusqlite::Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids: Vec<i64> = {
        let mut select = tables.connection.prepare_cached(
            "SELECT id FROM delivery
             WHERE lane IN (SELECT id FROM channel WHERE instance = ?1) ORDER BY lane, turn LIMIT ?2",
        )?;
        let ids = select.query_map(params![instance.as_str(), limit], |row| row.get(0))?;
        ids.collect::<rusqlite::Result<_>>()?
    };
    for id in &ids {
        bury_as_it_is(tables, DeliveryId(*id), reason, at)?;
    }
    Ok(ids.len())
}

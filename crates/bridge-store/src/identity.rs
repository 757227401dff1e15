//! The identity of a store: made when there is none, kept for good.

use bridge_core::store::StoreIdentity;
use rusqlite::{Connection, OptionalExtension, params};

use crate::row::{add, integer, text};

/// The identity in the store, made now if there is none: in a new store, one of an older bridge, or
/// one that goes on from a copy.
pub(crate) fn keep(connection: &Connection) -> rusqlite::Result<StoreIdentity> {
    let mut select = connection.prepare("SELECT text, checksum FROM identity WHERE id = 1")?;
    let found = select.query_row([], |row| {
        let identity = text(row, 0).and_then(StoreIdentity::new);
        Ok(identity.filter(|identity| integer(row, 1) == Some(checksum(identity).into())))
    });
    match found.optional()? {
        Some(Some(identity)) => Ok(identity),
        None => make(connection),
        Some(None) => {
            let identity = make(connection)?;
            tracing::error!(
                %identity,
                "the identity of the store is damaged and was made anew; a platform may show again what it has taken"
            );
            Ok(identity)
        }
    }
}

/// Makes a copy another store, which gets an identity of its own when it is opened.
pub(crate) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM identity", [])?;
    Ok(())
}

fn make(connection: &Connection) -> rusqlite::Result<StoreIdentity> {
    // SQLite seeds its generator from the system's randomness.
    let random = "SELECT lower(hex(randomblob(8)))";
    let random: String = connection.query_row(random, [], |row| row.get(0))?;
    let identity = StoreIdentity::new(&random).ok_or(rusqlite::Error::InvalidQuery)?;
    let sql = "INSERT OR REPLACE INTO identity (id, text, checksum) VALUES (1, ?1, ?2)";
    connection.execute(sql, params![identity.as_str(), checksum(&identity)])?;
    Ok(identity)
}

fn checksum(identity: &StoreIdentity) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    add(&mut hasher, identity.as_str());
    hasher.finalize()
}

//! The numbers by which rows name channels.

use std::collections::HashMap;

use bridge_core::id::Channel;
use rusqlite::{Connection, OptionalExtension, params};

/// Channels whose numbers are kept in memory; past this they are looked up anew.
const KNOWN_CHANNELS: usize = 65_536;

/// The numbers of channels.
#[derive(Debug, Default)]
pub(super) struct Channels {
    numbers: HashMap<Channel, i64>,
}

impl Channels {
    /// Looks all of them up anew: those that a transaction gave are void when it is rolled back.
    pub(super) fn forget(&mut self) {
        self.numbers.clear();
    }

    /// The number of `channel`, given now if it has none.
    pub(super) fn number(
        &mut self,
        connection: &Connection,
        channel: &Channel,
    ) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.get(channel) {
            return Ok(*number);
        }
        let address = channel.address.to_json();
        let key = params![channel.instance.as_str(), address];
        let number = match find_channel(connection, channel)? {
            Some(number) => number,
            None => {
                let mut insert = connection
                    .prepare_cached("INSERT INTO channel (instance, address) VALUES (?1, ?2)")?;
                insert.insert(key)?
            }
        };
        if self.numbers.len() >= KNOWN_CHANNELS {
            self.numbers.clear();
        }
        self.numbers.insert(channel.clone(), number);
        Ok(number)
    }
}

/// The number of `channel`, if it has one.
pub(crate) fn find_channel(
    connection: &Connection,
    channel: &Channel,
) -> rusqlite::Result<Option<i64>> {
    let mut find =
        connection.prepare_cached("SELECT id FROM channel WHERE instance = ?1 AND address = ?2")?;
    let key = params![channel.instance.as_str(), channel.address.to_json()];
    find.query_row(key, |row| row.get(0)).optional()
}

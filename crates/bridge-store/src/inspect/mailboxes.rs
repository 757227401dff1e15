//! What waits in mailboxes for their readers.

use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::{InspectError, Inspector, MailboxView};
use crate::mailbox::{Mailbox, read_mailbox};
use crate::row::text;

impl Inspector {
    /// All mailboxes into which something was ever put, by the names of their instances.
    ///
    /// # Errors
    ///
    /// [`InspectError::Database`].
    pub fn mailboxes(&self) -> Result<Vec<MailboxView>, InspectError> {
        self.read(|connection| {
            let mut select = connection.prepare(
                "SELECT instance, last, confirmed, expired, unread, checksum FROM mailbox
                 ORDER BY instance",
            )?;
            let mut rows = select.query([])?;
            let mut views = Vec::new();
            while let Some(row) = rows.next()? {
                // Without its instance, nobody could say whose it is; the store's check tells of it.
                let Some(instance) = text(row, 0) else {
                    continue;
                };
                let mailbox = match read_mailbox(row) {
                    Some((_, mailbox)) => mailbox,
                    None => Mailbox::recover(connection, instance)?,
                };
                views.push(view(connection, instance, mailbox)?);
            }
            Ok(views)
        })
    }
}

fn view(
    connection: &Connection,
    instance: &str,
    mailbox: Mailbox,
) -> rusqlite::Result<MailboxView> {
    let mut oldest = connection.prepare_cached(
        "SELECT at FROM entry WHERE instance = ?1 AND body IS NOT NULL ORDER BY number LIMIT 1",
    )?;
    let oldest: Option<i64> = oldest.query_row([instance], |row| row.get(0)).optional()?;
    let number = |number: i64| (number > 0).then_some(number);
    Ok(MailboxView {
        instance: instance.to_owned(),
        unread: u64::try_from(mailbox.unread).unwrap_or(0),
        oldest_unread: oldest.map(|at| Timestamp::from_millis(at).to_string()),
        last: mailbox.last,
        confirmed: number(mailbox.confirmed),
        dropped: number(mailbox.expired),
    })
}

//! The thread that reads the queue on a connection of its own, so that a lane that is behind holds
//! up neither the writer nor the runtime.

use std::io;
use std::thread::JoinHandle;

use bridge_core::id::{Channel, InstanceId};
use bridge_core::store::{
    DeliveryId, EntryNumber, KnownDelivery, LaneWindow, Mail, Origin, StoreError, Turn,
};
use bridge_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use crate::commit::find_channel;
use crate::known;
use crate::mailbox::{self, Found, Mailbox, select_entries};
use crate::row::{self, Damaged, select_deliveries};

/// Requests that may wait; one more waits for room.
const REQUESTS: usize = 64;
/// Deliveries for which memory is set aside at once, however many are asked for.
const EXPECTED: usize = 256;

/// What a lane has queued.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) window: LaneWindow,
    /// Rows on the way that are not what was written.
    pub(crate) damaged: Vec<Damaged>,
}

/// What a mailbox holds.
#[derive(Debug, Default)]
pub(crate) struct Mailing {
    pub(crate) mail: Mail,
    /// Entries on the way that are not what was written.
    pub(crate) damaged: Vec<EntryNumber>,
}

type Answer<T> = oneshot::Sender<rusqlite::Result<T>>;

enum Request {
    Lanes(Answer<Vec<Channel>>),
    Queued {
        channel: Channel,
        after: Turn,
        limit: usize,
        answer: Answer<Lane>,
    },
    Spent {
        channel: Channel,
        since: Timestamp,
        answer: Answer<Vec<Timestamp>>,
    },
    DeliveriesOf {
        source: Channel,
        message_id: String,
        answer: Answer<Vec<KnownDelivery>>,
    },
    OriginOf {
        channel: Channel,
        platform_id: String,
        answer: Answer<Option<Origin>>,
    },
    Mail {
        instance: InstanceId,
        after: EntryNumber,
        limit: usize,
        answer: Answer<Mailing>,
    },
    Stop(oneshot::Sender<()>),
}

/// The reader's thread, from outside. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct ReaderThread {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl ReaderThread {
    pub(crate) fn start(connection: Connection) -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let thread = std::thread::Builder::new().name("store-reader".to_owned());
        let thread = thread.spawn(move || serve(connection, inbox))?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// The channels that have queued deliveries.
    pub(crate) async fn lanes(&self) -> Result<Vec<Channel>, StoreError> {
        self.ask(Request::Lanes).await
    }

    /// See [`bridge_core::store::Store::queued`].
    pub(crate) async fn queued(
        &self,
        channel: &Channel,
        after: Turn,
        limit: usize,
    ) -> Result<Lane, StoreError> {
        self.ask(|answer| Request::Queued {
            channel: channel.clone(),
            after,
            limit,
            answer,
        })
        .await
    }

    /// See [`bridge_core::store::Store::spent`].
    pub(crate) async fn spent(
        &self,
        channel: &Channel,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.ask(|answer| Request::Spent {
            channel: channel.clone(),
            since,
            answer,
        })
        .await
    }

    /// See [`bridge_core::store::Store::deliveries_of`].
    pub(crate) async fn deliveries_of(
        &self,
        source: Channel,
        message_id: String,
    ) -> Result<Vec<KnownDelivery>, StoreError> {
        self.ask(|answer| Request::DeliveriesOf {
            source,
            message_id,
            answer,
        })
        .await
    }

    /// See [`bridge_core::store::Store::origin_of`].
    pub(crate) async fn origin_of(
        &self,
        channel: Channel,
        platform_id: String,
    ) -> Result<Option<Origin>, StoreError> {
        self.ask(|answer| Request::OriginOf {
            channel,
            platform_id,
            answer,
        })
        .await
    }

    /// See [`bridge_core::store::Store::mail`].
    pub(crate) async fn mail(
        &self,
        instance: &InstanceId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Mailing, StoreError> {
        self.ask(|answer| Request::Mail {
            instance: instance.clone(),
            after,
            limit,
            answer,
        })
        .await
    }

    /// Ends the thread after the requests that wait, and closes its connection.
    pub(crate) async fn stop(&self) {
        let (stopped, wait) = oneshot::channel();
        // If it stopped before, there is nothing to wait for.
        if self.send(Request::Stop(stopped)).await.is_ok() {
            wait.await.ok();
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        self.send(request(answer)).await?;
        let result = wait.await.map_err(|_| StoreError::Closed)?;
        result.map_err(|error| {
            tracing::error!(%error, "can't read the store");
            StoreError::Unavailable(format!("its queue can't be read: {error}"))
        })
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
        let sent = requests.send(request).await;
        sent.map_err(|_| StoreError::Closed)
    }
}

impl Drop for ReaderThread {
    fn drop(&mut self) {
        // Without senders the thread ends by itself.
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's reader thread panicked");
        }
    }
}

fn serve(connection: Connection, mut inbox: mpsc::Receiver<Request>) {
    while let Some(request) = inbox.blocking_recv() {
        // Who asked may have given up, which is fine.
        match request {
            Request::Lanes(answer) => drop(answer.send(lanes(&connection))),
            Request::Queued {
                channel,
                after,
                limit,
                answer,
            } => drop(answer.send(queued(&connection, &channel, after, limit))),
            Request::Spent {
                channel,
                since,
                answer,
            } => drop(answer.send(spent(&connection, &channel, since))),
            Request::DeliveriesOf {
                source,
                message_id,
                answer,
            } => drop(answer.send(known::deliveries_of(&connection, &source, &message_id))),
            Request::OriginOf {
                channel,
                platform_id,
                answer,
            } => drop(answer.send(known::origin_of(&connection, &channel, &platform_id))),
            Request::Mail {
                instance,
                after,
                limit,
                answer,
            } => drop(answer.send(mail(&connection, instance.as_str(), after, limit))),
            Request::Stop(stopped) => {
                inbox.close();
                drop(connection);
                drop(stopped);
                return;
            }
        }
    }
}

fn lanes(connection: &Connection) -> rusqlite::Result<Vec<Channel>> {
    // One look into the index per channel, however many deliveries wait.
    let mut select = connection.prepare_cached(
        "SELECT id, instance, address FROM channel
         WHERE EXISTS (SELECT 1 FROM delivery WHERE lane = channel.id)
            OR EXISTS (SELECT 1 FROM dead_letter WHERE blocks = 1 AND lane = channel.id)
         ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    let mut lanes = Vec::new();
    while let Some(row) = rows.next()? {
        match row::read_channel(row, 1) {
            Some(channel) => lanes.push(channel),
            None => {
                let channel: i64 = row.get(0)?;
                tracing::error!(
                    channel,
                    "a stored channel is damaged; its deliveries wait until its row is mended"
                );
            }
        }
    }
    Ok(lanes)
}

fn queued(
    connection: &Connection,
    channel: &Channel,
    after: Turn,
    limit: usize,
) -> rusqlite::Result<Lane> {
    let mut lane = Lane::default();
    let Some(number) = find_channel(connection, channel)? else {
        return Ok(lane);
    };
    // One transaction, so that a lane that was blocked in between does not seem open.
    let look = connection.unchecked_transaction()?;
    lane.window.blocked_by = blocked_by(&look, number)?;
    if lane.window.blocked_by.is_some() {
        return Ok(lane);
    }
    // No LIMIT: damaged rows do not count, or a lane that begins with them would seem empty.
    let mut select = look.prepare_cached(select_deliveries!(
        "delivery",
        "",
        "WHERE d.lane = ?1 AND d.turn > ?2 ORDER BY d.turn"
    ))?;
    let mut rows = select.query(params![number, after.0])?;
    let deliveries = &mut lane.window.deliveries;
    deliveries.reserve(limit.min(EXPECTED));
    while deliveries.len() < limit
        && let Some(row) = rows.next()?
    {
        match row::read(row)? {
            Ok(delivery) => deliveries.push(delivery),
            Err(damaged) => lane.damaged.push(damaged),
        }
    }
    Ok(lane)
}

/// The dead letter that blocks a lane: the oldest of those that do.
pub(crate) fn blocked_by(
    connection: &Connection,
    lane: i64,
) -> rusqlite::Result<Option<DeliveryId>> {
    let mut select = connection.prepare_cached(
        "SELECT id FROM dead_letter WHERE blocks = 1 AND lane = ?1 ORDER BY turn LIMIT 1",
    )?;
    let letter = select.query_row([lane], |row| row.get(0)).optional()?;
    Ok(letter.map(DeliveryId))
}

fn spent(
    connection: &Connection,
    channel: &Channel,
    since: Timestamp,
) -> rusqlite::Result<Vec<Timestamp>> {
    let Some(number) = find_channel(connection, channel)? else {
        return Ok(Vec::new());
    };
    let mut select = connection
        .prepare_cached("SELECT at FROM spent WHERE lane = ?1 AND at > ?2 ORDER BY id")?;
    let times = select.query_map(params![number, since.as_millis()], |row| {
        row.get(0).map(Timestamp::from_millis)
    })?;
    times.collect()
}

fn mail(
    connection: &Connection,
    instance: &str,
    after: EntryNumber,
    limit: usize,
) -> rusqlite::Result<Mailing> {
    // One transaction, so that the entries are those that the mailbox speaks of.
    let look = connection.unchecked_transaction()?;
    let mailbox = match mailbox::find(&look, instance)? {
        Found::Nothing => return Ok(Mailing::default()),
        Found::Whole(mailbox) => mailbox,
        // The writer says so, and mends it, when it comes by.
        Found::Damaged => Mailbox::recover(&look, instance)?,
    };
    // No LIMIT, as above: a mailbox that begins with damaged entries must not seem empty.
    let mut select = look.prepare_cached(select_entries!(
        "AND instance = ?1 AND number > ?2 ORDER BY number"
    ))?;
    let mut rows = select.query(params![instance, after.0])?;
    let mut entries = Vec::with_capacity(limit.min(EXPECTED));
    let mut damaged = Vec::new();
    while entries.len() < limit
        && let Some(row) = rows.next()?
    {
        match mailbox::read_entry(row)? {
            Ok(entry) => entries.push(entry),
            Err(number) => damaged.push(number),
        }
    }
    let expired = EntryNumber(mailbox.expired);
    let mail = Mail {
        entries,
        confirmed: EntryNumber(mailbox.confirmed),
        expired: damaged.last().map_or(expired, |last| expired.max(*last)),
    };
    Ok(Mailing { mail, damaged })
}

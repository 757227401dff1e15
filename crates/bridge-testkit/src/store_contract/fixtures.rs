//! Messages and channels for tests of stores, and a feed that remembers.

use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Attachment, Content, MessageKind, MsgValue, Quoted, RichHeader};
use bridge_core::purpose::{Purpose, quote};
use bridge_core::store::{
    Admission, Admitted, DeliveryId, Feed, NewDelivery, QueuedDelivery, Settlement, Step, Store,
    Turn,
};
use bridge_core::time::Timestamp;

/// When the fixtures' messages were received.
pub const RECEIVED_AT: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// The room `room` of the instance `to`.
pub fn room(room: &str) -> Channel {
    Channel::new("to".into(), Address::new([("room", room)]))
}

/// The channel from which the fixtures' messages come.
pub fn source() -> Channel {
    Channel::new("from".into(), Address::new([("room", "source")]))
}

/// A message with `id` for `rooms`, whose text is its id.
pub fn message(id: &str, rooms: &[&str]) -> Admission {
    let deliveries = rooms.iter().map(|name| NewDelivery {
        channel: room(name),
        rule: "rule".into(),
        content: Arc::new(text(id)),
    });
    Admission {
        source: source(),
        message_id: Some(id.to_owned()),
        received_at: RECEIVED_AT,
        deliveries: deliveries.collect(),
    }
}

/// A content of nothing but text.
pub fn text(text: &str) -> Content {
    Content {
        text: text.to_owned(),
        ..Content::default()
    }
}

/// A content that uses every field and characters that are special somewhere.
pub fn rich_content() -> Content {
    let mut picture = Attachment::new("图.png", "https://files.example/2");
    picture.kind = MessageKind::Picture;
    picture.size_bytes = Some(u64::MAX);
    let fields = [("user \"x\"", "张三\n"), ("", "")];
    let fields = fields.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let msg = [
        ("fields".to_owned(), MsgValue::Texts(fields.into())),
        ("none".to_owned(), MsgValue::Texts(Default::default())),
        ("title".to_owned(), MsgValue::Text("{\"a\": 1}".to_owned())),
    ];
    Content {
        header: Some(RichHeader {
            title: "张三 \"x\"".to_owned(),
            content: "值班\\".to_owned(),
        }),
        text: "a\u{0}b\r\n\u{1F469}\u{200D}\u{1F4BB} {\"text\":1} ' ? %".to_owned(),
        attachments: vec![
            Attachment::new("", "https://files.example/1?a=b&c=%20"),
            picture,
        ],
        is_digest: true,
        purpose: Purpose::Reply(quote(&quoted(), "a\"b\n{}")),
        msg: Arc::new(msg.into()),
    }
}

fn quoted() -> Quoted {
    let mut quoted = Quoted::new("m\u{0}'1");
    "张三 \"x\"".clone_into(&mut quoted.sender_name);
    quoted
}

/// Takes `admission` in.
///
/// # Panics
///
/// If the store can't.
pub async fn admit(store: &dyn Store, admission: Admission) -> Admitted {
    let admitted = store.admit(admission).await;
    admitted.expect("a store in order takes a message in")
}

/// Settles `delivery` with `step`, one second after its message came.
///
/// # Panics
///
/// If the store can't.
pub async fn settle(store: &dyn Store, delivery: DeliveryId, step: Step) {
    let at = Timestamp::from_millis(RECEIVED_AT.as_millis() + 1000);
    let settled = store.settle(Settlement { delivery, at, step }).await;
    settled.expect("a store in order takes a settlement");
}

/// Waits until everything is written.
///
/// # Panics
///
/// If the store can't.
pub async fn flush(store: &dyn Store) {
    store.flush().await.expect("a store in order can flush");
}

/// All that is queued for the room `name`.
///
/// # Panics
///
/// If the store can't be read.
pub async fn queued(store: &dyn Store, name: &str) -> Vec<QueuedDelivery> {
    let queued = store.queued(&room(name), Turn::ZERO, usize::MAX);
    queued
        .await
        .expect("a store in order can be read")
        .deliveries
}

/// The texts of `deliveries`.
pub fn texts(deliveries: &[QueuedDelivery]) -> Vec<&str> {
    let texts = deliveries.iter().map(|delivery| &*delivery.content.text);
    texts.collect()
}

/// A feed that remembers what it heard.
#[derive(Debug, Default)]
pub struct FeedLog {
    heard: Mutex<Vec<QueuedDelivery>>,
    reordered: Mutex<Vec<Channel>>,
}

impl FeedLog {
    /// A new one, listening to `store`.
    pub fn of(store: &dyn Store) -> Arc<Self> {
        let log = Arc::new(Self::default());
        store.set_feed(Arc::<Self>::clone(&log));
        log
    }

    /// Everything so far.
    pub fn heard(&self) -> Vec<QueuedDelivery> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    /// The channels that were to be read again, since this was asked last.
    pub fn take_reordered(&self) -> Vec<Channel> {
        let mut reordered = self
            .reordered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut reordered)
    }
}

impl Feed for FeedLog {
    fn committed(&self, deliveries: Vec<QueuedDelivery>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.extend(deliveries);
    }

    fn reordered(&self, channel: &Channel) {
        let mut reordered = self
            .reordered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        reordered.push(channel.clone());
    }
}

//! How a delivery is written in a row and read back: the body's own form, and the checksum that
//! tells a damaged row from a whole one.

mod purpose;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bridge_core::fit::flatten;
use bridge_core::id::{Address, Channel};
use bridge_core::message::{Attachment, Content, MessageKind, MsgValue, RichHeader};
use bridge_core::purpose::Purpose;
use bridge_core::store::{Admission, DeliveryId, Progress, QueuedDelivery, Turn};
use bridge_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use self::purpose::StoredPurpose;

/// Selects the columns of a delivery, for [`read`], and `$more_columns` behind them from the table
/// `$table` (`delivery` or `dead_letter`). Left joins: a row whose message is lost is damaged, not absent.
macro_rules! select_deliveries {
    ($table:literal, $more_columns:literal, $tail:literal) => {
        concat!(
            "SELECT d.id, d.rule, b.content, d.checksum, d.attempts, d.uncertain, d.parts_sent, d.not_before, ",
            "m.message_id, m.received_at, s.instance, s.address, t.instance, t.address, ",
            "d.turn, d.queued_at, d.progress_sum",
            $more_columns,
            " FROM ", $table, " d LEFT JOIN body b ON b.id = d.body ",
            "LEFT JOIN message m ON m.id = d.message ",
            "LEFT JOIN channel s ON s.id = m.source LEFT JOIN channel t ON t.id = d.lane ",
            $tail
        )
    };
}
pub(crate) use select_deliveries;

/// How many columns [`select_deliveries`] has before those that a caller adds.
pub(crate) const COLUMNS: usize = 17;

/// The bodies and checksums of an admission's deliveries, ready to be written.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// What is to be shown, each once.
    pub(crate) bodies: Vec<String>,
    /// One for each delivery.
    pub(crate) deliveries: Vec<SealedDelivery>,
}

/// The checksum of a delivery, and which of the bodies it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedDelivery {
    pub(crate) body: usize,
    pub(crate) checksum: u32,
}

impl Sealed {
    /// Bytes of the bodies.
    pub(crate) fn bytes(&self) -> usize {
        self.bodies.iter().map(String::len).sum()
    }
}

/// A row that is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) DeliveryId);

/// The body of a delivery as it is stored. Fields may be added with a default, never renamed.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    header: Option<Header<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Link<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_digest: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    purpose: Option<StoredPurpose<'a>>,
    #[serde(borrow, default, skip_serializing_if = "BTreeMap::is_empty")]
    msg: BTreeMap<Cow<'a, str>, Said<'a>>,
}

/// What is said at a key of a driver's own.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Said<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    #[serde(borrow)]
    Texts(BTreeMap<Cow<'a, str>, Cow<'a, str>>),
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Link<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// The name of its kind; none for a file.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
}

/// Encodes what the deliveries show, and sums up everything that was accepted of each.
pub(crate) fn seal(admission: &Admission) -> Result<Sealed, serde_json::Error> {
    let mut sealed = Sealed {
        bodies: Vec::new(),
        deliveries: Vec::with_capacity(admission.deliveries.len()),
    };
    let mut known: Vec<&Arc<Content>> = Vec::new();
    for delivery in &admission.deliveries {
        let same = |content: &&Arc<Content>| Arc::ptr_eq(content, &delivery.content);
        let body = match known.iter().position(same) {
            Some(body) => body,
            None => {
                known.push(&delivery.content);
                sealed.bodies.push(encode(&delivery.content)?);
                sealed.bodies.len() - 1
            }
        };
        let checksum = checksum(&Accepted {
            source: &admission.source,
            message_id: admission.message_id.as_deref(),
            received_at: admission.received_at,
            channel: &delivery.channel,
            rule: delivery.rule.as_str(),
            body: &sealed.bodies[body],
        });
        sealed.deliveries.push(SealedDelivery { body, checksum });
    }
    Ok(sealed)
}

/// The body and checksum of a queued delivery that shows something else from here.
pub(crate) fn reseal(
    delivery: &QueuedDelivery,
    content: &Content,
) -> Result<(String, u32), serde_json::Error> {
    let body = encode(content)?;
    let checksum = checksum(&Accepted {
        source: &delivery.source,
        message_id: delivery.message_id.as_deref(),
        received_at: delivery.received_at,
        channel: &delivery.channel,
        rule: delivery.rule.as_str(),
        body: &body,
    });
    Ok((body, checksum))
}

fn encode(content: &Content) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Body {
        text: Cow::Borrowed(&content.text),
        header: content.header.as_ref().map(|header| Header {
            title: Cow::Borrowed(&header.title),
            content: Cow::Borrowed(&header.content),
        }),
        attachments: content.attachments.iter().map(link).collect(),
        is_digest: content.is_digest,
        purpose: StoredPurpose::of(&content.purpose),
        msg: content
            .msg
            .iter()
            .filter_map(|(key, value)| Some((Cow::Borrowed(&**key), said(value)?)))
            .collect(),
    })
}

/// The checksum of how far a delivery has come: a damaged one must neither skip a part nor wait for
/// ever.
pub(crate) fn progress_sum(turn: Turn, queued_at: Timestamp, progress: &Progress) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in [
        turn.0,
        queued_at.as_millis(),
        i64::from(progress.attempts),
        i64::from(progress.uncertain),
        i64::from(progress.parts_sent),
        progress.not_before.as_millis(),
    ] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.finalize()
}

/// The text of a stored body, for people; `None` if it is damaged.
pub(crate) fn text_of(body: &str) -> Option<String> {
    serde_json::from_str(body)
        .ok()
        .map(|body| flatten(&content(body)))
}

/// Reads a row of [`select_deliveries`]. The outer error is SQLite's; a row that SQLite can read
/// and that is not what was written is [`Damaged`].
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Result<QueuedDelivery, Damaged>> {
    let id = DeliveryId(row.get(0)?);
    Ok(decode(id, row).ok_or(Damaged(id)))
}

/// Reads the channel at the columns `at` (instance) and `at + 1` (address).
pub(crate) fn read_channel(row: &Row<'_>, at: usize) -> Option<Channel> {
    let address = Address::from_json(text(row, at + 1)?)?;
    Some(Channel::new(text(row, at)?.into(), address))
}

fn decode(id: DeliveryId, row: &Row<'_>) -> Option<QueuedDelivery> {
    let rule = text(row, 1)?;
    let body = text(row, 2)?;
    let message_id = match row.get_ref(8).ok()? {
        ValueRef::Null => None,
        value => Some(value.as_str().ok()?),
    };
    let received_at = Timestamp::from_millis(integer(row, 9)?);
    let source = read_channel(row, 10)?;
    let channel = read_channel(row, 12)?;
    let sum = checksum(&Accepted {
        source: &source,
        message_id,
        received_at,
        channel: &channel,
        rule,
        body,
    });
    let progress = Progress {
        attempts: count(row, 4)?,
        uncertain: count(row, 5)?,
        parts_sent: count(row, 6)?,
        not_before: Timestamp::from_millis(integer(row, 7)?),
    };
    let turn = Turn(integer(row, 14)?);
    let queued_at = Timestamp::from_millis(integer(row, 15)?);
    let progress_sum = progress_sum(turn, queued_at, &progress);
    if integer(row, 3)? != i64::from(sum) || integer(row, 16)? != i64::from(progress_sum) {
        return None;
    }
    Some(QueuedDelivery {
        id,
        turn,
        queued_at,
        progress,
        content: Arc::new(content(serde_json::from_str(body).ok()?)),
        rule: rule.into(),
        message_id: message_id.map(str::to_owned),
        source,
        received_at,
        channel,
    })
}

fn content(body: Body<'_>) -> Content {
    Content {
        header: body.header.map(|header| RichHeader {
            title: header.title.into_owned(),
            content: header.content.into_owned(),
        }),
        text: body.text.into_owned(),
        attachments: body.attachments.into_iter().map(attachment).collect(),
        is_digest: body.is_digest,
        purpose: body
            .purpose
            .map_or(Purpose::Say, StoredPurpose::into_purpose),
        msg: Arc::new(
            body.msg
                .into_iter()
                .map(|(key, said)| (key.into_owned(), value(said)))
                .collect(),
        ),
    }
}

/// `None` for a form that this version does not know; nothing makes one.
fn said(value: &MsgValue) -> Option<Said<'_>> {
    match value {
        MsgValue::Text(text) => Some(Said::Text(Cow::Borrowed(text))),
        MsgValue::Texts(texts) => {
            let texts = texts.iter();
            let borrowed = texts.map(|(key, text)| (Cow::Borrowed(&**key), Cow::Borrowed(&**text)));
            Some(Said::Texts(borrowed.collect()))
        }
        _ => None,
    }
}

fn value(said: Said<'_>) -> MsgValue {
    match said {
        Said::Text(text) => MsgValue::Text(text.into_owned()),
        Said::Texts(texts) => {
            let texts = texts.into_iter();
            MsgValue::Texts(
                texts
                    .map(|(key, text)| (key.into_owned(), text.into_owned()))
                    .collect(),
            )
        }
    }
}

fn attachment(link: Link<'_>) -> Attachment {
    let mut attachment = Attachment::new(link.name, link.url);
    let kind = link.kind.as_deref().and_then(MessageKind::from_name);
    attachment.kind = kind.unwrap_or(attachment.kind);
    attachment.size_bytes = link.size_bytes;
    attachment
}

fn link(attachment: &Attachment) -> Link<'_> {
    Link {
        name: Cow::Borrowed(&attachment.name),
        url: Cow::Borrowed(&attachment.url),
        kind: (attachment.kind != MessageKind::File).then(|| attachment.kind.name().into()),
        size_bytes: attachment.size_bytes,
    }
}

/// What was accepted of a delivery and never changes.
struct Accepted<'a> {
    source: &'a Channel,
    message_id: Option<&'a str>,
    received_at: Timestamp,
    channel: &'a Channel,
    rule: &'a str,
    body: &'a str,
}

fn checksum(accepted: &Accepted<'_>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    add_channel(&mut hasher, accepted.source);
    // No id and an empty one are not the same.
    hasher.update(&[u8::from(accepted.message_id.is_some())]);
    add(&mut hasher, accepted.message_id.unwrap_or_default());
    hasher.update(&accepted.received_at.as_millis().to_le_bytes());
    add_channel(&mut hasher, accepted.channel);
    add(&mut hasher, accepted.rule);
    add(&mut hasher, accepted.body);
    hasher.finalize()
}

fn add_channel(hasher: &mut crc32fast::Hasher, channel: &Channel) {
    add(hasher, channel.instance.as_str());
    for (key, value) in channel.address.iter() {
        add(hasher, key);
        add(hasher, value);
    }
}

/// Adds a text with its length, so that moving a border between two texts changes the sum.
pub(crate) fn add(hasher: &mut crc32fast::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// A text; `None` if it is none.
pub(crate) fn text<'a>(row: &'a Row<'_>, at: usize) -> Option<&'a str> {
    row.get_ref(at).ok()?.as_str().ok()
}

/// A whole number; `None` if it is none.
pub(crate) fn integer(row: &Row<'_>, at: usize) -> Option<i64> {
    row.get(at).ok()
}

fn count(row: &Row<'_>, at: usize) -> Option<u32> {
    u32::try_from(integer(row, at)?).ok()
}

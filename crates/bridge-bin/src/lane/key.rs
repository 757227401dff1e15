//! The names of sends: the same on each try of a part, and on no other send of any store.

use bridge_core::store::{DeliveryId, QueuedDelivery, StoreIdentity};

/// The name of a part. It names the store, since numbers of deliveries begin at 1 in each. A digest
/// grows, and must not be taken for a repetition of what it was before.
pub(super) fn of(store: &StoreIdentity, delivery: &QueuedDelivery, part: usize) -> String {
    let QueuedDelivery { id, content, .. } = delivery;
    match content.is_digest {
        true => format!("{store}-{id}.{part}.{}", content.text.len()),
        false => format!("{store}-{id}.{part}"),
    }
}

/// The delivery and its part that were sent under this name; `None` if that is no name of a send of
/// this store.
pub(crate) fn read_key(store: &StoreIdentity, key: &str) -> Option<(DeliveryId, u32)> {
    let (named, numbers) = key.split_once('-')?;
    if named != store.as_str() {
        return None;
    }
    let mut numbers = numbers.split('.');
    let delivery = numbers.next()?.parse().ok()?;
    let part = numbers.next()?.parse().ok()?;
    Some((DeliveryId(delivery), part))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge_core::id::{Address, Channel};
    use bridge_core::message::Content;
    use bridge_core::store::{Progress, Turn};
    use bridge_core::time::Timestamp;

    use super::*;

    fn delivery(id: i64, is_digest: bool) -> QueuedDelivery {
        let channel = Channel::new("a".into(), Address::default());
        let content = Content {
            text: "x".repeat(1024 * 1024),
            is_digest,
            ..Content::default()
        };
        QueuedDelivery {
            id: DeliveryId(id),
            turn: Turn(1),
            source: channel.clone(),
            message_id: None,
            received_at: Timestamp::EPOCH,
            queued_at: Timestamp::EPOCH,
            channel,
            rule: "r".into(),
            content: Arc::new(content),
            progress: Progress::START,
        }
    }

    fn store(name: &str) -> StoreIdentity {
        StoreIdentity::new(name).expect("an identity")
    }

    #[test]
    fn the_longest_key_is_no_longer_than_drivers_are_told() {
        const MOST_CHARS: usize = 64;
        let store = store("0123456789abcdef");
        let key = of(&store, &delivery(i64::MAX, true), 1024 * 1024);
        let is_known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-');
        assert!(
            key.len() <= MOST_CHARS && key.chars().all(is_known),
            "{key}"
        );
    }

    #[test]
    fn a_key_is_read_by_the_store_that_gave_it() {
        let (ours, other) = (store("ab12"), store("ab13"));
        for is_digest in [false, true] {
            let key = of(&ours, &delivery(17, is_digest), 3);
            assert_eq!(read_key(&ours, &key), Some((DeliveryId(17), 3)), "{key}");
            assert_eq!(read_key(&other, &key), None, "{key}");
        }
        for odd in [
            "",
            "17.3",
            "ab12",
            "ab12-",
            "ab12-17",
            "ab12-x.3",
            "ab12-17.-3",
            "-17.3",
        ] {
            assert_eq!(read_key(&ours, odd), None, "{odd:?}");
        }
    }
}

use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::message::{Attachment, Content, RichHeader};
use bridge_core::store::{DeliveryId, Progress};
use bridge_core::time::Timestamp;

use super::*;

fn delivery(id: i64, bytes: usize) -> QueuedDelivery {
    let channel = Channel::new("a".into(), Address::new([("k", "v")]));
    QueuedDelivery {
        id: DeliveryId(id),
        turn: Turn(id),
        source: channel.clone(),
        message_id: None,
        received_at: Timestamp::EPOCH,
        queued_at: Timestamp::EPOCH,
        channel,
        rule: "r".into(),
        content: Arc::new(Content {
            text: "x".repeat(bytes),
            ..Content::default()
        }),
        progress: Progress::START,
    }
}

/// A window over a store, driven as a lane drives it.
struct Model {
    window: Window,
    stored: Vec<i64>,
    bytes: usize,
}

impl Model {
    fn commit(&mut self, id: i64) {
        self.stored.push(id);
        self.window.push(delivery(id, self.bytes));
    }

    fn read(&self, gap: Gap) -> Vec<QueuedDelivery> {
        let after = self.stored.iter().filter(|id| **id > gap.after.0);
        after
            .take(REFILL)
            .map(|id| delivery(*id, self.bytes))
            .collect()
    }

    /// Takes until nothing is left, as a lane would.
    fn drain(&mut self) -> Vec<i64> {
        let mut taken = Vec::new();
        loop {
            while let Some(delivery) = self.window.take() {
                self.stored.retain(|id| *id != delivery.id.0);
                taken.push(delivery.id.0);
            }
            let Some(gap) = self.window.gap() else {
                return taken;
            };
            let deliveries = self.read(gap);
            self.window.refill(deliveries, gap);
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_however_far_the_lane_is_behind() {
    for (count, bytes) in [
        (0, 1),
        (1, 1),
        (63, 1),
        (64, 1),
        (65, 1),
        (1000, 1),
        (50, 300_000),
    ] {
        let mut model = Model {
            window: Window::default(),
            stored: (1..=3).collect(),
            bytes,
        };
        assert_eq!(
            model.drain(),
            [1, 2, 3],
            "what an earlier run left comes first"
        );
        for id in 4..4 + count {
            model.commit(id);
        }
        assert_eq!(
            model.drain(),
            (4..4 + count).collect::<Vec<_>>(),
            "{count} of {bytes} bytes"
        );
        model.commit(9999);
        assert_eq!(model.drain(), [9999]);
    }
}

#[test]
fn what_is_committed_while_the_store_is_read_is_not_forgotten() {
    let mut model = Model {
        window: Window::default(),
        stored: Vec::new(),
        bytes: 1,
    };
    let gap = model.window.gap().expect("a new window asks the store");
    let read = model.read(gap);
    model.commit(1);
    model.window.refill(read, gap);
    assert_eq!(model.drain(), [1]);
}

#[test]
fn what_was_read_before_the_feed_told_of_it_is_not_doubled() {
    let mut model = Model {
        window: Window::default(),
        stored: vec![1],
        bytes: 1,
    };
    assert_eq!(model.drain(), [1]);
    model.window.push(delivery(1, 1));
    assert_eq!(model.drain(), [] as [i64; 0]);
}

#[test]
fn memory_is_bounded_in_number_and_in_bytes() {
    for (bytes, most) in [(1, MOST), (MOST_BYTES / 2, 2), (MOST_BYTES * 2, 1)] {
        let mut model = Model {
            window: Window::default(),
            stored: Vec::new(),
            bytes,
        };
        model.drain();
        for id in 1..=1000 {
            model.commit(id);
        }
        let held = std::iter::from_fn(|| model.window.take()).count();
        assert_eq!(held, most, "of {bytes} bytes each");
    }
}

#[test]
fn files_and_headers_count_as_text_does() {
    let mut of_files = Content::default();
    for _ in 0..4 {
        let file = Attachment::new("x".repeat(MOST_BYTES / 8), "x".repeat(MOST_BYTES / 8));
        of_files.attachments.push(file);
    }
    let header = RichHeader {
        title: "x".repeat(MOST_BYTES / 2),
        content: "x".repeat(MOST_BYTES / 2),
    };
    let of_header = Content {
        header: Some(header),
        ..Content::default()
    };
    for content in [of_files, of_header] {
        let window = Window::default();
        // What an earlier run left comes first: nothing here.
        let gap = window.gap().expect("a window that begins");
        window.refill(Vec::new(), gap);
        for id in 1..=2 {
            let content = Arc::new(content.clone());
            window.push(QueuedDelivery {
                content,
                ..delivery(id, 0)
            });
        }
        assert!(window.take().is_some());
        assert!(window.take().is_none(), "the second is left to the store");
    }
}

#[test]
fn after_a_change_of_order_everything_is_read_anew() {
    let mut model = Model {
        window: Window::default(),
        stored: Vec::new(),
        bytes: 1,
    };
    model.drain();
    for id in [5, 6] {
        model.commit(id);
    }
    assert!(!model.window.is_stale());
    // A delivery comes back to a place before all others.
    model.stored.insert(0, 2);
    model.window.reorder();
    assert!(model.window.is_stale());
    model.window.forget();
    assert!(!model.window.is_stale());
    assert_eq!(model.drain(), [2, 5, 6]);
}

#[test]
fn a_delivery_is_taken_only_if_it_is_accepted() {
    let model = Model {
        window: Window::default(),
        stored: Vec::new(),
        bytes: 1,
    };
    let gap = model.window.gap().expect("a new window asks the store");
    model
        .window
        .refill(vec![delivery(1, 1), delivery(2, 1)], gap);
    assert_eq!(model.window.take_if(|next| next.id.0 == 2), None);
    let taken = model.window.take_if(|next| next.id.0 == 1);
    assert_eq!(taken.map(|delivery| delivery.id.0), Some(1));
    assert_eq!(model.window.take().map(|delivery| delivery.id.0), Some(2));
}

//! Many at once.

use std::sync::Arc;

use bridge_core::store::Step;
use bridge_testkit::store_contract::fixtures::{FeedLog, admit, flush, message, queued, settle};

use crate::{inspector, open_store};

const PRODUCERS: usize = 32;
const MESSAGES_EACH: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_producers_and_settlements_lose_nothing_and_keep_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open_store(dir.path()));
    let feed = FeedLog::of(&*store);
    let producers = (0..PRODUCERS).map(|producer| {
        let (store, feed) = (Arc::clone(&store), Arc::clone(&feed));
        tokio::spawn(async move {
            for number in 0..MESSAGES_EACH {
                let id = format!("{producer}-{number}");
                admit(&*store, message(&id, &["a", "b"])).await;
                // Half of it is delivered while the rest still comes in.
                let heard = feed.heard();
                let own = heard.iter().find(|delivery| delivery.content.text == id);
                let platform_ids = vec![id.clone()];
                settle(&*store, own.unwrap().id, Step::Delivered { platform_ids }).await;
            }
        })
    });
    for producer in producers.collect::<Vec<_>>() {
        producer.await.unwrap();
    }
    flush(&*store).await;

    let total = PRODUCERS * MESSAGES_EACH;
    let heard = feed.heard();
    assert_eq!(heard.len(), 2 * total);
    assert!(heard.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(queued(&*store, "a").await, []);
    let left: Vec<_> = heard.into_iter().skip(1).step_by(2).collect();
    assert_eq!(queued(&*store, "b").await, left);
    let totals = inspector(dir.path()).totals().unwrap();
    let total = u64::try_from(total).unwrap();
    assert_eq!((totals.planned, totals.delivered), (2 * total, total));
    assert_eq!(totals.planned, totals.accounted());
}

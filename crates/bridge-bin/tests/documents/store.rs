//! The store that a document about operating takes as given: one message that arrived, and one that
//! is a dead letter.

use std::path::Path;
use std::sync::Arc;

use bridge_core::id::{Address, Channel};
use bridge_core::message::Content;
use bridge_core::ports::Clock;
use bridge_core::store::{
    Admission, Death, DeliveryId, NewDelivery, Progress, Record, Settlement, Step, Store,
};
use bridge_http::SystemClock;
use bridge_store::{SqliteStore, StoreOptions};

fn group(id: &str) -> Channel {
    Channel::new(
        "dt_main".into(),
        Address::new([("open_conversation_id", id)]),
    )
}

/// Makes it in `dir`.
pub(crate) fn make(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime")
        .block_on(fill(&dir.join("data")));
}

async fn fill(data: &Path) {
    let clock = Arc::new(SystemClock);
    let now = clock.now();
    let store = SqliteStore::open(data, StoreOptions::default(), clock).expect("a store");
    for (id, text) in [
        ("msgQkdYx8fT0w==", "张三: 磁盘满了"),
        ("msgR2d2c3pOzQ==", "李四: 部署完成"),
    ] {
        let content = Content {
            text: text.to_owned(),
            ..Content::default()
        };
        let admission = Admission {
            source: group("cidOpsXXXXXXXXXXXXX=="),
            message_id: Some(id.to_owned()),
            received_at: now,
            deliveries: vec![NewDelivery {
                channel: group("cidDevXXXXXXXXXXXXX=="),
                rule: "ops-and-dev".into(),
                content: Arc::new(content),
            }],
        };
        store.admit(admission).await.expect("admitted");
    }
    let settle = |id: i64, step: Step| {
        store.settle(Settlement {
            delivery: DeliveryId(id),
            at: now,
            step,
        })
    };
    let platform_ids = vec!["gZ8sPqK1==".to_owned()];
    settle(1, Step::Delivered { platform_ids })
        .await
        .expect("settled");
    let death = Death {
        reason: "groupMessages/send: rejected: 400 robot.notInGroup".to_owned(),
        may_have_been_delivered: false,
        blocks: false,
        progress: Progress {
            attempts: 1,
            ..Progress::START
        },
    };
    settle(2, Step::Dead(death)).await.expect("settled");
    let seen = Record::ChannelSeen {
        channel: group("cidOpsXXXXXXXXXXXXX=="),
        title: "值班群".to_owned(),
        at: now,
    };
    store.record(seen).await.expect("recorded");
    store.close().await.expect("closed");
}

//! The contract of every store.

use std::sync::Arc;

use bridge_core::store::{Death, DeliveryId, Progress, Store};
use bridge_core::time::Timestamp;
use bridge_store::{SqliteStore, StoreOptions};
use bridge_testkit::store_contract::fixtures::RECEIVED_AT;
use bridge_testkit::store_contract::{self, Ended, How, StoreUnderTest};
use tempfile::TempDir;

use crate::retention::{DAY, later};
use crate::{copy_as_killed, meddle, open_store, open_with};

struct Subject {
    store: Arc<SqliteStore>,
    dir: TempDir,
}

impl Subject {
    fn open(options: StoreOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(open_with(dir.path(), options));
        Self { store, dir }
    }
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<SqliteStore>::clone(&self.store)
    }

    async fn crash(&mut self) -> bool {
        let dir = tempfile::tempdir().unwrap();
        copy_as_killed(self.dir.path(), dir.path());
        self.store = Arc::new(open_store(dir.path()));
        self.dir = dir;
        true
    }

    fn ended(&self) -> Vec<Ended> {
        let connection = meddle(self.dir.path());
        let sql = "SELECT id, end, merged_into, reason FROM settled";
        let mut select = connection.prepare(sql).unwrap();
        let settled = select.query_map([], |row| {
            let end: String = row.get(1)?;
            Ok(Ended {
                delivery: DeliveryId(row.get(0)?),
                how: match &*end {
                    "delivered" => How::Delivered,
                    "expired" => How::Expired,
                    "merged" => How::Merged(DeliveryId(row.get(2)?)),
                    "not_shown" => How::NotShown(row.get(3)?),
                    "discarded" => How::Discarded,
                    end => panic!("{end}"),
                },
            })
        });
        let mut ended: Vec<_> = settled.unwrap().map(Result::unwrap).collect();
        let sql = "SELECT id, reason, may_have_been_delivered, blocks, attempts, uncertain,
            parts_sent, not_before FROM dead_letter";
        let mut select = connection.prepare(sql).unwrap();
        let dead = select.query_map([], |row| {
            Ok(Ended {
                delivery: DeliveryId(row.get(0)?),
                how: How::Dead(Death {
                    reason: row.get(1)?,
                    may_have_been_delivered: row.get(2)?,
                    blocks: row.get(3)?,
                    progress: Progress {
                        attempts: row.get(4)?,
                        uncertain: row.get(5)?,
                        parts_sent: row.get(6)?,
                        not_before: Timestamp::from_millis(row.get(7)?),
                    },
                }),
            })
        });
        ended.extend(dead.unwrap().map(Result::unwrap));
        ended
    }

    async fn outlast_retention(&mut self) -> bool {
        self.store.close().await.unwrap();
        let unread = format!(
            "SELECT count(*) FROM entry WHERE body IS NOT NULL AND at <= {}",
            RECEIVED_AT.as_millis()
        );
        let store = later(self.dir.path(), 8 * DAY, &unread).await;
        self.store = Arc::new(store);
        true
    }

    fn after_retention() -> Timestamp {
        RECEIVED_AT.plus(8 * DAY)
    }

    async fn limited(lane_backlog: u64) -> Option<Self> {
        let mut options = StoreOptions::default();
        options.lane_backlog = lane_backlog;
        Some(Self::open(options))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_a_store() {
    store_contract::check_all(async || Subject::open(StoreOptions::default())).await;
}

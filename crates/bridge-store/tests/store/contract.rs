//! The contract of every store.

use std::sync::Arc;

use bridge_core::store::{Death, Store};
use bridge_store::SqliteStore;
use bridge_testkit::store_contract::{self, Ended, StoreUnderTest};
use tempfile::TempDir;

use crate::{copy_as_killed, inspector, meddle, open_store};

struct Subject {
    store: Arc<SqliteStore>,
    dir: TempDir,
}

impl Subject {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(open_store(dir.path()));
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
        let letters = inspector(self.dir.path()).dead_letters(usize::MAX).unwrap();
        let dead = letters.into_iter().map(|letter| Ended {
            delivery: letter.id,
            death: Some(Death {
                reason: letter.reason,
                may_have_been_delivered: letter.may_have_been_delivered,
                progress: letter.delivery.unwrap().progress,
            }),
        });
        let connection = meddle(self.dir.path());
        let mut select = connection.prepare("SELECT id FROM delivered").unwrap();
        let delivered = select.query_map([], |row| row.get(0)).unwrap();
        let delivered = delivered.map(|id| Ended {
            delivery: bridge_core::store::DeliveryId(id.unwrap()),
            death: None,
        });
        delivered.chain(dead).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_of_a_store() {
    store_contract::check_all(async || Subject::open()).await;
}

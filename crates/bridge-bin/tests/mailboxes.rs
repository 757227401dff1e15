//! `bridge mailboxes` says what waits, for whom, and since when.

mod support;

use std::path::Path;
use std::sync::Arc;

use bridge_core::id::InstanceId;
use bridge_core::store::{EntryNumber, NewEntry, Store as _};
use bridge_core::time::Timestamp;
use bridge_http::SystemClock;
use bridge_store::{SqliteStore, StoreOptions};
use serde_json::{Value, json};
use support::{run, text, write_pair};

/// 2025-07-20T02:13:20Z.
const PUT_IN: i64 = 1_752_977_600_000;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let listens = json!({ "listen_port": 0, "read_token": "0123456789abcdef-token" });
    let config = json!({ "webhook": { "fresh": listens, "hook": listens, "read": listens } });
    let rules =
        json!({ "rules": [{ "type": "connect", "channels": { "fresh": {}, "hook": {} } }] });
    write_pair(dir.path(), &config, &rules);
    dir
}

fn open(dir: &Path) -> SqliteStore {
    let options = StoreOptions::default();
    SqliteStore::open(&dir.join("data"), options, Arc::new(SystemClock)).expect("a store")
}

async fn put_in(store: &SqliteStore, instance: &str, key: &str, second: i64) -> EntryNumber {
    let entry = NewEntry {
        key: key.to_owned(),
        body: "{}".to_owned(),
        at: Timestamp::from_millis(PUT_IN + 1000 * second),
    };
    let number = store.post(&InstanceId::new(instance), entry).await;
    number.expect("there is room")
}

fn shown(dir: &Path) -> String {
    let output = run(dir, &["mailboxes"]);
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_beside_the_store_that_holds_it() {
    let dir = folder();
    let nothing = "nothing has been put into a mailbox yet (data directory \"data\")\n";
    assert_eq!(shown(dir.path()), nothing);

    let store = open(dir.path());
    assert_eq!(shown(dir.path()), nothing);
    for (second, key) in (0..).zip(["a", "b", "c"]) {
        put_in(&store, "hook", key, second).await;
    }
    let last = put_in(&store, "read", "d", 3).await;
    put_in(&store, "gone", "e", 4).await;
    for (instance, up_to) in [("hook", EntryNumber(1)), ("read", last)] {
        let confirmed = store.confirm(&InstanceId::new(instance), up_to).await;
        confirmed.expect("it can be written");
    }
    let expected = "\
gone  1 unread, the oldest since 2025-07-20T02:13:24.000Z  nothing confirmed yet, the last is number 5  no longer in the config: nobody can read it
hook  2 unread, the oldest since 2025-07-20T02:13:21.000Z  confirmed up to number 1, the last is number 3
read  all read  confirmed up to number 4, the last is number 4
";
    assert_eq!(shown(dir.path()), expected);
    store.close().await.expect("it closes");
    assert_eq!(shown(dir.path()), expected);

    let output = run(dir.path(), &["mailboxes", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let hook = json!({ "instance": "hook", "unread": 2, "oldest_unread": "2025-07-20T02:13:21.000Z",
        "last": 3, "confirmed": 1, "dropped": null });
    assert_eq!(found[1], hook);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_unread_is_said() {
    let dir = folder();
    let store = open(dir.path());
    for key in ["a", "b"] {
        put_in(&store, "hook", key, 0).await;
    }
    let database = dir.path().join("data/store.db");
    let damaged = rusqlite::Connection::open(database).expect("the database");
    let changed = damaged.execute("UPDATE entry SET key = 'x' WHERE number = 2", []);
    assert_eq!(changed, Ok(1));
    let instance = InstanceId::new("hook");
    // A reader comes by the damaged entry, which is dropped then.
    let mail = store.mail(&instance, EntryNumber::ZERO, 10).await;
    assert_eq!(mail.expect("mail").entries.len(), 1);
    store.close().await.expect("it closes");
    let said = shown(dir.path());
    let dropped = "something was dropped unread, at last number 2";
    assert!(
        said.contains("hook  1 unread") && said.contains(dropped),
        "{said}"
    );
}

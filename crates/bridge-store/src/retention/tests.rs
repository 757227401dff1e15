//! What the log says of entries that nobody read.

use std::io;
use std::sync::{Arc, Mutex};

use bridge_core::id::InstanceId;
use bridge_core::store::NewEntry;
use tokio::sync::oneshot;

use super::*;
use crate::mailbox::EntrySeal;
use crate::queue::Operation;
use crate::schema;

const POSTED_AT: Timestamp = Timestamp::from_millis(1_772_366_400_000);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn post(instance: &str, number: usize) -> Operation {
    let entry = NewEntry {
        key: number.to_string(),
        body: "what somebody wrote".to_owned(),
        at: POSTED_AT,
    };
    let (answer, _) = oneshot::channel();
    Operation::Post {
        instance: InstanceId::new(instance),
        seal: EntrySeal::new(instance, &entry),
        entry,
        answer,
    }
}

/// Does one round of tidying `days` after the entries were posted; its steps that changed something.
fn round(retention: &mut Retention, database: &mut Database, days: u64) -> usize {
    let now = POSTED_AT.plus(Duration::from_secs(days * 24 * 60 * 60));
    let mut changes = 0;
    loop {
        match retention.step(database, now).unwrap() {
            Tidied::More { is_changed } => changes += usize::from(is_changed),
            Tidied::Done => return changes,
        }
    }
}

#[test]
fn expired_entries_are_one_line_for_each_mailbox_however_many() {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::create(&mut connection).unwrap();
    let options = StoreOptions::default();
    let mut database = Database::open(connection, &options, POSTED_AT).unwrap();
    let posts: Vec<_> = (0..1200).map(|number| post("bot", number)).collect();
    database.commit(&posts, POSTED_AT).unwrap();
    database.commit(&[post("other", 0)], POSTED_AT).unwrap();

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut retention = Retention::new(&options);
        assert_eq!(round(&mut retention, &mut database, 6), 0);
        assert_eq!(log.take(), "", "nothing is old enough");
        assert!(
            round(&mut retention, &mut database, 8) > 1,
            "in more than one step"
        );
        let lines = log.take();
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for (line, fields) in lines.iter().zip([
            r#"instance="bot" entries=1200"#,
            r#"instance="other" entries=1"#,
        ]) {
            assert!(line.contains(" WARN "), "{line}");
            assert!(line.contains("older than retain_bodies"), "{line}");
            assert!(line.contains(fields), "{line}");
            assert!(!line.contains("wrote"), "{line}");
        }
        assert_eq!(round(&mut retention, &mut database, 8), 0);
        round(&mut retention, &mut database, 15);
        assert_eq!(log.take(), "", "the end of keys is no news");
    });
}

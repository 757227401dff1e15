//! One flipped bit anywhere in the file: nothing is altered, nothing disappears unseen.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bridge_core::store::{Death, EntryNumber, Progress, Step, Store, Turn};
use bridge_store::{LetterFilter, SqliteStore, StoreOptions};
use bridge_testkit::FakeClock;
use bridge_testkit::store_contract::fixtures::{
    admit, flush, message, queued, room, settle, texts,
};

use crate::mailbox::{bot, mail, post};
use crate::{inspector, open_store};

const FLIPS: usize = 500;
/// Rows of what was delivered that stand on one page, at most: a flip may cost them all.
const ROWS_OF_A_PAGE: u64 = 80;
const MESSAGES: usize = 120;
const ROOMS: [&str; 3] = ["a", "b", "c"];
const CONFIRMED: EntryNumber = EntryNumber(30);

/// A closed store: a third delivered, some dead, most queued; and a mailbox of which a quarter is
/// confirmed.
async fn fill(dir: &Path) {
    let store = open_store(dir);
    for number in 0..MESSAGES {
        admit(&store, message(&text_of(number), &ROOMS)).await;
    }
    for room in ROOMS {
        for (at, delivery) in queued(&store, room).await.iter().enumerate() {
            let step = match at % 6 {
                0 | 1 => Step::Delivered {
                    platform_ids: vec![format!("id{at}")],
                },
                2 => Step::Dead(Death {
                    reason: "rejected".to_owned(),
                    may_have_been_delivered: false,
                    blocks: false,
                    progress: Progress::START,
                }),
                _ => continue,
            };
            settle(&store, delivery.id, step).await;
        }
    }
    for number in 0..MESSAGES {
        post(&store, &text_of(number)).await;
    }
    store.confirm(&bot(), CONFIRMED).await.unwrap();
    store.close().await.unwrap();
}

fn text_of(number: usize) -> String {
    format!("message {number} {}", "x".repeat(number % 40 * 5))
}

/// What became of one damaged store.
#[derive(Debug, Default)]
struct Counts {
    unharmed: usize,
    quarantined: usize,
    lost_and_counted: usize,
    /// Of all of these, those with entries that nobody will read.
    missed: usize,
    refused: usize,
}

#[tokio::test]
async fn one_flipped_bit_alters_nothing_and_hides_nothing() {
    let seed = std::env::var("FLIP_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("FLIP_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let original = tempfile::tempdir().unwrap();
    fill(original.path()).await;
    let bytes = std::fs::read(original.path().join("store.db")).unwrap();
    let planned = inspector(original.path()).totals().unwrap().planned;
    let known: BTreeSet<_> = (0..MESSAGES).map(text_of).collect();
    let mut counts = Counts::default();
    for _ in 0..FLIPS {
        let (at, bit) = (random.usize(..bytes.len()), random.u8(..8));
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << bit;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("store.db"), damaged).unwrap();
        let around =
            String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 20).min(bytes.len())]);
        let place = format!("byte {at} of page {}, bit {bit}, {around:?}", at / 4096 + 1);
        let clock = Arc::new(FakeClock::default());
        let store = match SqliteStore::open(dir.path(), StoreOptions::default(), clock) {
            Ok(store) => store,
            Err(error) => {
                // Only what says where everything is can't be mended: the header, and the schema.
                assert!(at < schema_bytes(&bytes), "{place}: {error}");
                assert!(!error.to_string().contains('\n'), "{place}: {error}");
                counts.refused += 1;
                continue;
            }
        };
        check(dir.path(), &store, &known, planned, &place, &mut counts).await;
    }
    println!("{FLIPS} flips: {counts:?}");
    assert!(counts.unharmed > 0 && counts.quarantined > 0, "{counts:?}");
}

async fn check(
    dir: &Path,
    store: &SqliteStore,
    known: &BTreeSet<String>,
    planned: u64,
    place: &str,
    counts: &mut Counts,
) {
    for channel in store.lanes().await.unwrap() {
        let window = store.queued(&channel, Turn::ZERO, usize::MAX).await;
        for text in texts(
            &window
                .unwrap_or_else(|error| panic!("{place}: {error}"))
                .deliveries,
        ) {
            assert!(known.contains(text), "{place}: altered to {text:?}");
        }
    }
    flush(store).await;
    let inspector = inspector(dir);
    let totals = inspector.totals().unwrap();
    if totals.planned != totals.accounted() {
        // The count itself is damaged; it is said.
        let faults = inspector.check().unwrap();
        let said = faults
            .iter()
            .any(|fault| fault.problem.contains("accounted"));
        assert!(said, "{place}: {totals:?}, {faults:?}");
    }
    let found = totals.accounted() - totals.lost;
    assert!(found + ROWS_OF_A_PAGE >= planned, "{place}: {totals:?}");
    assert!(totals.accounted() >= planned, "{place}: {totals:?}");
    let letters = inspector.dead_letters(&LetterFilter::latest(usize::MAX));
    for letter in letters.unwrap_or_else(|error| panic!("{place}: {error}")) {
        let is_whole = letter.text.as_ref().is_none_or(|text| known.contains(text));
        assert!(is_whole, "{place}: altered to {letter:?}");
    }
    let mut waiting = 0;
    let mut is_blocked = false;
    for name in ROOMS {
        waiting += queued(store, name).await.len() as u64;
        let window = store.queued(&room(name), Turn::ZERO, 1).await.unwrap();
        // The bit that says so is flipped: the lane names the letter, and waits for a person.
        is_blocked |= window.blocked_by.is_some();
    }
    let hidden = totals.queued - waiting;
    assert!(
        hidden == 0 || is_blocked,
        "{place}: {hidden} are queued where no lane looks"
    );
    if totals.lost > 0 {
        counts.lost_and_counted += 1;
    } else if totals.dead > 60 {
        counts.quarantined += 1;
    } else {
        counts.unharmed += 1;
    }
    check_mailbox(dir, store, known, place, counts).await;
    admit(store, message("after the damage", &ROOMS)).await;
    if !is_blocked {
        let last = queued(store, "a").await.pop().unwrap();
        assert_eq!(last.content.text, "after the damage", "{place}");
    }
}

/// What is read was posted, in order; what is missing is known to the reader.
async fn check_mailbox(
    dir: &Path,
    store: &SqliteStore,
    known: &BTreeSet<String>,
    place: &str,
    counts: &mut Counts,
) {
    let read = mail(store).await;
    for entry in &read.entries {
        let is_whole = known.contains(&entry.key) && entry.body == format!("body of {}", entry.key);
        assert!(is_whole, "{place}: altered to {entry:?}");
        let number = usize::try_from(entry.number.0).unwrap();
        assert_eq!(entry.key, text_of(number - 1), "{place}");
        assert!(
            entry.number > CONFIRMED,
            "{place}: confirmed, and read again"
        );
    }
    assert!(
        read.entries.is_sorted_by(|a, b| a.number < b.number),
        "{place}"
    );
    let missing = MESSAGES - 30 - read.entries.len();
    if missing > 0 {
        counts.missed += 1;
        assert!(
            read.expired > CONFIRMED,
            "{place}: {missing} are missing, and nobody knows"
        );
    }
    assert!(missing < 60, "{place}: {missing} are missing");
    flush(store).await;
    assert!(
        post(store, "after the damage").await.0 > MESSAGES as i64,
        "{place}"
    );
    let last = mail(store).await.entries.pop();
    assert_eq!(last.unwrap().key, "after the damage", "{place}");
    let faults = inspector(dir).check().unwrap();
    let said = faults
        .iter()
        .find(|fault| fault.problem.contains("mailbox of"));
    assert_eq!(said, None, "{place}: the mailbox counts right");
}

/// Bytes of the pages that hold the header and the schema: page 1 and what it overflows into.
fn schema_bytes(bytes: &[u8]) -> usize {
    let tables = ["CREATE TABLE channel (", "CREATE INDEX entry_unread"];
    let last = tables.iter().filter_map(|text| {
        let mut places = bytes.windows(text.len());
        places.rposition(|window| window == text.as_bytes())
    });
    (last.max().unwrap_or(0) / 4096 + 1) * 4096
}

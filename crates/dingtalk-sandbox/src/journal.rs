//! What was said, in order, and ways to wait for more of it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::people::Member;

/// One message in a group.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The group's `openConversationId`.
    pub group: Arc<str>,
    /// When it appeared, for measuring.
    pub at: Instant,
    /// When it appeared, in milliseconds since the Unix epoch, as DingTalk dates it.
    pub at_ms: u64,
    /// Who said it.
    pub author: Author,
    /// The `msgId` of what a member said, the `processQueryKey` of what a robot sent; empty for a
    /// reply that stood in the answer to a callback.
    pub id: String,
    /// What people read: the text or, of other templates, the field that tells most.
    pub text: String,
    /// The template of what a robot sent; `None` for what a member said and for a reply that stood
    /// in the answer to a callback.
    pub msg_key: Option<&'static str>,
}

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A person.
    Member(Member),
    /// A robot.
    Robot {
        /// Its code.
        robot_code: Arc<str>,
    },
}

impl Entry {
    /// Whether a robot sent it.
    pub fn is_from_robot(&self) -> bool {
        matches!(self.author, Author::Robot { .. })
    }

    pub(crate) fn is_by(&self, code: &str) -> bool {
        matches!(&self.author, Author::Robot { robot_code } if **robot_code == *code)
    }
}

/// What was said so far, oldest first; reads as a slice of entries.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Vec<Arc<Entry>>);

impl Transcript {
    /// What robots sent, in order.
    pub fn sent(&self) -> impl Iterator<Item = &Entry> {
        self.0
            .iter()
            .map(|entry| &**entry)
            .filter(|entry| entry.is_from_robot())
    }

    /// The texts that robots sent, in order: compared with what was expected, this shows loss,
    /// duplicates and wrong order alike.
    pub fn sent_texts(&self) -> Vec<&str> {
        self.sent().map(|entry| &*entry.text).collect()
    }

    /// The texts that robots sent to one group more than once, each named once.
    pub fn repeated_texts(&self) -> Vec<&str> {
        let mut seen = std::collections::HashMap::new();
        let mut repeated = Vec::new();
        for entry in self.sent() {
            let times = seen.entry((&entry.group, &*entry.text)).or_insert(0_u32);
            *times += 1;
            if *times == 2 {
                repeated.push(&*entry.text);
            }
        }
        repeated
    }
}

impl Deref for Transcript {
    type Target = [Arc<Entry>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What was waited for did not happen in time.
#[derive(Debug, Clone)]
pub struct WaitTimeout {
    /// How long it was waited: less than asked for if the sandbox stopped meanwhile.
    pub waited: Duration,
    /// What was said until then; empty where no transcript is kept.
    pub transcript: Transcript,
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what was waited for did not happen within {:?}; entries so far: {}",
            self.waited,
            self.transcript.len()
        )
    }
}

impl std::error::Error for WaitTimeout {}

/// The entries of one group, or of all, as they appear.
///
/// Reads along the transcript at its own pace: a slow reader misses nothing and holds nobody up.
pub struct Entries {
    journal: Arc<Journal>,
    position: usize,
}

impl Entries {
    /// The next entry, as soon as there is one; `None` once the sandbox has stopped and all is
    /// read. May be dropped while it waits without losing an entry.
    pub async fn next(&mut self) -> Option<Arc<Entry>> {
        let entry = self
            .journal
            .read(self.position, |news| Arc::clone(&news[0]))
            .await?;
        self.position += 1;
        Some(entry)
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// The book of one group, or of the whole sandbox.
#[derive(Default)]
pub(crate) struct Journal {
    pages: Mutex<Pages>,
    changed: Notify,
    /// The sandbox's book, which takes a copy of everything in the same order.
    whole: Option<Arc<Journal>>,
}

#[derive(Default)]
struct Pages {
    entries: Vec<Arc<Entry>>,
    is_closed: bool,
}

impl Journal {
    /// A group's book.
    pub(crate) fn within(whole: &Arc<Journal>) -> Self {
        Self {
            whole: Some(Arc::clone(whole)),
            ..Self::default()
        }
    }

    pub(crate) fn push(&self, entry: Arc<Entry>) {
        // Both books under this lock, so that they agree on the order. Always the group's first.
        let mut pages = self.pages();
        if let Some(whole) = &self.whole {
            whole.push(Arc::clone(&entry));
        }
        pages.entries.push(entry);
        drop(pages);
        self.changed.notify_waiters();
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.pages().is_closed = true;
        self.changed.notify_waiters();
    }

    pub(crate) fn transcript(&self) -> Transcript {
        Transcript(self.pages().entries.clone())
    }

    /// A reader that begins with the next entry.
    pub(crate) fn subscribe(self: &Arc<Self>) -> Entries {
        Entries {
            position: self.pages().entries.len(),
            journal: Arc::clone(self),
        }
    }

    /// Waits until `is_enough` says so of the transcript; asked once at the start and again
    /// whenever something was said.
    pub(crate) async fn wait_for(
        &self,
        mut is_enough: impl FnMut(&Transcript) -> bool,
        timeout: Duration,
    ) -> Result<Transcript, WaitTimeout> {
        let started = Instant::now();
        let mut seen = self.transcript();
        let reading = async {
            while !is_enough(&seen) {
                match self.read(seen.len(), <[_]>::to_vec).await {
                    Some(news) => seen.0.extend(news),
                    None => return false,
                }
            }
            true
        };
        let is_satisfied = tokio::time::timeout(timeout, reading).await;
        if is_satisfied.unwrap_or(false) {
            Ok(seen)
        } else {
            Err(WaitTimeout {
                waited: started.elapsed(),
                transcript: seen,
            })
        }
    }

    /// Shows `reader` the entries from `position` on, once there is at least one; `None` if there
    /// never will be.
    async fn read<T>(&self, position: usize, reader: impl FnOnce(&[Arc<Entry>]) -> T) -> Option<T> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listens before it looks, so that what comes in between is not missed.
            changed.as_mut().enable();
            {
                let pages = self.pages();
                match pages.entries.get(position..) {
                    Some(news) if !news.is_empty() => return Some(reader(news)),
                    _ if pages.is_closed => return None,
                    _ => {}
                }
            }
            changed.await;
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

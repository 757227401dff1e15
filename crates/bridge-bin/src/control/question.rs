//! What an operator can ask of a bridge or of a store, and the one place that answers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bridge_core::config::settings::{GlobalSettings, StoreSettings};
use bridge_core::ports::Clock;
use bridge_core::store::{DeliveryId, Discarded, Replayed, Store, StoreError};
use bridge_core::time::Timestamp;
use bridge_http::SystemClock;
use bridge_store::{
    DeadLetter, Fault, InspectError, Inspector, LetterFilter, SqliteStore, StoreOptions, Totals,
    Trace,
};
use serde::{Deserialize, Serialize};

use super::Unanswered;
use crate::app::{Cause, Reloaded, Reloads};

/// A question, as it goes over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Question {
    /// Dead letters, the newest first.
    Letters {
        instance: Option<String>,
        since_millis: Option<i64>,
        below: Option<i64>,
        limit: usize,
    },
    /// One dead letter.
    Letter { id: i64 },
    /// To send dead letters again.
    Replay { letters: Vec<i64> },
    /// To give dead letters up.
    Discard { letters: Vec<i64> },
    /// What is known of an id.
    Trace { id: String },
    /// Where all deliveries are.
    Totals,
    /// Whether the store is whole.
    Check,
    /// To copy the store to a file.
    Backup { to: PathBuf },
    /// Where the bridge listens.
    Listeners,
    /// To read the files again.
    Reload,
}

/// An answer, as it goes over the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    Letters {
        letters: Vec<DeadLetter>,
    },
    Letter {
        letter: Option<DeadLetter>,
    },
    /// What became of each letter, in the order asked; and whether a bridge runs that sends them.
    Done {
        results: Vec<LetterResult>,
        is_running: bool,
    },
    Trace(Trace),
    Totals {
        totals: Totals,
        in_flight: u64,
    },
    Check {
        faults: Vec<Fault>,
    },
    Copied,
    /// The process, and the addresses that it holds.
    Listeners {
        process: u32,
        addresses: Vec<SocketAddr>,
    },
    Reloaded(Reloaded),
    /// It can't be answered, for this reason.
    Refused {
        reason: String,
    },
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LetterResult {
    Queued,
    AlreadyQueued,
    Discarded,
    Damaged,
    Full,
    Unknown,
}

impl From<Replayed> for LetterResult {
    fn from(replayed: Replayed) -> Self {
        match replayed {
            Replayed::Queued => Self::Queued,
            Replayed::AlreadyQueued => Self::AlreadyQueued,
            Replayed::Unknown => Self::Unknown,
            Replayed::Damaged => Self::Damaged,
            Replayed::Full => Self::Full,
        }
    }
}

impl From<Discarded> for LetterResult {
    fn from(discarded: Discarded) -> Self {
        match discarded {
            Discarded::Discarded => Self::Discarded,
            Discarded::Unknown => Self::Unknown,
        }
    }
}

/// What questions are answered from.
#[derive(Clone)]
pub(crate) struct Office {
    data_dir: PathBuf,
    /// The bounds of a store that is opened for a question.
    settings: StoreSettings,
    /// The store of the bridge that runs here; without one it is opened when it must be changed.
    running: Option<Arc<dyn Store>>,
    in_flight: Arc<dyn Fn() -> u64 + Send + Sync>,
    listeners: Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>,
    /// `None` if nothing reads its files again.
    reloads: Option<Reloads>,
}

impl Office {
    /// That of a running bridge.
    pub(crate) fn of_running(
        data_dir: &Path,
        store: Arc<dyn Store>,
        in_flight: Arc<dyn Fn() -> u64 + Send + Sync>,
        listeners: Arc<dyn Fn() -> Vec<SocketAddr> + Send + Sync>,
        reloads: Option<Reloads>,
    ) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            settings: StoreSettings::default(),
            running: Some(store),
            in_flight,
            listeners,
            reloads,
        }
    }

    /// That of the data directory in `global`, on which no bridge runs.
    pub(crate) fn of_stopped(global: &GlobalSettings) -> Self {
        Self {
            data_dir: PathBuf::from(&global.data_dir),
            settings: global.store.clone(),
            running: None,
            in_flight: Arc::new(|| 0),
            listeners: Arc::new(Vec::new),
            reloads: None,
        }
    }

    /// Looks into the store, on a thread that may block.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Inspector) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let data_dir = self.data_dir.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let inspector = Inspector::open(&data_dir).map_err(|error| error.to_string())?;
            let Some(inspector) = inspector else {
                return Err(format!(
                    "there is no store in \"{}\" yet; start the bridge, or see to `data_dir`",
                    data_dir.display()
                ));
            };
            look(&inspector)
        });
        match looked.await {
            Ok(result) => result.map_err(Unanswered),
            Err(_) => Err(Unanswered("looking into the store failed".to_owned())),
        }
    }

    /// The store of the running bridge, or the store itself, opened for a change.
    fn store(&self) -> Result<Held, Unanswered> {
        if let Some(store) = &self.running {
            return Ok(Held {
                store: Arc::clone(store),
                opened: None,
            });
        }
        let clock = Arc::new(SystemClock);
        let opened = SqliteStore::open(&self.data_dir, self.options(), clock);
        let opened = Arc::new(opened.map_err(|error| Unanswered(error.to_string()))?);
        Ok(Held {
            store: Arc::clone(&opened) as Arc<dyn Store>,
            opened: Some(opened),
        })
    }

    /// Nothing is to be removed here: how long things are kept is for the bridge to say.
    fn options(&self) -> StoreOptions {
        let mut options = StoreOptions::default();
        options.retain_bodies = Duration::MAX;
        options.retain_ids = Duration::MAX;
        options.lane_backlog = self.settings.lane_backlog;
        options.max_backlog = self.settings.max_backlog;
        options
    }
}

/// A store that may be changed.
struct Held {
    store: Arc<dyn Store>,
    /// If it was opened for this.
    opened: Option<Arc<SqliteStore>>,
}

impl Held {
    /// Closes what was opened, and gives the results of a change.
    async fn done<T: Into<LetterResult>>(
        self,
        results: Result<Vec<T>, StoreError>,
    ) -> Result<Reply, Unanswered> {
        let refused = |error: StoreError| Unanswered(error.to_string());
        let results = results.map_err(refused)?;
        let is_running = self.opened.is_none();
        if let Some(opened) = self.opened {
            opened.close().await.map_err(refused)?;
        }
        Ok(Reply::Done {
            results: results.into_iter().map(Into::into).collect(),
            is_running,
        })
    }
}

fn sentence(error: InspectError) -> String {
    error.to_string()
}

impl Question {
    /// Whether answering it changes the store, or the bridge.
    pub(crate) fn changes_something(&self) -> bool {
        matches!(
            self,
            Self::Replay { .. } | Self::Discard { .. } | Self::Reload
        )
    }

    /// Answers it.
    ///
    /// # Errors
    ///
    /// A sentence for the operator.
    pub(crate) async fn answer_from(&self, office: &Office) -> Result<Reply, Unanswered> {
        match self.clone() {
            Self::Letters {
                instance,
                since_millis,
                below,
                limit,
            } => {
                let mut filter = LetterFilter::latest(limit);
                filter.instance = instance;
                filter.since = since_millis.map(Timestamp::from_millis);
                filter.below = below;
                let look = move |inspector: &Inspector| inspector.dead_letters(&filter);
                let letters = office.look(move |i| look(i).map_err(sentence)).await?;
                Ok(Reply::Letters { letters })
            }
            Self::Letter { id } => {
                let look = move |i: &Inspector| i.dead_letter(id).map_err(sentence);
                let letter = office.look(look).await?;
                Ok(Reply::Letter { letter })
            }
            Self::Replay { letters } => {
                let held = office.store()?;
                let replayed = held.store.replay(numbers(letters), SystemClock.now()).await;
                held.done(replayed).await
            }
            Self::Discard { letters } => {
                let held = office.store()?;
                let discarded = held
                    .store
                    .discard(numbers(letters), SystemClock.now())
                    .await;
                held.done(discarded).await
            }
            Self::Trace { id } => {
                if let Some(store) = &office.running {
                    // Records are written lazily; a store that can't write is looked at as it is.
                    store.flush().await.ok();
                }
                let look = move |i: &Inspector| i.trace(&id).map_err(sentence);
                Ok(Reply::Trace(office.look(look).await?))
            }
            Self::Totals => {
                let totals = office.look(|i| i.totals().map_err(sentence)).await?;
                let in_flight = (office.in_flight)();
                Ok(Reply::Totals { totals, in_flight })
            }
            Self::Check => {
                let faults = office.look(|i| i.check().map_err(sentence)).await?;
                Ok(Reply::Check { faults })
            }
            Self::Backup { to } => {
                let look = move |i: &Inspector| i.backup(&to).map_err(|error| error.to_string());
                office.look(look).await?;
                Ok(Reply::Copied)
            }
            Self::Listeners => match office.running {
                Some(_) => Ok(Reply::Listeners {
                    process: std::process::id(),
                    addresses: (office.listeners)(),
                }),
                None => Err(Unanswered("no bridge runs here".to_owned())),
            },
            Self::Reload => {
                let Some(reloads) = &office.reloads else {
                    let dir = office.data_dir.display();
                    let reason = format!("no bridge that reads files runs on \"{dir}\"");
                    return Err(Unanswered(reason));
                };
                let reloaded = reloads.ask(Cause::Command).await;
                let stopping = || Unanswered("the bridge is stopping".to_owned());
                Ok(Reply::Reloaded(reloaded.ok_or_else(stopping)?))
            }
        }
    }
}

fn numbers(letters: Vec<i64>) -> Vec<DeliveryId> {
    letters.into_iter().map(DeliveryId).collect()
}

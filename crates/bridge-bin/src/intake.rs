//! Steps 4 to 6 for one instance: plan what came in, admit it, say whether it is safe.

mod changes;
mod counters;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, Busy, Event, Ignored, Notice, Refusal};
use bridge_core::id::{Address, Channel, InstanceId};
use bridge_core::message::Message;
use bridge_core::ports::Clock;
use bridge_core::rules::Rules;
use bridge_core::secret::LeakGuard;
use bridge_core::store::{Admission, Admitted, Record, Store, StoreError};
use bridge_http::Intake;
use bridge_store::fail_point;
use http::StatusCode;
use tracing::{error, info, warn};

use counters::Counters;

use crate::generation::{Generation, Generations, Parts};
use crate::known::KnownChannels;
use crate::log_limit::LogLimit;

/// What the platform is told to wait when the store can't take more.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The same where the store is full: a backlog takes its time.
const RETRY_AFTER_FULL: Duration = Duration::from_secs(30);

/// Notices beyond this number are not logged: a driver that makes up keys must not fill memory.
const MOST_NOTICES: usize = 1000;

/// What all instances share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) generations: Arc<Generations>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) known: Arc<KnownChannels>,
}

/// Takes in what one instance receives. Clones are the same intake.
#[derive(Clone)]
pub(crate) struct InstanceIntake(Arc<Inner>);

struct Inner {
    instance: InstanceId,
    platform: &'static str,
    shared: Shared,
    counters: Counters,
    limit: LogLimit,
    notices: Mutex<HashSet<String>>,
    /// The last generation that had the instance, once it is being removed. Whoever brings something
    /// that belongs to it keeps it alive.
    last: Mutex<Weak<Generation>>,
}

impl InstanceIntake {
    pub(crate) fn new(instance: InstanceId, platform: &'static str, shared: Shared) -> Self {
        Self(Arc::new(Inner {
            instance,
            platform,
            shared,
            counters: Counters::default(),
            limit: LogLimit::default(),
            notices: Mutex::default(),
            last: Mutex::default(),
        }))
    }

    /// Says which generation routes what has come in by now, once the current one does not have this
    /// instance: to be said before that is the current one.
    pub(crate) fn set_last(&self, generation: &Arc<Generation>) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(generation);
    }

    /// Logs what was counted.
    pub(crate) fn log_counts(&self) {
        self.0.counters.log(&self.0.instance);
    }
}

impl Inner {
    async fn take_all(&self, batch: Batch, generation: &Generation) -> Result<(), Busy> {
        for notice in batch.notices {
            self.notice(&notice);
        }
        for event in batch.events {
            let taken = match event {
                Event::Message(message) => self.take_message(message, generation).await,
                Event::Ignored(ignored) => self.ignore(ignored).await,
                Event::Changed(change) => self.take_change(change, generation).await,
                Event::Identified(identified) => self.identify(identified).await,
                // Of a newer core than this.
                _ => self.not_forwarded("unknown_event", None, None).await,
            };
            if let Err(error) = taken {
                self.counters.count_busy();
                if let Some(held_back) = self.limit.pass("busy", self.shared.clock.now()) {
                    warn!(instance = %self.instance, %error, held_back, "answered 503, not taken in");
                }
                let retry_after = match error {
                    StoreError::Full(_) => RETRY_AFTER_FULL,
                    StoreError::Unavailable(_) | StoreError::Closed => RETRY_AFTER,
                };
                return Err(Busy { retry_after });
            }
        }
        Ok(())
    }

    /// The generation that routes what has come in: the newest that has this instance, so that what
    /// comes in while the instance is renamed or removed is not lost between two.
    fn generation(&self) -> Arc<Generation> {
        let current = self.shared.generations.current();
        if current.has(&self.instance) {
            return current;
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.upgrade().unwrap_or(current)
    }

    async fn take_message(
        &self,
        message: Message,
        generation: &Generation,
    ) -> Result<(), StoreError> {
        let Parts { rules, leaks, .. } = &generation.parts;
        let channel = Channel::new(self.instance.clone(), message.address.clone());
        if let Some(key) = find_leak(leaks, &message) {
            self.report_leak(key, message.id.as_deref());
            return self
                .not_forwarded("holds_secret", message.id, Some(message.address))
                .await;
        }
        self.see(&channel, &message.channel_title, rules).await?;
        let deliveries = rules.plan(self.platform, &channel, &message);
        if deliveries.is_empty() {
            return self
                .not_forwarded("no_rule", message.id, Some(message.address))
                .await;
        }
        self.admit(Admission {
            source: channel,
            message_id: message.id,
            received_at: self.shared.clock.now(),
            deliveries,
        })
        .await
    }

    fn report_leak(&self, key: &str, message_id: Option<&str>) {
        warn!(
            instance = %self.instance, key, message_id,
            "a message holds this key's secret; it is not forwarded and not stored"
        );
    }

    async fn admit(&self, admission: Admission) -> Result<(), StoreError> {
        let admitted = self.shared.store.admit(admission).await?;
        fail_point("intake.before_answer");
        match admitted {
            Admitted::New { overflowed } => {
                self.counters.count_admitted();
                self.report_overflow(overflowed);
            }
            Admitted::Duplicate => self.counters.count_duplicate(),
        }
        Ok(())
    }

    fn report_overflow(&self, overflowed: usize) {
        if overflowed == 0 {
            return;
        }
        if let Some(held_back) = self.limit.pass("lane_backlog", self.shared.clock.now()) {
            error!(
                instance = %self.instance, deliveries = overflowed, held_back,
                "the lane of a target is full (lane_backlog); deliveries to it are dead letters at once"
            );
        }
    }

    async fn ignore(&self, ignored: Ignored) -> Result<(), StoreError> {
        self.not_forwarded(ignored.reason, ignored.message_id, ignored.address)
            .await
    }

    async fn not_forwarded(
        &self,
        reason: &'static str,
        message_id: Option<String>,
        address: Option<Address>,
    ) -> Result<(), StoreError> {
        self.counters.count_ignored(reason);
        let at = self.shared.clock.now();
        let instance = self.instance.clone();
        let record = Record::NotForwarded {
            instance,
            address,
            message_id,
            at,
            reason,
        };
        self.shared.store.record(record).await
    }

    /// Reports a channel that no rule names once: that is how an operator finds a room's id.
    async fn see(&self, channel: &Channel, title: &str, rules: &Rules) -> Result<(), StoreError> {
        let at = self.shared.clock.now();
        let sighting = self.shared.known.see(channel, title, at);
        if sighting.is_first && !rules.names(channel) {
            info!(
                instance = %self.instance, title, address = %channel,
                "heard a channel that no rule names; paste the address into the rules to bridge it"
            );
        }
        if !sighting.is_due {
            return Ok(());
        }
        let (channel, title) = (channel.clone(), title.to_owned());
        self.shared
            .store
            .record(Record::ChannelSeen { channel, title, at })
            .await
    }

    fn notice(&self, notice: &Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < MOST_NOTICES && notices.insert(notice.key.clone()) {
            warn!(instance = %self.instance, "{}", notice.text);
        }
    }
}

/// The key whose secret the message would carry on.
pub(crate) fn find_leak<'a>(leaks: &'a LeakGuard, message: &Message) -> Option<&'a str> {
    let sender = &message.sender;
    let attachments = message
        .attachments
        .iter()
        .flat_map(|file| [&file.name, &file.url]);
    let title = &message.channel_title;
    let quoted = message.reply_to.iter();
    let quoted = quoted.flat_map(|quoted| [&quoted.text, &quoted.sender_name, &quoted.id]);
    let texts = [
        &message.text,
        title,
        &sender.name,
        &sender.id,
        &sender.avatar,
    ];
    texts
        .into_iter()
        .chain(attachments)
        .chain(quoted)
        .find_map(|text| leaks.find(text))
}

impl Intake for InstanceIntake {
    fn take(&self, batch: Batch) -> BoxFuture<'static, Result<(), Busy>> {
        let intake = Arc::clone(&self.0);
        // Asked once, and held until all deliveries are committed.
        let generation = intake.generation();
        Box::pin(async move { intake.take_all(batch, &generation).await })
    }

    fn refused(&self, status: StatusCode, refusal: &Refusal) {
        let Inner {
            instance,
            counters,
            limit,
            shared,
            ..
        } = &*self.0;
        counters.count_refused(refusal.reason);
        if let Some(held_back) = limit.pass(refusal.reason, shared.clock.now()) {
            warn!(
                %instance, status = status.as_u16(), reason = refusal.reason,
                detail = refusal.detail, held_back, "refused a request"
            );
        }
    }
}

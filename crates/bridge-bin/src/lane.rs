//! Steps 7 to 10 for one channel: takes the oldest delivery, fits it, sends it part by part, and
//! settles what became of it. One send at a time, in the order of admission.

mod gate;
pub(crate) mod window;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::capability::Capabilities;
use bridge_core::config::settings::DeliveryPolicy;
use bridge_core::driver::Outgoing;
use bridge_core::fit::fit;
use bridge_core::id::Channel;
use bridge_core::outcome::{Certainty, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Clock;
use bridge_core::retry::{Failure, Verdict, expire, judge, perhaps_delivered};
use bridge_core::rules::Rules;
use bridge_core::store::{Death, Progress, QueuedDelivery, Settlement, Step, Store, StoreError};
use bridge_core::time::Timestamp;
use bridge_http::{Attempt, Budget, Outbound};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use gate::Gate;
use window::{REFILL, Window};

/// The pause after the store could not be read.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the lanes of one instance share.
pub(crate) struct Target {
    pub(crate) outbound: Outbound,
    pub(crate) capabilities: Capabilities,
    pub(crate) channel_rate_per_minute: u32,
    pub(crate) policy: Arc<DeliveryPolicy>,
    /// Closed while the platform asks the whole instance to wait.
    pub(crate) gate: Gate,
}

/// The queue of deliveries to one channel, and the task that works it off.
pub(crate) struct Lane {
    pub(crate) channel: Channel,
    pub(crate) window: Arc<Window>,
    pub(crate) target: Arc<Target>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The bridge is stopping: what is not settled stays in the store.
struct Stopping;

impl Lane {
    /// Works until the bridge stops. A send that runs then is finished; no further one is begun.
    pub(crate) async fn run(mut self) {
        let minute = Duration::from_secs(60);
        let budget = Budget::new(self.target.channel_rate_per_minute, minute);
        while let Ok(delivery) = self.next().await {
            if self.deliver(delivery, &budget).await.is_err() {
                break;
            }
        }
    }

    async fn next(&mut self) -> Result<QueuedDelivery, Stopping> {
        loop {
            if *self.stopping.borrow() {
                return Err(Stopping);
            }
            if let Some(delivery) = self.window.take() {
                return Ok(delivery);
            }
            let Some(gap) = self.window.gap() else {
                let window = Arc::clone(&self.window);
                self.unless_stopping(window.changed()).await?;
                continue;
            };
            match self.store.queued(&self.channel, gap.after, REFILL).await {
                Ok(deliveries) => self.window.refill(deliveries, gap),
                Err(error) => {
                    error!(channel = %self.channel, %error, "the store can't be read; trying again");
                    let pause = self.clock.sleep(READ_AGAIN_AFTER);
                    self.unless_stopping(pause).await?;
                }
            }
        }
    }

    /// Sends the delivery's parts until the last one is taken or the delivery is dead.
    async fn deliver(&mut self, delivery: QueuedDelivery, budget: &Budget) -> Result<(), Stopping> {
        let policy = self.rules.policy(&delivery.rule, &delivery.channel);
        let policy = Arc::clone(policy.unwrap_or(&self.target.policy));
        let parts = fit(&delivery.content, &self.target.capabilities);
        let mut progress = delivery.progress;
        loop {
            self.wait_until(progress.not_before).await?;
            let sent = usize::try_from(progress.parts_sent).unwrap_or(usize::MAX);
            let Some(part) = parts.get(sent) else {
                return self.bury_empty(&delivery, progress).await;
            };
            let clock = Arc::clone(&self.clock);
            self.unless_stopping(budget.acquire(&*clock)).await?;
            if let Some(death) = expire(progress, delivery.received_at, &policy, self.clock.now()) {
                return self.bury(&delivery, death).await;
            }
            let key = format!("{}.{sent}", delivery.id);
            let outgoing = Outgoing::new(self.channel.address.clone(), part.as_str(), key);
            let attempt = Attempt {
                outgoing,
                timeout: policy.attempt_timeout,
            };
            let result = self.target.outbound.send(attempt).await;
            let step = match result {
                Ok(Sent { platform_ids }) if sent + 1 == parts.len() => {
                    debug!(channel = %self.channel, delivery = %delivery.id, "delivered");
                    return self
                        .settle(&delivery, Step::Delivered { platform_ids })
                        .await;
                }
                Ok(Sent { platform_ids }) => {
                    progress = Progress {
                        parts_sent: progress.parts_sent + 1,
                        ..Progress::START
                    };
                    Step::PartSent {
                        platform_ids,
                        progress,
                    }
                }
                Err(error) => match self.failed(&delivery, progress, &error, &policy) {
                    Verdict::Again {
                        progress: next,
                        scope,
                    } => {
                        progress = next;
                        if scope == Scope::Instance {
                            self.target.gate.close_until(progress.not_before);
                        }
                        Step::Postponed {
                            progress,
                            reason: error.to_string(),
                        }
                    }
                    Verdict::Dead(death) => return self.bury(&delivery, death).await,
                },
            };
            self.settle(&delivery, step).await?;
        }
    }

    fn failed(
        &self,
        delivery: &QueuedDelivery,
        progress: Progress,
        error: &SendError,
        policy: &DeliveryPolicy,
    ) -> Verdict {
        let failure = Failure {
            error,
            progress,
            received_at: delivery.received_at,
            idempotent: self.target.capabilities.idempotent_send,
            now: self.clock.now(),
            jitter: fastrand::f64(),
        };
        let verdict = judge(&failure, policy);
        if let Verdict::Again { progress, .. } = &verdict {
            let is_first = progress.attempts == 1;
            let uncertain = error.certainty == Certainty::Unknown;
            let asked = matches!(error.advice, RetryAdvice::After(..));
            if is_first {
                warn!(
                    channel = %self.channel, delivery = %delivery.id, %error, uncertain, asked,
                    again_at = %progress.not_before, "a send failed and will be tried again"
                );
            } else {
                info!(
                    channel = %self.channel, delivery = %delivery.id, %error, uncertain, asked,
                    attempts = progress.attempts, again_at = %progress.not_before,
                    "a send failed again"
                );
            }
        }
        verdict
    }

    async fn bury_empty(
        &mut self,
        delivery: &QueuedDelivery,
        progress: Progress,
    ) -> Result<(), Stopping> {
        let reason = "nothing is left to send: the rendered text is empty, or shorter than what was sent before".to_owned();
        self.bury(
            delivery,
            Death {
                reason,
                may_have_been_delivered: perhaps_delivered(progress),
                progress,
            },
        )
        .await
    }

    async fn bury(&mut self, delivery: &QueuedDelivery, death: Death) -> Result<(), Stopping> {
        error!(
            channel = %self.channel, delivery = %delivery.id, reason = death.reason,
            may_have_been_delivered = death.may_have_been_delivered,
            "a delivery failed for good; it is kept as a dead letter"
        );
        self.settle(delivery, Step::Dead(death)).await
    }

    async fn settle(&mut self, delivery: &QueuedDelivery, step: Step) -> Result<(), Stopping> {
        let at = self.clock.now();
        let settlement = Settlement {
            delivery: delivery.id,
            at,
            step,
        };
        match self.store.settle(settlement).await {
            Ok(()) => Ok(()),
            Err(StoreError::Closed) => Err(Stopping),
            Err(error) => {
                error!(channel = %self.channel, %error, "what became of a delivery can't be written");
                Err(Stopping)
            }
        }
    }

    /// Waits for the delivery's own time and for the instance's gate.
    async fn wait_until(&mut self, not_before: Timestamp) -> Result<(), Stopping> {
        loop {
            if *self.stopping.borrow() {
                return Err(Stopping);
            }
            let wait = not_before
                .max(self.target.gate.opens_at())
                .since(self.clock.now());
            if wait.is_zero() {
                return Ok(());
            }
            let pause = self.clock.sleep(wait);
            self.unless_stopping(pause).await?;
        }
    }

    async fn unless_stopping<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stopping> {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(Stopping),
            done = work => Ok(done),
        }
    }
}

//! Steps 7 to 10 for one channel: takes the oldest delivery, fits it, sends it part by part, and
//! settles what became of it. One send at a time, in the order of turns.
//!
//! ```text
//! queue (window, store) ─▶ act ─▶ ready (own time, gate, budgets) ─▶ digest ─▶ send ─▶ settling
//! ```

mod act;
mod budget;
mod digest;
mod gate;
mod key;
mod queue;
mod report;
mod settling;
mod target;
pub(crate) mod window;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::config::settings::DeliveryPolicy;
use bridge_core::driver::Outgoing;
use bridge_core::id::Channel;
use bridge_core::outcome::{Certainty, Scope, SendError, Sent};
use bridge_core::ports::Clock;
use bridge_core::retry::{Failure, Overdue, Verdict, judge, overdue, perhaps_delivered};
use bridge_core::store::{Death, Progress, QueuedDelivery, Settlement, Step, Store};
use bridge_core::time::Timestamp;
use bridge_http::{Attempt, ReadyOutbound};
use bridge_store::fail_point;
use tokio::sync::watch;

use budget::ChannelBudget;
pub(crate) use key::read_key;
use settling::Settling;
pub(crate) use target::Target;
use window::Window;

use crate::generation::Generations;

/// The pause after the store could not be read or written.
const STORE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a lane works with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) channel: Channel,
    pub(crate) window: Arc<Window>,
    pub(crate) generations: Arc<Generations>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The queue of deliveries to one channel, and the task that works it off.
pub(crate) struct Lane {
    context: Context,
    /// The instance, as it was when it was last looked for.
    target: Arc<Target>,
    budget: ChannelBudget,
    settling: Settling,
}

/// The lane ends, since the bridge is stopping or its instance is no longer configured: what is not
/// settled stays in the store.
struct Stopping;

/// Why a lane does not wait any longer.
enum Interrupted {
    Stopping,
    /// The instance is another one now, or none.
    Retired,
}

/// What follows from a try.
enum Next {
    /// The delivery goes on from here.
    Again(Step, Progress),
    /// It has left the queue.
    End(Step),
}

/// Works until the bridge stops or the instance is removed. A send that runs then is finished and
/// settled; no further one is begun. If the instance changes, the next send is the new one's.
pub(crate) async fn run(context: Context) {
    let Some(target) = context.target() else {
        return;
    };
    let mut stopping = context.stopping.clone();
    let open = context.open_budget(&target);
    let Ok(budget) = unless_stopping(&mut stopping, open).await else {
        return;
    };
    let mut lane = Lane {
        context,
        target,
        budget,
        settling: Settling::default(),
    };
    while let Ok(delivery) = lane.next().await {
        if lane.deliver(delivery).await.is_err() {
            break;
        }
    }
    // An error means that the store is closed, and has been reported there.
    lane.settling.written().await.ok();
}

impl Context {
    /// The instance as it is now; `None` if it is not configured.
    fn target(&self) -> Option<Arc<Target>> {
        let generation = self.generations.current();
        let end = generation.parts.ends.get(&self.channel.instance)?;
        Some(Arc::clone(&end.target))
    }

    async fn open_budget(&self, target: &Target) -> ChannelBudget {
        let per_minute = target.channel_rate_per_minute;
        ChannelBudget::open(per_minute, &self.channel, &self.store, &self.clock).await
    }

    /// How the delivery is to be tried.
    fn policy(&self, delivery: &QueuedDelivery) -> Result<Arc<DeliveryPolicy>, Stopping> {
        let generation = self.generations.current();
        let policy = generation.policy(&delivery.rule, &delivery.channel);
        policy.ok_or(Stopping)
    }
}

impl Lane {
    /// Sends the delivery's parts until it leaves the queue.
    async fn deliver(&mut self, mut delivery: QueuedDelivery) -> Result<(), Stopping> {
        let mut target = Arc::clone(&self.target);
        let Some(mut carriage) = self.carriage(&delivery).await? else {
            return Ok(());
        };
        loop {
            let outbound = self.ready(delivery.progress.not_before).await?;
            if !Arc::ptr_eq(&target, &self.target) {
                target = Arc::clone(&self.target);
                let Some(anew) = self.carriage(&delivery).await? else {
                    return Ok(());
                };
                carriage = anew;
            }
            let policy = self.context.policy(&delivery)?;
            if let Some(step) = self.overdue(&delivery, &policy) {
                return self.settle(&delivery, step).await;
            }
            if policy.digest && self.merge_waiting(&mut delivery).await? {
                let Some(merged) = self.carriage(&delivery).await? else {
                    return Ok(());
                };
                carriage = merged;
            }
            let sent = usize::try_from(delivery.progress.parts_sent).unwrap_or(usize::MAX);
            let Some(part) = carriage.parts.get(sent) else {
                let step = Step::Dead(self.nothing_left(&delivery, &policy));
                return self.settle(&delivery, step).await;
            };
            if !self.spend().await? {
                continue;
            }
            // While that was written, the platform may have asked the instance to wait.
            if target.gate.opens_at() > self.context.clock.now() {
                continue;
            }
            let key = key::of(&self.context.store.identity(), &delivery, sent);
            let address = self.context.channel.address.clone();
            let mut outgoing = Outgoing::new(address, part.text.as_str(), key);
            outgoing.act = carriage.act(sent);
            outgoing.attachments.clone_from(&part.attachments);
            outgoing.msg = Arc::clone(&delivery.content.msg);
            let timeout = policy.attempt_timeout;
            let in_flight = target.in_flight.begin();
            fail_point("send.before");
            let result = outbound.send(Attempt { outgoing, timeout }).await;
            fail_point("send.after");
            drop(in_flight);
            let is_last = sent + 1 == carriage.parts.len();
            match self.follow(&delivery, result, is_last, &policy) {
                Next::Again(step, progress) => {
                    self.settle(&delivery, step).await?;
                    delivery.progress = progress;
                }
                Next::End(step) => return self.settle(&delivery, step).await,
            }
        }
    }

    /// Waits for the delivery's own time, for the instance's gate, for both budgets and for a slot.
    async fn ready(&mut self, not_before: Timestamp) -> Result<ReadyOutbound, Stopping> {
        loop {
            let Self {
                context,
                target,
                budget,
                ..
            } = self;
            let clock = &context.clock;
            let ready = async {
                loop {
                    wait_until(not_before.max(target.gate.opens_at()), &**clock).await;
                    budget.available().await;
                    let outbound = target.outbound.ready().await;
                    // Another lane may have been told to wait while this one stood in line.
                    if target.gate.opens_at() <= clock.now() {
                        return outbound;
                    }
                }
            };
            match uninterrupted(&mut context.stopping, target, ready).await {
                Ok(outbound) => return Ok(outbound),
                Err(interrupted) => self.renew(interrupted).await?,
            }
        }
    }

    /// Waits, at most until the instance is another one; the lane goes on with that then.
    async fn pause(&mut self, pause: impl Future<Output = ()>) -> Result<(), Stopping> {
        let stopping = &mut self.context.stopping;
        match uninterrupted(stopping, &self.target, pause).await {
            Ok(()) => Ok(()),
            Err(interrupted) => self.renew(interrupted).await,
        }
    }

    /// Goes on with the instance as it is now, if it still is and the bridge is not stopping.
    async fn renew(&mut self, interrupted: Interrupted) -> Result<(), Stopping> {
        let Interrupted::Retired = interrupted else {
            return Err(Stopping);
        };
        let target = self.context.target().ok_or(Stopping)?;
        if target.channel_rate_per_minute != self.target.channel_rate_per_minute {
            let mut stopping = self.context.stopping.clone();
            let open = self.context.open_budget(&target);
            self.budget = unless_stopping(&mut stopping, open).await?;
        }
        self.target = target;
        Ok(())
    }

    /// Uses a permission of the channel's budget; says whether it may be used.
    async fn spend(&mut self) -> Result<bool, Stopping> {
        let Err(error) = self.budget.spend().await else {
            return Ok(true);
        };
        report::store_fails(&self.context.channel, &error);
        let pause = self.context.clock.sleep(STORE_AGAIN_AFTER);
        self.pause(pause).await?;
        Ok(false)
    }

    fn overdue(&self, delivery: &QueuedDelivery, policy: &DeliveryPolicy) -> Option<Step> {
        let now = self.context.clock.now();
        let step = match overdue(delivery.progress, delivery.queued_at, policy, now)? {
            Overdue::Expired(reason) => Step::Expired { reason },
            Overdue::Dead(death) => Step::Dead(death),
        };
        Some(step)
    }

    fn nothing_left(&self, delivery: &QueuedDelivery, policy: &DeliveryPolicy) -> Death {
        Death {
            reason: "nothing is left to send: the rendered text is empty, or shorter than what was sent before".to_owned(),
            may_have_been_delivered: perhaps_delivered(delivery.progress),
            blocks: policy.on_dead == bridge_core::config::settings::OnDead::Block,
            progress: delivery.progress,
        }
    }

    /// Decides what follows from how a send ended.
    fn follow(
        &self,
        delivery: &QueuedDelivery,
        result: Result<Sent, SendError>,
        is_last: bool,
        policy: &DeliveryPolicy,
    ) -> Next {
        let error = match result {
            Ok(Sent { platform_ids }) if is_last => {
                return Next::End(Step::Delivered { platform_ids });
            }
            Ok(Sent { platform_ids }) => {
                let progress = Progress {
                    parts_sent: delivery.progress.parts_sent + 1,
                    ..Progress::START
                };
                let step = Step::PartSent {
                    platform_ids,
                    progress,
                };
                return Next::Again(step, progress);
            }
            Err(error) => error,
        };
        let Self {
            context, target, ..
        } = self;
        let clock = &context.clock;
        let failure = Failure {
            error: &error,
            purpose: &delivery.content.purpose,
            progress: delivery.progress,
            queued_at: delivery.queued_at,
            idempotent: target.capabilities.idempotent_send,
            now: clock.now(),
            jitter: fastrand::f64(),
        };
        match judge(&failure, policy) {
            Verdict::Again { progress, scope } => {
                if scope == Scope::Instance {
                    target.gate.close_until(progress.not_before);
                }
                report::failed(&self.context.channel, delivery, &error, progress);
                let step = Step::Postponed {
                    progress,
                    reason: error.to_string(),
                    uncertain: error.certainty == Certainty::Unknown,
                };
                Next::Again(step, progress)
            }
            Verdict::Expired(reason) => Next::End(Step::Expired { reason }),
            Verdict::NotShown(reason) => Next::End(Step::NotShown { reason }),
            Verdict::Dead(death) => Next::End(Step::Dead(death)),
        }
    }

    async fn settle(&mut self, delivery: &QueuedDelivery, step: Step) -> Result<(), Stopping> {
        let Context {
            channel,
            window,
            store,
            clock,
            ..
        } = &self.context;
        report::settled(channel, delivery, &step);
        let blocks = matches!(&step, Step::Dead(death) if death.blocks);
        // Were this undone by a crash once the next one is shown, it would be shown after that.
        let must_be_written = matches!(step, Step::Dead(_) | Step::Expired { .. });
        let settlement = Settlement {
            delivery: delivery.id,
            at: clock.now(),
            step,
        };
        let mut settled = self.settling.hand_over(settlement, &**store).await;
        if settled.is_ok() && must_be_written {
            settled = self.settling.written().await;
        }
        if let Err(error) = settled {
            report::store_fails(channel, &error);
            return Err(Stopping);
        }
        fail_point("settle.handed_over");
        if blocks {
            // The store says from now on that the lane is blocked, and when it no longer is.
            window.reorder();
        }
        Ok(())
    }
}

async fn wait_until(time: Timestamp, clock: &dyn Clock) {
    loop {
        let wait = time.since(clock.now());
        if wait.is_zero() {
            return;
        }
        clock.sleep(wait).await;
    }
}

async fn uninterrupted<T>(
    stopping: &mut watch::Receiver<bool>,
    target: &Target,
    work: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => Err(Interrupted::Stopping),
        () = target.retirement.declared() => Err(Interrupted::Retired),
        done = work => Ok(done),
    }
}

async fn unless_stopping<T>(
    stopping: &mut watch::Receiver<bool>,
    work: impl Future<Output = T>,
) -> Result<T, Stopping> {
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => Err(Stopping),
        done = work => Ok(done),
    }
}

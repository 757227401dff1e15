//! Switches that make the sandbox fail the way platforms fail.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::refusal::Refusal;

/// A way to fail. *Taken* means that the message appeared in the group.
///
/// Once any fault was ever switched on, requests run to their end even if the caller gives up
/// meanwhile: a platform does not take back a message because nobody waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not taken; answered with this.
    Refuse(Refusal),
    /// Not taken; answered with an HTML page, as a firewall does.
    HtmlPage(StatusCode),
    /// Looked at only after this time, then handled as ever.
    Delay(Duration),
    /// Taken at once; answered after this time.
    DelayAnswer(Duration),
    /// All tokens that are out become invalid, and the request is refused for its token.
    RevokeTokens,
    /// Not taken; the connection is closed once the head of the request is there, its body unread.
    /// On a group's switch the body has been read, since the group stands in it.
    DropUnread,
    /// Not taken; the request is read whole, then the connection is closed without an answer.
    DropUntaken,
    /// Taken; then the connection is closed without an answer.
    DropTaken,
    /// Taken; answered 500 `system.error` all the same.
    FailTaken,
}

impl Fault {
    /// Refused with `status` and DingTalk's `code`.
    pub fn refuse(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse(Refusal::new(status, code, "refused by a fault switch"))
    }

    /// Refused as too many calls a second: 403 `…QpsLimitForAppkeyAndApi`.
    pub fn throttle() -> Self {
        Self::Refuse(Refusal::new(
            StatusCode::FORBIDDEN,
            "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
            "钉钉开放平台API限流",
        ))
    }

    /// Refused as busy: 429 with `Retry-After`, rounded up to whole seconds.
    pub fn busy(retry_after: Duration) -> Self {
        Self::Refuse(Refusal {
            retry_after: Some(retry_after),
            ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "system.busy", "系统繁忙")
        })
    }

    /// Not taken; 500 `system.error`.
    pub fn server_error() -> Self {
        Self::Refuse(Refusal::system_error())
    }
}

/// One place where faults are switched on: all sends, all token requests, or the sends to one
/// group. A cheap handle; clones mean the same switch.
///
/// Each request to the place draws at most one fault from it: first those queued by
/// [`next`](Self::next), then the one [`until_cleared`](Self::until_cleared), then the
/// [`sometimes`](Self::sometimes) in the order given.
#[derive(Clone)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    is_armed: Armed,
}

/// Whether any fault of the sandbox was ever switched on; spares those who want none the cost.
#[derive(Clone, Default)]
pub(crate) struct Armed(Arc<AtomicBool>);

#[derive(Default)]
struct Plan {
    queue: VecDeque<(u32, Fault)>,
    steady: Option<Fault>,
    chances: Vec<Chance>,
}

struct Chance {
    probability: f64,
    random: fastrand::Rng,
    fault: Fault,
}

impl Faults {
    pub(crate) fn new(is_armed: &Armed) -> Self {
        Self {
            plan: Arc::default(),
            is_armed: is_armed.clone(),
        }
    }

    /// The next `count` requests fail so, after those queued before.
    pub fn next(&self, count: u32, fault: Fault) {
        if count > 0 {
            self.arm().queue.push_back((count, fault));
        }
    }

    /// Every request fails so until [`clear`](Self::clear); replaces an earlier one.
    pub fn until_cleared(&self, fault: Fault) {
        self.arm().steady = Some(fault);
    }

    /// Each request fails so with `probability`, from 0 (never) to 1 (always). The same `seed`
    /// gives the same sequence of drawings.
    pub fn sometimes(&self, probability: f64, seed: u64, fault: Fault) {
        self.arm().chances.push(Chance {
            probability,
            random: fastrand::Rng::with_seed(seed),
            fault,
        });
    }

    /// No more faults from here.
    pub fn clear(&self) {
        *self.plan() = Plan::default();
    }

    /// The fault of the request that asks.
    pub(crate) fn draw(&self) -> Option<Fault> {
        if !self.is_armed.get() {
            return None;
        }
        let mut plan = self.plan();
        if let Some((left, fault)) = plan.queue.front_mut() {
            let fault = fault.clone();
            *left -= 1;
            if *left == 0 {
                plan.queue.pop_front();
            }
            return Some(fault);
        }
        if plan.steady.is_some() {
            return plan.steady.clone();
        }
        plan.chances
            .iter_mut()
            .find_map(|chance| chance.draw().cloned())
    }

    fn arm(&self) -> MutexGuard<'_, Plan> {
        self.is_armed.0.store(true, Ordering::Release);
        self.plan()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chance {
    fn draw(&mut self) -> Option<&Fault> {
        (self.random.f64() < self.probability).then_some(&self.fault)
    }
}

impl Armed {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan();
        f.debug_struct("Faults")
            .field("queue", &plan.queue)
            .field("until_cleared", &plan.steady)
            .field("sometimes", &plan.chances.len())
            .finish()
    }
}

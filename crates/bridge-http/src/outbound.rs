//! The way of one send from a lane to its driver, for one instance.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bridge_core::BoxFuture;
use bridge_core::driver::{ErasedDriver, Outgoing};
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::Clock;
use tower::limit::ConcurrencyLimit;
use tower::{Service, ServiceBuilder, ServiceExt, layer::layer_fn};

use crate::budget::{Budget, Permission};

/// One try to send one part of a delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What to send.
    pub outgoing: Outgoing,
    /// How long the driver may take. Waiting for a slot and for the budget is not counted.
    pub timeout: Duration,
}

/// Bounds of an instance's sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboundOptions {
    /// Sends at once. 0 counts as 1.
    pub max_in_flight: usize,
    /// Sends a second, in any second; 0 for no limit.
    pub rate_per_second: u32,
    /// Whether an earlier run may have sent something within the last second: the limit holds
    /// across a restart.
    pub follows_earlier_run: bool,
}

/// The outbound stack of an instance over `driver`; make one per instance and clone it.
///
/// Retrying is not here: a retry has to survive a restart, so it belongs to the lane.
pub fn stack(
    driver: Arc<dyn ErasedDriver>,
    options: OutboundOptions,
    clock: Arc<dyn Clock>,
) -> Outbound {
    let budget = Budget::new(options.rate_per_second, Duration::from_secs(1));
    let budget = Arc::new(match options.follows_earlier_run {
        true => budget.used_up_at(clock.now()),
        false => budget,
    });
    stack_on(budget, driver, options, clock)
}

fn stack_on(
    budget: Arc<Budget>,
    driver: Arc<dyn ErasedDriver>,
    options: OutboundOptions,
    clock: Arc<dyn Clock>,
) -> Outbound {
    let shared = Arc::clone(&budget);
    let budget_clock = Arc::clone(&clock);
    let service = ServiceBuilder::new()
        // Outermost: those who wait here hold nothing but their place in the line, and no more than
        // the bound compete for the budget.
        .concurrency_limit(options.max_in_flight.max(1))
        // Inside the limit, so that the order of permissions is the order of sends; outside the
        // timeout, so that a busy instance does not look like a slow platform.
        .layer(layer_fn(move |inner| Budgeted {
            inner,
            asking: Asking::new(Arc::clone(&budget), Arc::clone(&budget_clock)),
        }))
        // Next to the driver: it counts the send itself and nothing else.
        .layer(layer_fn(move |inner| TimeLimited {
            inner,
            clock: Arc::clone(&clock),
        }))
        .service(Sender { driver });
    Outbound {
        service,
        budget: shared,
    }
}

/// An instance's sends. Clones share the bounds.
///
/// - A send that takes longer than its [`Attempt::timeout`] ends as uncertain: the platform may
///   have taken it.
/// - Dropping the future gives up; before the driver was called, nothing was used.
#[derive(Clone)]
pub struct Outbound {
    service: ConcurrencyLimit<Budgeted<TimeLimited<Sender>>>,
    budget: Arc<Budget>,
}

impl Outbound {
    /// A stack of the same instance with another driver and other bounds, for sends from now on.
    /// Those of both count in one budget, which has the new limit at once.
    pub fn succeeded_by(
        &self,
        driver: Arc<dyn ErasedDriver>,
        options: OutboundOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let budget = Arc::clone(&self.budget);
        budget.set_limit(options.rate_per_second, clock.now());
        stack_on(budget, driver, options, clock)
    }

    /// Waits for a slot and for the budget. What is sent can be decided then, since nothing else
    /// will delay it.
    pub async fn ready(&self) -> ReadyOutbound {
        let mut outbound = self.clone();
        // The stack has no error of readiness; one would come again from the call.
        drop(outbound.service.ready().await);
        ReadyOutbound { outbound }
    }

    /// Waits for a slot and for the budget, then sends.
    ///
    /// # Errors
    ///
    /// As [`ReadyOutbound::send`].
    pub async fn send(&self, attempt: Attempt) -> Result<Sent, SendError> {
        self.ready().await.send(attempt).await
    }
}

/// A slot and a permission of the budget, which counts as used when it sends. Dropping it gives both
/// back.
#[derive(Debug)]
pub struct ReadyOutbound {
    outbound: Outbound,
}

impl ReadyOutbound {
    /// Sends.
    ///
    /// # Errors
    ///
    /// The driver's error, or an uncertain one of kind [`ErrorKind::Timeout`].
    pub async fn send(mut self, attempt: Attempt) -> Result<Sent, SendError> {
        self.outbound.service.call(attempt).await
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

/// Ready when the budget has given a permission, which the next call uses.
#[derive(Clone)]
struct Budgeted<S> {
    inner: S,
    asking: Asking,
}

/// Asks for a permission and keeps it. A clone asks for its own.
struct Asking {
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    /// Only reached through `&mut`; the lock lets several tasks share what holds it.
    waiting: Mutex<Option<BoxFuture<'static, Permission>>>,
    given: Option<Permission>,
}

impl Asking {
    fn new(budget: Arc<Budget>, clock: Arc<dyn Clock>) -> Self {
        Self {
            budget,
            clock,
            waiting: Mutex::default(),
            given: None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.given.is_some() || !self.budget.is_limited() {
            return Poll::Ready(());
        }
        let waiting = self
            .waiting
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let (budget, clock) = (&self.budget, &self.clock);
        let asked = waiting.get_or_insert_with(|| {
            let (budget, clock) = (Arc::clone(budget), Arc::clone(clock));
            Box::pin(async move { budget.give(&*clock).await })
        });
        self.given = Some(ready!(asked.as_mut().poll(context)));
        *waiting = None;
        Poll::Ready(())
    }

    fn spend(&mut self) {
        if let Some(permission) = self.given.take() {
            permission.spend(self.clock.now());
        }
    }
}

impl Clone for Asking {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.budget), Arc::clone(&self.clock))
    }
}

impl<S> Service<Attempt> for Budgeted<S>
where
    S: Service<Attempt, Response = Sent, Error = SendError>,
{
    type Response = Sent;
    type Error = SendError;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.inner.poll_ready(context))?;
        self.asking.poll(context).map(Ok)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        self.asking.spend();
        self.inner.call(attempt)
    }
}

/// Gives up on a send after its own timeout.
#[derive(Clone)]
struct TimeLimited<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S> Service<Attempt> for TimeLimited<S>
where
    S: Service<Attempt, Response = Sent, Error = SendError>,
    S::Future: Send + 'static,
{
    type Response = Sent;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Sent, SendError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let limit = attempt.timeout;
        let outgoing = attempt.outgoing.clone();
        let sending = self.inner.call(attempt);
        let over = self.clock.sleep(limit);
        Box::pin(async move {
            tokio::select! {
                // An answer that is there counts, even if the time is over as well.
                biased;
                result = sending => result,
                () = over => Err(given_up(&outgoing, limit)),
            }
        })
    }
}

/// The error of a try that took too long. One that was still being prepared, say by a slow token
/// endpoint, costs time, not certainty; and what holds it up holds up the whole instance.
fn given_up(outgoing: &Outgoing, limit: Duration) -> SendError {
    let detail = format!("the attempt did not end within {limit:?}");
    if outgoing.is_preparing() {
        let advice = RetryAdvice::Backoff(Scope::Instance);
        return SendError::temporary(ErrorKind::Timeout, advice, "prepare", detail);
    }
    SendError::uncertain(ErrorKind::Timeout, "send", detail)
}

/// The driver as a service.
#[derive(Clone)]
struct Sender {
    driver: Arc<dyn ErasedDriver>,
}

impl Service<Attempt> for Sender {
    type Response = Sent;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Sent, SendError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let driver = Arc::clone(&self.driver);
        Box::pin(async move { driver.send(&attempt.outgoing).await })
    }
}

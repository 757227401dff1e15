//! The driver's own work on a bench, and time that passes: polled by hand, without a runtime.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bridge_core::driver::{Driver, RunError};
use bridge_core::ports::Clock;
use bridge_core::time::Timestamp;

use super::requests::lock;
use super::{Bench, MOST_STEPS, SETTLING, STEP};
use crate::driver_contract::drive::Woken;
use crate::driver_contract::platform::WayOut;
use crate::driver_contract::{Stop, Subject};

/// How things stood when the work was begun.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) at: Timestamp,
    pub(super) times_reached: usize,
}

/// The driver's own work.
pub(super) enum Run {
    Idle,
    Going(Pin<Box<dyn Future<Output = Result<(), RunError>>>>),
    Ended(Result<(), RunError>),
}

impl<S: Subject> Bench<S> {
    /// Begins the driver's own work, or begins it anew.
    pub(in crate::driver_contract) fn start(&self) {
        let (driver, work) = (Arc::clone(&self.driver), self.work.clone());
        let run = async move { Driver::run(&*driver, &work).await };
        *self.run.borrow_mut() = Run::Going(Box::pin(run));
        self.begun.set(Begun {
            at: self.clock.now(),
            times_reached: self.work.times_reached(),
        });
    }

    /// Has the work begun anew from now on, a moment after it has ended.
    pub(in crate::driver_contract) fn supervise(&self) {
        self.is_supervised.set(true);
    }

    /// Has lanes wait with each send until a connection has settled.
    pub(in crate::driver_contract) fn send_only_when_settled(&self) {
        self.waits_for_settled.set(true);
    }

    /// Resolves once a lane may send.
    pub(in crate::driver_contract) async fn settled(&self) {
        while self.waits_for_settled.get() && !self.has_settled() {
            self.clock.sleep(STEP).await;
        }
    }

    fn has_settled(&self) -> bool {
        let begun = self.begun.get();
        let over_requests = matches!(self.subject.way_out(), WayOut::Requests(_));
        let is_going = matches!(&*self.run.borrow(), Run::Going(_));
        let is_reached = is_going && self.work.times_reached() > begun.times_reached;
        over_requests || is_reached && self.clock.now().since(begun.at) >= SETTLING
    }

    /// Drops the driver's own work where it stands.
    pub(in crate::driver_contract) fn drop_run(&self) {
        *self.run.borrow_mut() = Run::Idle;
    }

    /// Where sends go over a connection: begins the work and waits until it can send.
    pub(in crate::driver_contract) fn connect(&self) -> Result<(), Stop> {
        if let WayOut::Requests(_) = self.subject.way_out() {
            return Ok(());
        }
        self.reach()
    }

    /// Begins the work, and waits until the driver has reached the platform and joined its channels.
    pub(in crate::driver_contract) fn reach(&self) -> Result<(), Stop> {
        let before = self.work.times_reached();
        self.start();
        self.pass(SETTLING)?;
        if let Some(ended) = self.ended() {
            return Err(Stop::Broken(format!(
                "the work ends although all is well: {ended:?}"
            )));
        }
        ensure!(
            self.work.times_reached() > before,
            "the platform has accepted it, and it does not say `reached`"
        );
        Ok(())
    }

    /// Polls the work so often; whether it waits for more than time and the platform then.
    pub(in crate::driver_contract) fn run_for(&self, polls: usize) -> bool {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        for _ in 0..polls {
            self.poll_run(&mut Task::from_waker(&waker));
            if !woken.take() {
                return false;
            }
        }
        true
    }

    /// How the work ended, if it has.
    pub(in crate::driver_contract) fn ended(&self) -> Option<Result<(), RunError>> {
        match &*self.run.borrow() {
            Run::Ended(ended) => Some(ended.clone()),
            Run::Idle | Run::Going(_) => None,
        }
    }

    /// How the work ends within this time; `None` if it does not.
    pub(in crate::driver_contract) fn ends_within(
        &self,
        time: Duration,
    ) -> Result<Option<Result<(), RunError>>, Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.ended().is_none() && self.clock.now() < until {
            self.clock.advance(STEP);
            self.quiet()?;
        }
        Ok(self.ended())
    }

    /// Lets this much time pass.
    pub(in crate::driver_contract) fn pass(&self, time: Duration) -> Result<(), Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.clock.now() < until {
            self.clock.advance(STEP);
            self.quiet()?;
        }
        Ok(())
    }

    /// As [`Bench::pass`], and begins the work anew whenever it has ended.
    pub(in crate::driver_contract) fn pass_supervised(&self, time: Duration) -> Result<(), Stop> {
        let until = self.clock.now().plus(time);
        self.quiet()?;
        while self.clock.now() < until {
            self.clock.advance(STEP);
            if self.ended().is_some() {
                self.start();
            }
            self.quiet()?;
        }
        Ok(())
    }

    /// Polls the work until it waits for time or for the platform.
    fn quiet(&self) -> Result<(), Stop> {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        self.pump();
        for _ in 0..MOST_STEPS {
            self.poll_run(&mut Task::from_waker(&waker));
            if !woken.take() {
                return Ok(());
            }
        }
        Err(Stop::Broken("the driver's work never waits".into()))
    }

    pub(super) fn pump(&self) {
        if let Some(line) = &self.line {
            line.pump();
        }
    }

    /// Polls the work once.
    pub(in crate::driver_contract) fn poll_run(&self, task: &mut Task<'_>) {
        let mut run = self.run.borrow_mut();
        let Run::Going(future) = &mut *run else {
            return;
        };
        if let Poll::Ready(ended) = future.as_mut().poll(task) {
            lock(&self.run_errors).extend(ended.clone().err());
            *run = Run::Ended(ended);
        }
    }

    /// Ends `future`, polling the work beside it and moving the clock on whenever both sleep.
    pub(in crate::driver_contract) fn drive<T>(
        &self,
        future: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        let mut future = pin!(future);
        for _ in 0..MOST_STEPS {
            if let Poll::Ready(value) = self.step(future.as_mut())? {
                return Ok(value);
            }
        }
        Err(Stop::Broken("the driver's work does not end".into()))
    }

    /// Polls the work and then `future`, once each; moves the clock on if both sleep.
    pub(in crate::driver_contract) fn step<T>(
        &self,
        future: Pin<&mut impl Future<Output = T>>,
    ) -> Result<Poll<T>, Stop> {
        let woken = Arc::new(Woken::default());
        let waker = woken.waker();
        let mut task = Task::from_waker(&waker);
        self.poll_run(&mut task);
        let polled = future.poll(&mut task);
        if polled.is_pending() && !woken.take() {
            ensure!(
                self.clock.sleepers() > 0,
                "the driver waits for something that did not come through its ports"
            );
            self.clock.advance(STEP);
            self.pump();
            if self.is_supervised.get() && self.ended().is_some() {
                self.start();
            }
        }
        Ok(polled)
    }

    /// Polls the work and `future` so often; whether it has ended then.
    pub(in crate::driver_contract) fn drive_for(
        &self,
        steps: usize,
        future: impl Future<Output = ()>,
    ) -> Result<bool, Stop> {
        let mut future = pin!(future);
        for _ in 0..steps {
            if self.step(future.as_mut())?.is_ready() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

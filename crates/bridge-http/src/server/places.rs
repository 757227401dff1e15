//! Who may hold a connection: so many in all, so many from one address, and who has to give way.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::activity::Activity;
use super::options::ServerOptions;

/// How soon after one connection was asked to leave the next one may be.
const NEXT_LEAVE: Duration = Duration::from_millis(100);

/// The shortest wait for a connection to become idle enough.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// The places of one listener.
pub(super) struct Places {
    free: Arc<Semaphore>,
    options: ServerOptions,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    by_address: HashMap<IpAddr, usize>,
    taken: HashMap<u64, Occupant>,
    next_number: u64,
}

struct Occupant {
    activity: Arc<Activity>,
    leave: Arc<Notify>,
    was_asked: bool,
}

/// One connection's share of its address; given back when it is dropped.
pub(super) struct Share {
    places: Arc<Places>,
    /// `None` where nothing is counted.
    counted: Option<IpAddr>,
}

/// One connection's place; given back when it is dropped.
pub(super) struct Seat {
    number: u64,
    activity: Arc<Activity>,
    leave: Arc<Notify>,
    share: Share,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(options: &ServerOptions) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(options.max_connections.max(1))),
            options: options.clone(),
            table: Mutex::default(),
        })
    }

    /// A share for one more connection from `address`; `None` if it has all that it may have.
    pub(super) fn share(self: &Arc<Self>, address: IpAddr) -> Option<Share> {
        let is_exempt = |network: &bridge_core::config::Network| network.contains(address);
        let counted = match self.options.exempt.iter().any(is_exempt) {
            true => None,
            false => Some(counted_as(address)),
        };
        if let Some(address) = counted {
            let mut table = self.table();
            let count = table.by_address.entry(address).or_default();
            if *count >= self.options.max_connections_per_address.max(1) {
                return None;
            }
            *count += 1;
        }
        Some(Share {
            places: Arc::clone(self),
            counted,
        })
    }

    /// Waits for a free place; while there is none, connections without a request are asked to
    /// leave, one after the other, the one that has waited longest first. May be dropped.
    pub(super) async fn free(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return permit;
            }
            let look_again = self.make_room();
            tokio::select! {
                permit = Arc::clone(&self.free).acquire_owned() => {
                    return permit.expect("the semaphore is never closed");
                }
                () = tokio::time::sleep(look_again) => {}
            }
        }
    }

    /// The place of a connection that begins now.
    pub(super) fn seat(&self, share: Share, permit: OwnedSemaphorePermit) -> Seat {
        let (activity, leave) = (Arc::new(Activity::new()), Arc::new(Notify::new()));
        let mut table = self.table();
        let number = table.next_number;
        table.next_number += 1;
        let occupant = Occupant {
            activity: Arc::clone(&activity),
            leave: Arc::clone(&leave),
            was_asked: false,
        };
        table.taken.insert(number, occupant);
        Seat {
            number,
            activity,
            leave,
            share,
            _permit: permit,
        }
    }

    /// Asks one connection to leave, if one may be asked; says when to look again. Goes through all
    /// connections, which are at most `max_connections`, and only when every place is taken.
    fn make_room(&self) -> Duration {
        let grace = self.options.idle_grace;
        let mut table = self.table();
        let waiting = table.taken.values_mut().filter(|one| !one.was_asked);
        let waiting = waiting.filter_map(|one| Some((one.activity.waiting()?, one)));
        match waiting.max_by_key(|(waiting, _)| *waiting) {
            Some((waiting, longest)) if waiting >= grace => {
                longest.was_asked = true;
                longest.leave.notify_one();
                NEXT_LEAVE
            }
            Some((waiting, _)) => (grace - waiting).max(SHORTEST_WAIT),
            None => grace.max(SHORTEST_WAIT),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Resolves when the connection is asked to leave.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.share.places.table().taken.remove(&self.number);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(address) = self.counted else {
            return;
        };
        let mut table = self.places.table();
        if let Some(count) = table.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                table.by_address.remove(&address);
            }
        }
    }
}

/// What an address is counted as: IPv6 by its /64.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;

//! The dispatcher and its lanes over a clock that jumps, a platform and a store that fail on purpose,
//! crashes and reloads: thousands of small worlds, each made by its seed.

mod check;
mod clock;
mod platform;
mod store;
mod world;

use std::time::Duration;

use bridge_core::config::settings::{DeliveryPolicy, OnDead};
use world::{Channels, World};

/// Worlds that a run of the tests makes; `SIM_SEEDS` says otherwise.
const SEEDS: u64 = 5_000;

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(work);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_fails_every_promise_is_kept() {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut sends = 0;
    for seed in seeds.clone() {
        // Printed with the panic of a world that fails.
        let _name = Named(seed);
        run(async { sends += world::live(seed).await });
    }
    println!("{} worlds, {sends} sends", seeds.count());
}

/// Says how to make the world again whose check failed.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("SIM_SEED={} cargo test -p bridge-bin simulation", self.0);
        }
    }
}

/// A world without chance: nothing fails unless the test says so.
fn calm(channels: Channels, policy: DeliveryPolicy, per_minute: u32) -> World {
    World::calm(channels, policy, per_minute)
}

#[test]
fn a_target_that_is_down_for_hours_delays_only_itself() {
    run(async {
        let mut world = calm(Channels(2), DeliveryPolicy::default(), 0);
        world.platform.take_down(0);
        for _ in 0..10 {
            world.admit(&[0, 1]);
            world.pass(Duration::from_secs(20 * 60)).await;
        }
        assert_eq!(world.platform.taken_texts(0), [""; 0], "it is down");
        assert_eq!(
            world.platform.taken_texts(1).len(),
            10,
            "this one never waited"
        );
        world.platform.heal();
        world.pass(Duration::from_secs(6 * 60)).await;
        assert_eq!(
            world.platform.taken_texts(0),
            world.texts_for(0),
            "in order"
        );
        world.check();
    });
}

#[test]
fn what_waits_for_the_budget_is_merged_in_order() {
    run(async {
        let policy = DeliveryPolicy {
            digest: true,
            ..DeliveryPolicy::default()
        };
        let mut world = calm(Channels(1), policy, 1);
        for _ in 0..5 {
            world.admit(&[0]);
            world.pass(Duration::from_secs(1)).await;
        }
        world.pass(Duration::from_secs(60)).await;
        let taken = world.platform.taken_texts(0);
        assert_eq!(taken, ["d1.0", "• d2.0\n• d3.0\n• d4.0\n• d5.0"]);
        world.check();
    });
}

#[test]
fn what_expired_is_not_sent() {
    run(async {
        let policy = DeliveryPolicy {
            expires_after: Some(Duration::from_secs(60)),
            ..DeliveryPolicy::default()
        };
        let mut world = calm(Channels(1), policy, 0);
        world.platform.take_down(0);
        world.admit(&[0]);
        world.pass(Duration::from_secs(300)).await;
        world.platform.heal();
        world.admit(&[0]);
        world.pass(Duration::from_secs(300)).await;
        assert_eq!(world.platform.taken_texts(0), ["d2.0"]);
        assert_eq!(world.store.inner.expired().len(), 1);
        world.check();
    });
}

#[test]
fn a_blocked_lane_sends_nothing_until_its_letter_is_replayed() {
    run(async {
        let policy = DeliveryPolicy {
            on_dead: OnDead::Block,
            ..DeliveryPolicy::default()
        };
        let mut world = calm(Channels(2), policy, 0);
        world.platform.reject_next();
        for _ in 0..3 {
            world.admit(&[0]);
        }
        world.admit(&[1]);
        world.pass(Duration::from_secs(3600)).await;
        assert_eq!(world.platform.taken_texts(0), [""; 0]);
        assert_eq!(world.platform.taken_texts(1).len(), 1);
        world.crash();
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(
            world.platform.taken_texts(0),
            [""; 0],
            "after a restart as well"
        );
        world.replay_all();
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(world.platform.taken_texts(0), world.texts_for(0));
        world.check();
    });
}

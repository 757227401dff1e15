//! The dispatcher and its lanes over a clock that jumps, a platform and a store that fail on purpose,
//! crashes and reloads: thousands of small worlds, each made by its seed.

mod check;
mod clock;
mod platform;
mod store;
mod world;

use std::time::Duration;

use bridge_core::config::settings::{DeliveryPolicy, OnDead, OnUncertain};
use world::{Channels, Rates, World};

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
    let (mut sends, mut about) = (0, 0);
    for seed in seeds.clone() {
        // Printed with the panic of a world that fails.
        let _name = Named(seed);
        run(async {
            let history = world::history(seed).await;
            sends += history.len();
            about += history.iter().filter(|send| !send.about.is_empty()).count();
        });
    }
    println!("worlds of the seeds {seeds:?}, {sends} sends, {about} of them about another");
    assert!(about > 0 || seeds.count() < 100, "changes are carried out");
}

/// Or a seed that fails could not be looked into.
#[test]
fn a_seed_makes_the_same_world_again() {
    for seed in 0..200 {
        let mut histories = Vec::new();
        for _ in 0..2 {
            run(async { histories.push(world::history(seed).await) });
        }
        assert_eq!(histories[0], histories[1], "seed {seed}");
    }
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
fn calm(channels: Channels, policy: DeliveryPolicy) -> World {
    World::calm(channels, policy, Rates::default())
}

#[test]
fn a_target_that_is_down_for_hours_delays_only_itself() {
    run(async {
        let mut world = calm(Channels(2), DeliveryPolicy::default());
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
fn a_throttled_instance_pauses_as_a_whole_up_to_the_cap() {
    let policy = DeliveryPolicy::default;
    for (asked, paused) in [
        (420, Duration::from_secs(420)),
        (3600, policy().retry_after_cap),
    ] {
        run(async {
            let mut world = calm(Channels(3), policy());
            world.platform.throttle_next(Duration::from_secs(asked));
            world.admit(&[0]);
            world.pass(Duration::from_secs(2)).await;
            world.admit(&[0, 1, 2]);
            world
                .pass(paused.saturating_sub(Duration::from_secs(5)))
                .await;
            let begun = world.platform.sends().len();
            assert_eq!(begun, 1, "asked for {asked} s, all lanes wait");
            world.pass(Duration::from_secs(10)).await;
            for room in 0..3 {
                assert_eq!(world.platform.taken_texts(room), world.texts_for(room));
            }
            world.check();
        });
    }
}

#[test]
fn a_target_that_is_slow_by_30_seconds_delays_only_itself() {
    const SLOW: Duration = Duration::from_secs(30);
    let park = OnUncertain::Park;
    // `attempt_timeout`, `on_uncertain`, sends, and whether it ends as a dead letter.
    let rows = [
        (60, OnUncertain::Resend, 1, false),
        (20, OnUncertain::Resend, 3, true),
        (20, park, 1, true),
    ];
    for (timeout, on_uncertain, sends, is_dead) in rows {
        run(async {
            let policy = DeliveryPolicy {
                attempt_timeout: Duration::from_secs(timeout),
                on_uncertain,
                ..DeliveryPolicy::default()
            };
            let mut world = calm(Channels(2), policy);
            world.platform.slow_down(0, SLOW);
            world.admit(&[0, 1]);
            world.pass(Duration::from_secs(1)).await;
            assert_eq!(
                world.platform.taken_texts(1),
                ["d1.1"],
                "this one never waited"
            );
            world.pass(Duration::from_secs(300)).await;
            assert_eq!(world.platform.taken_texts(0), vec!["d1.0"; sends]);
            let dead = world.store.inner.dead();
            assert_eq!(dead.len(), usize::from(is_dead), "{timeout} s");
            assert!(dead.iter().all(|dead| dead.death.may_have_been_delivered));
            world.check();
        });
    }
}

#[test]
fn a_noisy_source_does_not_starve_the_rest() {
    run(async {
        let mut world = calm(Channels(4), DeliveryPolicy::default());
        for _ in 0..300 {
            world.admit(&[0]);
        }
        world.admit(&[1, 2, 3]);
        world.pass(Duration::from_secs(3)).await;
        for quiet in 1..4 {
            assert_eq!(world.platform.taken_texts(quiet).len(), 1);
        }
        assert!(
            world.store.inner.waiting().len() > 200,
            "the noise still waits"
        );
    });
}

/// One channel that may get a message a minute, and wants a digest of those that wait.
fn digesting() -> World {
    let policy = DeliveryPolicy {
        digest: true,
        ..DeliveryPolicy::default()
    };
    let rates = Rates {
        per_minute: 1,
        ..Rates::default()
    };
    World::calm(Channels(1), policy, rates)
}

#[test]
fn what_waits_for_the_budget_is_merged_in_order() {
    run(async {
        let mut world = digesting();
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
fn a_digest_that_must_wait_takes_up_what_comes_meanwhile() {
    run(async {
        let mut world = digesting();
        world.admit(&[0]);
        world.pass(Duration::from_secs(5)).await;
        world.admit(&[0]);
        world.admit(&[0]);
        world.platform.throttle_next(Duration::from_secs(5));
        world.pass(Duration::from_secs(60)).await;
        world.crash();
        world.admit(&[0]);
        world.pass(Duration::from_secs(120)).await;
        let taken = world.platform.taken_texts(0);
        assert_eq!(taken, ["d1.0", "• d2.0\n• d3.0\n• d4.0"]);
        world.check();
    });
}

#[test]
fn a_digest_is_worth_sending_as_long_as_one_of_its_messages_is() {
    run(async {
        let policy = DeliveryPolicy {
            digest: true,
            expires_after: Some(Duration::from_secs(120)),
            backoff_max: Duration::from_secs(10),
            ..DeliveryPolicy::default()
        };
        let mut world = calm(Channels(1), policy);
        world.platform.take_down(0);
        world.admit(&[0]);
        world.pass(Duration::from_secs(100)).await;
        world.admit(&[0]);
        world.pass(Duration::from_secs(40)).await;
        world.crash();
        world.platform.heal();
        world.pass(Duration::from_secs(15)).await;
        assert_eq!(world.platform.taken_texts(0), ["• d1.0\n• d2.0"]);
        assert_eq!(world.store.inner.expired(), []);
        world.check();
    });
}

#[test]
fn a_digest_is_not_taken_for_a_repetition_of_its_first_message() {
    run(async {
        let policy = DeliveryPolicy {
            digest: true,
            ..DeliveryPolicy::default()
        };
        let mut world = calm(Channels(1), policy);
        world.platform.be_idempotent();
        world.platform.slow_down(0, Duration::from_secs(10));
        world.admit(&[0]);
        world.pass(Duration::from_secs(2)).await;
        assert_eq!(
            world.platform.taken_texts(0),
            ["d1.0"],
            "taken, not answered"
        );
        world.crash();
        world.admit(&[0]);
        world.platform.heal();
        world.pass(Duration::from_secs(60)).await;
        let taken = world.platform.taken_texts(0).join(" ");
        assert!(taken.contains("d2.0"), "{taken}");
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
        let mut world = calm(Channels(1), policy);
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
        let mut world = calm(Channels(2), policy);
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

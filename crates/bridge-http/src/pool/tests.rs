//! The pool's bounds, its order and what it survives. Channels are the only clocks.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

/// How long a test waits for what must happen.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn grows_to_its_bound_and_no_further() {
    let pool = BlockingPool::new(3);
    let (started, starts) = mpsc::channel();
    let gates: Vec<_> = (0..5)
        .map(|number| {
            let (open, gate) = mpsc::channel::<()>();
            let started = started.clone();
            pool.submit(Box::new(move || {
                let name = thread::current().name().unwrap_or_default().to_owned();
                started.send((number, name)).unwrap();
                gate.recv().unwrap();
            }))
            .unwrap();
            open
        })
        .collect();

    let mut first: Vec<_> = (0..3).map(|_| starts.recv_timeout(SOON).unwrap()).collect();
    first.sort();
    let numbers: Vec<_> = first.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    let mut names: Vec<_> = first.iter().map(|(_, name)| &**name).collect();
    names.sort_unstable();
    assert_eq!(names, ["outbound-1", "outbound-2", "outbound-3"]);
    assert_eq!(pool.threads(), 3);
    assert!(starts.try_recv().is_err(), "all threads are taken");

    for (gate, expected) in [(0, Some(3)), (1, Some(4))] {
        gates[gate].send(()).unwrap();
        let started = starts.recv_timeout(SOON).ok().map(|(number, _)| number);
        assert_eq!(started, expected);
    }
    for gate in &gates[2..] {
        gate.send(()).unwrap();
    }
    assert_eq!(pool.threads(), 3);
}

#[test]
fn a_free_thread_is_used_before_another_is_started() {
    let pool = BlockingPool::new(8);
    let (done, dones) = mpsc::channel();
    for _ in 0..50 {
        let done = done.clone();
        pool.submit(Box::new(move || done.send(()).unwrap()))
            .unwrap();
        dones.recv_timeout(SOON).unwrap();
        // The thread counts as free again a moment after its job has reported.
        while pool.shared.lock().free == 0 {
            thread::yield_now();
        }
    }
    assert_eq!(pool.threads(), 1);
}

#[test]
fn every_job_of_a_burst_runs_beside_the_others() {
    const JOBS: usize = 16;
    let pool = BlockingPool::new(JOBS);
    for _ in 0..20 {
        // Only if all of them are on a thread at once does any of them return.
        let all = Arc::new(Barrier::new(JOBS + 1));
        for _ in 0..JOBS {
            let all = Arc::clone(&all);
            pool.submit(Box::new(move || {
                all.wait();
            }))
            .unwrap();
        }
        all.wait();
    }
    assert_eq!(pool.threads(), JOBS);
}

#[test]
fn many_submitters_lose_nothing() {
    let pool = BlockingPool::new(4);
    let count = Arc::new(AtomicUsize::new(0));
    let (done, dones) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..8 {
            let (pool, count, done) = (&pool, &count, &done);
            scope.spawn(move || {
                for _ in 0..500 {
                    let (count, done) = (Arc::clone(count), done.clone());
                    pool.submit(Box::new(move || {
                        count.fetch_add(1, Ordering::Relaxed);
                        done.send(()).unwrap();
                    }))
                    .unwrap();
                }
            });
        }
    });
    for _ in 0..4_000 {
        dones.recv_timeout(SOON).unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 4_000);
    assert!(pool.threads() <= 4);
}

#[test]
fn a_panic_costs_no_thread() {
    let pool = BlockingPool::new(1);
    for _ in 0..3 {
        pool.submit(Box::new(|| panic!("a job of the test panics")))
            .unwrap();
    }
    let (done, dones) = mpsc::channel();
    pool.submit(Box::new(move || done.send(()).unwrap()))
        .unwrap();
    dones.recv_timeout(SOON).unwrap();
    assert_eq!(pool.threads(), 1);
}

/// Reports the end of the thread on which it was left.
struct OnThreadEnd(mpsc::Sender<()>);

impl Drop for OnThreadEnd {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
    }
}

thread_local! {
    static LEFT: std::cell::RefCell<Option<OnThreadEnd>> = const { std::cell::RefCell::new(None) };
}

fn leave_on_thread(pool: &BlockingPool) -> mpsc::Receiver<()> {
    let (ended, ends) = mpsc::channel();
    pool.submit(Box::new(move || LEFT.set(Some(OnThreadEnd(ended)))))
        .unwrap();
    ends
}

#[test]
fn idle_threads_end_and_are_started_again() {
    let pool = BlockingPool::with_idle_lifetime(2, Duration::from_millis(1));
    for _ in 0..3 {
        leave_on_thread(&pool)
            .recv_timeout(SOON)
            .expect("the idle thread ends");
        assert_eq!(pool.threads(), 0);
    }
}

#[test]
fn dropping_the_pool_ends_its_threads() {
    let pool = BlockingPool::new(2);
    let ends = leave_on_thread(&pool);
    drop(pool);
    ends.recv_timeout(SOON).expect("the thread ends");
}

#[test]
fn a_share_is_room_for_as_long_as_it_lives() {
    let pool = BlockingPool::new(0);
    let share = pool.share(2);
    let (started, starts) = mpsc::channel();
    let busy = || {
        let (open, gate) = mpsc::channel::<()>();
        let started = started.clone();
        let job = Box::new(move || {
            started.send(()).unwrap();
            gate.recv().ok();
        });
        pool.submit(job).unwrap();
        open
    };
    let gates = [busy(), busy(), busy()];
    for _ in 0..2 {
        starts.recv_timeout(SOON).unwrap();
    }
    assert_eq!(pool.threads(), 2, "the third job waits");
    let another = pool.share(1);
    let gate = busy();
    starts.recv_timeout(SOON).unwrap();
    assert_eq!(pool.threads(), 3);
    drop((share, another));
    assert_eq!(pool.shared.lock().max_threads, 0);
    drop((gates, gate));
    starts.recv_timeout(SOON).unwrap();
}

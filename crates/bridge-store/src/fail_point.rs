//! Places where a test build of the bridge dies on demand, as by `kill -9`. Without the feature
//! `fail-points` nothing of this exists.

/// Dies here if the environment variable `BRIDGE_FAIL_POINT` names this place, as `NAME` or as
/// `NAME:N` for the N-th time that it is passed.
#[cfg(feature = "fail-points")]
pub fn fail_point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    static CHOSEN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let chosen = CHOSEN.get_or_init(|| {
        let chosen = std::env::var("BRIDGE_FAIL_POINT").ok()?;
        let (name, time) = chosen.split_once(':').unwrap_or((&chosen, "1"));
        Some((name.to_owned(), time.parse().ok()?))
    });
    if let Some((chosen, time)) = chosen
        && chosen == name
        && PASSED.fetch_add(1, SeqCst) + 1 == *time
    {
        std::process::abort();
    }
}

/// Nothing: this is no test build.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub fn fail_point(_: &str) {}

//! Remembers the addresses of hosts for a while.
//!
//! ureq resolves the name on every call, also when it has a connection open, and starts a thread to
//! do so. This asks once in a while instead.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an answer is used. Platforms move their addresses with lifetimes of a minute and up.
const LIFETIME: Duration = Duration::from_secs(30);

/// Hosts remembered at most; an instance talks to a handful.
const MAX_HOSTS: usize = 256;

/// A resolver that remembers what another one found; clones share the memory.
///
/// Failures are not remembered. An address that is written as digits is taken as it is.
#[derive(Debug)]
pub(super) struct DnsCache<R = DefaultResolver>(Arc<Inner<R>>);

#[derive(Debug)]
struct Inner<R> {
    resolver: R,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    addresses: ResolvedSocketAddrs,
    until: Instant,
}

impl Default for DnsCache {
    fn default() -> Self {
        Self::over(DefaultResolver::default())
    }
}

impl<R> Clone for DnsCache<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> DnsCache<R> {
    fn over(resolver: R) -> Self {
        Self(Arc::new(Inner {
            resolver,
            known: Mutex::default(),
        }))
    }

    /// Asks anew for the host of `uri` next time.
    pub(super) fn forget(&self, uri: &Uri) {
        if let Some(name) = host_and_port(uri) {
            self.known().remove(&name);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookup(&self, name: &str, now: Instant) -> Option<ResolvedSocketAddrs> {
        let known = self.known();
        let fresh = known.get(name).filter(|known| known.until > now)?;
        Some(fresh.addresses.clone())
    }

    fn remember(&self, name: String, addresses: ResolvedSocketAddrs, now: Instant) {
        let mut known = self.known();
        if known.len() >= MAX_HOSTS {
            known.retain(|_, known| known.until > now);
        }
        if known.len() >= MAX_HOSTS {
            // Which one hardly matters: so many hosts at once are not what this is for.
            known.clear();
        }
        let until = now + LIFETIME;
        known.insert(name, Known { addresses, until });
    }
}

impl<R: Resolver> Resolver for DnsCache<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let Some(name) = host_and_port(uri) else {
            return self.0.resolver.resolve(uri, config, timeout);
        };
        if let Ok(address) = name.parse::<SocketAddr>() {
            let mut addresses = self.empty();
            addresses.push(address);
            return Ok(addresses);
        }
        if let Some(addresses) = self.lookup(&name, Instant::now()) {
            return Ok(addresses);
        }
        let addresses = self.0.resolver.resolve(uri, config, timeout)?;
        self.remember(name, addresses.clone(), Instant::now());
        Ok(addresses)
    }
}

/// `host:port`, if the URI has a host and a scheme whose port is known.
fn host_and_port(uri: &Uri) -> Option<String> {
    DefaultResolver::host_and_port(uri.scheme()?, uri.authority()?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers every name with one address and counts the questions.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Resolver for Counting {
        fn resolve(
            &self,
            uri: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if uri.host() == Some("missing.test") {
                return Err(Error::HostNotFound);
            }
            let mut addresses = self.empty();
            addresses.push(SocketAddr::from(([127, 0, 0, 1], 9)));
            Ok(addresses)
        }
    }

    fn resolve(cache: &DnsCache<Counting>, uri: &str) -> Option<SocketAddr> {
        let uri = uri.parse().unwrap();
        let found = cache.resolve(&uri, &Config::default(), NextTimeout::default());
        found.ok().map(|addresses| addresses[0])
    }

    #[test]
    fn asks_once_per_host_and_port() {
        // Uri, questions asked once it is resolved.
        let rows = [
            ("http://a.test/one", 1),
            ("http://a.test/two", 1),
            ("http://a.test:81/", 2),
            ("https://a.test/", 3),
            ("http://missing.test/", 4),
            ("http://missing.test/", 5),
            ("http://127.0.0.1:8080/", 5),
            ("http://[::1]/", 5),
        ];
        let cache = DnsCache::over(Counting::default());
        for (uri, questions) in rows {
            resolve(&cache, uri);
            assert_eq!(
                cache.0.resolver.0.load(Ordering::Relaxed),
                questions,
                "{uri}"
            );
        }
        assert_eq!(
            resolve(&cache, "http://[::1]/"),
            Some(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80)))
        );
    }

    #[test]
    fn asks_again_once_forgotten() {
        let cache = DnsCache::over(Counting::default());
        resolve(&cache, "http://a.test/");
        cache.forget(&"http://a.test/x".parse().unwrap());
        resolve(&cache, "http://a.test/");
        assert_eq!(cache.0.resolver.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn old_answers_are_not_used() {
        let cache = DnsCache::over(Counting::default());
        let now = Instant::now();
        cache.remember("a.test:80".into(), cache.empty(), now);
        assert!(
            cache
                .lookup("a.test:80", now + LIFETIME - Duration::from_millis(1))
                .is_some()
        );
        assert!(cache.lookup("a.test:80", now + LIFETIME).is_none());
    }

    #[test]
    fn remembers_a_bounded_number_of_hosts() {
        let cache = DnsCache::over(Counting::default());
        for number in 0..1_000 {
            cache.remember(format!("{number}.test:80"), cache.empty(), Instant::now());
        }
        assert!(cache.known().len() <= MAX_HOSTS);
    }
}

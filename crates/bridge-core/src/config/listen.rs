//! Two listeners on one port, as the kernel sees it.

use std::collections::HashMap;
use std::net::IpAddr;

/// The addresses that are listened on so far.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    ports: HashMap<u16, Hosts>,
}

/// Who listens on one port: the first of all, of IPv4, of all addresses of a family, and of each.
#[derive(Debug, Default)]
struct Hosts {
    first: Option<usize>,
    first_v4: Option<usize>,
    all: Option<usize>,
    all_v4: Option<usize>,
    each: HashMap<IpAddr, usize>,
}

impl Listeners {
    /// Adds the listener number `number`. The result is one of the earlier ones if binding both
    /// fails: they have the same port, and their hosts overlap.
    ///
    /// `0.0.0.0` covers all IPv4 addresses, `::` all of both families (the listeners are dual-stack,
    /// as Linux makes them by default), and `::ffff:127.0.0.1` is `127.0.0.1`. Port 0 lets the
    /// kernel choose, so it never collides.
    pub(crate) fn add(&mut self, (host, port): (IpAddr, u16), number: usize) -> Option<usize> {
        if port == 0 {
            return None;
        }
        let host = host.to_canonical();
        let hosts = self.ports.entry(port).or_default();
        let is_v4 = host.is_ipv4();
        let earlier = match (host.is_unspecified(), is_v4) {
            (true, false) => hosts.first,
            (true, true) => hosts.all.or(hosts.first_v4),
            (false, _) => {
                let all_v4 = hosts.all_v4.filter(|_| is_v4);
                let same = || hosts.each.get(&host).copied();
                hosts.all.or(all_v4).or_else(same)
            }
        };
        hosts.first.get_or_insert(number);
        if is_v4 {
            hosts.first_v4.get_or_insert(number);
        }
        match (host.is_unspecified(), is_v4) {
            (true, false) => hosts.all.get_or_insert(number),
            (true, true) => hosts.all_v4.get_or_insert(number),
            (false, _) => hosts.each.entry(host).or_insert(number),
        };
        earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_overlap_as_the_kernel_sees_it() {
        let rows = [
            ("0.0.0.0", 8082, "127.0.0.1", 8082, true),
            ("127.0.0.1", 8082, "127.0.0.1", 8082, true),
            ("127.0.0.1", 8082, "127.0.0.2", 8082, false),
            ("::", 8082, "0.0.0.0", 8082, true),
            ("::", 8082, "127.0.0.1", 8082, true),
            ("::", 8082, "::1", 8082, true),
            ("::1", 8082, "127.0.0.1", 8082, false),
            ("::1", 8082, "0.0.0.0", 8082, false),
            ("::ffff:127.0.0.1", 8082, "127.0.0.1", 8082, true),
            ("::ffff:127.0.0.1", 8082, "0.0.0.0", 8082, true),
            ("::ffff:0.0.0.0", 8082, "127.0.0.1", 8082, true),
            ("::ffff:127.0.0.1", 8082, "::1", 8082, false),
            ("0.0.0.0", 8082, "0.0.0.0", 8083, false),
            ("0.0.0.0", 0, "0.0.0.0", 0, false),
        ];
        for (left, left_port, right, right_port, expected) in rows {
            let left = (left.parse().unwrap(), left_port);
            let right = (right.parse().unwrap(), right_port);
            for (first, second) in [(left, right), (right, left)] {
                let mut listeners = Listeners::default();
                assert_eq!(listeners.add(first, 7), None);
                let earlier = listeners.add(second, 8);
                assert_eq!(earlier, expected.then_some(7), "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn each_listener_is_held_against_all_earlier_ones() {
        let hosts = [
            "127.0.0.1",
            "::1",
            "127.0.0.2",
            "0.0.0.0",
            "127.0.0.2",
            "::",
        ];
        let mut listeners = Listeners::default();
        let found = hosts.iter().enumerate();
        let found = found.map(|(number, host)| listeners.add((host.parse().unwrap(), 80), number));
        let expected = [None, None, None, Some(0), Some(3), Some(0)];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

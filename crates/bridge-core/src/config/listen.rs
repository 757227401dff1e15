//! Two listeners on one port, as the kernel sees it.

use std::net::IpAddr;

/// Whether binding both addresses fails: the same port, and hosts that overlap.
///
/// `0.0.0.0` covers all IPv4 addresses, `::` all of both families (the listeners are dual-stack,
/// as Linux makes them by default). Port 0 lets the kernel choose, so it never collides.
pub fn collide(left: (IpAddr, u16), right: (IpAddr, u16)) -> bool {
    left.1 != 0 && left.1 == right.1 && (covers(left.0, right.0) || covers(right.0, left.0))
}

fn covers(wide: IpAddr, narrow: IpAddr) -> bool {
    match (wide, narrow) {
        _ if wide == narrow => true,
        (IpAddr::V4(wide), IpAddr::V4(_)) => wide.is_unspecified(),
        (IpAddr::V6(wide), _) => wide.is_unspecified(),
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_overlap_as_the_kernel_sees_it() {
        let rows = [
            ("0.0.0.0", 8082, "127.0.0.1", 8082, true),
            ("127.0.0.1", 8082, "127.0.0.2", 8082, false),
            ("::", 8082, "0.0.0.0", 8082, true),
            ("::1", 8082, "127.0.0.1", 8082, false),
            ("0.0.0.0", 8082, "0.0.0.0", 8083, false),
            ("0.0.0.0", 0, "0.0.0.0", 0, false),
        ];
        for (left, left_port, right, right_port, expected) in rows {
            let left = (left.parse().unwrap(), left_port);
            let right = (right.parse().unwrap(), right_port);
            assert_eq!(collide(left, right), expected, "{left:?} {right:?}");
            assert_eq!(collide(right, left), expected, "{right:?} {left:?}");
        }
    }
}

//! A block of addresses as operators write it: `203.0.113.7` or `10.0.0.0/8`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The `format` of a network in the schemas.
pub(crate) const SCHEMA_FORMAT: &str = "ip-network";

/// One address, or a network in CIDR notation.
///
/// IPv4-mapped IPv6 addresses (`::ffff:192.0.2.1`) are their IPv4 addresses, here and in
/// [`Network::contains`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// The addresses of the machine itself: `127.0.0.0/8` and `::1`.
    pub fn loopback() -> [Self; 2] {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        [
            Self(v4.into()),
            Self(IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST))),
        ]
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let net: IpNet = text.parse().map_err(|_| {
            format!(
                "\"{text}\" is neither an IP address nor a network; \
                 write one such as \"192.0.2.7\", \"10.0.0.0/8\" or \"fd00::/8\""
            )
        })?;
        if net.trunc() != net {
            let whole = net.trunc();
            return Err(format!(
                "\"{text}\" names an address inside a network; \
                 write \"{whole}\" for the network or \"{}\" for the address",
                net.addr()
            ));
        }
        Ok(Self(unmapped(net)))
    }
}

/// A network of IPv4-mapped addresses as the IPv4 network that it is.
fn unmapped(net: IpNet) -> IpNet {
    let mapped = Ipv6Net::new_assert(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96);
    match net {
        IpNet::V6(v6) if mapped.contains(&v6) => {
            let length = v6.prefix_len() - mapped.prefix_len();
            IpNet::new_assert(IpAddr::V6(v6.addr()).to_canonical(), length)
        }
        other => other,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The outline only: how large its numbers may be, and that no bit of the host is set, is for the
/// parser.
const PATTERN: &str = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?)$";

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": SCHEMA_FORMAT,
            "pattern": PATTERN,
            "description": "An IP address or a network, such as \"192.0.2.7\" or \"10.0.0.0/8\""
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_network() {
        let rows = [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("::ffff:192.0.2.7", "192.0.2.7", true),
            ("::ffff:10.0.0.0/104", "10.9.8.7", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "203.0.113.5", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "203.0.113.5", false),
        ];
        for (network, address, expected) in rows {
            let parsed: Network = network.parse().unwrap();
            let contains = parsed.contains(address.parse().unwrap());
            assert_eq!(contains, expected, "{network} {address}");
        }
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false),
            ("::2", false),
        ] {
            let address = address.parse().unwrap();
            let inside = Network::loopback().iter().any(|net| net.contains(address));
            assert_eq!(inside, expected, "{address}");
        }
    }

    #[test]
    fn a_wrong_entry_says_how_to_write_it() {
        let neither = "is neither an IP address nor a network; write one such as";
        let rows = [
            ("", neither),
            ("proxy.example", neither),
            ("10.0.0.0/33", neither),
            ("10.0.0/8", neither),
            ("10.0.0.1:80", neither),
            (
                "10.0.0.1/8",
                "write \"10.0.0.0/8\" for the network or \"10.0.0.1\" for the address",
            ),
        ];
        for (text, expected) in rows {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

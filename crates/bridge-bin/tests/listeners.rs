//! Two listeners are refused by the check exactly if the kernel refuses the second.

use std::io::ErrorKind;
use std::net::IpAddr;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Source, load};
use bridge_core::ports::SecretSource;
use bridge_http::bind;
use driver_dingtalk as _;
use serde_json::json;

/// How often a pair is tried with other ports before the check is said to be wrong: somebody else
/// may listen on the port that the kernel gave us, at another address.
const TRIES: usize = 5;

/// The config holds its secrets itself.
struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, name: &str) -> Result<String, String> {
        Err(format!("\"{name}\" is not looked up here"))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("\"{path}\" is not read here"))
    }
}

/// Whether the check finds that both listen on one address.
fn is_refused(hosts: [IpAddr; 2], port: u16) -> bool {
    let robot = |number: usize| {
        json!({
            "app_key": "key", "app_secret": "secret", "signing_secret": "secret",
            "robot_code": format!("robot{number}"),
            "listen_host": hosts[number].to_string(), "listen_port": port,
        })
    };
    let file = |name: &str, content: serde_json::Value| Source {
        name: name.into(),
        content: Ok(content.to_string().into_bytes()),
    };
    let config = json!({ "dingtalk": { "first": robot(0), "second": robot(1) } });
    let catalog = Catalog::linked().expect("each platform is linked once");
    let loaded = load(
        &file("config.json", config),
        &file("rules.json", json!({ "rules": [] })),
        &catalog,
        &NoSecrets,
    );
    let mut found = loaded.diagnostics.iter();
    found.any(|found| found.code.id == "E0401")
}

/// What check and kernel say; `None` if this machine lacks one of the addresses.
fn both(hosts: [IpAddr; 2]) -> Option<(bool, bool)> {
    let first = bind(hosts[0], 0).ok()?;
    let port = first.local_addr().expect("it is bound").port();
    let second = match bind(hosts[1], port) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::AddrInUse => true,
        Err(_) => return None,
    };
    Some((is_refused(hosts, port), second))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_check_agrees_with_the_kernel() {
    let hosts = [
        "0.0.0.0",
        "127.0.0.1",
        "127.0.0.2",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
    ];
    let hosts = hosts.map(|host| host.parse::<IpAddr>().expect("an address"));
    let mut compared = 0;
    for pair in hosts
        .iter()
        .flat_map(|first| hosts.map(|second| [*first, second]))
    {
        let mut tries = (0..TRIES).map_while(|_| both(pair));
        let Some(first) = tries.next() else { continue };
        let agree = |(check, kernel): (bool, bool)| check == kernel;
        assert!(
            agree(first) || tries.any(agree),
            "{pair:?}: the check says {}, the kernel {}",
            first.0,
            first.1
        );
        compared += 1;
    }
    // Those of IPv4 are there on every machine.
    assert!(compared >= 9, "{compared} pairs");
}

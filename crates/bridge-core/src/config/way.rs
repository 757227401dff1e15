//! What stands between instances and their platforms: a proxy, and authorities to be trusted.

use std::sync::Arc;

use super::codes;
use super::diagnostic::Findings;
use super::key_path::KeyPath;
use super::tree::Node;
use crate::ports::SecretSource;
use crate::secret::Secret;

/// A proxy that can't be used is found here, not at the first send.
pub(super) fn check_proxy(
    proxy: &Option<Secret>,
    node: &Node,
    path: &KeyPath<'_>,
    findings: &mut Findings,
) {
    let Some(proxy) = proxy else { return };
    let uri = proxy.expose().parse::<http::Uri>().ok();
    let port_is_fine = |authority: &http::uri::Authority| {
        let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
        host_and_port == authority.host() || authority.port_u16().is_some_and(|port| port > 0)
    };
    let usable = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(port_is_fine)
    });
    if !usable {
        let span = node
            .get("proxy")
            .map_or(&node.span, |entry| &entry.node.span);
        let help = "write a URL such as `http://proxy.example:3128`";
        let path = path.key("proxy");
        findings
            .report(&codes::BAD_FORMAT, span, path, "this is no URL of a proxy")
            .help(help);
    }
}

/// Reads the authorities of a block whose keys stand in `node`.
pub(super) fn read_authorities(
    ca_file: &Option<String>,
    node: &Node,
    path: &KeyPath<'_>,
    source: &dyn SecretSource,
    findings: &mut Findings,
) -> Option<Arc<str>> {
    // An empty one has been reported.
    let file = ca_file.as_deref().filter(|file| !file.is_empty())?;
    source.authorities(file).unwrap_or_else(|problem| {
        let key = "ca_file";
        let span = node.get(key).map_or(&node.span, |entry| &entry.node.span);
        findings
            .report(&codes::CA_FILE, span, path.key(key), problem)
            .help("name a file of certificates in PEM that the bridge's user may read");
        None
    })
}

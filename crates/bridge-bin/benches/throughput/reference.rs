//! What the bridge is compared with: our own minimal servers, run as processes of their own by
//! starting this program with [`FLAG`].

mod bare;
mod forwarder;
mod sender;

use std::io::Write as _;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use crate::Result;

/// The first argument of a reference's process.
pub(crate) const FLAG: &str = "--reference";

/// Runs the reference that `arguments` name until it is killed.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["bare"] => runtime.block_on(bare::run()),
        ["forwarder", api_base, journal, senders] => {
            let senders = senders.parse()?;
            runtime.block_on(forwarder::run(api_base, journal, senders))
        }
        _ => Err(format!("no such reference: {arguments:?}").into()),
    }
}

/// A listener on a port of loopback that the kernel chose, printed so that the parent knows it.
async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", listener.local_addr()?)?;
    output.flush()?;
    Ok(listener)
}

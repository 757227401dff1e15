//! Opens a listening port, or says what to do about it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel completes and holds while the bridge is busy.
const BACKLOG: i32 = 1024;

/// What the kernel holds of answers that a client does not read; connections inherit it from the
/// listener. Answers are short, and the kernel's own choice can be megabytes for each connection.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Listens on `host` and `port`; with port 0 the kernel chooses one.
///
/// A port whose last owner has just ended is taken over at once, so that a restart needs no wait.
/// Must be called inside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// [`BindError`], which names the address and says what to do.
pub fn bind(host: IpAddr, port: u16) -> Result<TcpListener, BindError> {
    let address = SocketAddr::new(host, port);
    listen(address).map_err(|source| BindError { address, source })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // On Windows the option of this name lets two programs share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A port that can't be listened on.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl BindError {
    /// The address that was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the system said.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, source } = self;
        write!(f, "can't listen on {address}: ")?;
        match source.kind() {
            io::ErrorKind::AddrInUse => f.write_str(
                "the port is in use; stop the program that has it or choose another port",
            ),
            io::ErrorKind::PermissionDenied => f.write_str(
                "permission denied; choose a port of 1024 or above, or allow the program to bind lower ones",
            ),
            io::ErrorKind::AddrNotAvailable => f.write_str(
                "this machine does not have the address; choose one of its own, or 0.0.0.0 for all",
            ),
            _ => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named_with_the_cure() {
        let first = bind(Ipv4Addr::LOCALHOST.into(), 0).expect("a free port");
        let port = first.local_addr().expect("an address").port();
        let error = bind(Ipv4Addr::LOCALHOST.into(), port).expect_err("taken");
        assert_eq!(
            error.to_string(),
            format!(
                "can't listen on 127.0.0.1:{port}: the port is in use; \
                 stop the program that has it or choose another port"
            )
        );
        assert_eq!(error.address(), first.local_addr().expect("an address"));
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        // 192.0.2.0/24 is reserved for documentation (RFC 5737).
        let error = bind(Ipv4Addr::new(192, 0, 2, 1).into(), 0).expect_err("not ours");
        assert!(
            error.to_string().contains("does not have the address"),
            "{error}"
        );
    }

    #[test]
    fn low_ports_say_what_to_do() {
        let error = BindError {
            address: SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 80),
            source: io::ErrorKind::PermissionDenied.into(),
        };
        assert!(
            error
                .to_string()
                .starts_with("can't listen on [::]:80: permission denied; choose")
        );
    }
}

//! Where the control socket is.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The socket's name in the data directory.
const NAME: &str = "control.sock";

/// The longest path that fits into a socket's address on every Unix.
const LONGEST: usize = 103;

/// A path by which the socket can be reached, whatever the length of the data directory's own.
#[derive(Debug)]
pub(super) struct SocketPath {
    pub(super) path: PathBuf,
    /// The directory, held open for as long as the path leads through its descriptor.
    _dir: Option<File>,
}

impl SocketPath {
    /// The socket of `data_dir`.
    pub(super) fn of(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        if path.as_os_str().len() <= LONGEST {
            return Ok(Self { path, _dir: None });
        }
        let dir = File::open(data_dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()));
        Ok(Self {
            path,
            _dir: Some(dir),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_in_a_deep_directory_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let socket = SocketPath::of(&deep).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&socket.path).unwrap();
        assert!(deep.join(NAME).exists());
        std::os::unix::net::UnixStream::connect(&SocketPath::of(&deep).unwrap().path).unwrap();
        drop(listener);
    }
}

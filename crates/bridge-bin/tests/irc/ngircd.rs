//! A real IRC server on loopback.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::free_port;

/// A running `ngircd`, killed when dropped.
pub(crate) struct Ngircd {
    program: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Ngircd {
    /// Starts it on a free port; `None` if it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let program = find()?;
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = spawn(&program, dir.path(), port);
        Some(Self {
            program,
            dir,
            port,
            child,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends it without a word, and starts it anew on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.program, self.dir.path(), self.port);
    }

    fn kill(&mut self) {
        // It may have ended already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where it is: daemons stand in folders that are not everybody's path.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join("ngircd"));
    programs.find(|program| program.is_file())
}

/// Resolves once it listens.
fn spawn(program: &Path, dir: &Path, port: u16) -> Child {
    let config = format!(
        "[Global]\nName = irc.test\nInfo = a test\nListen = 127.0.0.1\nPorts = {port}\n\
         [Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 16\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\nChrootDir =\n"
    );
    let path = dir.join("ngircd.conf");
    std::fs::write(&path, config).unwrap();
    let mut child = Command::new(program)
        .args(["--nodaemon", "--config"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_ready = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("ready.")));
    assert!(is_ready, "ngircd does not start");
    // Read to its end, or it would block on a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

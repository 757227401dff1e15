//! What stands not in the files but around them: the data directory and the ports.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use bridge_core::config::{Code, Diagnostic, Loaded, Setup, codes, collide};

use crate::control::{Question, Reply, ask_running};

/// How long a bridge that runs may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether a bridge could run with these files, or one does.
    Check,
    /// Whether this process can be that bridge.
    Start,
}

/// A bridge that runs on the data directory.
struct Running {
    process: u32,
    addresses: Vec<SocketAddr>,
}

/// Looks at data directory and ports; leaves nothing behind. Everything that is wrong is found in
/// one look.
pub(crate) fn look(setup: &Setup, loaded: &Loaded, purpose: Purpose) -> Vec<Diagnostic> {
    let mut look = Look {
        loaded,
        found: Vec::new(),
    };
    let dir = &setup.global.data_dir;
    let running = running(Path::new(dir));
    look.data_dir(dir, running.as_ref().filter(|_| purpose == Purpose::Start));
    let held = running.map(|running| running.addresses).unwrap_or_default();
    for instance in &setup.instances {
        let Some(listen) = instance.driver.listen() else {
            continue;
        };
        let wanted = (listen.host, listen.port);
        let is_ours = |held: &SocketAddr| collide(wanted, (held.ip(), held.port()));
        if !held.iter().any(is_ours) {
            look.port(&[instance.platform, instance.id.as_str()], wanted.into());
        }
    }
    look.found
}

/// The bridge that runs on the directory. One that does not answer is not known of.
fn running(data_dir: &Path) -> Option<Running> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let asked = runtime.block_on(async {
        let answer = ask_running(data_dir, &Question::Listeners);
        tokio::time::timeout(PATIENCE, answer).await
    });
    match asked {
        Ok(Ok(Reply::Listeners { process, addresses })) => Some(Running { process, addresses }),
        _ => None,
    }
}

struct Look<'a> {
    loaded: &'a Loaded,
    found: Vec<Diagnostic>,
}

impl Look<'_> {
    fn data_dir(&mut self, dir: &str, other: Option<&Running>) {
        let (problem, help) = match (other, writable(Path::new(dir))) {
            (Some(Running { process, .. }), _) => (
                format!(
                    "the data directory \"{dir}\" is in use by another bridge, process {process}"
                ),
                "stop that bridge, or give this one another `data_dir`",
            ),
            (None, Err(error)) => (
                format!("the data directory \"{dir}\" {error}"),
                "make it writable, or set another `data_dir`",
            ),
            (None, Ok(())) => return,
        };
        self.report(&codes::DATA_DIR, &["global", "data_dir"], problem, help);
    }

    fn port(&mut self, instance: &[&str; 2], address: SocketAddr) {
        if let Err(error) = TcpListener::bind(address) {
            let keys = [instance[0], instance[1], "listen_port"];
            let problem = format!(
                "{address}, where \"{}\" listens, can't be bound: {error}",
                instance[1]
            );
            let help = "stop what holds it, or set another `listen_port`";
            self.report(&codes::CANT_BIND, &keys, problem, help);
        }
    }

    fn report(&mut self, code: &'static Code, keys: &[&str], problem: String, help: &str) {
        let mut diagnostic = Diagnostic::new(code, self.loaded.place_of(keys), problem);
        diagnostic.path = keys.join(".");
        diagnostic.help(help);
        self.found.push(diagnostic);
    }
}

/// Tries the directory, or the nearest one above it that exists, with a file that has no name.
fn writable(dir: &Path) -> Result<(), String> {
    let here = dir
        .ancestors()
        .find(|dir| dir.exists())
        .unwrap_or(Path::new("."));
    let here = if here.as_os_str().is_empty() {
        Path::new(".")
    } else {
        here
    };
    if !here.is_dir() {
        return Err(format!("can't be used: {} is no directory", here.display()));
    }
    match tempfile::tempfile_in(here) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("can't be written: {error}")),
    }
}

//! What surrounds a system under test: a DingTalk on loopback with two groups and one robot, and a
//! directory for the system's files.

use tempfile::TempDir;

use dingtalk_sandbox::{Builder, Sandbox};

use crate::Result;
use crate::system::{Process, System};

/// The robot's app key and robot code.
pub(crate) const APP: &str = "dingx7q2m4k9t1b8w5z3";
/// The app's secret, which also signs callbacks.
pub(crate) const SECRET: &str = "dingtalk-app-secret_+/=";
/// The group that people speak in: that of the recorded callback.
pub(crate) const OPS: &str = "ciddyW50dFVaPgR3F3f+xLFTw==";
/// The group that it is forwarded to.
pub(crate) const DEV: &str = "cidBenchTarget==";

/// A system that runs, and what it talks to.
#[derive(Debug)]
pub(crate) struct Bed {
    // Ends before what it talks to and what it writes to.
    pub(crate) process: Process,
    pub(crate) sandbox: Sandbox,
    _dir: TempDir,
}

impl Bed {
    /// Starts `system` with `senders` sending threads, if it is one that is told, and a DingTalk as
    /// `builder` says.
    pub(crate) async fn start(system: System, builder: Builder, senders: usize) -> Result<Self> {
        let sandbox = builder.start().await?;
        let robot = sandbox.add_robot(APP, SECRET, APP);
        for (id, title) in [(OPS, "Ops"), (DEV, "Dev")] {
            sandbox.add_group(id, title).add_robot(&robot);
        }
        // Beside the build's other files, as the folder for temporary ones is memory on many
        // machines, where a sync costs nothing.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (path, api_base) = (dir.path().to_owned(), sandbox.api_base());
        // Waiting for a process to start blocks, and meanwhile the sandbox has to answer it.
        let start = move || Process::start(system, &path, &api_base, senders);
        let process = tokio::task::spawn_blocking(start).await??;
        Ok(Self {
            process,
            sandbox,
            _dir: dir,
        })
    }

    /// Fails if a send was refused or repeated: the figures would be of something else.
    pub(crate) fn check(&self, sent: u64) -> Result<()> {
        let counters = self.sandbox.counters();
        if counters.sends_accepted == sent && counters.sends_refused.is_empty() {
            return Ok(());
        }
        Err(format!("{sent} messages went in, and this came out: {counters:?}").into())
    }
}

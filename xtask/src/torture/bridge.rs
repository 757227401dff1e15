//! The real binary as a child process.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use super::Broken;
use super::bed::Bed;

const START: Duration = Duration::from_secs(30);

/// A running bridge, killed when dropped.
pub(super) struct Bridge {
    child: Child,
}

impl Bridge {
    /// Starts it in the bed's folder and waits until it listens. Its log is appended to `log`.
    pub(super) async fn start(binary: &Path, bed: &Bed) -> Result<Self, Broken> {
        Self::start_as(Command::new(std::path::absolute(binary)?), bed).await
    }

    /// The same with a command that runs the binary, such as a tracer.
    pub(super) async fn start_as(command: Command, bed: &Bed) -> Result<Self, Broken> {
        let log = bed.dir.path().join("log");
        let before = std::fs::metadata(&log).map_or(0, |log| log.len());
        let mut bridge = Self::spawn_as(command, bed)?;
        let end = Instant::now() + START;
        loop {
            let log = std::fs::read(&log)?;
            let new = log.get(usize::try_from(before)?..).unwrap_or_default();
            let has = |word: &[u8]| new.windows(word.len()).any(|window| window == word);
            if has(b"\"started\"") {
                return Ok(bridge);
            }
            if let Some(status) = bridge.child.try_wait()? {
                let said = String::from_utf8_lossy(new).into_owned();
                return Err(format!("the bridge ended at its start ({status}): {said}").into());
            }
            if Instant::now() > end {
                return Err("the bridge does not start".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Starts it and does not wait for anything.
    pub(super) fn spawn(binary: &Path, bed: &Bed) -> Result<Self, Broken> {
        Self::spawn_as(Command::new(std::path::absolute(binary)?), bed)
    }

    fn spawn_as(mut command: Command, bed: &Bed) -> Result<Self, Broken> {
        let dir = bed.write_files()?;
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).open(dir.join("log"))?;
        let child = command
            .current_dir(dir)
            .arg("run")
            .env_remove("BRIDGE_LOG")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child })
    }

    /// Kills what the tracer runs; a tracer that is killed itself would leave it alive.
    pub(super) async fn kill_traced(self) -> Result<(), Broken> {
        let tracer = self.child.id().ok_or("the tracer has ended")?;
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{name}/stat")) else {
                continue;
            };
            // `PID (NAME) STATE PARENT …`; a name may hold anything.
            let parent = stat
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.split(' ').nth(1));
            if parent == Some(tracer.to_string().as_str()) {
                let status = Command::new("kill").args(["-9", &name]).status().await?;
                if !status.success() {
                    return Err(format!("the traced bridge {name} can't be killed").into());
                }
            }
        }
        // The tracer has nothing left to trace; it ends with its handle.
        Ok(())
    }

    /// SIGKILL, by its own process id; waits for its end.
    pub(super) async fn kill(mut self) -> Result<(), Broken> {
        self.child.kill().await?;
        Ok(())
    }

    /// The most memory that it ever held, in KiB.
    pub(super) fn peak_kib(&self) -> Result<u64, Broken> {
        let id = self.child.id().ok_or("the bridge has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(number.ok_or("no VmHWM")?.parse()?)
    }
}

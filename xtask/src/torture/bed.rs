//! A sandbox with groups, and a folder with a config that bridges them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dingtalk_sandbox::{Group, Member, Robot, Sandbox};
use serde_json::{Value, json};

use super::Broken;
use super::ledger::Lane;

pub(super) const SECRET: &str = "torture-secret";

/// How long the bridge may take to deliver what is left, once nobody disturbs it.
const DRAIN: Duration = Duration::from_secs(120);

/// Source groups, each forwarded to one target group.
pub(super) struct Bed {
    pub(super) dir: tempfile::TempDir,
    pub(super) sandbox: Sandbox,
    pub(super) robot: Robot,
    pub(super) member: Member,
    pub(super) sources: Vec<Group>,
    pub(super) targets: Vec<Group>,
    pub(super) config: Value,
    pub(super) rules: Value,
}

impl Bed {
    /// With `lanes` pairs of groups.
    pub(super) async fn new(lanes: usize) -> Result<Self, Broken> {
        let sandbox = Sandbox::start().await?;
        let robot = sandbox.add_robot("dingtorture", SECRET, "dingtorture");
        let groups = |kind: &str| -> Vec<Group> {
            let group = |lane| {
                let group = sandbox.add_group(&format!("cid{kind}{lane}=="), kind);
                group.add_robot(&robot);
                group
            };
            (0..lanes).map(group).collect()
        };
        let (sources, targets) = (groups("Source"), groups("Target"));
        let port = free_port()?;
        let config = json!({
            "global": { "log": { "format": "json" } },
            "dingtalk": { "dt": {
                "app_key": robot.app_key(), "app_secret": SECRET, "robot_code": robot.robot_code(),
                "signing_secret": SECRET, "api_base": sandbox.api_base(),
                "listen_host": "127.0.0.1", "listen_port": port,
                "rate_per_second": 0, "channel_rate_per_minute": 0 } } });
        let address =
            |group: &Group| json!({ "open_conversation_id": group.open_conversation_id() });
        let rules: Vec<_> = sources
            .iter()
            .zip(&targets)
            .map(|(from, to)| json!({ "from": { "dt": address(from) }, "to": { "dt": address(to) } }))
            .collect();
        robot.set_callback(&format!("http://127.0.0.1:{port}/dingtalk/event"), SECRET)?;
        Ok(Self {
            dir: tempfile::tempdir()?,
            member: Member::new("u", "042531297"),
            sandbox,
            robot,
            sources,
            targets,
            config,
            rules: json!({ "rules": rules }),
        })
    }

    /// Writes both files; the folder they are in.
    pub(super) fn write_files(&self) -> Result<&Path, Broken> {
        for (folder, name, value) in [
            ("config", "config.json", &self.config),
            ("rules", "rules.json", &self.rules),
        ] {
            let folder = self.dir.path().join(folder);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(name), value.to_string())?;
        }
        Ok(self.dir.path())
    }

    /// The folder's name, kept for whoever looks into a failure.
    pub(super) fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    /// What the targets show now.
    pub(super) fn lanes(&self) -> Vec<Lane> {
        let texts = |group: &Group| {
            let transcript = group.transcript();
            let sent = transcript.sent_texts().into_iter();
            sent.map(|text| told(text).to_owned()).collect()
        };
        self.targets
            .iter()
            .map(|group| Lane {
                texts: texts(group),
            })
            .collect()
    }

    /// Waits until nothing is queued in the store any more, as the bridge itself says.
    pub(super) async fn drained(&self, binary: &Path) -> Result<Value, Broken> {
        let end = Instant::now() + DRAIN;
        loop {
            let totals = trace(binary, self.dir.path(), "--totals").await?;
            let totals = totals.ok_or("`bridge trace --totals` does not answer")?;
            if totals["queued"] == 0 {
                return Ok(totals);
            }
            if Instant::now() > end {
                return Err(format!("not drained after {DRAIN:?}: {totals}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What `bridge trace` says in JSON of a message's id, or of all deliveries with `--totals`; `None` if
/// it can't say anything.
pub(super) async fn trace(binary: &Path, dir: &Path, what: &str) -> Result<Option<Value>, Broken> {
    let mut command = tokio::process::Command::new(binary);
    command.current_dir(dir).args(["trace", "--json", what]);
    let output = command.kill_on_drop(true).output().await?;
    Ok(serde_json::from_slice(&output.stdout).ok())
}

/// What a client said: the first word behind the sender, who stands before it in the default format.
pub(super) fn told(text: &str) -> &str {
    let text = text.strip_prefix("u: ").unwrap_or(text);
    text.split(' ').next().unwrap_or_default()
}

pub(super) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

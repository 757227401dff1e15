//! A bridge from outside: the real binary in a folder of its own, between sandbox groups.
#![allow(dead_code, reason = "each test file uses another part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use dingtalk_sandbox::{Group, Member, Robot, Sandbox};
use serde_json::{Value, json};

/// Long enough for a slow machine; nothing waits this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The conversation of `text-group-at.json`.
pub(crate) const OPS: &str = "ciddyW50dFVaPgR3F3f+xLFTw==";
pub(crate) const DEV: &str = "cidDevDevDevDevDevDev+/==";
pub(crate) const SECRET: &str = "dingtalk-app-secret_+/=";

/// A recorded callback body.
pub(crate) fn payload(name: &str) -> Vec<u8> {
    let path = payloads().join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of recorded callback bodies.
pub(crate) fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../driver-dingtalk/tests/fixtures")
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace's folder")
}

/// The command `bridge` in a folder.
pub(crate) fn bridge(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
    command
        .current_dir(dir)
        .args(args)
        .env_remove("BRIDGE_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs `bridge` to its end; one that does not end is killed, so that a test fails rather than hangs.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = bridge(dir, args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    let id = process_id(&child);
    let (ended, has_ended) = channel::<()>();
    let watch = std::thread::spawn(move || {
        if has_ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // It may end at this very moment.
            rustix::process::kill_process(id, rustix::process::Signal::KILL).ok();
        }
    });
    let output = child.wait_with_output().expect("its output");
    drop(ended);
    watch.join().expect("the watch ends");
    output
}

fn process_id(child: &Child) -> rustix::process::Pid {
    let id = i32::try_from(child.id()).expect("a process id");
    rustix::process::Pid::from_raw(id).expect("a process id")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Puts a file in the place of another in one step, as editors and deployments do.
pub(crate) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("a file");
    std::fs::rename(new, path).expect("a file in its place");
}

/// Writes both files into their folders below `dir`.
pub(crate) fn write_pair(dir: &Path, config: &Value, rules: &Value) {
    for (kind, value) in [("config", config), ("rules", rules)] {
        let folder = dir.join(kind);
        std::fs::create_dir_all(&folder).expect("a folder");
        replace(
            &folder.join(kind).with_extension("json"),
            &value.to_string(),
        );
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Rules that send what is said in `OPS` to `DEV`, with `mark` before it.
pub(crate) fn marked(mark: &str) -> Value {
    json!({ "rules": [{
        "id": "ops-dev",
        "from": { "dt_main": { "open_conversation_id": OPS } },
        "to": { "dt_main": { "open_conversation_id": DEV } },
        "msg": { "msg_format": format!("{mark}{{msg}}") } }] })
}

/// A sandbox with one robot in two groups, and a folder with files that bridge them.
pub(crate) struct Bed {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    pub(crate) robot: Robot,
    pub(crate) ops: Group,
    pub(crate) dev: Group,
    pub(crate) zhang: Member,
    pub(crate) config: Value,
    pub(crate) rules: Value,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start().await.expect("the sandbox starts");
        let robot = sandbox.add_robot("dingx7q2m4k9t1b8w5z3", SECRET, "dingx7q2m4k9t1b8w5z3");
        let (ops, dev) = (
            sandbox.add_group(OPS, "机器人测试群"),
            sandbox.add_group(DEV, "开发群"),
        );
        ops.add_robot(&robot);
        dev.add_robot(&robot);
        let config = json!({
            "global": { "log": { "format": "json" } },
            "dingtalk": { "dt_main": {
                "app_key": robot.app_key(), "app_secret": SECRET, "robot_code": robot.robot_code(),
                "signing_secret": SECRET, "api_base": sandbox.api_base(),
                "listen_host": "127.0.0.1", "listen_port": 0,
                "rate_per_second": 0,
            }},
        });
        let rules = json!({ "rules": [{ "id": "ops-dev", "type": "connect", "channels": { "dt_main": [
            { "open_conversation_id": OPS }, { "open_conversation_id": DEV } ] } }] });
        let zhang = Member::new("张三", "042531297");
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self {
            dir,
            sandbox,
            robot,
            ops,
            dev,
            zhang,
            config,
            rules,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes both files to where the bridge looks for them.
    pub(crate) fn write_files(&self) {
        write_pair(self.path(), &self.config, &self.rules);
    }

    /// Starts the bridge and points the robot at its first listener.
    pub(crate) fn start(&self) -> Process {
        self.write_files();
        let process = Process::start(self.path());
        self.robot
            .set_callback(&process.url(), SECRET)
            .expect("a URL");
        process
    }

    /// Starts the bridge so that it reads its files again only when it is told to.
    pub(crate) fn start_unwatched(&self) -> Process {
        self.write_files();
        let process = Process::start_command(bridge(self.path(), &["run", "--no-watch"]));
        let is_set = self.robot.set_callback(&process.url(), SECRET);
        is_set.expect("a URL");
        process
    }

    /// Writes both files and calls `bridge reload`; what it printed and its exit code.
    pub(crate) fn reload(&self) -> (String, Option<i32>) {
        self.write_files();
        let output = run(self.path(), &["reload"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        (printed, output.status.code())
    }

    /// What the store holds, seen from outside.
    pub(crate) fn inspector(&self) -> bridge_store::Inspector {
        let inspector = bridge_store::Inspector::open(&self.path().join("data"));
        inspector.expect("a store").expect("a store that exists")
    }
}

/// A running bridge, killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    /// The URLs of its listeners, by instance.
    pub(crate) urls: Vec<(String, String)>,
}

impl Process {
    /// Starts `bridge run` and waits until it listens.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_command(bridge(dir, &["run"]))
    }

    /// Starts a command made by [`bridge`] and waits until it listens.
    pub(crate) fn start_command(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "raw": line }));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let mut process = Self {
            child,
            lines,
            seen: Vec::new(),
            urls: Vec::new(),
        };
        let started = process.wait_for_line("started");
        let count = started["listeners"]
            .as_u64()
            .expect("a number of listeners");
        for line in &process.seen {
            if line["message"] == "listening" {
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                let url = format!("http://{}{}", text("address"), text("path"));
                process.urls.push((text("instance"), url));
            }
        }
        assert_eq!(process.urls.len() as u64, count, "{:?}", process.seen);
        process
    }

    /// The URL of the first listener.
    pub(crate) fn url(&self) -> String {
        self.urls[0].1.clone()
    }

    /// The next log line with this message, or the first that was seen before.
    pub(crate) fn wait_for_line(&mut self, message: &str) -> Value {
        let is_it = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|m| m.starts_with(message))
        };
        if let Some(line) = self.seen.iter().find(|line| is_it(line)) {
            return line.clone();
        }
        self.wait_for_next_line(message)
    }

    /// The next log line with this message that was not seen before.
    pub(crate) fn wait_for_next_line(&mut self, message: &str) -> Value {
        let is_it = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|m| m.starts_with(message))
        };
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if is_it(&line) {
                        return line;
                    }
                }
                Err(error) => panic!("no line \"{message}\" ({error}); seen: {:#?}", self.seen),
            }
        }
    }

    /// Every log line so far, as text.
    pub(crate) fn log(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Whether it ends by itself before the patience does.
    pub(crate) fn ends(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.seen.push(line),
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// SIGKILL: no time for anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(process_id(&self.child), signal).expect("it is alive");
    }

    /// Waits for the end; gives the status and all log lines.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + PATIENCE;
        // Its log ends with it.
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.seen),
            }
        }
        let status = self.child.wait().expect("it ends");
        (status, self.log())
    }

    /// SIGTERM and the end that follows.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.terminate();
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

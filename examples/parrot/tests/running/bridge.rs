//! The binary of this package, run to its end or in the background.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// Runs a command in the package's folder, to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bridge"));
    let command = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// A bridge that runs in a folder of its own; killed when dropped.
pub(crate) struct Running {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Running {
    /// Starts it with these files, and waits until it listens.
    pub(crate) fn start(config: &Value, rules: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in [("config", &*config.to_string()), ("rules", rules)] {
            let of_kind = folder.path().join(name);
            std::fs::create_dir(&of_kind).expect("a folder");
            std::fs::write(of_kind.join(name).with_extension("json"), text).expect("a file");
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_bridge"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut lines = log.lines().map_while(Result::ok);
        let mut seen = String::new();
        let url = lines.by_ref().find_map(|line| {
            seen += &line;
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let url = format!("http://{}{}", text("address"), text("path"));
            (text("message") == "listening").then_some(url)
        });
        let url = url.unwrap_or_else(|| panic!("it does not listen: {seen}"));
        // Nobody may stop reading, or the bridge's log would block.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url,
            _folder: folder,
        }
    }

    /// Where the platform calls.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

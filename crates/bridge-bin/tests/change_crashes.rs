//! A crash at each change of state while answers, edits and recalls cross: nothing that was taken in is
//! lost or overtaken. The test starts itself as the bridge that dies.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

#[expect(dead_code, reason = "the other test of changes asks more of it")]
#[path = "changes/platform.rs"]
mod platform;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bridge_bin::app::Bridge;
use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{Source, load};
use bridge_core::driver::{Change, ChangeKind, Event};
use bridge_core::message::{Message, Quoted, Sender};
use bridge_core::ports::SecretSource;
use bridge_store::Inspector;
use platform::{FOLDER, Plain, Rich, hub, room};

/// What is told, as `KIND ID OF`, and what it must lead to.
const STORY: [(&str, &str); 6] = [
    ("say m1 -", "say \"ann: m1\""),
    ("edit e1 m1", "edit p1 \"ann: e1\""),
    ("say m2 -", "say \"ann: m2\""),
    ("answer m3 m1", "reply p1 \"ann: m3\""),
    ("recall x1 m1", "recall p1 \"\""),
    ("say m4 -", "say \"ann: m4\""),
];

const POINTS: [&str; 12] = [
    "admit.before_insert",
    "admit.after_insert",
    "commit.before",
    "commit.after",
    "answer.before",
    "answer.after",
    "intake.before_answer",
    "send.before",
    "send.after",
    "settle.handed_over",
    "settle.before_write",
    "settle.after_commit",
];

fn main() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(serve(PathBuf::from(folder)));
    }
    for point in POINTS {
        // The second and the fourth time: at an edit, at an answer, or at what surrounds them.
        for time in [2, 4] {
            check(point, time);
        }
    }
}

/// Runs a bridge whose platform is told what stands on lines of the input, until it is killed.
async fn serve(folder: PathBuf) {
    let told = hub("a");
    let config = serde_json::json!({
        "global": { "data_dir": folder.join("data") },
        "rich": { "a": { "hub": "a" }, "b": { "hub": "b" } },
    });
    let rules =
        r#"{ "rules": [ { "from": { "a": { "room": "1" } }, "to": { "b": { "room": "1" } } } ] }"#;
    let source = |name: &str, text: String| Source {
        name: name.to_owned(),
        content: Ok(text.into_bytes()),
    };
    let entries = [DriverEntry::of::<Rich>(), DriverEntry::of::<Plain>()];
    let loaded = load(
        &source("config.json", config.to_string()),
        &source("rules.json", rules.to_owned()),
        &Catalog::of(entries).unwrap(),
        &NoSecrets,
    );
    let _bridge = Bridge::start(loaded.setup.unwrap()).await.unwrap();
    for line in std::io::stdin().lines() {
        told.tell(event(&line.unwrap())).await;
        println!("taken");
    }
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, _: &str) -> Result<String, String> {
        Err("there are none".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("there are none".to_owned())
    }
}

fn event(line: &str) -> Event {
    let words: Vec<_> = line.split(' ').collect();
    let [kind, id, of] = words[..] else {
        panic!("{line:?}")
    };
    let ann = || Sender::new("u1", "ann");
    let change = |kind: ChangeKind| {
        let mut change = Change::new(of, room(), ann(), kind);
        change.id = Some(id.to_owned());
        Event::Changed(change)
    };
    let mut message = Message::new(room(), ann(), id);
    message.id = Some(id.to_owned());
    match kind {
        "edit" => change(ChangeKind::Edited(id.to_owned())),
        "recall" => change(ChangeKind::Recalled),
        "answer" => {
            message.reply_to = Some(Quoted::new(of));
            Event::Message(message)
        }
        _ => Event::Message(message),
    }
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(folder: &Path, point: Option<String>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(FOLDER, folder);
        command.envs(point.map(|point| ("BRIDGE_FAIL_POINT", point)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Whether it was taken in: not if the bridge dies.
    fn tell(&mut self, line: &str) -> bool {
        let mut answer = String::new();
        writeln!(self.input, "{line}").is_ok()
            && self
                .output
                .read_line(&mut answer)
                .is_ok_and(|read| read > 0)
    }

    fn has_died(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn check(point: &str, time: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut process = Process::start(path, Some(format!("{point}:{time}")));
    let mut deaths = 0;
    for (line, _) in STORY {
        // As a platform does: what was not taken comes again.
        while !process.tell(line) {
            deaths += 1;
            assert!(deaths <= 2, "{point}:{time}: it dies again and again");
            process = Process::start(path, None);
        }
    }
    let shown = || std::fs::read_to_string(path.join("b")).unwrap_or_default();
    let totals = || {
        let inspector = Inspector::open(&path.join("data")).unwrap();
        inspector.unwrap().totals().unwrap()
    };
    while totals().delivered < STORY.len() as u64 {
        if process.has_died() {
            deaths += 1;
            process = Process::start(path, None);
        }
        std::thread::yield_now();
    }
    let totals = totals();
    assert_eq!(
        (totals.planned, totals.accounted()),
        (6, 6),
        "{point}: {totals:?}"
    );

    let shown = shown();
    // Ids are those of the first try; what is repeated has others.
    let mut firsts: Vec<&str> = Vec::new();
    for line in shown.lines() {
        if !firsts.contains(&line) {
            firsts.push(line);
        }
    }
    let repeated = shown.lines().count() - firsts.len();
    let expected = STORY.map(|(_, act)| act);
    let is_as_told = firsts.len() == expected.len()
        && firsts
            .iter()
            .zip(expected)
            .all(|(found, act)| is_like(found, act));
    assert!(is_as_told, "{point}:{time}: {shown}");
    assert!(
        repeated <= 2 * deaths,
        "{point}:{time}: {repeated} repeated: {shown}"
    );
    assert!(
        deaths > 0,
        "{point}:{time}: it never died, so nothing was shown"
    );
    println!("{point:<24} {time}  nothing lost, {repeated} repeated");
}

/// Equal but for the id: where the first send was repeated, the message is known by the second one's.
fn is_like(found: &str, expected: &str) -> bool {
    let without = |line: &str| line.replace(" p1 ", " ").replace(" p2 ", " ");
    without(found) == without(expected)
}

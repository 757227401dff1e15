//! The sync comes before the answer: system calls traced with `strace`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::process::Command;

use super::bed::Bed;
use super::bridge::Bridge;
use super::client::{Clients, Manner};
use super::{Broken, NotRun, Plan, Verdict};

const CALLS: &str = "openat,close,pwrite64,fsync,fdatasync,read,recvfrom,write,writev,sendto";

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    if std::process::Command::new("strace")
        .arg("-V")
        .output()
        .is_err()
    {
        return Err(NotRun("strace is not installed").into());
    }
    let mut figures = Vec::new();
    let mut faults = Vec::new();
    for connections in [1, 8] {
        let bed = Bed::new(2).await?;
        let trace = bed.dir.path().join("strace");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-s", "5000", "-e", &format!("trace={CALLS}"), "-o"])
            .arg(&trace)
            .arg(std::path::absolute(&plan.binary)?);
        let bridge = Bridge::start_as(command, &bed).await?;
        let manner = Manner {
            pause: Duration::from_millis(5),
            ..Manner::default()
        };
        let clients = Clients::start(&bed, connections, manner);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let ledger = clients.stop().await?;
        bed.drained(&plan.binary).await?;
        bridge.kill_traced().await?;
        let text = String::from_utf8_lossy(&std::fs::read(&trace)?).into_owned();
        let texts: Vec<_> = ledger
            .acknowledged
            .iter()
            .map(|one| one.text.as_str())
            .collect();
        let checked = check(&text, &texts);
        faults.extend(checked.faults);
        // Otherwise the trace was not understood, and what it did not show may be wrong.
        if checked.answers != texts.len() {
            faults.push(format!(
                "{} messages were acknowledged, {} answers were seen in the trace",
                texts.len(),
                checked.answers
            ));
        }
        figures.push(format!(
            "{} answers on {connections} connections, {} syncs",
            checked.answers, checked.syncs
        ));
    }
    Ok(Verdict::new(figures.join("; "), faults))
}

#[derive(Debug, Default)]
struct Checked {
    answers: usize,
    syncs: usize,
    faults: Vec<String>,
}

/// What is known of one message while the trace is read.
#[derive(Debug, Default, Clone, Copy)]
struct Message {
    written: bool,
    synced: bool,
}

/// Reads the trace in its order. Each request names its message's text; the next 200 on that
/// descriptor answers it, and must come after a sync of the log that began after the text was
/// written to it.
fn check(trace: &str, texts: &[&str]) -> Checked {
    let mut checked = Checked::default();
    let mut messages: HashMap<&str, Message> =
        texts.iter().map(|t| (*t, Message::default())).collect();
    let known: HashSet<&str> = texts.iter().copied().collect();
    let mut asked: HashMap<String, &str> = HashMap::new();
    let mut logs: Vec<String> = Vec::new();
    // Calls that were interrupted in the trace, by thread: what they covered when they began.
    let mut syncing: HashMap<&str, Vec<&str>> = HashMap::new();
    // And what they read from.
    let mut reading: HashMap<&str, &str> = HashMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if call.starts_with("openat(") && call.contains("store.db-wal") {
            logs.extend(call.rsplit("= ").next().map(str::to_owned));
        } else if let Some(rest) = call.strip_prefix("pwrite64(") {
            if logs.iter().any(|log| rest.starts_with(&format!("{log}, "))) {
                for text in named(rest, &known) {
                    messages.entry(text).or_default().written = true;
                }
            }
        } else if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            let descriptor = call.split(['(', ')', ' ', '<']).nth(1).unwrap_or_default();
            if logs.iter().any(|log| log == descriptor) {
                let covered = messages.iter().filter(|(_, message)| message.written);
                let covered: Vec<_> = covered.map(|(text, _)| *text).collect();
                if call.contains("unfinished") {
                    syncing.insert(thread, covered);
                } else {
                    finish(&mut messages, covered, &mut checked);
                }
            }
        } else if call.contains("sync resumed>") {
            if let Some(covered) = syncing.remove(thread) {
                finish(&mut messages, covered, &mut checked);
            }
        } else if let Some((descriptor, data)) = transfer(call) {
            if data.contains("HTTP/1.1 200") {
                if let Some(text) = asked.remove(descriptor) {
                    checked.answers += 1;
                    if !messages.get(text).is_some_and(|message| message.synced) {
                        checked
                            .faults
                            .push(format!("{text} was answered 200 before its sync"));
                    }
                }
            } else if data.contains("<unfinished") {
                reading.insert(thread, descriptor);
            } else {
                note_request(&mut asked, descriptor, data, &known);
            }
        } else if call.contains(" resumed>")
            && let Some(descriptor) = reading.remove(thread)
        {
            note_request(&mut asked, descriptor, call, &known);
        }
    }
    checked
}

/// Which message the next answer on `descriptor` is for.
fn note_request<'a>(
    asked: &mut HashMap<String, &'a str>,
    descriptor: &str,
    data: &str,
    known: &HashSet<&'a str>,
) {
    if data.contains("POST /dingtalk")
        && let Some(text) = named(data, known).next()
    {
        asked.insert(descriptor.to_owned(), text);
    }
}

/// The messages that a line names: what looks like `c0-17` and is known.
fn named<'a>(line: &str, known: &HashSet<&'a str>) -> impl Iterator<Item = &'a str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    line.match_indices('-').filter_map(move |(at, _)| {
        let before = line.get(at.checked_sub(2)?..at)?;
        let end = at + 1 + digits(&line[at + 1..]);
        before.starts_with('c').then_some(())?;
        known.get(line.get(at - 2..end)?).copied()
    })
}

fn finish<'a>(
    messages: &mut HashMap<&'a str, Message>,
    covered: Vec<&'a str>,
    checked: &mut Checked,
) {
    checked.syncs += 1;
    for text in covered {
        messages.entry(text).or_default().synced = true;
    }
}

/// The descriptor and data of a call that reads from or writes to a socket.
fn transfer(call: &str) -> Option<(&str, &str)> {
    let calls = ["read(", "recvfrom(", "write(", "writev(", "sendto("];
    let rest = calls.iter().find_map(|name| call.strip_prefix(name))?;
    rest.split_once(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = "7 openat(AT_FDCWD, \"data/store.db-wal\", O_RDWR) = 9";
    const ASK: &str = "8 recvfrom(12, \"POST /dingtalk/event c0-1\", 4096) = 30";
    const WRITE: &str = "7 pwrite64(9, \"...c0-1...\", 4096, 0) = 4096";
    const SYNC: &str = "7 fdatasync(9) = 0";
    const ANSWER: &str = "8 writev(12, [{\"HTTP/1.1 200 OK\"}]) = 99";

    #[test]
    fn a_trace_is_read_in_its_order() {
        let half = [
            "7 fdatasync(9 <unfinished ...>",
            "7 <... fdatasync resumed>) = 0",
        ];
        let asked = [
            "8 recvfrom(12,  <unfinished ...>",
            "8 <... recvfrom resumed>\"POST /dingtalk/event c0-1\", 4096) = 30",
        ];
        let rows: [(&[&str], usize); 8] = [
            (&[OPEN, ASK, WRITE, SYNC, ANSWER], 0),
            (&[OPEN, ASK, WRITE, ANSWER, SYNC], 1),
            (&[OPEN, ASK, SYNC, WRITE, ANSWER], 1),
            (&[OPEN, ASK, WRITE, half[0], half[1], ANSWER], 0),
            (&[OPEN, ASK, WRITE, half[0], ANSWER, half[1]], 1),
            (&[OPEN, ASK, half[0], WRITE, half[1], ANSWER], 1),
            (&[OPEN, asked[0], asked[1], WRITE, ANSWER, SYNC], 1),
            (&[OPEN, asked[0], asked[1], WRITE, SYNC, ANSWER], 0),
        ];
        for (lines, expected) in rows {
            let checked = check(&lines.join("\n"), &["c0-1"]);
            assert_eq!(checked.faults.len(), expected, "{lines:?}: {checked:?}");
            assert_eq!(checked.answers, 1, "{lines:?}");
        }
    }
}

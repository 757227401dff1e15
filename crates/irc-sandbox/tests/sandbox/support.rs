//! A client that says lines and reads what comes back.

use std::time::Duration;

use irc_sandbox::{Link, Sandbox};

/// Longer than anything takes that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    pub(crate) link: Link,
}

impl Client {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        Self {
            link: sandbox.connect().unwrap(),
        }
    }

    /// A client that is on the network, and in a channel.
    pub(crate) fn of(sandbox: &Sandbox, nick: &str, channel: &str) -> Self {
        let client = Self::new(sandbox);
        client.ask(&format!(
            "NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\nJOIN {channel}"
        ));
        client
    }

    /// Says a line and reads what has come by then.
    pub(crate) fn ask(&self, line: &str) -> Vec<String> {
        self.link.write(format!("{line}\r\n").as_bytes());
        self.heard()
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        let bytes = self.link.read();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Says each line and compares what comes back, without the server's name.
    pub(crate) fn holds(&self, rows: &[(&str, &[&str])]) {
        for (line, expected) in rows {
            let answer = self.ask(line);
            let answer: Vec<_> = answer
                .iter()
                .map(|line| line.strip_prefix(":irc.sandbox ").unwrap_or(line))
                .collect();
            assert_eq!(answer, *expected, "{line:?}");
        }
    }
}

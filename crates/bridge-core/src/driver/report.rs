//! What a driver's check of its settings finds, and checks that many drivers need.

use std::net::IpAddr;

use crate::secret::{Secret, Secrets};

const HOST_HELP: &str =
    "write an address such as \"0.0.0.0\", \"127.0.0.1\" or \"::\", without brackets or port";

/// Collects what [`Driver::check`](super::Driver::check) finds.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) findings: Vec<Finding>,
}

/// One thing that [`Driver::check`](super::Driver::check) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) is_error: bool,
    pub(crate) key: &'static str,
    pub(crate) problem: String,
    pub(crate) help: String,
}

impl Report {
    /// What would refuse, lose or leak a message. `key` is the settings key; `problem` says what
    /// is wrong (never a secret's value), `help` what to write instead.
    pub fn error(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(true, key, problem.into(), help.into());
    }

    /// What an operator should know and may live with.
    pub fn warning(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(false, key, problem.into(), help.into());
    }

    /// Checks what is written as the address to listen on, at `key`.
    pub fn check_host(&mut self, key: &'static str, host: &str) {
        if host.parse::<IpAddr>().is_err() {
            let problem = format!("{host:?} is not an IP address");
            self.error(key, problem, HOST_HELP);
        }
    }

    /// Checks what is written as the path of a listener, at `key`: only what reaches a server as it
    /// was written, whatever proxy stands before it, is a path. `example` is shown as a good one.
    pub fn check_path(&mut self, key: &'static str, path: &str, example: &str) {
        if let Err(problem) = plain_path(path) {
            let problem = format!("{path:?} {problem}");
            let help = format!("write a path such as {example:?}");
            self.error(key, problem, help);
        }
    }

    /// Checks each of the secrets at `key` with `check`, which is told what to call it, and warns of
    /// one that stands there twice.
    pub fn check_secrets(
        &mut self,
        key: &'static str,
        secrets: &Secrets,
        mut check: impl FnMut(&mut Self, &str, &Secret),
    ) {
        let secrets: Vec<_> = secrets.iter().collect();
        for (index, secret) in secrets.iter().enumerate() {
            let name = match secrets.len() {
                1 => key.to_owned(),
                _ => format!("{key}[{index}]"),
            };
            check(self, &name, secret);
            let mut earlier = secrets[..index].iter();
            if let Some(first) = earlier.position(|other| other.expose() == secret.expose()) {
                let problem = format!("`{name}` is the same secret as `{key}[{first}]`");
                let help = "write the new and the old secret, or one of them alone";
                self.warning(key, problem, help);
            }
        }
    }

    /// The problem of every error, for tests of drivers.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(true)
    }

    /// The problem of every warning, for tests of drivers.
    pub fn warnings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.of(false)
    }

    fn of(&self, is_error: bool) -> impl Iterator<Item = (&'static str, &str)> {
        let findings = self
            .findings
            .iter()
            .filter(move |finding| finding.is_error == is_error);
        findings.map(|finding| (finding.key, &*finding.problem))
    }

    fn push(&mut self, is_error: bool, key: &'static str, problem: String, help: String) {
        self.findings.push(Finding {
            is_error,
            key,
            problem,
            help,
        });
    }
}

fn plain_path(path: &str) -> Result<(), &'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("does not begin with \"/\"");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    if !rest.bytes().all(plain) {
        return Err(
            "has characters that a plain path has not, such as a space, \"?\", \"#\" or \"%\"",
        );
    }
    if rest.is_empty() {
        return Ok(());
    }
    let mut segments = rest.strip_suffix('/').unwrap_or(rest).split('/');
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("has an empty, \".\" or \"..\" segment");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_and_paths_are_plain() {
        // What is checked, and what of it is wrong.
        let hosts = [
            ("0.0.0.0", None),
            ("::", None),
            ("localhost", Some("\"localhost\" is not an IP address")),
            ("[::1]", Some("\"[::1]\" is not an IP address")),
            (
                "127.0.0.1:80",
                Some("\"127.0.0.1:80\" is not an IP address"),
            ),
        ];
        for (host, expected) in hosts {
            let mut report = Report::default();
            report.check_host("listen_host", host);
            let found = report.errors().next();
            assert_eq!(found, expected.map(|problem| ("listen_host", problem)));
        }
        let paths = [
            ("/", None),
            ("/a/b.c/", None),
            ("", Some("does not begin with")),
            ("a", Some("does not begin with")),
            ("/a b", Some("has characters")),
            ("/a%20b", Some("has characters")),
            ("/a?b", Some("has characters")),
            ("//", Some("has an empty")),
            ("/a/../b", Some("has an empty")),
        ];
        for (path, expected) in paths {
            let mut report = Report::default();
            report.check_path("listen_path", path, "/x");
            let found = report.errors().next().map(|(_, problem)| problem);
            let is_expected = match (found, expected) {
                (Some(found), Some(expected)) => found.contains(expected),
                (found, expected) => found == expected,
            };
            assert!(is_expected, "{path:?}: {found:?}");
        }
    }
}

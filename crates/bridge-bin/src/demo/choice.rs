//! Which sandboxes the demo plays on.

use std::fmt;

use bridge_core::catalog::Catalog;
use bridge_core::sandbox::{SandboxEntry, Sandboxes};

use super::side::Pair;

/// Where it plays unless somebody says otherwise, if its driver is linked.
const USUAL: &str = "dingtalk";

/// What this binary has to play with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linked<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) sandboxes: &'a Sandboxes,
}

/// There is nothing to play on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoSandbox {
    reason: Reason,
    /// The platforms on which the demo can play.
    playable: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// There is no such driver.
    NotLinked(String),
    /// The driver brings none.
    NotBrought(String),
    /// None of these drivers brings one.
    None(Vec<&'static str>),
}

impl fmt::Display for NoSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[&str]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        match &self.reason {
            Reason::NotLinked(name) => {
                write!(f, "driver \"{name}\" is not linked into this binary")?;
            }
            Reason::NotBrought(name) => write!(f, "driver \"{name}\" brings no sandbox")?,
            Reason::None(linked) => write!(
                f,
                "no driver of this binary brings a sandbox; linked: {}",
                list(linked)
            )?,
        }
        if !matches!(self.reason, Reason::None(_)) {
            write!(f, "; with a sandbox: {}", list(&self.playable))?;
        }
        match self.reason {
            Reason::NotLinked(_) => Ok(()),
            Reason::NotBrought(_) | Reason::None(_) => {
                f.write_str("; a driver's crate brings one by `bridge_core::register_sandbox!`")
            }
        }
    }
}

impl std::error::Error for NoSandbox {}

impl Linked<'_> {
    /// The sandboxes of the named platforms: one name is for both rooms, none leaves the choice to
    /// us.
    pub(super) fn choose(&self, names: &[String]) -> Result<Pair<SandboxEntry>, NoSandbox> {
        let (left, right) = match names {
            [] => {
                let entry = self.usual()?;
                (entry, entry)
            }
            [both] => {
                let entry = self.named(both)?;
                (entry, entry)
            }
            [left, right, ..] => (self.named(left)?, self.named(right)?),
        };
        Ok(Pair { left, right })
    }

    fn named(&self, name: &str) -> Result<SandboxEntry, NoSandbox> {
        let refuse = |reason: fn(String) -> Reason| self.refuse(reason(name.to_owned()));
        if self.catalog.get(name).is_none() {
            return Err(refuse(Reason::NotLinked));
        }
        let entry = self.sandboxes.get(name).copied();
        entry.ok_or_else(|| refuse(Reason::NotBrought))
    }

    fn usual(&self) -> Result<SandboxEntry, NoSandbox> {
        if let Ok(entry) = self.named(USUAL) {
            return Ok(entry);
        }
        self.playable().next().copied().ok_or_else(|| {
            let linked = self.catalog.iter().map(|entry| entry.info().platform);
            self.refuse(Reason::None(linked.collect()))
        })
    }

    /// The sandboxes of which the driver is linked, too.
    fn playable(&self) -> impl Iterator<Item = &SandboxEntry> {
        let is_linked = |entry: &&SandboxEntry| self.catalog.get(entry.platform()).is_some();
        self.sandboxes.iter().filter(is_linked)
    }

    fn refuse(&self, reason: Reason) -> NoSandbox {
        NoSandbox {
            reason,
            playable: self.playable().map(SandboxEntry::platform).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(platform: &str) -> Catalog {
        let linked = Catalog::linked().unwrap();
        let entries = linked.iter().copied();
        Catalog::of(entries.filter(|entry| entry.info().platform == platform)).unwrap()
    }

    fn check(linked: Linked<'_>, names: &[&str], expected: Result<[&str; 2], &str>) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let chosen = linked.choose(&names).map_err(|error| error.to_string());
        let chosen = chosen.map(|Pair { left, right }| [left.platform(), right.platform()]);
        assert_eq!(chosen, expected.map_err(str::to_owned), "{names:?}");
    }

    #[test]
    fn one_name_is_for_both_rooms_and_none_for_dingtalk() {
        let (catalog, sandboxes) = (Catalog::linked().unwrap(), Sandboxes::linked().unwrap());
        let linked = Linked {
            catalog: &catalog,
            sandboxes: &sandboxes,
        };
        check(linked, &[], Ok(["dingtalk", "dingtalk"]));
        check(linked, &["dingtalk"], Ok(["dingtalk", "dingtalk"]));
    }

    #[test]
    fn what_can_not_be_played_says_what_can() {
        let linked = Sandboxes::linked().unwrap();
        let (dingtalk, none) = (linked.get("dingtalk").copied(), Sandboxes::default());
        let dingtalk = Sandboxes::of(dingtalk).unwrap();
        let how = "a driver's crate brings one by `bridge_core::register_sandbox!`";
        let not_linked = "driver \"irk\" is not linked into this binary; with a sandbox";
        let rows = [
            (
                Catalog::linked().unwrap(),
                &dingtalk,
                &["dingtalk", "irk"][..],
                format!("{not_linked}: dingtalk"),
            ),
            (
                Catalog::linked().unwrap(),
                &dingtalk,
                &["irc"],
                format!("driver \"irc\" brings no sandbox; with a sandbox: dingtalk; {how}"),
            ),
            // A sandbox alone is nothing to play on.
            (
                driver("irc"),
                &dingtalk,
                &["irk"],
                format!("{not_linked}: none"),
            ),
            (
                driver("irc"),
                &dingtalk,
                &[],
                format!("no driver of this binary brings a sandbox; linked: irc; {how}"),
            ),
            (
                Catalog::default(),
                &none,
                &[],
                format!("no driver of this binary brings a sandbox; linked: none; {how}"),
            ),
        ];
        for (catalog, sandboxes, names, expected) in &rows {
            let linked = Linked { catalog, sandboxes };
            check(linked, names, Err(expected));
        }
    }
}

//! Where a value stands in its tree: the keys and positions that lead to it.

use std::fmt;

use super::disclosure::named;

/// The path of a key, such as `dingtalk.dt_main.listen_port` or `rules[3].to`, as a chain on the
/// stack. It is written out only when something is said of the value; most are fine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPath<'a> {
    above: Option<&'a KeyPath<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    /// A path that is written out already.
    Whole(&'a str),
    /// Of an object. A word that may be a secret, written where a key should be, is withheld.
    Key(&'a str),
    /// Of a list.
    Index(usize),
}

impl<'a> KeyPath<'a> {
    /// The path of a whole file.
    pub(crate) const ROOT: KeyPath<'static> = KeyPath::new("");

    /// A path that is written out already.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self {
            above: None,
            step: Step::Whole(text),
        }
    }

    /// The path of a key below this one.
    pub(crate) const fn key(&'a self, key: &'a str) -> Self {
        Self {
            above: Some(self),
            step: Step::Key(key),
        }
    }

    /// The path of an element below this one.
    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Self {
            above: Some(self),
            step: Step::Index(index),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self.step, Step::Whole("") | Step::Key(""))
            && self.above.is_none_or(Self::is_empty)
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let above = self.above.filter(|above| !above.is_empty());
        if let Some(above) = above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Whole(text) => f.write_str(text),
            Step::Key(key) if above.is_some() => write!(f, ".{}", named(key)),
            Step::Key(key) => f.write_str(named(key)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_operators_read_them() {
        let rules = KeyPath::ROOT.key("rules");
        let rule = rules.index(3);
        assert_eq!(rule.key("to").to_string(), "rules[3].to");
        assert_eq!(KeyPath::ROOT.to_string(), "");
        assert_eq!(KeyPath::ROOT.index(0).key("").to_string(), "[0].");
        assert_eq!(KeyPath::new("a.b").key("c").to_string(), "a.b.c");
    }

    #[test]
    fn what_may_be_a_secret_is_withheld() {
        let below = KeyPath::ROOT.key("Kq7xT2mP");
        assert_eq!(below.key("x").to_string(), "….x");
        assert_eq!(
            KeyPath::new("chat.a1b2c").key("x").to_string(),
            "chat.a1b2c.x"
        );
    }
}

//! What a driver says of itself before it is opened: names, keys, where it listens.

use std::net::IpAddr;

/// Names and keys of a platform.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DriverInfo {
    /// The platform's name: the key in the config under which its instances stand.
    pub platform: &'static str,
    /// One line for `bridge drivers`.
    pub summary: &'static str,
    /// The keys that name a channel; all are needed in `to` and `channels`. None where an instance
    /// is one channel.
    pub address_keys: &'static [AddressKey],
    /// The keys that a rule's `msg` block may have for channels of this platform, beside those that
    /// it may have for all.
    pub msg_keys: &'static [MsgKey],
}

impl DriverInfo {
    /// A platform of which an instance is one channel.
    pub const fn new(platform: &'static str, summary: &'static str) -> Self {
        Self {
            platform,
            summary,
            address_keys: &[],
            msg_keys: &[],
        }
    }

    /// With these address keys.
    pub const fn address_keys(mut self, keys: &'static [AddressKey]) -> Self {
        self.address_keys = keys;
        self
    }

    /// With these keys of `msg` blocks.
    pub const fn msg_keys(mut self, keys: &'static [MsgKey]) -> Self {
        self.msg_keys = keys;
        self
    }
}

/// A key that names a channel.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AddressKey {
    /// As it stands in the rules.
    pub name: &'static str,
    /// What it is and where an operator finds it.
    pub description: &'static str,
    /// What is wrong with a value that no channel has, as a clause: `is no channel's name`. Such a
    /// rule would hear nothing, or send nothing, for as long as nobody wonders.
    pub check: fn(&str) -> Result<(), &'static str>,
    /// What the platform compares in place of the value, if that is not the value itself: two values
    /// of which this is the same name one channel.
    pub fold: Option<fn(&str) -> String>,
}

impl AddressKey {
    /// The key `name`, whose value is any text.
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            check: |_| Ok(()),
            fold: None,
        }
    }

    /// Whose values are looked at when the rules are read. Pure.
    pub const fn checked_by(mut self, check: fn(&str) -> Result<(), &'static str>) -> Self {
        self.check = check;
        self
    }

    /// Whose values the platform compares by their folds, as where it does not tell `#Ops` from
    /// `#ops`. Rules must then write such a value in one way: addresses are compared as they are
    /// written, and the driver spells events as the rules do. Pure.
    pub const fn folded_by(mut self, fold: fn(&str) -> String) -> Self {
        self.fold = Some(fold);
        self
    }
}

/// A key of a rule's `msg` block that a platform has alone.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MsgKey {
    /// As it stands in the rules.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What is written there.
    pub form: MsgForm,
    /// Of an object of templates: the keys that it may not have.
    pub reserved: &'static [&'static str],
}

impl MsgKey {
    /// The key `name`.
    pub const fn new(name: &'static str, form: MsgForm, description: &'static str) -> Self {
        Self {
            name,
            description,
            form,
            reserved: &[],
        }
    }

    /// Whose object may not have these keys.
    pub const fn reserved(mut self, keys: &'static [&'static str]) -> Self {
        self.reserved = keys;
        self
    }
}

/// What is written at a [`MsgKey`]. Templates have the placeholders of `msg_format`; what people
/// wrote is put there as it is, and is never scanned for placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MsgForm {
    /// A template.
    Template,
    /// An object of any keys, with a template at each.
    Templates,
}

/// Whom a platform takes an instance for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The settings key that says it.
    pub key: &'static str,
    /// What is equal exactly if the platform sees one robot.
    pub value: String,
    /// What happens to two instances that are one robot, as a clause: `the platform calls only one
    /// of the two`.
    pub consequence: &'static str,
}

/// Where an instance listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listen {
    /// The address to bind.
    pub host: IpAddr,
    /// The port to bind; 0 lets the kernel choose.
    pub port: u16,
    /// The path at which the platform calls, beginning with `/`; it also answers with one trailing
    /// slash more or less.
    pub path: String,
    /// The only method that is answered there.
    pub method: http::Method,
    /// Paths at which the instance is asked, by GET: see [`Driver::answer`](super::Driver::answer).
    pub questions: Vec<String>,
}

impl Listen {
    /// Callbacks come by POST, and nothing is asked.
    pub fn new(host: IpAddr, port: u16, path: impl Into<String>) -> Self {
        Self {
            host,
            port,
            path: path.into(),
            method: http::Method::POST,
            questions: Vec::new(),
        }
    }
}

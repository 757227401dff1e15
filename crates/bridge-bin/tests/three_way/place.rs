//! The five places that the rule connects.

/// A channel of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    GroupOps,
    GroupDev,
    RoomOps,
    RoomDev,
    Hook,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::GroupOps,
        Self::GroupDev,
        Self::RoomOps,
        Self::RoomDev,
        Self::Hook,
    ];

    /// The place behind a target, as `bridge trace` writes it.
    pub(crate) fn of_target(target: &str) -> Self {
        let names = [
            (Self::GroupOps, crate::support::OPS),
            (Self::GroupDev, crate::support::DEV),
            (Self::RoomOps, "#ops"),
            (Self::RoomDev, "#dev"),
            (Self::Hook, "hook"),
        ];
        let mut found = names.iter().filter(|(_, name)| target.contains(name));
        found
            .next()
            .unwrap_or_else(|| panic!("no such target: {target}"))
            .0
    }
}

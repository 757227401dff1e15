//! The faults of the network, and what each must lead to.

use std::fmt;
use std::time::Duration;

use bridge_testkit::fault_proxy::{Conduct, End, Flow};

/// After one byte rather than none: a half-close waits for nothing.
const AT_FIRST: usize = 1;
/// In the head of a request or of an answer.
const IN_HEAD: usize = 30;
/// In the body of a request: no head is as long, and the text behind it is longer.
const IN_REQUEST: usize = 1500;
/// In the body of the platform's answer.
const IN_ANSWER: usize = 140;

const MILLI: Duration = Duration::from_millis(1);
const A_LITTLE: Duration = Duration::from_millis(100);
/// Longer than an attempt, or the platform's patience.
const TOO_LONG: Duration = Duration::from_secs(5);

/// A fault between the bridge and the platform.
pub(super) struct Outbound {
    pub(super) name: String,
    pub(super) conduct: Conduct,
    pub(super) times: Times,
    /// Whether its rule says `on_uncertain: park`.
    pub(super) parks: bool,
    pub(super) expected: Known,
}

/// A fault between the platform and the bridge.
pub(super) struct Inbound {
    pub(super) name: String,
    pub(super) conduct: Conduct,
    /// How often the platform has to post it.
    pub(super) posts: u64,
    /// How often it is known by its id.
    pub(super) duplicates: u32,
}

/// On how many new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Once,
    Always,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// How often the platform was shown it.
    pub(super) shown: usize,
    /// Failed attempts of which it is known that nothing was delivered.
    pub(super) certain: usize,
    pub(super) uncertain: usize,
    /// A dead letter that may have been delivered.
    pub(super) is_parked: bool,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shown,
            certain,
            uncertain,
            ..
        } = self;
        write!(f, "shown {shown}, failed {certain}, uncertain {uncertain}")?;
        f.write_str(if self.is_parked { ", parked" } else { "" })
    }
}

/// Delivered at once.
const WELL: Known = Known {
    shown: 1,
    certain: 0,
    uncertain: 0,
    is_parked: false,
};
/// The request was begun and nobody knows; it is sent again.
const UNKNOWN: Known = Known {
    uncertain: 1,
    ..WELL
};
/// The same, and the platform had taken it.
const TWICE: Known = Known {
    shown: 2,
    ..UNKNOWN
};

fn request(flow: Flow) -> Conduct {
    Conduct {
        request: flow,
        ..Conduct::default()
    }
}

fn answer(flow: Flow) -> Conduct {
    Conduct {
        answer: flow,
        ..Conduct::default()
    }
}

fn end(bytes: usize, end: End) -> Flow {
    Flow::default().ends_after(bytes, end)
}

const ENDS: [(End, &str); 3] = [
    (End::Cut, "is cut"),
    (End::HalfClose, "is half-closed"),
    (End::Stall, "stalls"),
];

pub(super) fn outbound() -> Vec<Outbound> {
    let once = |name: String, conduct, expected| Outbound {
        name,
        conduct,
        times: Times::Once,
        parks: false,
        expected,
    };
    // The very first connection asks for a token, and no message is on its way.
    let token = "the token's answer is cut before its first byte".to_owned();
    let certain = Known { certain: 1, ..WELL };
    let mut rows = vec![once(token, answer(end(0, End::Cut)), certain)];
    let slow = Flow::default();
    for (name, conduct) in [
        (
            "the request is late by 100 ms",
            request(slow.delayed(A_LITTLE)),
        ),
        ("the request dribbles", request(slow.dribbled(64, MILLI))),
        (
            "the answer is late by 100 ms",
            answer(slow.delayed(A_LITTLE)),
        ),
        ("the answer dribbles", answer(slow.dribbled(4, MILLI))),
    ] {
        rows.push(once(name.to_owned(), conduct, WELL));
    }
    for (how, words) in ENDS {
        for (bytes, place) in [
            (AT_FIRST, "after its first byte"),
            (IN_HEAD, "in its head"),
            (IN_REQUEST, "in its body"),
        ] {
            let name = format!("the request {words} {place}");
            rows.push(once(name, request(end(bytes, how)), UNKNOWN));
        }
        for (bytes, place) in [
            (AT_FIRST, "after its first byte"),
            (IN_HEAD, "in its head"),
            (IN_ANSWER, "in its body"),
        ] {
            let name = format!("the answer {words} {place}");
            rows.push(once(name, answer(end(bytes, how)), TWICE));
        }
    }
    let late = answer(slow.delayed(TOO_LONG));
    rows.push(once(
        "the answer comes after the attempt".to_owned(),
        late,
        TWICE,
    ));
    let cut = answer(end(0, End::Cut));
    rows.push(Outbound {
        times: Times::Always,
        ..once(
            "the answer is cut whenever it is sent".to_owned(),
            cut,
            Known {
                shown: 3,
                uncertain: 3,
                is_parked: true,
                ..WELL
            },
        )
    });
    rows.push(Outbound {
        parks: true,
        ..once(
            "the answer is cut, with `on_uncertain: park`".to_owned(),
            cut,
            Known {
                is_parked: true,
                ..UNKNOWN
            },
        )
    });
    rows
}

pub(super) fn inbound() -> Vec<Inbound> {
    let slow = Flow::default();
    let row = |name: String, conduct, posts, duplicates| Inbound {
        name,
        conduct,
        posts,
        duplicates,
    };
    let mut rows = vec![
        row(
            "a callback dribbles".to_owned(),
            request(slow.dribbled(64, MILLI)),
            1,
            0,
        ),
        row(
            "its answer dribbles".to_owned(),
            answer(slow.dribbled(4, MILLI)),
            1,
            0,
        ),
        row(
            "its answer is late".to_owned(),
            answer(slow.delayed(TOO_LONG)),
            2,
            1,
        ),
    ];
    for (how, words) in ENDS {
        for (bytes, place) in [(IN_HEAD, "in its head"), (IN_REQUEST, "in its body")] {
            let name = format!("a callback {words} {place}");
            rows.push(row(name, request(end(bytes, how)), 2, 0));
        }
        for (bytes, place) in [(AT_FIRST, "after its first byte"), (IN_HEAD, "in its head")] {
            let name = format!("its answer {words} {place}");
            rows.push(row(name, answer(end(bytes, how)), 2, 1));
        }
    }
    rows
}

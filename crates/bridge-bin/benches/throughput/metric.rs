//! The figures of a report: what each is called, its unit, and what it should be.

/// One figure of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    /// Callbacks answered 200 a second under full load.
    Acknowledged,
    /// Messages a second that reached the target group, until the last one has.
    Delivered,
    /// CPU time of the system's process for each message of the full load.
    CpuPerMessage,
    /// Time to the answer under full load.
    FullAck(Quantile),
    /// Time to the answer at a steady pace.
    PacedAck(Quantile),
    /// From the write of a callback until the target group has its text, at a steady pace.
    EndToEnd(Quantile),
    /// Resident memory before the first message.
    MemoryIdle,
    /// The most resident memory under full load.
    MemoryLoaded,
    /// From the start of the process until it listens.
    Start,
}

/// Which of many durations is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quantile {
    Median,
    Percentile99,
}

/// What the bridge should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// At least this many times the minimal forwarder's figure.
    RatioAtLeast(f64),
    /// At most this many times the minimal forwarder's figure.
    RatioAtMost(f64),
    /// At most this, whatever the others need.
    AtMost(f64),
}

impl Metric {
    /// In the order of a report.
    pub(crate) const ALL: [Self; 12] = [
        Self::Acknowledged,
        Self::Delivered,
        Self::CpuPerMessage,
        Self::FullAck(Quantile::Median),
        Self::FullAck(Quantile::Percentile99),
        Self::PacedAck(Quantile::Median),
        Self::PacedAck(Quantile::Percentile99),
        Self::EndToEnd(Quantile::Median),
        Self::EndToEnd(Quantile::Percentile99),
        Self::MemoryIdle,
        Self::MemoryLoaded,
        Self::Start,
    ];

    /// Name and unit.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged, 1/s",
            Self::Delivered => "delivered, 1/s",
            Self::CpuPerMessage => "CPU per message, µs",
            Self::FullAck(Quantile::Median) => "answer at full load, p50, ms",
            Self::FullAck(Quantile::Percentile99) => "answer at full load, p99, ms",
            Self::PacedAck(Quantile::Median) => "answer at 50/s, p50, ms",
            Self::PacedAck(Quantile::Percentile99) => "answer at 50/s, p99, ms",
            Self::EndToEnd(Quantile::Median) => "end to end at 50/s, p50, ms",
            Self::EndToEnd(Quantile::Percentile99) => "end to end at 50/s, p99, ms",
            Self::MemoryIdle => "memory idle, MiB",
            Self::MemoryLoaded => "memory loaded, MiB",
            Self::Start => "start, ms",
        }
    }

    /// Digits after the point that mean something.
    pub(crate) fn digits(self) -> usize {
        match self {
            Self::Acknowledged | Self::Delivered => 0,
            Self::CpuPerMessage | Self::MemoryIdle | Self::MemoryLoaded | Self::Start => 1,
            Self::FullAck(_) | Self::PacedAck(_) | Self::EndToEnd(_) => 2,
        }
    }

    /// What the bridge should reach, if that was decided.
    pub(crate) fn goal(self) -> Option<Goal> {
        match self {
            Self::Acknowledged => Some(Goal::RatioAtLeast(0.7)),
            Self::Delivered => Some(Goal::RatioAtLeast(0.6)),
            Self::CpuPerMessage => Some(Goal::RatioAtMost(2.2)),
            Self::EndToEnd(Quantile::Median) => Some(Goal::RatioAtMost(1.4)),
            Self::EndToEnd(Quantile::Percentile99) => Some(Goal::RatioAtMost(3.0)),
            Self::MemoryIdle => Some(Goal::AtMost(12.0)),
            Self::MemoryLoaded => Some(Goal::AtMost(24.0)),
            Self::Start => Some(Goal::AtMost(25.0)),
            Self::FullAck(_) | Self::PacedAck(_) => None,
        }
    }
}

impl Quantile {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Median, Self::Percentile99];

    /// The value that this share of `values` does not exceed; `None` of nothing.
    pub(crate) fn of<T: Copy + Ord>(self, values: &mut [T]) -> Option<T> {
        values.sort_unstable();
        let percent = match self {
            Self::Median => 50,
            Self::Percentile99 => 99,
        };
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.checked_sub(1)?).copied()
    }
}

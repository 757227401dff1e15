//! Medians of what was measured, as a table: the systems side by side, what the bridge is to the
//! minimal forwarder, and what it should be.

use std::collections::BTreeMap;
use std::fmt;

use crate::measure::Figures;
use crate::metric::{Goal, Metric};
use crate::system::System;

/// All rounds of a run; shows itself as a Markdown table.
#[derive(Debug, Default)]
pub(crate) struct Report(BTreeMap<(Metric, System), Vec<f64>>);

impl Report {
    /// Adds what was measured of `system` in one round.
    pub(crate) fn add(&mut self, system: System, figures: Figures) {
        for (metric, value) in figures {
            self.0.entry((metric, system)).or_default().push(value);
        }
    }

    /// The median of the rounds.
    fn median(&self, metric: Metric, system: System) -> Option<f64> {
        let mut rounds: Vec<_> = self.0.get(&(metric, system))?.clone();
        rounds.sort_unstable_by(f64::total_cmp);
        let rank = rounds.len().div_ceil(2).checked_sub(1)?;
        rounds.get(rank).copied()
    }

    /// The bridge's figure as a multiple of the minimal forwarder's.
    fn ratio(&self, metric: Metric) -> Option<f64> {
        let bridge = self.median(metric, System::Bridge)?;
        let forwarder = self.median(metric, System::Forwarder)?;
        (forwarder > 0.0).then_some(bridge / forwarder)
    }
}

impl Goal {
    fn is_met(self, value: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::RatioAtLeast(goal) => ratio.map(|ratio| ratio >= goal),
            Self::RatioAtMost(goal) => ratio.map(|ratio| ratio <= goal),
            Self::AtMost(goal) => value.map(|value| value <= goal),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtLeast(goal) => write!(f, "ratio ≥ {goal}"),
            Self::RatioAtMost(goal) => write!(f, "ratio ≤ {goal}"),
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |value: Option<f64>, digits: usize| match value {
            Some(value) => format!("{value:.digits$}"),
            None => "–".to_owned(),
        };
        let row = |f: &mut fmt::Formatter<'_>, label: &str, cells: [String; 6]| {
            write!(f, "| {label:29} |")?;
            for (cell, width) in cells.iter().zip([11, 17, 8, 5, 11, 4]) {
                write!(f, " {cell:>width$} |")?;
            }
            writeln!(f)
        };
        let [bare, forwarder, bridge] = System::ALL.map(|system| system.to_string());
        let head = ["ratio", "goal", "met"].map(str::to_owned);
        let [ratio, goal, met] = head;
        row(f, "medians", [bare, forwarder, bridge, ratio, goal, met])?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|")?;
        for metric in Metric::ALL {
            let values = System::ALL.map(|system| self.median(metric, system));
            let ratio = self.ratio(metric);
            let [bare, forwarder, bridge] = values.map(|value| cell(value, metric.digits()));
            let goal = metric.goal();
            let met = match goal.and_then(|goal| goal.is_met(values[2], ratio)) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            let goal = goal.map_or_else(String::new, |goal| goal.to_string());
            let cells = [
                bare,
                forwarder,
                bridge,
                cell(ratio, 2),
                goal,
                met.to_owned(),
            ];
            row(f, metric.label(), cells)?;
        }
        f.write_str("\nratio: the bridge to the minimal forwarder")
    }
}

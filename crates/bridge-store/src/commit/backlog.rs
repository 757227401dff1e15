//! How many deliveries are queued, by lane and in all; and the next turn. Kept in memory, counted
//! once at the opening, and in step with what is committed.

use std::collections::HashMap;

use bridge_core::store::Turn;
use rusqlite::Connection;

/// Counts of what is queued.
#[derive(Debug)]
pub(super) struct Backlog {
    lane_limit: u64,
    total_limit: u64,
    lanes: HashMap<i64, u64>,
    total: u64,
    next_turn: i64,
    /// What the running transaction has changed: lanes, and by how much.
    changes: Vec<(i64, i64)>,
    committed_turn: i64,
}

impl Backlog {
    /// Counts what the database holds.
    pub(super) fn count(
        connection: &Connection,
        lane_limit: u64,
        total_limit: u64,
    ) -> rusqlite::Result<Self> {
        let mut select = connection.prepare("SELECT lane, count(*) FROM delivery GROUP BY lane")?;
        let lanes = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        let lanes = lanes.map(|lane| lane.map(|(lane, count)| (lane, count.unsigned_abs())));
        let lanes: HashMap<i64, u64> = lanes.collect::<rusqlite::Result<_>>()?;
        // Turns begin as numbers of deliveries and run ahead of them with each replay.
        let last: i64 = connection.query_row(
            "SELECT max(
                 coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'delivery'), 0),
                 coalesce((SELECT max(turn) FROM delivery), 0),
                 coalesce((SELECT max(turn) FROM dead_letter WHERE blocks = 1), 0))",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            lane_limit,
            total_limit,
            total: lanes.values().sum(),
            lanes,
            next_turn: last + 1,
            changes: Vec::new(),
            committed_turn: last + 1,
        })
    }

    /// The lanes that have something queued.
    pub(super) fn lanes(&self) -> Vec<i64> {
        self.lanes.keys().copied().collect()
    }

    /// Whether the lane can take one more.
    pub(super) fn has_room(&self, lane: i64) -> bool {
        self.lanes.get(&lane).copied().unwrap_or(0) < self.lane_limit
    }

    /// Whether all lanes together can take so many more.
    pub(super) fn has_total_room(&self, deliveries: usize) -> bool {
        let more = u64::try_from(deliveries).unwrap_or(u64::MAX);
        self.total.saturating_add(more) <= self.total_limit
    }

    /// The limits of a lane and of all lanes.
    pub(super) fn limits(&self) -> (u64, u64) {
        (self.lane_limit, self.total_limit)
    }

    /// A turn behind all others.
    pub(super) fn next_turn(&mut self) -> Turn {
        let turn = Turn(self.next_turn);
        self.next_turn += 1;
        turn
    }

    /// Counts one more in the lane.
    pub(super) fn add(&mut self, lane: i64) {
        self.change(lane, 1);
        self.changes.push((lane, 1));
    }

    /// Counts one less in the lane.
    pub(super) fn remove(&mut self, lane: i64) {
        self.change(lane, -1);
        self.changes.push((lane, -1));
    }

    /// The transaction was committed.
    pub(super) fn commit(&mut self) {
        self.changes.clear();
        self.committed_turn = self.next_turn;
    }

    /// The transaction was rolled back.
    pub(super) fn roll_back(&mut self) {
        for (lane, by) in std::mem::take(&mut self.changes) {
            self.change(lane, -by);
        }
        self.next_turn = self.committed_turn;
    }

    fn change(&mut self, lane: i64, by: i64) {
        let count = self.lanes.entry(lane).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.lanes.remove(&lane);
        }
        self.total = self.total.saturating_add_signed(by);
    }
}

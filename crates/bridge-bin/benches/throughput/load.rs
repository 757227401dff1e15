//! Two kinds of load: as much as the other side takes, and a steady pace.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::connection::{CONNECTIONS, Connection, Exchange};

/// Messages a second at a steady pace.
const PACE: u32 = 50;

/// How callbacks follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// Every connection is kept busy: the next callback follows the answer at once.
    Full,
    /// 50 callbacks a second. The connections take turns, so that a slow answer delays no other
    /// callback.
    Paced,
}

/// What was sent, and the connections to go on with.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) connections: Vec<Connection>,
    pub(crate) exchanges: Vec<Exchange>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Load {
    /// Begins no more callbacks after `duration` and waits for the answers of those that are out.
    pub(crate) async fn run(
        self,
        connections: Vec<Connection>,
        duration: Duration,
    ) -> Result<Sent> {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for (index, mut connection) in (0..).zip(connections) {
            tasks.spawn(async move {
                let worked = match self {
                    Self::Full => full(&mut connection, start + duration).await,
                    Self::Paced => paced(&mut connection, index, start, duration).await,
                };
                worked.map(|exchanges| (connection, exchanges))
            });
        }
        let mut sent = Sent {
            connections: Vec::new(),
            exchanges: Vec::new(),
            elapsed: Duration::ZERO,
        };
        while let Some(task) = tasks.join_next().await {
            let (connection, exchanges) = task??;
            sent.connections.push(connection);
            sent.exchanges.extend(exchanges);
        }
        sent.elapsed = start.elapsed();
        Ok(sent)
    }
}

async fn full(connection: &mut Connection, until: Instant) -> Result<Vec<Exchange>> {
    let mut exchanges = Vec::new();
    while Instant::now() < until {
        exchanges.push(connection.exchange().await?);
    }
    Ok(exchanges)
}

/// Takes every [`CONNECTIONS`]th turn, beginning with that of `index`.
async fn paced(
    connection: &mut Connection,
    index: u32,
    start: Instant,
    duration: Duration,
) -> Result<Vec<Exchange>> {
    let turn = Duration::from_secs(1) / PACE;
    let turns = (index..).step_by(CONNECTIONS).map(|number| turn * number);
    let mut exchanges = Vec::new();
    for at in turns.take_while(|at| *at < duration) {
        tokio::time::sleep_until((start + at).into()).await;
        exchanges.push(connection.exchange().await?);
    }
    Ok(exchanges)
}

//! One measurement: starts a system, gives it a load, and works out what it did.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bridge_core::ports::Clock as _;
use bridge_http::SystemClock;
use dingtalk_sandbox::Sandbox;

use crate::Result;
use crate::bed::Bed;
use crate::callback::{Callback, number_in};
use crate::connection::Connection;
use crate::load::{Load, Sent};
use crate::metric::{Metric, Quantile};
use crate::options::Options;
use crate::process;
use crate::system::System;

/// What was measured once.
pub(crate) type Figures = Vec<(Metric, f64)>;

/// A load before the measured one: connections, tokens and files are then there.
const WARM_UP: Duration = Duration::from_millis(300);

/// How long a system may take to work off what it has acknowledged.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures `system` under as much load as it takes.
pub(crate) async fn full(system: System, options: Options) -> Result<Figures> {
    // Keeping what was said would cost the CPU that the systems need.
    let builder = Sandbox::builder().without_transcript();
    let bed = Bed::start(system, builder, options.senders).await?;
    let id = bed.process.id();
    let idle = process::memory(id);
    let warm_up = send(&bed, Load::Full, WARM_UP).await?;
    let before = wait_for_delivery(system, &bed, &warm_up, 0).await?;

    let cpu_before = process::cpu(id);
    let start = Instant::now();
    let load = Load::Full.run(warm_up.connections, options.full);
    let sent = load.await?;
    let after = wait_for_delivery(system, &bed, &sent, before).await?;
    let elapsed = start.elapsed();
    let cpu_after = process::cpu(id);
    let peak = process::peak_memory(id);
    if system.delivers() {
        bed.check(after)?;
    }

    let count = sent.exchanges.len() as f64;
    let mut figures = vec![
        (Metric::Start, milliseconds(bed.process.start)),
        (Metric::Acknowledged, count / sent.elapsed.as_secs_f64()),
    ];
    if system.delivers() {
        figures.push((Metric::Delivered, count / elapsed.as_secs_f64()));
    }
    if let (Some(before), Some(after)) = (cpu_before, cpu_after) {
        let spent = after.saturating_sub(before).as_secs_f64() * 1e6;
        figures.push((Metric::CpuPerMessage, spent / count));
    }
    let memory = [(Metric::MemoryIdle, idle), (Metric::MemoryLoaded, peak)];
    for (metric, bytes) in memory {
        figures.extend(bytes.map(|bytes| (metric, bytes as f64 / f64::from(1 << 20))));
    }
    figures.extend(quantiles(answer_times(&sent), Metric::FullAck));
    bed.sandbox.stop().await;
    Ok(figures)
}

/// Measures how long a message takes in `system` while it is anything but busy.
pub(crate) async fn paced(system: System, options: Options) -> Result<Figures> {
    let bed = Bed::start(system, Sandbox::builder(), options.senders).await?;
    let warm_up = send(&bed, Load::Paced, WARM_UP).await?;
    let before = wait_for_delivery(system, &bed, &warm_up, 0).await?;
    let sent = Load::Paced.run(warm_up.connections, options.paced).await?;
    let after = wait_for_delivery(system, &bed, &sent, before).await?;

    let mut figures: Figures = quantiles(answer_times(&sent), Metric::PacedAck).collect();
    if system.delivers() {
        bed.check(after)?;
        figures.extend(quantiles(travel_times(&bed, &sent)?, Metric::EndToEnd));
    }
    bed.sandbox.stop().await;
    Ok(figures)
}

/// Opens connections to the system and uses them.
async fn send(bed: &Bed, load: Load, duration: Duration) -> Result<Sent> {
    let timestamp = SystemClock.now().as_millis().to_string();
    let callback = Callback::new(&timestamp)?;
    let connections = Connection::open_all(bed.process.address, &callback).await?;
    load.run(connections, duration).await
}

/// Waits until what was `sent` has reached the target group, where `before` messages had already;
/// how many there are then.
async fn wait_for_delivery(system: System, bed: &Bed, sent: &Sent, before: u64) -> Result<u64> {
    if !system.delivers() {
        return Ok(before);
    }
    let count = before + sent.exchanges.len() as u64;
    let delivered = bed.sandbox.wait_for_accepted(count, PATIENCE).await;
    delivered.map_err(|error| format!("the {system} does not deliver: {error}"))?;
    Ok(count)
}

fn answer_times(sent: &Sent) -> Vec<Duration> {
    sent.exchanges
        .iter()
        .map(|exchange| exchange.took)
        .collect()
}

/// From the write of each callback until its text was in the target group.
fn travel_times(bed: &Bed, sent: &Sent) -> Result<Vec<Duration>> {
    let transcript = bed.sandbox.transcript();
    let arrived: HashMap<_, _> = transcript
        .sent()
        .filter_map(|entry| Some((number_in(&entry.text)?, entry.at)))
        .collect();
    let travel = sent.exchanges.iter().map(|exchange| {
        let at = arrived.get(&exchange.number);
        at.map(|at| at.duration_since(exchange.sent))
            .ok_or_else(|| format!("message {} never arrived", exchange.number).into())
    });
    travel.collect()
}

fn quantiles(
    mut times: Vec<Duration>,
    metric: fn(Quantile) -> Metric,
) -> impl Iterator<Item = (Metric, f64)> {
    Quantile::ALL.into_iter().filter_map(move |quantile| {
        let time = quantile.of(&mut times)?;
        Some((metric(quantile), milliseconds(time)))
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

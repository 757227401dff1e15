//! Five hundred connections that are slow or silent, beside one that is not; requests that deserve a
//! refusal, with something smuggled behind them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dingtalk_sandbox::Callback;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::bed::Bed;
use super::bridge::Bridge;
use super::ledger::percentile;
use super::{Broken, Plan, Verdict};

const NORMAL: usize = 100;
const DRIP: Duration = Duration::from_millis(200);

/// Every one of the crowd is closed by then; the longest bound of the listener is 15 s.
const CLOSED: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Silent,
    HeadInDrips,
    BodyInDrips,
    NotReading,
}

/// The last kind makes work before it stops, so there are few of them.
const CROWD: [(Kind, usize); 4] = [
    (Kind::Silent, 160),
    (Kind::HeadInDrips, 160),
    (Kind::BodyInDrips, 160),
    (Kind::NotReading, 20),
];

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let bed = Bed::new(1).await?;
    let port = bed.config["dingtalk"]["dt"]["listen_port"].as_u64();
    let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port.ok_or("no port")?)?));
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let mut faults = Vec::new();
    let alone = ask(&bed, address, "alone", &mut faults).await?;
    let open = Arc::new(AtomicUsize::new(0));
    let mut crowd = gather(address, &open).await?;
    let beside = ask(&bed, address, "beside", &mut faults).await?;
    let count: usize = CROWD.iter().map(|(_, count)| count).sum();
    let still = open.load(Relaxed);
    if still != count {
        faults.push(format!(
            "{still} of {count} were there beside the normal client"
        ));
    }
    let refused = refusals();
    for (number, row) in refused.iter().enumerate() {
        let smuggled = bed.sources[0].callback(&bed.member, &format!("smuggled{number}"))?;
        let sent = format!("{}{}", row.request, signed_request(&smuggled));
        let answer = exchange(address, sent.as_bytes()).await?;
        let statuses: Vec<_> = answer.matches("HTTP/1.1 ").collect();
        let expected = format!("HTTP/1.1 {} ", row.status);
        if statuses.len() != 1 || !answer.starts_with(&expected) {
            faults.push(format!("{} was answered {answer:?}", row.name));
        }
    }
    let began = Instant::now();
    let all_closed = async { while crowd.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSED, all_closed).await.is_err() {
        faults.push(format!(
            "{} of the crowd were never closed",
            open.load(Relaxed)
        ));
    }
    let closed_after = began.elapsed();
    bed.drained(&plan.binary).await?;
    let texts = bed.lanes().remove(0).texts;
    if texts.len() != 2 * NORMAL || texts.iter().any(|text| text.starts_with("smuggled")) {
        faults.push(format!("{} messages arrived: {texts:?}", texts.len()));
    }
    drop(bridge);
    let figures = format!(
        "a client alone p50 {:.1?}, p99 {:.1?}, beside {count} slow ones p50 {:.1?}, p99 {:.1?}; they were closed within {closed_after:.0?}; {} crooked requests refused, nothing smuggled",
        percentile(alone.clone(), 50),
        percentile(alone, 99),
        percentile(beside.clone(), 50),
        percentile(beside, 99),
        refused.len(),
    );
    Ok(Verdict::new(figures, faults))
}

/// Opens all of the crowd.
async fn gather(address: SocketAddr, open: &Arc<AtomicUsize>) -> Result<JoinSet<()>, Broken> {
    let mut crowd = JoinSet::new();
    for (kind, count) in CROWD {
        for _ in 0..count {
            let socket = TcpSocket::new_v4()?;
            socket.bind(([127, 0, 0, 2], 0).into())?;
            socket.set_recv_buffer_size(2048)?;
            let stream = socket.connect(address).await?;
            let open = Arc::clone(open);
            open.fetch_add(1, Relaxed);
            crowd.spawn(async move {
                // However it ends.
                drop(bother(stream, kind).await);
                open.fetch_sub(1, Relaxed);
            });
        }
    }
    Ok(crowd)
}

/// Behaves as `kind` until the bridge ends the connection.
async fn bother(mut stream: TcpStream, kind: Kind) -> std::io::Result<()> {
    const HEAD: &str = "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\n";
    match kind {
        Kind::Silent => stream.read_to_end(&mut Vec::new()).await.map(drop),
        Kind::HeadInDrips => drip(stream, &format!("{HEAD}x: ")).await,
        Kind::BodyInDrips => drip(stream, &format!("{HEAD}content-length: 1000\r\n\r\n")).await,
        Kind::NotReading => {
            let many = format!("{HEAD}content-length: 2\r\n\r\n{{}}").repeat(50);
            loop {
                stream.write_all(many.as_bytes()).await?;
            }
        }
    }
}

async fn drip(mut stream: TcpStream, begin: &str) -> std::io::Result<()> {
    stream.write_all(begin.as_bytes()).await?;
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        loop {
            to.write_all(b"x").await?;
            tokio::time::sleep(DRIP).await;
        }
    };
    tokio::select! {
        ended = from.read_to_end(&mut answer) => ended.map(drop),
        ended = dripping => ended,
    }
}

/// Posts callbacks, each on a connection of its own; how long each took.
async fn ask(
    bed: &Bed,
    address: SocketAddr,
    name: &str,
    faults: &mut Vec<String>,
) -> Result<Vec<Duration>, Broken> {
    let mut times = Vec::new();
    for number in 0..NORMAL {
        let callback = bed.sources[0].callback(&bed.member, &format!("{name}{number}"))?;
        let began = Instant::now();
        let answer = exchange(address, signed_request(&callback).as_bytes()).await?;
        times.push(began.elapsed());
        if !answer.starts_with("HTTP/1.1 200 ") {
            faults.push(format!("{name}: a normal client was answered {answer:?}"));
        }
    }
    Ok(times)
}

/// The callback as bytes; the connection ends with its answer.
fn signed_request(callback: &Callback) -> String {
    format!(
        "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\ntimestamp: {}\r\nsign: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
        callback.timestamp().unwrap_or_default(),
        callback.sign().unwrap_or_default(),
        callback.body().len(),
        String::from_utf8_lossy(callback.body()),
    )
}

/// All that comes back on a connection of its own.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Result<String, Broken> {
    let mut stream = TcpStream::connect(address).await?;
    // The bridge may close before it has read everything.
    drop(stream.write_all(bytes).await);
    let mut read = Vec::new();
    let reading = tokio::time::timeout(CLOSED, stream.read_to_end(&mut read)).await;
    // A connection that is closed over unread bytes ends with a reset; what came before counts.
    drop(reading.map_err(|_| "a connection stays open without an answer")?);
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// A request that is refused.
struct Refused {
    name: &'static str,
    request: String,
    status: u16,
}

fn refusals() -> Vec<Refused> {
    let with = |name, lines: &str, status| Refused {
        name,
        request: format!("POST /dingtalk/event HTTP/1.1\r\nhost: a\r\n{lines}"),
        status,
    };
    let long = "x".repeat(17 * 1024);
    vec![
        with("a body of 2 MB", "content-length: 2000000\r\n\r\n", 413),
        with("a head of 17 KB", &format!("x: {long}\r\n\r\n"), 431),
        with(
            "two lengths",
            "content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
            400,
        ),
        with(
            "a length and chunks",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        with(
            "a coding under another name",
            "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        with(
            "a folded line",
            "x: y\r\n content-length: 5\r\n\r\nhello",
            400,
        ),
        with(
            "a bare line feed",
            "x: y\ncontent-length: 5\r\n\r\nhello",
            400,
        ),
        with(
            "a space before the colon",
            "content-length : 5\r\n\r\nhello",
            400,
        ),
    ]
}

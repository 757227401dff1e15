//! Hundreds of slow and silent connections beside one normal client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bridge_http::{InboundOptions, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::rig::{Client, good, post, start_with};
use crate::support::soon;

/// How long the server bears with each of them.
const BOUND: Duration = Duration::from_secs(8);
const DRIP: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Silent,
    HeadInDrips,
    BodyInDrips,
    NotReading,
}

/// What is opened, 500 in all. The last kind makes work before it stops, so there are few of them.
const CROWD: [(Kind, usize); 4] = [
    (Kind::Silent, 160),
    (Kind::HeadInDrips, 160),
    (Kind::BodyInDrips, 160),
    (Kind::NotReading, 20),
];

/// Behaves as `kind` until the server ends the connection.
async fn bother(mut stream: TcpStream, kind: Kind) {
    match kind {
        Kind::Silent => {
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
        Kind::HeadInDrips => drip(stream, "POST /in HTTP/1.1\r\nhost: bridge\r\nx: ").await,
        Kind::BodyInDrips => drip(stream, &post("content-length: 1000\r\n", "")).await,
        Kind::NotReading => {
            let many = good("crowd").repeat(50);
            while stream.write_all(many.as_bytes()).await.is_ok() {}
        }
    }
}

async fn drip(mut stream: TcpStream, begin: &str) {
    stream.write_all(begin.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
    };
    tokio::select! {
        _ = from.read_to_end(&mut answer) => {}
        () = dripping => {}
    }
}

/// Asks `count` times, each on a connection of its own; how long each took, sorted.
async fn ask(address: std::net::SocketAddr, count: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        let mut client = Client::connect_from(1, address).await;
        client.write(&good("normal")).await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        times.push(begin.elapsed());
    }
    times.sort();
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn a_normal_client_is_served_beside_500_that_hold_on() {
    let options = ServerOptions {
        max_connections_per_address: 600,
        header_timeout: BOUND,
        answer_timeout: BOUND,
        ..ServerOptions::default()
    };
    let inbound = InboundOptions {
        timeout: BOUND,
        // Fewer than there are slow bodies.
        max_concurrent: 100,
        ..InboundOptions::default()
    };
    let server = start_with(100_000_000, options, inbound);
    let alone = ask(server.address, 100).await;

    let open = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for (kind, count) in CROWD {
        for _ in 0..count {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            socket.set_recv_buffer_size(2048).unwrap();
            let stream = soon(socket.connect(server.address)).await.unwrap();
            let open = Arc::clone(&open);
            open.fetch_add(1, Ordering::Relaxed);
            crowd.spawn(async move {
                bother(stream, kind).await;
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
    ask(server.address, 1).await;
    assert_eq!(open.load(Ordering::Relaxed), 500, "all are still there");
    let beside = ask(server.address, 100).await;

    for (name, times) in [("alone", alone), ("beside 500", beside)] {
        println!("{name}: p50 {:?}, p99 {:?}", times[50], times[98]);
    }
    while let Some(ended) = soon(crowd.join_next()).await {
        ended.unwrap();
    }
    assert_eq!(open.load(Ordering::Relaxed), 0, "all were closed by time");
}

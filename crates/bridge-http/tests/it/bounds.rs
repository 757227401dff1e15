//! What a client may hold, and for how long.

use std::time::Duration;

use bridge_core::config::Network;
use bridge_http::{InboundOptions, SMALL_BODY_BYTES, ServerOptions};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use crate::rig::{Client, good, post, start, start_with};
use crate::support::{SOON, Taking, soon};

/// So long that what ends must have been ended by another bound.
const NEVER: Duration = SOON.saturating_mul(2);
const SHORT: Duration = Duration::from_millis(100);

/// Only the bound that a test sets is short.
fn patient() -> ServerOptions {
    ServerOptions {
        header_timeout: NEVER,
        request_timeout: NEVER,
        answer_timeout: NEVER,
        idle_grace: NEVER,
        ..ServerOptions::default()
    }
}

fn patient_inbound() -> InboundOptions {
    InboundOptions {
        body_limit_bytes: 1024 * 1024,
        timeout: NEVER,
        ..InboundOptions::default()
    }
}

/// Sends `bytes` one by one until the server has had enough; what it said.
async fn dribble(mut client: Client, bytes: &str) -> String {
    let (mut from, mut to) = client.0.split();
    let mut answer = String::new();
    let writing = async {
        for byte in bytes.bytes().cycle() {
            if to.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let reading = tokio::io::AsyncReadExt::read_to_string(&mut from, &mut answer);
    soon(async {
        tokio::select! {
            _ = reading => {}
            () = writing => {}
        }
    })
    .await;
    answer
}

#[tokio::test]
async fn a_head_in_drips_is_cut_off() {
    let options = ServerOptions {
        header_timeout: SHORT,
        ..patient()
    };
    let server = start(0, options);
    let client = Client::connect(server.address).await;
    assert_eq!(dribble(client, "x").await, "");
}

#[tokio::test]
async fn a_body_in_drips_is_cut_off() {
    let mut server = start(1, patient());
    let mut client = Client::connect(server.address).await;
    client.write(&post("content-length: 64\r\n", "")).await;
    let answer = dribble(client, "x").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(server.takings.try_recv().is_err());
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let options = ServerOptions {
        answer_timeout: SHORT,
        ..patient()
    };
    let server = start_with(1_000_000, options, patient_inbound());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let mut stream = soon(socket.connect(server.address)).await.unwrap();
    let many = good("x").repeat(100);
    soon(async { while stream.write_all(many.as_bytes()).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_request_without_end_is_cut_off_and_what_it_brought_is_taken() {
    let options = ServerOptions {
        request_timeout: SHORT,
        ..patient()
    };
    let mut server = start(0, options);
    let mut client = Client::connect(server.address).await;
    client.write(&good("stuck")).await;
    assert_eq!(client.rest().await, "");
    server.intake.gate.add_permits(1);
    let taken = [
        soon(server.takings.recv()).await,
        soon(server.takings.recv()).await,
    ];
    let stuck = || "stuck".to_owned();
    assert_eq!(
        taken,
        [
            Some(Taking::Started(stuck())),
            Some(Taking::Finished(stuck()))
        ]
    );
}

#[tokio::test]
async fn an_old_connection_ends_with_its_next_answer() {
    for (max_age, closes) in [(Duration::ZERO, true), (NEVER, false)] {
        let server = start(
            10,
            ServerOptions {
                max_age,
                ..patient()
            },
        );
        let mut client = Client::connect(server.address).await;
        client.write(&good("x")).await;
        let answer = client.answer().await;
        assert_eq!(answer.contains("\r\nconnection: close\r\n"), closes);
        if closes {
            assert_eq!(client.rest().await, "");
        } else {
            client.write(&good("y")).await;
            client.answer().await;
        }
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_can_read_why_it_was_refused() {
    let options = ServerOptions {
        linger: NEVER,
        ..patient()
    };
    let server = start(0, options);
    // More than the buffers of both sockets hold.
    let length = 64 * 1024 * 1024;
    let sent = post(
        &format!("content-length: {length}\r\n"),
        &"x".repeat(length),
    );
    let mut client = Client::connect(server.address).await;
    // All of it, before it looks at the answer.
    soon(client.0.write_all(sent.as_bytes())).await.unwrap();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn slow_bodies_hold_no_slot() {
    let inbound = InboundOptions {
        max_concurrent: 1,
        ..patient_inbound()
    };
    let server = start_with(10, patient(), inbound);
    let mut slow = Client::connect(server.address).await;
    slow.write(&post("content-length: 8\r\n", "half")).await;
    let mut client = Client::connect(server.address).await;
    client.write(&good("quick")).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
    slow.write("done").await;
    assert!(slow.answer().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn large_bodies_are_bounded_and_small_ones_get_in() {
    let inbound = InboundOptions {
        max_large_bodies: 1,
        ..patient_inbound()
    };
    let server = start_with(10, patient(), inbound);
    let large = "x".repeat(SMALL_BODY_BYTES + 1);
    let small = "x".repeat(SMALL_BODY_BYTES);
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let chunked = post("transfer-encoding: chunked\r\n", &chunked);
    let send = async |request: &str| {
        let mut client = Client::connect(server.address).await;
        soon(client.0.write_all(request.as_bytes())).await.ok();
        client.answer().await
    };

    let mut slow = Client::connect(server.address).await;
    let (begin, end) = large.split_at(1);
    let head = format!(
        "content-length: {}\r\nexpect: 100-continue\r\n",
        large.len()
    );
    slow.write(&post(&head, begin)).await;
    // Its body is being read when it is told to go on.
    let mut go_on = [0; 25];
    let reading = tokio::io::AsyncReadExt::read_exact(&mut slow.0, &mut go_on);
    soon(reading).await.unwrap();
    for (request, status) in [(good(&large), 503), (chunked, 503), (good(&small), 200)] {
        let answer = send(&request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(answer.contains("\r\nretry-after: 1\r\n"), status == 503);
    }
    slow.write(end).await;
    assert!(slow.answer().await.starts_with("HTTP/1.1 200 "));
    assert!(send(&good(&large)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn one_address_has_its_share_and_no_more() {
    let options = ServerOptions {
        max_connections_per_address: 2,
        ..patient()
    };
    let server = start(100, options.clone());
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect_from(2, server.address).await;
        client.write(&good("x")).await;
        client.answer().await;
        kept.push(client);
    }
    let mut further = Client::connect_from(2, server.address).await;
    assert_eq!(further.rest().await, "", "closed at once");
    let mut other = Client::connect_from(3, server.address).await;
    other.write(&good("x")).await;
    assert!(other.answer().await.starts_with("HTTP/1.1 200 "));

    drop(kept.pop());
    soon(async {
        loop {
            let mut client = Client::connect_from(2, server.address).await;
            client.0.write_all(good("x").as_bytes()).await.ok();
            if client.rest_or_answer().await.starts_with("HTTP/1.1 200 ") {
                break;
            }
        }
    })
    .await;

    let exempt = Network::loopback().to_vec();
    let server = start(100, ServerOptions { exempt, ..options });
    for _ in 0..5 {
        let mut client = Client::connect_from(2, server.address).await;
        client.write(&good("x")).await;
        assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
        kept.push(client);
    }
}

#[tokio::test]
async fn idle_connections_give_way_and_working_ones_do_not() {
    let options = ServerOptions {
        max_connections: 3,
        idle_grace: Duration::ZERO,
        ..patient()
    };
    let mut server = start(1, options);
    let mut working = Client::connect(server.address).await;
    let mut idle = Client::connect(server.address).await;
    idle.write(&good("idle")).await;
    idle.answer().await;
    working.write(&good("working")).await;
    while soon(server.takings.recv()).await != Some(Taking::Started("working".into())) {}
    let mut half = Client::connect(server.address).await;
    half.write("POST /in HTTP/1.1\r\nhost: bri").await;

    let mut new = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(server.address).await;
        client.write(&good("new")).await;
        while soon(server.takings.recv()).await != Some(Taking::Started("new".into())) {}
        new.push(client);
    }
    assert_eq!(idle.rest().await, "");
    assert_eq!(half.rest().await, "");
    server.intake.gate.add_permits(3);
    for client in new.iter_mut().chain([&mut working]) {
        assert!(client.answer().await.starts_with("HTTP/1.1 200 "));
    }
}

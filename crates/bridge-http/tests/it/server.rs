//! The listener, over real connections.

use std::time::Duration;

use bridge_http::ServerOptions;
use tokio::net::TcpStream;

use crate::rig::{Client, good, post, start};
use crate::support::{SOON, Taking, soon};

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = start(2, ServerOptions::default());
    let mut client = Client::connect(server.address).await;
    for body in ["one", "two"] {
        client.write(&good(body)).await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n{}"), "{answer}");
    }
    let seen = server.driver.seen.lock().unwrap();
    let bodies: Vec<_> = seen.iter().map(|request| request.body().clone()).collect();
    assert_eq!(bodies, ["one", "two"]);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_slow() {
    let huge = format!("41\r\n{}\r\n0\r\n\r\n", "x".repeat(65));
    // What is sent, how the answer begins; all end the connection.
    let rows = [
        (post("content-length: 65\r\n", ""), "HTTP/1.1 413 "),
        (
            post("content-length: 65\r\nexpect: 100-continue\r\n", ""),
            "HTTP/1.1 413 ",
        ),
        (
            post("transfer-encoding: chunked\r\n", &huge),
            "HTTP/1.1 413 ",
        ),
        (post("content-length: 10\r\n", "half"), "HTTP/1.1 408 "),
    ];
    let mut server = start(1, ServerOptions::default());
    for (sent, expected) in rows {
        let mut client = Client::connect(server.address).await;
        client.write(&sent).await;
        let answer = client.rest().await;
        assert!(answer.starts_with(expected), "{sent}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert!(
        server.takings.try_recv().is_err(),
        "nothing was handed over"
    );
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = start(
        0,
        ServerOptions {
            header_timeout: Duration::from_millis(50),
            ..ServerOptions::default()
        },
    );
    for sent in ["", "POST /in HTTP/1.1\r\nhost: bri"] {
        let mut client = Client::connect(server.address).await;
        client.write(sent).await;
        // hyper may say 408 to the half request; what counts is that the connection ends.
        client.rest().await;
    }
}

#[tokio::test]
async fn connections_above_the_bound_wait() {
    let server = start(
        100,
        ServerOptions {
            max_connections: 1,
            ..ServerOptions::default()
        },
    );
    let mut first = Client::connect(server.address).await;
    first.write(&good("first")).await;
    first.answer().await;
    let mut second = Client::connect(server.address).await;
    second.write(&good("second")).await;
    for _ in 0..20 {
        first.write(&good("first")).await;
        first.answer().await;
    }
    let seen: Vec<_> = {
        let seen = server.driver.seen.lock().unwrap();
        seen.iter().map(|request| request.body().clone()).collect()
    };
    assert_eq!(seen, ["first"; 21]);
    drop(first);
    assert!(second.answer().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_shutdown_finishes_what_runs_and_nothing_else() {
    let mut server = start(
        1,
        ServerOptions {
            // So long that only the shutdown can be what closes the idle connections.
            header_timeout: SOON * 2,
            ..ServerOptions::default()
        },
    );
    let mut idle = Client::connect(server.address).await;
    idle.write(&good("idle")).await;
    idle.answer().await;
    let mut fresh = Client::connect(server.address).await;
    let mut running = Client::connect(server.address).await;
    running.write(&good("running")).await;
    while soon(server.takings.recv()).await != Some(Taking::Started("running".into())) {}

    server.stop.send(()).unwrap();
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    assert_eq!(fresh.rest().await, "", "so is one that has said nothing");
    let refused = TcpStream::connect(server.address).await;
    assert!(refused.is_err(), "nothing is accepted any more");
    assert!(!server.serving.is_finished());

    server.intake.gate.add_permits(1);
    let answer = running.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("{}"), "{answer}");
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn giving_up_on_a_shutdown_ends_connections_but_no_admission() {
    let mut server = start(0, ServerOptions::default());
    let mut client = Client::connect(server.address).await;
    client.write(&good("late")).await;
    assert_eq!(
        soon(server.takings.recv()).await,
        Some(Taking::Started("late".into()))
    );

    server.serving.abort();
    assert_eq!(
        client.rest().await,
        "",
        "the connection ends without an answer"
    );
    server.intake.gate.add_permits(1);
    assert_eq!(
        soon(server.takings.recv()).await,
        Some(Taking::Finished("late".into()))
    );
}

//! Requests that two programs could read differently, byte by byte.

use bridge_http::ServerOptions;
use tokio::io::AsyncWriteExt;

use crate::rig::{Client, Server, good, post, start};
use crate::support::{Taking, soon};

/// A good request that must not be read behind the one before it.
const SMUGGLED: &str = "smuggled";

/// Sends `bytes` on a connection of its own; all that comes back until its end.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut client = Client::connect(server.address).await;
    // The server may close before it has read everything.
    soon(client.0.write_all(bytes)).await.ok();
    client.rest().await
}

/// The statuses in `answers`, in order.
fn statuses(answers: &str) -> Vec<u16> {
    let lines = answers.split("HTTP/1.").skip(1);
    lines.map(|line| line[2..5].parse().unwrap()).collect()
}

fn request(lines: &str) -> String {
    format!("POST /in HTTP/1.1\r\n{lines}\r\n")
}

const GOOD: &str = "host: a\r\nsign: good\r\n";

fn chunked(body: &str) -> String {
    post("transfer-encoding: chunked\r\n", body)
}

/// What is sent, and the one status that answers it.
fn refused() -> Vec<(String, u16)> {
    let line = |line: &str| format!("{line}\r\n{GOOD}content-length: 5\r\n\r\nhello");
    // A body that is right for the last framing of them: it is the head that is refused.
    let with = |lines: &str| {
        let body = match lines.contains("chunked") {
            true => "5\r\nhello\r\n0\r\n\r\n",
            false => "hello",
        };
        request(&format!("{GOOD}{lines}")) + body
    };
    let long = "x".repeat(17 * 1024);
    let many: String = (0..101).map(|n| format!("x{n}: y\r\n")).collect();
    vec![
        // Two lengths.
        (
            with("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            400,
        ),
        (
            with("transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
            400,
        ),
        (with("content-length: 5\r\ncontent-length: 6\r\n"), 400),
        (with("content-length: 5\r\ncontent-length: 5\r\n"), 400),
        (with("content-length: 5, 5\r\n"), 400),
        (with("content-length: 5\r\nCONTENT-LENGTH: 0\r\n"), 400),
        (
            with("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
            400,
        ),
        // Lengths that are none.
        (with("content-length: +5\r\n"), 400),
        (with("content-length: -5\r\n"), 400),
        (with("content-length: 5 5\r\n"), 400),
        (with("content-length: 0x5\r\n"), 400),
        (with("content-length: 5;\r\n"), 400),
        (with("content-length:\r\n"), 400),
        (with("content-length: 18446744073709551616\r\n"), 400),
        // Framings under another name, or in other words.
        (with("content-length : 5\r\n"), 400),
        (with(" content-length: 5\r\n"), 400),
        (with("content-length\x0b: 5\r\n"), 400),
        (with("content-length\u{a0}: 5\r\n"), 400),
        (with("transfer-encoding : chunked\r\n"), 400),
        (with(" transfer-encoding: chunked\r\n"), 400),
        (with("transfer-encoding: xchunked\r\n"), 400),
        (with("transfer-encoding: chunked, identity\r\n"), 400),
        (with("transfer-encoding: identity, chunked\r\n"), 400),
        (with("transfer-encoding: gzip, chunked\r\n"), 400),
        (with("transfer-encoding: chunked;q=1\r\n"), 400),
        (with("transfer-encoding: \"chunked\"\r\n"), 400),
        (with("transfer-encoding: identity\r\n"), 400),
        (with("transfer-encoding:\r\n"), 400),
        (with("transfer-encoding: \x0bchunked\r\n"), 400),
        // Lines that end, or go on, in other ways.
        (with("x: y\r\n content-length: 5\r\n"), 400),
        (with("x: y\r\n\tfolded\r\n"), 400),
        (with(" \r\ncontent-length: 5\r\n"), 400),
        (with("x: y\ncontent-length: 5\r\n"), 400),
        (with("x: y\rcontent-length: 5\r\n"), 400),
        (with("x: y\r\r\n"), 400),
        (with("content-length: 5\n"), 400),
        (
            format!("POST /in HTTP/1.1\n{}", GOOD.replace('\r', "") + "\n"),
            400,
        ),
        (with("x: a\0b\r\n"), 400),
        (with("x\0: a\r\n"), 400),
        (with("x: a\x7f\r\n"), 400),
        (with("no colon\r\n"), 400),
        (with(": no name\r\n"), 400),
        // Lines that ask for something else.
        ("GET /in\r\n".into(), 400),
        (line("POST /in"), 400),
        (line("POST  /in HTTP/1.1"), 400),
        (line("POST\t/in HTTP/1.1"), 400),
        (line("POST /in HTTP/1.1 "), 400),
        (line(" POST /in HTTP/1.1"), 400),
        (line("POST /i n HTTP/1.1"), 400),
        (line("POST /in\0 HTTP/1.1"), 400),
        (line("POST http://a/in HTTP/1.1"), 400),
        (line("POST a:80 HTTP/1.1"), 400),
        (line("CONNECT a:80 HTTP/1.1"), 400),
        (line("OPTIONS * HTTP/1.1"), 400),
        (line("POST in HTTP/1.1"), 400),
        (line("POST /in HTTP/1.2"), 400),
        (line("POST /in HTTP/2.0"), 400),
        (line("POST /in http/1.1"), 400),
        (line("P(ST /in HTTP/1.1"), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 400),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}".into(), 400),
        (format!("\r\n\r\n{}", good("hello")), 400),
        (format!("\n{}", good("hello")), 400),
        // Hosts.
        (request("sign: good\r\ncontent-length: 0\r\n"), 400),
        (with("host: b\r\ncontent-length: 5\r\n"), 400),
        (with("host: a\r\ncontent-length: 5\r\n"), 400),
        (
            request("host: a b\r\nsign: good\r\ncontent-length: 0\r\n"),
            400,
        ),
        (
            request("host: a/in\r\nsign: good\r\ncontent-length: 0\r\n"),
            400,
        ),
        (
            request("host: b@a\r\nsign: good\r\ncontent-length: 0\r\n"),
            400,
        ),
        // HTTP/1.0 has no chunks.
        (
            format!("POST /in HTTP/1.0\r\n{GOOD}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
        ),
        // Chunks.
        (chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("+5\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("5 5\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked("5\nhello\r\n0\r\n\r\n"), 400),
        (chunked("5\rhello\r\n0\r\n\r\n"), 400),
        (chunked("5\r\nhelloXX0\r\n\r\n"), 400),
        (chunked("5\r\nhello0\r\n\r\n"), 400),
        (chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400),
        (chunked(&format!("5;{long}\r\nhello\r\n0\r\n\r\n")), 400),
        (
            chunked(&format!("5\r\nhello\r\n0\r\nx: {long}\r\n\r\n")),
            400,
        ),
        // Sizes.
        (with(&format!("x: {long}\r\n")), 431),
        (line(&format!("POST /{long} HTTP/1.1")), 431),
        (with(&many), 431),
    ]
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused_with_all_that_follows() {
    let mut server = start(1000, ServerOptions::default());
    let mut wrong = Vec::new();
    for (sent, status) in refused() {
        let bytes = sent.clone() + &good(SMUGGLED);
        let answers = exchange(&server, bytes.as_bytes()).await;
        if statuses(&answers) != [status] {
            wrong.push((sent.chars().take(200).collect::<String>(), answers));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(server.takings.try_recv().is_err(), "nothing was taken");
    assert!(server.driver.seen.lock().unwrap().is_empty(), "or decoded");
}

#[tokio::test]
async fn a_refused_request_is_answered_after_the_ones_before_it() {
    let mut server = start(0, ServerOptions::default());
    let mut client = Client::connect(server.address).await;
    let bytes = format!("{}GET / HTTP/1.1\n\n{}", good("first"), good(SMUGGLED));
    client.write(&bytes).await;
    let first = soon(server.takings.recv()).await;
    assert_eq!(first, Some(Taking::Started("first".into())));
    server.intake.gate.add_permits(10);
    assert_eq!(statuses(&client.rest().await), [200, 400]);
    let seen = server.driver.seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn what_is_refused_by_its_content_is_not_read_on_either() {
    let server = start(1000, ServerOptions::default());
    // The rest of a body that nobody reads looks like a request.
    for (head, status) in [
        ("content-length: 65\r\n", 413),
        ("transfer-encoding: chunked\r\n", 413),
        ("content-length: 60\r\nsign: bad\r\n", 408),
    ] {
        let body = match head.starts_with("transfer") {
            true => format!("41\r\n{}", "x".repeat(65)),
            false => String::new(),
        };
        let bytes = post(head, &body);
        let mut client = Client::connect(server.address).await;
        client.write(&bytes).await;
        let answer = client.answer().await;
        // Behind the answer the client goes on.
        soon(client.0.write_all(good(SMUGGLED).as_bytes()))
            .await
            .ok();
        assert_eq!(statuses(&answer), [status]);
        assert_eq!(client.rest().await, "");
    }
    assert!(server.driver.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn good_requests_are_taken_however_they_are_cut() {
    // What is sent, the bodies that the driver sees, whether the connection goes on.
    let old = format!("POST /in HTTP/1.0\r\n{GOOD}content-length: 3\r\n\r\nold");
    let pipelined = good("one") + &good("") + &good("three");
    let rows: [(String, &[&str], bool); 7] = [
        (good("plain"), &["plain"], true),
        (
            format!("\r\n{}", good("after an empty line")),
            &["after an empty line"],
            true,
        ),
        (pipelined, &["one", "", "three"], true),
        (old, &["old"], false),
        (
            chunked("5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n"),
            &["hello!"],
            false,
        ),
        (
            chunked("5\r\nhello\r\n0\r\ncontent-length: 9\r\n\r\n"),
            &["hello"],
            false,
        ),
        (
            post("content-length: 3\r\nconnection: close\r\n", "end"),
            &["end"],
            false,
        ),
    ];
    for (sent, bodies, goes_on) in rows {
        for cut in [sent.len(), 1, 7, sent.len() / 2] {
            let server = start(1000, ServerOptions::default());
            let mut client = Client::connect(server.address).await;
            for piece in sent.as_bytes().chunks(cut) {
                soon(client.0.write_all(piece)).await.unwrap();
                tokio::task::yield_now().await;
            }
            for _ in bodies {
                assert_eq!(statuses(&client.answer().await), [200], "{sent}");
            }
            if goes_on {
                client.write(&good("next")).await;
                assert_eq!(statuses(&client.answer().await), [200], "{sent}");
            } else {
                soon(client.0.write_all(good(SMUGGLED).as_bytes()))
                    .await
                    .ok();
                assert_eq!(client.rest().await, "", "{sent}");
            }
            let seen = server.driver.seen.lock().unwrap();
            let seen: Vec<_> = seen.iter().map(|request| request.body().clone()).collect();
            assert_eq!(seen[..bodies.len()], *bodies, "{sent}");
            assert_eq!(seen.len(), bodies.len() + usize::from(goes_on), "{sent}");
        }
    }
}

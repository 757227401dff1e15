//! How a bridge ends while a request goes on that never finishes.

mod support;

use std::io::Write as _;
use std::net::TcpStream;

use support::{Bed, Process};

/// A request of which the rest never comes.
const HALF: &str = "POST /dingtalk/event HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\nhalf";

/// A running bridge that is reading the body of [`HALF`], and the connection that it came on.
async fn busy(shutdown_timeout: &str) -> (Bed, Process, TcpStream) {
    let mut bed = Bed::new().await;
    bed.config["global"]["server"]["shutdown_timeout"] = shutdown_timeout.into();
    let process = bed.start();
    let url = process.url();
    let authority = url.trim_start_matches("http://").split('/').next();
    let mut stream = TcpStream::connect(authority.expect("an address")).expect("it listens");
    stream.write_all(HALF.as_bytes()).expect("it reads");
    // `100 Continue`: the body is awaited.
    let mut go_on = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut go_on).expect("it goes on");
    (bed, process, stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_finishes_does_not_hold_the_shutdown() {
    let (_bed, process, _stream) = busy("200ms").await;
    let (status, log) = process.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("at the end of shutdown_timeout was cut off"),
        "{log}"
    );
    assert!(log.contains("\"stopped\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let (_bed, mut process, _stream) = busy("10m").await;
    process.terminate();
    process.wait_for_line("stopping; a second signal ends at once");
    process.terminate();
    let (status, log) = process.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(!log.contains("\"stopped\""), "{log}");
}

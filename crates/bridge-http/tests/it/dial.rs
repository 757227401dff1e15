//! Connections that drivers keep: plain, with TLS, through a proxy.

use std::net::SocketAddr;

use bridge_core::ports::{ByteStream, Dial, DialError, DialTarget, Security};
use bridge_http::Dialer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::soon;
use crate::tls::localhost;

fn target(host: &str, address: SocketAddr, security: Security) -> DialTarget {
    DialTarget {
        host: host.to_owned(),
        port: address.port(),
        security,
    }
}

/// Serves the first connection.
async fn server<F>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    (address, task)
}

/// Sends each line back.
async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        stream.write_all(line.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        line.clear();
    }
}

async fn echoes(dialled: Result<Box<dyn ByteStream>, DialError>) {
    let mut stream = BufReader::new(dialled.expect("a connection"));
    stream.write_all(b"hello\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "hello\r\n");
}

fn error(dialled: Result<Box<dyn ByteStream>, DialError>) -> String {
    match dialled {
        Ok(_) => panic!("it was connected"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn bytes_go_both_ways() {
    let (address, _task) = server(echo).await;
    let dialer = Dialer::new(None, None).unwrap();
    let target = target("127.0.0.1", address, Security::Plain);
    soon(async { echoes(dialer.dial(target).await).await }).await;
}

#[tokio::test]
async fn nobody_there_is_told_by_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let dialer = Dialer::new(None, None).unwrap();
    let dialled = dialer.dial(target("localhost", address, Security::Plain));
    let told = error(soon(dialled).await);
    let place = format!("localhost:{}: ", address.port());
    assert!(
        told.starts_with(&place) && told.contains("refused"),
        "{told}"
    );
}

#[tokio::test]
async fn a_certificate_must_be_of_the_host_and_lead_to_a_root() {
    let (acceptor, authorities) = localhost();
    // The host that is dialled, whether the certificate is a root, and what the error says.
    let rows = [
        ("localhost", true, None),
        ("127.0.0.1", true, Some("not valid for name")),
        ("localhost", false, Some("UnknownIssuer")),
    ];
    for (host, is_root, expected) in rows {
        let acceptor = acceptor.clone();
        let (address, _task) = server(|stream| async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                echo(stream).await;
            }
        })
        .await;
        let dialer = Dialer::new(None, is_root.then_some(&authorities)).unwrap();
        let dialled = soon(dialer.dial(target(host, address, Security::Tls))).await;
        match expected {
            None => soon(echoes(dialled)).await,
            Some(expected) => {
                let told = error(dialled);
                assert!(told.contains(expected), "{host}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel() {
    // What the proxy answers, and what the error says; `None` if it is a tunnel to an echo.
    let rows = [
        ("HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n", None),
        ("HTTP/1.0 200 OK\r\n\r\n", None),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            Some("proxy: it asks for other credentials (407)"),
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            Some("proxy: it answered 502"),
        ),
        ("SSH-2.0-x\r\n\r\n", Some("proxy: its answer is no HTTP")),
    ];
    for (answer, expected) in rows {
        let (address, task) = server(move |mut stream| async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            assert!(
                head.starts_with("CONNECT irc.example:6667 HTTP/1.1\r\n"),
                "{head}"
            );
            assert!(
                head.contains("proxy-authorization: Basic bWU6c2VjcmV0\r\n"),
                "{head}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            echo(stream).await;
        })
        .await;
        let dialer = Dialer::new(Some(&format!("http://me:secret@{address}")), None).unwrap();
        let dialled = soon(dialer.dial(DialTarget {
            host: "irc.example".to_owned(),
            port: 6667,
            security: Security::Plain,
        }))
        .await;
        match expected {
            None => soon(echoes(dialled)).await,
            Some(expected) => {
                let told = error(dialled);
                assert_eq!(told, format!("irc.example:6667: {expected}"));
                assert!(!told.contains("secret"));
            }
        }
        soon(task).await.expect("the proxy saw what it should");
    }
}

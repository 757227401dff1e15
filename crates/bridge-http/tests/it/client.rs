//! The HTTP client: what it sends, what it makes of the answer, and what it does not do.

use std::io::Write;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bridge_core::ports::{ExchangeTimeout, HttpError, HttpErrorKind, HttpExchange, Reached};
use bridge_http::{BlockingPool, ClientError, ClientOptions, HttpClient};
use bytes::Bytes;
use http::{Request, Response};

use crate::peers::{
    OK, after_reading, answering, gated, read_request, refusing, server, stall, write,
};
use crate::support::{SOON, soon};

pub(crate) fn options() -> ClientOptions<'static> {
    ClientOptions {
        call_timeout: Duration::from_secs(10),
        max_response_bytes: 1_000,
        ..ClientOptions::default()
    }
}

pub(crate) fn client(options: ClientOptions<'_>) -> HttpClient {
    HttpClient::new(BlockingPool::new(8), options).unwrap()
}

fn post(uri: &str, body: &'static str) -> Request<Bytes> {
    Request::post(uri)
        .header("x-token", "canary-header")
        .body(Bytes::from(body))
        .unwrap()
}

pub(crate) async fn exchange(client: &HttpClient, uri: &str) -> Result<Response<Bytes>, HttpError> {
    soon(client.exchange(post(uri, "canary-body"))).await
}

/// The error of a call, which must tell no secrets.
pub(crate) async fn failure(options: ClientOptions<'_>, uri: &str) -> HttpError {
    let error = exchange(&client(options), uri).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
    error
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let rows = [
        (
            "HTTP/1.1 200 OK\r\nx-id: 7\r\ncontent-length: 2\r\n\r\n{}",
            200,
            "{}",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (
            "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
            302,
            "",
        ),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nno",
            307,
            "no",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            404,
            "",
        ),
        (
            "HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            500,
            "no",
        ),
    ];
    for (raw, status, body) in rows {
        let (address, requests) = answering(raw);
        let client = client(options());
        let uri = format!("http://{address}/x?q=1");
        let response = exchange(&client, &uri).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.body(), body);
        let (_, request) = requests.recv_timeout(SOON).unwrap();
        assert!(request.starts_with("POST /x?q=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("x-token: canary-header\r\n"), "{request}");
        assert!(request.contains(concat!("user-agent: bridge/", env!("CARGO_PKG_VERSION"))));
        assert!(request.ends_with("\r\n\r\ncanary-body"), "{request}");
        assert!(requests.try_recv().is_err(), "redirects are not followed");
    }
}

#[tokio::test]
async fn bodies_go_with_the_methods_that_have_them() {
    // Method, body, the last header line that matters.
    let rows = [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "", Some("content-length: 0")),
    ];
    for (method, body, expected) in rows {
        let (address, requests) = answering(OK);
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/"));
        let request = request.body(Bytes::from(body)).unwrap();
        soon(client(options()).exchange(request)).await.unwrap();
        let (_, request) = requests.recv_timeout(SOON).unwrap();
        assert_eq!(
            request.contains("content-length"),
            expected.is_some(),
            "{request}"
        );
        assert!(
            expected.is_none_or(|line| request.contains(line)),
            "{request}"
        );
        assert!(!request.contains("transfer-encoding"), "{request}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, requests) = answering(OK);
    let client = client(options());
    for _ in 0..3 {
        exchange(&client, &format!("http://localhost:{}/", address.port()))
            .await
            .unwrap();
        let (connection, _) = requests.recv_timeout(SOON).unwrap();
        assert_eq!(connection, 0);
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not() {
    let (closed, closes) = mpsc::channel();
    let closed = Mutex::new(closed);
    let address = server(move |number, mut stream| {
        read_request(&stream).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
        drop(stream);
        closed.lock().unwrap().send(number).unwrap();
    });
    let client = client(options());
    for expected in 0..3 {
        exchange(&client, &format!("http://{address}/"))
            .await
            .unwrap();
        assert_eq!(closes.recv_timeout(SOON), Ok(expected));
    }
}

#[tokio::test]
async fn failures_say_what_and_whether_it_arrived() {
    const TOO_LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let body = "x".repeat(1_001);
    let large = after_reading(move |mut stream| {
        stream.write_all(TOO_LARGE.as_bytes()).unwrap();
        // The client may have stopped reading.
        stream.write_all(body.as_bytes()).ok();
    });
    let (_bound, refused) = refusing();
    use HttpErrorKind::{Broken, Connect, Protocol, Timeout};
    use Reached::{No, Perhaps};
    let rows = [
        ("http", refused, Connect, No),
        ("http", after_reading(drop), Broken, Perhaps),
        (
            "http",
            after_reading(write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")),
            Broken,
            Perhaps,
        ),
        (
            "http",
            after_reading(write("SSH-2.0-canary\r\n\r\n")),
            Protocol,
            Perhaps,
        ),
        ("http", large, Protocol, Perhaps),
        ("http", after_reading(stall), Timeout, Perhaps),
        // What listens there speaks no TLS, says nothing, or goes away.
        (
            "https",
            server(|_, stream| write("HTTP/1.1 400 Bad Request\r\n\r\n")(stream)),
            Connect,
            No,
        ),
        ("https", server(|_, stream| stall(stream)), Timeout, No),
        ("https", server(|_, stream| drop(stream)), Connect, No),
    ];
    for (number, (scheme, address, kind, reached)) in rows.into_iter().enumerate() {
        let options = ClientOptions {
            call_timeout: Duration::from_millis(400),
            connect_timeout: Duration::from_millis(200),
            ..options()
        };
        let uri = format!("{scheme}://{address}/canary?token=canary");
        let error = failure(options, &uri).await;
        assert_eq!(
            (error.kind, error.reached),
            (kind, reached),
            "{number}: {error:?}"
        );
        let begins = format!("{scheme}://{address}: ");
        assert!(error.detail.starts_with(&begins), "{number}: {error:?}");
    }
}

#[tokio::test]
async fn a_long_poll_may_wait_as_long_as_it_says() {
    let (address, requests, open) = gated();
    let client = client(ClientOptions {
        call_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(200),
        ..options()
    });
    let asking = |timeout| {
        let mut request = post(&format!("http://{address}/poll"), "");
        request.extensions_mut().insert(ExchangeTimeout(timeout));
        client.exchange(request)
    };
    let mut poll = asking(Duration::from_secs(60));
    let too_short = async {
        // What was asked later, with the shorter limit, has ended; the poll goes on.
        let (path, requests) = next(requests).await;
        assert_eq!(path, "/poll");
        let stalled = after_reading(stall);
        let error = exchange(&client, &format!("http://{stalled}/")).await;
        assert_eq!(error.unwrap_err().kind, HttpErrorKind::Timeout);
        requests
    };
    let _requests = tokio::select! {
        requests = too_short => requests,
        early = &mut poll => panic!("{early:?}"),
    };
    open.send(()).unwrap();
    assert_eq!(soon(poll).await.unwrap().status(), 200);

    let shorter = asking(Duration::from_millis(100)).await;
    assert_eq!(shorter.unwrap_err().kind, HttpErrorKind::Timeout);
}

#[tokio::test]
async fn the_proxy_environment_is_ignored() {
    let child = tokio::task::spawn_blocking(|| {
        let test = std::env::current_exe().unwrap();
        let mut command = Command::new(test);
        command.args(["--exact", "client::any_status_is_an_answer"]);
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(name, "http://127.0.0.1:1");
        }
        command
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .output()
    });
    let output = soon(child).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_is_used_where_it_is_configured() {
    let (seen, connects) = mpsc::channel();
    let seen = Mutex::new(seen);
    let proxy = server(move |_, mut stream| {
        let connect = read_request(&stream).unwrap();
        let granted = !connect.contains("refused.test");
        seen.lock().unwrap().send(connect).unwrap();
        if granted {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            read_request(&stream).unwrap();
            stream.write_all(OK.as_bytes()).unwrap();
        } else {
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
        }
    });
    let proxy = format!("http://user:canary-pass@{proxy}");
    let proxied = || ClientOptions {
        proxy: Some(&proxy),
        ..options()
    };
    let answer = exchange(&client(proxied()), "http://granted.test:81/")
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let connect = connects.recv_timeout(SOON).unwrap();
    assert!(
        connect.starts_with("CONNECT granted.test:81 HTTP/1.1\r\n"),
        "{connect}"
    );

    let error = failure(proxied(), "http://refused.test/").await;
    assert_eq!(
        (error.kind, error.reached),
        (HttpErrorKind::Connect, Reached::No),
        "{error:?}"
    );
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let second = Duration::from_secs(1);
    let proxied = |proxy| ClientOptions {
        proxy: Some(proxy),
        ..options()
    };
    let rows = [
        (proxied("http://canary@@:x:"), ClientError::ProxyAddress),
        (
            proxied("socks5://user:canary@127.0.0.1:1080"),
            ClientError::ProxyProtocol,
        ),
        (
            ClientOptions {
                call_timeout: second,
                connect_timeout: second,
                ..options()
            },
            ClientError::Timeouts,
        ),
    ];
    for (options, expected) in rows {
        let error = HttpClient::new(BlockingPool::new(1), options).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("canary"));
    }
    for millis in [1, 100, 20_000, 600_000] {
        let attempt = Duration::from_millis(millis);
        let options = ClientOptions::within(attempt);
        assert!(options.call_timeout < attempt);
        assert!(options.connect_timeout <= Duration::from_secs(5));
        HttpClient::new(BlockingPool::new(1), options).unwrap();
    }
}

/// Starts an exchange in a task of its own.
fn spawn(
    client: &Arc<HttpClient>,
    uri: String,
) -> tokio::task::JoinHandle<Result<Response<Bytes>, HttpError>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { client.exchange(post(&uri, "")).await })
}

async fn next(requests: Receiver<String>) -> (String, Receiver<String>) {
    let waiting = tokio::task::spawn_blocking(move || {
        (requests.recv_timeout(SOON).expect("a request"), requests)
    });
    waiting.await.unwrap()
}

#[tokio::test]
async fn a_permit_lives_as_long_as_its_call() {
    let (address, requests, open) = gated();
    let pool = BlockingPool::new(4);
    let one = || ClientOptions {
        max_in_flight: 1,
        ..options()
    };
    let client = Arc::new(HttpClient::new(pool.clone(), one()).unwrap());
    let other = HttpClient::new(pool, one()).unwrap();

    let first = spawn(&client, format!("http://{address}/first"));
    let (path, requests) = next(requests).await;
    assert_eq!(path, "/first");
    first.abort();
    assert!(soon(first).await.unwrap_err().is_cancelled());

    // The call goes on in its thread, so the next one waits; another instance does not.
    let second = spawn(&client, format!("http://{address}/second"));
    for _ in 0..20 {
        exchange(&other, &format!("http://{address}/at-once"))
            .await
            .unwrap();
        assert_eq!(requests.try_recv().as_deref(), Ok("/at-once"));
    }
    open.send(()).unwrap();
    let (path, _requests) = next(requests).await;
    assert_eq!(path, "/second");
    open.send(()).unwrap();
    soon(second).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_exchange_given_up_before_its_turn_is_never_sent() {
    let (address, requests, open) = gated();
    let client = HttpClient::new(BlockingPool::new(1), options()).unwrap();
    let client = Arc::new(client);
    let first = spawn(&client, format!("http://{address}/first"));
    let (_, requests) = next(requests).await;

    // It has its permit and waits for the only thread.
    let mut given_up = client.exchange(post(&format!("http://{address}/given-up"), ""));
    let polled = std::future::poll_fn(|context| {
        std::task::Poll::Ready(given_up.as_mut().poll(context).is_pending())
    });
    assert!(polled.await);
    drop(given_up);

    open.send(()).unwrap();
    soon(first).await.unwrap().unwrap();
    exchange(&client, &format!("http://{address}/at-once"))
        .await
        .unwrap();
    assert_eq!(next(requests).await.0, "/at-once");
}

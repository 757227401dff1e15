//! What each way of a platform to answer, or not to, means for a send: through the real client and
//! the real driver, against a server that plays back bytes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

#[path = "outcomes/server.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use bridge_core::catalog::Catalog;
use bridge_core::driver::Outgoing;
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, RetryAdvice, Scope, SendError, Sent};
use bridge_core::ports::{Clock, Ports};
use bridge_core::time::Timestamp;
use bridge_http::{
    Attempt, BlockingPool, ClientOptions, HttpClient, OutboundOptions, SystemClock, SystemRandom,
    stack,
};
use serde_json::json;
use server::{Play, Server, Then};

// Links the drivers, as the binary does.
use bridge_bin as _;

/// Long for a machine at work, short for those rows in which nobody answers.
const ATTEMPT: Duration = Duration::from_millis(1500);

/// Sends one message to a platform at `api_base`.
async fn send(api_base: &str) -> Result<Sent, SendError> {
    let catalog = Catalog::linked().unwrap();
    let settings = json!({
        "app_key": "k", "app_secret": "a secret of the app", "robot_code": "r",
        "api_base": api_base, "listen_port": 1,
    });
    let prepared = catalog.get("dingtalk").unwrap().prepare(settings).unwrap();
    let pool = BlockingPool::new(2);
    let http = HttpClient::new(pool, ClientOptions::within(ATTEMPT)).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random = Arc::new(SystemRandom);
    let driver = prepared.open(Ports::new(Arc::new(http), Arc::clone(&clock), random));
    let options = OutboundOptions {
        max_in_flight: 1,
        rate_per_second: 0,
        follows_earlier_run: false,
    };
    let address = Address::new([("open_conversation_id", "cid")]);
    let outgoing = Outgoing::new(address, "hello", "1.0");
    let timeout = ATTEMPT;
    stack(driver, options, clock)
        .send(Attempt { outgoing, timeout })
        .await
}

/// `throttled, again in 7s (instance), not delivered`
fn describe(result: &Result<Sent, SendError>) -> String {
    let error = match result {
        Ok(_) => return "delivered".to_owned(),
        Err(error) => error,
    };
    let scope = |scope| match scope {
        Scope::Message => "message",
        Scope::Channel => "channel",
        Scope::Instance => "instance",
    };
    let advice = match error.advice {
        RetryAdvice::Never => "never again".to_owned(),
        RetryAdvice::Backoff(of) => format!("again ({})", scope(of)),
        // Dates have passed a little when they are read.
        RetryAdvice::After(pause, of) => {
            let about = pause.as_secs_f64().ceil();
            format!("again in {about}s ({})", scope(of))
        }
    };
    let certainty = match error.certainty {
        Certainty::NotDelivered => "not delivered",
        Certainty::Unknown => "uncertain",
    };
    format!("{}, {advice}, {certainty}", error.kind)
}

async fn check(name: &str, api_base: &str, expected: &str) {
    let result = send(api_base).await;
    let found = describe(&result);
    println!("{name:<48} {found}");
    assert_eq!(found, expected, "{name}: {result:?}");
    let shown = format!("{result:?}");
    assert!(
        !shown.contains("a secret of the app") && !shown.contains("hello"),
        "{shown}"
    );
}

/// A row whose token comes as it should, and whose send is answered so.
async fn check_send(name: &str, play: Play, expected: &str) {
    let server = Server::start(Play::token(), play);
    check(name, &server.api_base(), expected).await;
}

fn answer(status: &str, headers: &str, body: &str) -> Play {
    Play::Answer(server::response(status, headers, body))
}

fn refusal(code: &str) -> String {
    format!(r#"{{"code":"{code}","message":"no","requestid":"R"}}"#)
}

const OK: &str = r#"{"processQueryKey":"p1"}"#;
const REJECTED: &str = "rejected, never again, not delivered";
const BUSY: &str = "throttled, again (instance), not delivered";
const FAILED: &str = "unavailable, again (message), uncertain";
const SENSELESS: &str = "protocol error, again (message), uncertain";
const ELSEWHERE: &str = "protocol error, again (message), not delivered";
const BROKEN: &str = "unavailable, again (message), uncertain";

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_codes() {
    let rows = [
        ("taken", "200 OK", OK.to_owned(), "delivered"),
        ("taken, 201", "201 Created", OK.to_owned(), "delivered"),
        ("200 with an empty body", "200 OK", String::new(), SENSELESS),
        (
            "200 with an empty object",
            "200 OK",
            "{}".to_owned(),
            SENSELESS,
        ),
        (
            "200 with an HTML page",
            "200 OK",
            "<html>hi</html>".to_owned(),
            SENSELESS,
        ),
        (
            "200 with truncated JSON",
            "200 OK",
            r#"{"processQueryK"#.to_owned(),
            SENSELESS,
        ),
        (
            "200 that is not UTF-8 in spirit",
            "200 OK",
            "\u{fffd}\u{0}".to_owned(),
            SENSELESS,
        ),
        ("204", "204 No Content", String::new(), SENSELESS),
        ("302", "302 Found", String::new(), ELSEWHERE),
        (
            "400 of an unknown code",
            "400 Bad Request",
            refusal("never.seen"),
            REJECTED,
        ),
        (
            "400 no such group",
            "400 Bad Request",
            refusal("invalidParameter.openConversationId.notExist"),
            REJECTED,
        ),
        (
            "400 with an HTML page",
            "400 Bad Request",
            "<html>".to_owned(),
            ELSEWHERE,
        ),
        (
            "403 not allowed",
            "403 Forbidden",
            refusal("Forbidden.AccessDenied.AccessTokenPermissionDenied"),
            "unauthorized, never again, not delivered",
        ),
        (
            "403 too many a second",
            "403 Forbidden",
            refusal("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"),
            "throttled, again in 1s (instance), not delivered",
        ),
        (
            "403 too many a minute",
            "403 Forbidden",
            refusal("Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"),
            "throttled, again in 60s (instance), not delivered",
        ),
        (
            "403 quota of the month",
            "403 Forbidden",
            refusal("Forbidden.AccessDenied.ApiCountLimitForOrg"),
            "throttled, never again, not delivered",
        ),
        (
            "403 with a page for people",
            "403 Forbidden",
            "<html>".to_owned(),
            BUSY,
        ),
        (
            "403 banned for a while",
            "403 Forbidden",
            r#"{"status":1111,"wait":5,"punish":"deny"}"#.to_owned(),
            "throttled, again in 5s (instance), not delivered",
        ),
        (
            "404 with an HTML page",
            "404 Not Found",
            "<html>".to_owned(),
            ELSEWHERE,
        ),
        (
            "a room that is busy",
            "400 Bad Request",
            refusal("send.too.fast"),
            "throttled, again (channel), not delivered",
        ),
        (
            "system busy",
            "500 Internal Server Error",
            refusal("system.busy"),
            BUSY,
        ),
        (
            "500",
            "500 Internal Server Error",
            refusal("system.error"),
            FAILED,
        ),
        (
            "500 with an HTML page",
            "500 Internal Server Error",
            "<html>".to_owned(),
            FAILED,
        ),
        ("502", "502 Bad Gateway", "<html>".to_owned(), FAILED),
        ("503", "503 Service Unavailable", String::new(), FAILED),
        ("504", "504 Gateway Timeout", String::new(), FAILED),
    ];
    println!("{} rows", rows.len());
    for (name, status, body, expected) in rows {
        check_send(name, answer(status, "", &body), expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_retry_after() {
    let in_a_minute = SystemClock.now().plus(Duration::from_secs(61));
    let date = |time: Timestamp| {
        let since = Duration::from_millis(time.as_millis().unsigned_abs());
        let time = std::time::UNIX_EPOCH + since;
        format!("Retry-After: {}\r\n", httpdate::fmt_http_date(time))
    };
    let rows = [
        ("429 without", "429 Too Many Requests", String::new(), BUSY),
        (
            "429, seconds",
            "429 Too Many Requests",
            "Retry-After: 7\r\n".to_owned(),
            "throttled, again in 7s (instance), not delivered",
        ),
        (
            "429, zero is a second",
            "429 Too Many Requests",
            "Retry-After: 0\r\n".to_owned(),
            "throttled, again in 1s (instance), not delivered",
        ),
        (
            "429, negative",
            "429 Too Many Requests",
            "Retry-After: -5\r\n".to_owned(),
            BUSY,
        ),
        (
            "429, a word",
            "429 Too Many Requests",
            "Retry-After: soon\r\n".to_owned(),
            BUSY,
        ),
        (
            "429, longer than any number",
            "429 Too Many Requests",
            "Retry-After: 99999999999999999999999\r\n".to_owned(),
            BUSY,
        ),
        (
            "429, an hour",
            "429 Too Many Requests",
            "Retry-After: 3600\r\n".to_owned(),
            "throttled, again in 3600s (instance), not delivered",
        ),
        (
            "429, a date that has passed",
            "429 Too Many Requests",
            "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(),
            "throttled, again in 1s (instance), not delivered",
        ),
        (
            "429, an old form of date",
            "429 Too Many Requests",
            "Retry-After: Sunday, 06-Nov-94 08:49:37 GMT\r\n".to_owned(),
            "throttled, again in 1s (instance), not delivered",
        ),
        (
            "429, the oldest form of date",
            "429 Too Many Requests",
            "Retry-After: Sun Nov  6 08:49:37 1994\r\n".to_owned(),
            "throttled, again in 1s (instance), not delivered",
        ),
        (
            "503, seconds",
            "503 Service Unavailable",
            "Retry-After: 9\r\n".to_owned(),
            "unavailable, again in 9s (message), uncertain",
        ),
        (
            "500 does not ask to wait",
            "500 Internal Server Error",
            "Retry-After: 9\r\n".to_owned(),
            FAILED,
        ),
    ];
    for (name, status, headers, expected) in rows {
        check_send(name, answer(status, &headers, ""), expected).await;
    }
    let server = Server::start(
        Play::token(),
        answer("429 Too Many Requests", &date(in_a_minute), ""),
    );
    let error = send(&server.api_base()).await.unwrap_err();
    let RetryAdvice::After(pause, Scope::Instance) = error.advice else {
        panic!("{error:?}");
    };
    let pause = pause.as_secs();
    assert!((30..=61).contains(&pause), "a date in a minute: {pause} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fail() {
    let big = "x".repeat(10 * 1024 * 1024);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let rows = [
        ("closed once the request is there", Play::Close, BROKEN),
        ("reset once the request is there", Play::Reset, BROKEN),
        (
            "closed within the answer's head",
            Play::Cut("HTTP/1.1 200 O".to_owned()),
            BROKEN,
        ),
        (
            "closed within the answer's body",
            Play::Cut(head.to_owned()),
            BROKEN,
        ),
        (
            "no answer at all",
            Play::Silence(String::new()),
            "timeout, again (message), uncertain",
        ),
        (
            "half an answer, then nothing",
            Play::Silence(head.to_owned()),
            "timeout, again (message), uncertain",
        ),
        ("an answer of 10 MB", answer("200 OK", "", &big), SENSELESS),
        (
            "something that is no HTTP",
            Play::Cut("SSH-2.0-OpenSSH\r\n\r\n".to_owned()),
            SENSELESS,
        ),
        (
            "a status line without sense",
            Play::Cut("HTTP/1.1 banana\r\n\r\n".to_owned()),
            SENSELESS,
        ),
        (
            "100 and then the answer",
            Play::Answer(format!(
                "HTTP/1.1 100 Continue\r\n\r\n{}",
                server::response("200 OK", "", OK)
            )),
            "delivered",
        ),
    ];
    for (name, play, expected) in rows {
        check_send(name, play, expected).await;
    }
    const GONE: &str = "unavailable, again (message), not delivered";
    let gone = Server::start_then(Then::Gone);
    check("refused, with a token in hand", &gone.api_base(), GONE).await;
    let closes = Server::start_then(Then::Closes);
    let name = "closed before the request was read";
    check(name, &closes.api_base(), BROKEN).await;
    // Whether the reset or the request comes first is not ours to say; both are known for what they
    // are.
    let resets = Server::start_then(Then::Resets);
    let found = describe(&send(&resets.api_base()).await);
    println!("{:<48} {found}", "reset before the request was read");
    assert!([GONE, BROKEN].contains(&&*found), "{found}");
    // The token is asked for first, and concerns the whole instance.
    const OUT: &str = "unavailable, again (instance), not delivered";
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    check("connection refused", &format!("http://{address}"), OUT).await;
    check("a name that nobody knows", "https://nobody.invalid", OUT).await;
    let plain = Server::start(Play::token(), Play::Close);
    let tls = plain.api_base().replace("http:", "https:");
    let silent = "timeout, again (instance), not delivered";
    check("TLS to a server that speaks none", &tls, silent).await;
}

/// Whatever becomes of the token, no message was on its way.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_come() {
    let rows = [
        ("token: 500", answer("500 Internal Server Error", "", "")),
        (
            "token: 503",
            answer("503 Service Unavailable", "Retry-After: 4\r\n", ""),
        ),
        (
            "token: wrong secret",
            answer("400 Bad Request", "", &refusal("invalidClientIdOrSecret")),
        ),
        ("token: HTML", answer("200 OK", "", "<html>")),
        ("token: truncated", answer("200 OK", "", r#"{"accessTok"#)),
        ("token: closed", Play::Close),
        ("token: reset", Play::Reset),
        ("token: silence", Play::Silence(String::new())),
        ("token: 429", answer("429 Too Many Requests", "", "")),
    ];
    for (name, token) in rows {
        let server = Server::start(token, answer("200 OK", "", OK));
        let error = send(&server.api_base()).await.unwrap_err();
        println!("{name:<48} {}", describe(&Err(error.clone())));
        assert_eq!(
            error.certainty,
            Certainty::NotDelivered,
            "{name}: {error:?}"
        );
        assert_ne!(error.advice, RetryAdvice::Never, "{name}: {error:?}");
    }
}

//! The table of what DingTalk can answer and what follows from it.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

const BAN_PAGE: &str = "<!DOCTYPE html><html><body>Sorry, your request was blocked</body></html>";
const BAN_JSON: &str = r#"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"0a1b"}"#;

fn answer(status: u16, body: &str) -> Response<Bytes> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Response::builder().status(status).body(body).unwrap()
}

fn coded(status: u16, code: &str) -> Response<Bytes> {
    answer(
        status,
        &format!(r#"{{"code":"{code}","requestid":"R-1","message":"没有"}}"#),
    )
}

/// What is left of an error without its words.
#[derive(Debug, PartialEq)]
struct Verdict(ErrorKind, RetryAdvice, Certainty);

fn verdict(answer: &Response<Bytes>) -> (bool, Verdict) {
    let Failure {
        token_refused,
        error,
    } = classify("op", answer, NOW, []);
    assert_eq!(error.operation, "op");
    (
        token_refused,
        Verdict(error.kind, error.advice, error.certainty),
    )
}

#[track_caller]
fn check(answer: &Response<Bytes>, expected: &Verdict) {
    let (token_refused, actual) = verdict(answer);
    assert!(!token_refused, "{answer:?}");
    assert_eq!(actual, *expected, "{answer:?}");
}

const INSTANCE: RetryAdvice = RetryAdvice::Backoff(Scope::Instance);
const CHANNEL: RetryAdvice = RetryAdvice::Backoff(Scope::Channel);
const MESSAGE: RetryAdvice = RetryAdvice::Backoff(Scope::Message);

const fn throttled(advice: RetryAdvice) -> Verdict {
    Verdict(ErrorKind::Throttled, advice, Certainty::NotDelivered)
}

const fn after(secs: u64) -> RetryAdvice {
    RetryAdvice::After(Duration::from_secs(secs), Scope::Instance)
}

const REJECTED: Verdict = Verdict(
    ErrorKind::Rejected,
    RetryAdvice::Never,
    Certainty::NotDelivered,
);
const FORBIDDEN: Verdict = Verdict(
    ErrorKind::Unauthorized,
    RetryAdvice::Never,
    Certainty::NotDelivered,
);
const CREDENTIALS: Verdict = Verdict(ErrorKind::Unauthorized, INSTANCE, Certainty::NotDelivered);
const FAILED: Verdict = Verdict(ErrorKind::Unavailable, MESSAGE, Certainty::Unknown);
const UNKNOWN: Verdict = Verdict(
    ErrorKind::Unavailable,
    RetryAdvice::Never,
    Certainty::Unknown,
);
const SENSELESS: Verdict = Verdict(ErrorKind::Protocol, MESSAGE, Certainty::Unknown);
const NOT_DINGTALK: Verdict = Verdict(ErrorKind::Protocol, MESSAGE, Certainty::NotDelivered);
const BUSY: Verdict = throttled(INSTANCE);
const ROOM_BUSY: Verdict = throttled(CHANNEL);

#[test]
fn codes_decide() {
    let rows = [
        (
            403,
            "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
            throttled(after(1)),
        ),
        (
            403,
            "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi",
            throttled(after(1)),
        ),
        (
            403,
            "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi",
            throttled(after(60)),
        ),
        (
            403,
            "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi",
            throttled(after(60)),
        ),
        (
            403,
            "forbidden.accessdenied.qpslimitforappkeyandapi",
            throttled(after(1)),
        ),
        (403, "QpsLimitForAppkeyAndApi", throttled(after(1))),
        (403, "Forbidden.AccessDenied.QpsLimitForApi", BUSY),
        (
            403,
            "Forbidden.AccessDenied.QpmLimitForApi",
            throttled(after(60)),
        ),
        (
            403,
            "Forbidden.AccessDenied.ApiCountLimitForOrg",
            throttled(RetryAdvice::Never),
        ),
        (
            403,
            "Forbidden.AccessDenied.AccessTokenPermissionDenied",
            FORBIDDEN,
        ),
        (403, "Forbidden.AccessDenied.IpNotInWhiteList", FORBIDDEN),
        (403, "Forbidden.AccessDenied.SomethingNew", REJECTED),
        (400, "send.too.fast", ROOM_BUSY),
        (400, "Send.Too.Fast", ROOM_BUSY),
        (400, "send.byToken.tooFast", ROOM_BUSY),
        (400, "too.many.group", ROOM_BUSY),
        (400, "too.many.people", ROOM_BUSY),
        (400, "system.busy", BUSY),
        (429, "systemBusy", BUSY),
        (200, "systemBusy", BUSY),
        (429, "something.new", BUSY),
        (500, "system.error", FAILED),
        (400, "system.error", FAILED),
        (500, "send.ding.exception", FAILED),
        (400, "unknown.send.result", UNKNOWN),
        (500, "something.new", FAILED),
        (503, "ServiceUnavailable", FAILED),
        (400, "invalidParameter.robotCode.notExsit", REJECTED),
        (400, "invalidParameter.robotCode.empty", REJECTED),
        (400, "invalidParameter.robotCode.invalid", REJECTED),
        (400, "invalidParameter.robotCode.auth", REJECTED),
        (400, "invalidParameter.robotCode.coolApp", REJECTED),
        (400, "invalidParameter.msgKey.invalid", REJECTED),
        (400, "invalidParameter.msgParam.invalid", REJECTED),
        (400, "invalidParameter.msgParam.tooLong", REJECTED),
        (400, "invalidParameter.msg.unsupport", REJECTED),
        (500, "invalidParameter.msgKey.empty", REJECTED),
        (400, "miss.param.msgKey", REJECTED),
        (400, "invalid.openConversationId", REJECTED),
        (400, "miss.openConversationId", REJECTED),
        (400, "group.disbanded", REJECTED),
        (400, "conversation.org.notMatch", REJECTED),
        (400, "bot.stopped", REJECTED),
        (400, "template.stopped", REJECTED),
        (400, "template.not.existed", REJECTED),
        (400, "resource.not.found", REJECTED),
        (400, "resource.unavailable", REJECTED),
        (400, "unauthorized", FORBIDDEN),
        (400, "auth.error", FORBIDDEN),
        (400, "bot.forbidden.sendMessage", REJECTED),
        (400, "send.forbidden", REJECTED),
        (400, "contain.unsafe.url", REJECTED),
        (400, "contain.notAllowed.text", REJECTED),
        (400, "contain.notAllowed.picture", REJECTED),
        (400, "session.expired", REJECTED),
        (404, "InvalidAction.NotFound", REJECTED),
        (400, "not.system.errors", REJECTED),
        (500, "x.system.errors", FAILED),
        // A star wants a further segment.
        (500, "invalidParameter", FAILED),
        (500, "x.contain.notAllowed", FAILED),
        (500, "x.contain.notAllowed.text", REJECTED),
        (400, "invalidClientIdOrSecret", CREDENTIALS),
        (400, "invalid.client", CREDENTIALS),
        (401, "unauthorized.client", CREDENTIALS),
    ];
    for (status, code, expected) in rows {
        check(&coded(status, code), &expected);
    }
}

#[test]
fn a_refused_token_is_told_apart() {
    let refused = [
        answer(
            400,
            include_str!("../../tests/fixtures/api/invalid-token-400.json"),
        ),
        answer(
            200,
            include_str!("../../tests/fixtures/api/oapi-invalid-token-200.json"),
        ),
        coded(400, "invalidauthentication"),
        coded(403, "Forbidden.InvalidAuthentication"),
        coded(401, "unauthorized"),
        coded(401, "something.new"),
        answer(401, ""),
        answer(401, "<html>"),
    ];
    for answer in refused {
        assert_eq!(verdict(&answer), (true, CREDENTIALS), "{answer:?}");
    }
}

#[test]
fn answers_without_a_code_are_judged_by_status_and_form() {
    let rows = [
        (403, BAN_PAGE, BUSY),
        (403, "", BUSY),
        (403, BAN_JSON, throttled(after(5))),
        (200, BAN_JSON, throttled(after(5))),
        (200, r#"{"status":1111}"#, throttled(after(1))),
        (200, r#"{"status":1111,"wait":-3}"#, throttled(after(1))),
        (
            200,
            r#"{"status":1111,"wait":99999999999}"#,
            throttled(after(3600)),
        ),
        (429, BAN_PAGE, BUSY),
        (429, "", BUSY),
        (400, "{}", REJECTED),
        (403, "{}", REJECTED),
        (404, r#"{"error":"no such path"}"#, REJECTED),
        (404, BAN_PAGE, NOT_DINGTALK),
        (413, "", NOT_DINGTALK),
        (407, "proxy", NOT_DINGTALK),
        (302, "", NOT_DINGTALK),
        (301, "{}", NOT_DINGTALK),
        (500, "", FAILED),
        (502, BAN_PAGE, FAILED),
        (504, "{\"code\":", FAILED),
        (200, "", SENSELESS),
        (200, "{}", SENSELESS),
        (200, BAN_PAGE, SENSELESS),
        (200, "{\"processQueryKey\":\"n9p", SENSELESS),
        (200, r#"{"processQueryKey":""}"#, SENSELESS),
        (200, r#"{"errcode":0,"errmsg":"ok"}"#, SENSELESS),
        (200, r#"{"errcode":123456}"#, SENSELESS),
        (200, r#"{"errcode":-1,"errmsg":"busy"}"#, BUSY),
        (
            200,
            r#"{"errcode":88,"sub_code":"90018"}"#,
            throttled(after(1)),
        ),
        (200, r#"{"errcode":90002}"#, BUSY),
        (200, r#"{"errcode":"90020"}"#, throttled(RetryAdvice::Never)),
        (200, r#"{"errcode":60020}"#, FORBIDDEN),
    ];
    for (status, body, expected) in rows {
        check(&answer(status, body), &expected);
    }
}

#[test]
fn recorded_answers_are_judged() {
    let throttle = include_str!("../../tests/fixtures/api/throttle-403.json");
    let robot = include_str!("../../tests/fixtures/api/group-send-400-robot-not-exist.json");
    let secret = include_str!("../../tests/fixtures/api/token-400-bad-secret.json");
    check(&answer(403, throttle), &throttled(after(1)));
    check(&answer(400, robot), &REJECTED);
    check(&answer(400, secret), &CREDENTIALS);
    let error = classify("groupMessages/send", &answer(400, robot), NOW, []).error;
    assert_eq!(
        error.to_string(),
        "groupMessages/send: rejected: 400 invalidParameter.robotCode.notExsit: 机器人不存在 \
         (request 1B16B1DF-3D9F-7665-0BE4-051603900BC7); check `robot_code`, and that the robot is \
         published, belongs to the app and is in the group"
    );
}

#[test]
fn bytes_that_are_no_text_are_no_json() {
    let answer = Response::builder()
        .status(403)
        .body(Bytes::from_static(b"\xff{}"))
        .unwrap();
    check(&answer, &BUSY);
}

#[test]
fn retry_after_counts_where_waiting_helps() {
    let date = "Sun, 06 Nov 1994 08:50:07 GMT";
    let unavailable = |advice| Verdict(ErrorKind::Unavailable, advice, Certainty::Unknown);
    let for_message = |secs| RetryAdvice::After(Duration::from_secs(secs), Scope::Message);
    let for_channel = |secs| RetryAdvice::After(Duration::from_secs(secs), Scope::Channel);
    let rows = [
        (429, "", "7", throttled(after(7))),
        (429, "", date, throttled(after(30))),
        (429, "", "0", throttled(after(1))),
        (429, "", "soon", BUSY),
        (429, "send.too.fast", "7", throttled(for_channel(7))),
        (429, "group.disbanded", "7", REJECTED),
        (503, "", "7", unavailable(for_message(7))),
        (503, "", date, unavailable(for_message(30))),
        (500, "", "7", FAILED),
        (400, "send.too.fast", "7", ROOM_BUSY),
    ];
    for (status, code, header, expected) in rows {
        let mut answer = if code.is_empty() {
            answer(status, "")
        } else {
            coded(status, code)
        };
        answer
            .headers_mut()
            .insert("retry-after", header.parse().unwrap());
        check(&answer, &expected);
    }
}

fn detail_of(body: &str, private: &[&str]) -> String {
    classify("op", &answer(403, body), NOW, private.iter().copied())
        .error
        .detail
}

#[test]
fn missing_permissions_are_named() {
    let body = r#"{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m",
        "accessdenieddetail":{"requiredScopes":["qyapi_robot_sendmsg","b"]}}"#;
    assert!(detail_of(body, &[]).contains("the app lacks qyapi_robot_sendmsg, b"));
    let odd =
        r#"{"code":"AccessTokenPermissionDenied","accessdenieddetail":{"requiredScopes":[1]}}"#;
    assert!(!detail_of(odd, &[]).contains("lacks"));
}

#[test]
fn what_is_private_is_blotted_out() {
    let body = r#"{"code":"x.token-canary","message":"token-canary of secret-canary in 你好，世界","requestid":"token-canary"}"#;
    let detail = detail_of(
        body,
        &["token-canary", "secret-canary", " 你好，世界 ", "o", ""],
    );
    assert!(
        !detail.contains("canary") && !detail.contains("世界"),
        "{detail}"
    );
    assert!(
        detail.contains("x.[withheld]: [withheld] of [withheld] in [withheld]"),
        "{detail}"
    );
}

#[test]
fn long_and_many_lined_answers_are_cut_to_a_line() {
    let long = "長\\n\\u001b".repeat(5000);
    let body = format!(
        r#"{{"code":"{long}","message":"{long}","requestid":"{long}","accessdenieddetail":{{"requiredScopes":["{long}"]}}}}"#
    );
    let detail = detail_of(&body, &[]);
    assert!(detail.chars().count() < 700, "{}", detail.chars().count());
    assert!(!detail.chars().any(char::is_control));
    let page = detail_of(BAN_PAGE, &[]);
    assert_eq!(page, "403 without a JSON object");
}

//! The life of access tokens.

use std::time::Duration;

use dingtalk_sandbox::Sandbox;
use http::StatusCode;
use serde_json::json;

use crate::support::{City, TOKEN_PATH};

#[tokio::test]
async fn a_valid_token_is_given_again_and_a_new_one_after_it_ended() {
    let city = City::start().await;
    let first = city.token_of(&city.robot).await;
    assert_eq!(first.len(), 32);
    assert_eq!(city.token_of(&city.robot).await, first);
    assert_ne!(city.token_of(&city.other_robot).await, first);
    city.sandbox.revoke_tokens();
    assert_ne!(city.token_of(&city.robot).await, first);
    assert_eq!(city.sandbox.counters().token_requests, 4);
}

#[tokio::test]
async fn the_caller_is_told_the_lifetime() {
    let rows = [
        (Duration::from_secs(7200), 7200),
        (Duration::from_millis(90_900), 90),
        (Duration::ZERO, 0),
    ];
    for (lifetime, expected) in rows {
        let city = City::of(Sandbox::builder().token_lifetime(lifetime)).await;
        let reply = city.ask_token("dingkey", "app secret").await;
        assert_eq!(reply.json()["expireIn"], expected);
    }
}

#[tokio::test]
async fn an_expired_or_revoked_token_sends_nothing() {
    let city = City::of(Sandbox::builder().token_lifetime(Duration::ZERO)).await;
    let expired = city.token_of(&city.robot).await;
    let reply = city.send(&expired, &city.ops, "hi").await;
    assert_eq!(reply.code(), "InvalidAuthentication");
    assert_eq!(reply.json()["message"], "不合法的access_token");
    assert_ne!(city.token_of(&city.robot).await, expired);

    let city = City::start().await;
    let token = city.token_of(&city.robot).await;
    assert_eq!(
        city.send(&token, &city.ops, "hi").await.status,
        StatusCode::OK
    );
    city.sandbox.revoke_tokens();
    let reply = city.send(&token, &city.ops, "hi").await;
    assert_eq!(reply.code(), "InvalidAuthentication");
    let token = city.token_of(&city.robot).await;
    assert_eq!(
        city.send(&token, &city.ops, "hi").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_wrong_request_for_a_token_is_refused() {
    let city = City::start().await;
    let good = json!({ "appKey": "dingkey", "appSecret": "app secret" }).to_string();
    let rows = [
        (
            "application/json",
            r#"{"appKey":"dingkey","appSecret":"app secret "}"#,
            "invalidClientIdOrSecret",
        ),
        (
            "application/json",
            r#"{"appKey":"dingkey","appSecret":"other secret"}"#,
            "invalidClientIdOrSecret",
        ),
        (
            "application/json",
            r#"{"appKey":"dingnobody","appSecret":"app secret"}"#,
            "invalidClientIdOrSecret",
        ),
        (
            "application/json",
            r#"{"appkey":"dingkey","appsecret":"app secret"}"#,
            "invalidClientIdOrSecret",
        ),
        (
            "application/json",
            "appKey=dingkey&appSecret=app+secret",
            "Missingbody",
        ),
        ("application/json", "", "Missingbody"),
        ("application/x-www-form-urlencoded", &*good, "Missingbody"),
    ];
    for (content_type, body, code) in rows {
        let request = city.post(TOKEN_PATH).header("content-type", content_type);
        let reply = city.request(request, body).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.code()),
            (400, code),
            "{body}"
        );
    }
    assert!(city.sandbox.counters().sends_refused.is_empty());
}

#[tokio::test]
async fn a_replaced_app_has_a_new_secret() {
    let city = City::start().await;
    city.sandbox.add_robot("dingkey", "new secret", "dingrobot");
    let reply = city.ask_token("dingkey", "app secret").await;
    assert_eq!(reply.code(), "invalidClientIdOrSecret");
    let reply = city.ask_token("dingkey", "new secret").await;
    assert_eq!(reply.status, StatusCode::OK);
}

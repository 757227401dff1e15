//! The same message id again: at once on eight connections, after a restart, at another instance.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::bed::Bed;
use super::bridge::Bridge;
use super::{Broken, Plan, Verdict};

const CONNECTIONS: usize = 8;
const MESSAGES: usize = 50;

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let mut bed = Bed::new(2).await?;
    // A second instance of the robot, which hears the same group and tells the second target.
    let second = bed.sandbox.add_group("cidSecond==", "second");
    second.add_robot(&bed.robot);
    bed.config["dingtalk"]["dt2"] = bed.config["dingtalk"]["dt"].clone();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port();
    bed.config["dingtalk"]["dt2"]["listen_port"] = port.into();
    let rules = bed.rules["rules"].as_array_mut().ok_or("no rules")?;
    rules.push(json!({
        "from": { "dt2": { "open_conversation_id": bed.sources[0].open_conversation_id() } },
        "to": { "dt": { "open_conversation_id": "cidSecond==" } } }));
    let mut callbacks = Vec::new();
    for number in 0..MESSAGES {
        callbacks.push(bed.sources[0].callback(&bed.member, &format!("m{number}"))?);
    }
    let mut bridge = Bridge::start(&plan.binary, &bed).await?;
    let mut faults = Vec::new();
    for round in ["at once", "after a restart"] {
        for callback in &callbacks {
            let mut posts = JoinSet::new();
            for _ in 0..CONNECTIONS {
                let (sandbox, callback) = (bed.sandbox.clone(), callback.clone());
                posts.spawn(async move { sandbox.post(&callback).await.map(|a| a.status) });
            }
            while let Some(status) = posts.join_next().await {
                let status = status??;
                if status != dingtalk_sandbox::StatusCode::OK {
                    faults.push(format!("a repeated callback was answered {status} {round}"));
                }
            }
        }
        bed.drained(&plan.binary).await?;
        let arrived = bed.targets[0].accepted();
        if arrived != MESSAGES as u64 {
            faults.push(format!(
                "{MESSAGES} messages arrived {arrived} times {round}"
            ));
        }
        if round == "at once" {
            bridge.kill().await?;
            bridge = Bridge::start(&plan.binary, &bed).await?;
        }
    }
    // The same ids at the other instance are other messages.
    let url = format!("http://127.0.0.1:{port}/dingtalk/event");
    for callback in &callbacks {
        let again = dingtalk_sandbox::Callback::new(&url, callback.body().clone())?;
        let again = again
            .with_timestamp(callback.timestamp())
            .with_sign(callback.sign());
        bed.sandbox.post(&again).await?;
    }
    bed.drained(&plan.binary).await?;
    let elsewhere = second
        .wait_for_sent(MESSAGES, Duration::from_secs(10))
        .await;
    if elsewhere.is_err() || second.accepted() != MESSAGES as u64 {
        faults.push(format!(
            "at another instance {} of {MESSAGES} arrived",
            second.accepted()
        ));
    }
    drop(bridge);
    let posts = 2 * CONNECTIONS * MESSAGES;
    let figures = format!(
        "{MESSAGES} messages, {posts} callbacks, each arrived once; at two instances twice"
    );
    Ok(Verdict::new(figures, faults))
}

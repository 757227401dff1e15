//! A bridge between DingTalk groups and IRC channels: on the sandbox's network, and on a real server
//! where `ngircd` is installed.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

#[path = "irc/guest.rs"]
mod guest;
#[path = "irc/ngircd.rs"]
mod ngircd;
mod support;

use std::time::Duration;

use bridge_testkit::FaultProxy;
use bridge_testkit::fault_proxy::{Conduct, End, Flow};
use dingtalk_sandbox::{Group, Member, StatusCode};
use guest::Guest;
use irc_sandbox::{Fault, Sandbox};
use ngircd::Ngircd;
use serde_json::json;
use support::{Bed, DEV, OPS, PATIENCE};

/// Two groups and two channels, connected in pairs.
async fn bed(address: std::net::SocketAddr) -> Bed {
    let mut bed = Bed::new().await;
    bed.config["irc"] = json!({ "irc_main": {
        "server": address.ip(), "port": address.port(), "tls": false, "nick": "bridge",
        "flood_burst": 20, "flood_pause": "20ms",
    }});
    let pair = |id: &str, group: &str, channel: &str| {
        json!({ "id": id, "type": "connect", "channels": {
            "dt_main": { "open_conversation_id": group }, "irc_main": { "channel": channel } } })
    };
    bed.rules = json!({ "rules": [pair("ops", OPS, "#ops"), pair("dev", DEV, "#dev")] });
    bed
}

/// Says numbered texts in a group; each must be answered with success.
async fn say_all(group: &Group, member: &Member, texts: &[String]) {
    for text in texts {
        let answer = group.say(member, text).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{text}");
    }
}

fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{name} {number}"))
        .collect()
}

/// As they are shown on the other side.
fn shown(user: &str, texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| format!("{user}: {text}")).collect()
}

/// What was seen, with a repeated send counted once: a lane repeats only the last one.
fn once(mut texts: Vec<String>) -> Vec<String> {
    texts.dedup();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_between_two_groups_and_two_channels() {
    let network = Sandbox::start().await.unwrap();
    let bed = bed(network.address().unwrap()).await;
    let process = bed.start();
    let rooms = ["#ops", "#dev"].map(|name| network.room(name));
    let anna = network.person("anna");
    for (room, group) in rooms.iter().zip([&bed.ops, &bed.dev]) {
        room.wait_for_member("bridge", PATIENCE).await.unwrap();
        let member = anna.join(room.name());
        let (out, back) = (numbered("out", 30), numbered("back", 30));
        let saying = say_all(group, &bed.zhang, &out);
        for text in &back {
            member.say(text);
        }
        saying.await;
        room.wait_for_sent(30, PATIENCE).await.unwrap();
        assert_eq!(room.sent_texts(), shown("张三", &out));
        let transcript = group.wait_for_sent(30, PATIENCE).await.unwrap();
        assert_eq!(transcript.sent_texts(), shown("anna", &back));
    }
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
    assert_eq!(network.counters().connections, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_away_keeps_no_listener_waiting() {
    let network = Sandbox::start().await.unwrap();
    network.refuse_links();
    let bed = bed(network.address().unwrap()).await;
    let mut process = bed.start();
    let texts = numbered("early", 5);
    say_all(&bed.ops, &bed.zhang, &texts).await;
    process.wait_for_line("the platform is not reached");
    network.accept_links();
    let ops = network.room("#ops");
    ops.wait_for_sent(5, PATIENCE).await.unwrap();
    assert_eq!(ops.sent_texts(), shown("张三", &texts));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_lose_nothing_and_make_no_storm() {
    let network = Sandbox::builder()
        .without_capabilities()
        .start()
        .await
        .unwrap();
    let bed = bed(network.address().unwrap()).await;
    let _process = bed.start();
    let ops = network.room("#ops");
    ops.wait_for_member("bridge", PATIENCE).await.unwrap();
    network.next_sends([Fault::LoseUnshown, Fault::LoseShown, Fault::LoseUnshown]);
    let texts = numbered("text", 10);
    say_all(&bed.ops, &bed.zhang, &texts).await;
    let expected = shown("张三", &texts);
    let last = expected.last().unwrap().clone();
    let is_all = |said: &[irc_sandbox::Entry]| said.last().is_some_and(|entry| entry.text == last);
    ops.wait_for(is_all, PATIENCE).await.unwrap();
    assert_eq!(once(ops.sent_texts()), expected);
    assert_eq!(network.counters().connections, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_let_out_at_the_pace_that_the_network_bears() {
    let network = Sandbox::builder()
        .without_capabilities()
        .flood_limit(25, Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let bed = bed(network.address().unwrap()).await;
    let _process = bed.start();
    for (group, member) in [(&bed.ops, &bed.zhang), (&bed.dev, &bed.zhang)] {
        say_all(group, member, &numbered("text", 60)).await;
    }
    for name in ["#ops", "#dev"] {
        let room = network.room(name);
        room.wait_for_sent(60, PATIENCE).await.unwrap();
        assert_eq!(room.sent_texts(), shown("张三", &numbered("text", 60)));
    }
    let counters = network.counters();
    assert_eq!((counters.floods, counters.connections), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_follow_the_rules_while_the_bridge_runs() {
    let network = Sandbox::start().await.unwrap();
    let mut bed = bed(network.address().unwrap()).await;
    let _process = bed.start_unwatched();
    let (ops, new) = (network.room("#ops"), network.room("#new"));
    ops.wait_for_member("bridge", PATIENCE).await.unwrap();
    bed.rules["rules"][0]["channels"]["irc_main"]["channel"] = "#new".into();
    let (said, code) = bed.reload();
    assert_eq!(code, Some(0), "{said}");
    new.wait_for_member("bridge", PATIENCE).await.unwrap();
    bed.ops.say(&bed.zhang, "moved").await.unwrap();
    new.wait_for_sent(1, PATIENCE).await.unwrap();
    assert!(ops.nicks().is_empty(), "{:?}", ops.nicks());
    assert_eq!(network.counters().connections, 1, "the connection stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_restarted_cut_off_and_kicks() {
    let Some(mut server) = Ngircd::start() else {
        println!("NOT RUN: ngircd is not installed, so nothing was tried on a real IRC server");
        return;
    };
    let proxy = FaultProxy::start(server.address()).await.unwrap();
    let bed = bed(proxy.address()).await;
    let rooms = ["#ops", "#dev"];
    let anna = Guest::join(server.address(), "anna", &rooms).await;
    let mut process = bed.start();
    process.wait_for_line("reached the platform");
    anna.sees_member("bridge", &rooms).await;

    // Both ways, in two channels.
    let mut expected = numbered("first", 5);
    say_all(&bed.ops, &bed.zhang, &expected).await;
    say_all(&bed.dev, &bed.zhang, &numbered("dev", 5)).await;
    for text in numbered("back", 5) {
        anna.say("#ops", &text).await;
        anna.say("#dev", &text).await;
    }
    anna.sees("#ops", &shown("张三", &expected)).await;
    anna.sees("#dev", &shown("张三", &numbered("dev", 5))).await;
    for group in [&bed.ops, &bed.dev] {
        let transcript = group.wait_for_sent(5, PATIENCE).await.unwrap();
        assert_eq!(transcript.sent_texts(), shown("anna", &numbered("back", 5)));
    }

    // The link of the bridge's side is cut while people talk: a netsplit, as the bridge sees it.
    let texts = numbered("cut", 6);
    let (before, after) = texts.split_at(3);
    say_all(&bed.ops, &bed.zhang, before).await;
    proxy.cut();
    say_all(&bed.ops, &bed.zhang, after).await;
    expected.extend(texts);
    anna.sees("#ops", &shown("张三", &expected)).await;

    // The server is restarted mid-conversation. The bridge is let in once somebody can see what
    // it says.
    let texts = numbered("restart", 6);
    let (before, after) = texts.split_at(3);
    proxy.behave(|_| Conduct {
        request: Flow::default().ends_after(0, End::Cut),
        ..Conduct::default()
    });
    say_all(&bed.ops, &bed.zhang, before).await;
    server.restart();
    let seen_before = anna.seen("#ops");
    let anna = Guest::join(server.address(), "anna", &rooms).await;
    proxy.behave(|_| Conduct::default());
    say_all(&bed.ops, &bed.zhang, after).await;
    expected.extend(texts);
    let last = shown("张三", &expected).pop().unwrap();
    anna.sees_last("#ops", &last).await;
    let mut seen = seen_before;
    seen.extend(anna.seen("#ops"));
    assert_eq!(once(seen), shown("张三", &expected));

    // Kicked, it comes back, and what was said meanwhile with it.
    anna.sees_member("bridge", &rooms).await;
    anna.command("KICK #ops bridge :out").await;
    let texts = numbered("kick", 3);
    say_all(&bed.ops, &bed.zhang, &texts).await;
    let last = shown("张三", &texts).pop().unwrap();
    anna.sees_last("#ops", &last).await;
    let seen = once(anna.seen("#ops"));
    assert!(seen.ends_with(&shown("张三", &texts)), "{seen:?}");

    // More at once than the server reads at once.
    let texts = numbered("flood", 30);
    say_all(&bed.ops, &bed.zhang, &texts).await;
    let last = shown("张三", &texts).pop().unwrap();
    anna.sees_last("#ops", &last).await;
    let seen = once(anna.seen("#ops"));
    assert!(seen.ends_with(&shown("张三", &texts)), "{seen:?}");

    let connections = proxy.connections();
    assert!(connections <= 12, "{connections} connections are a storm");
    let (status, log) = process.stop();
    assert!(status.success(), "{log}");
}

//! Answers, edits, recalls and signs through a whole bridge: from a platform that hears everything to
//! one that shows everything, and to one that shows nothing beside text.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

#[path = "changes/platform.rs"]
mod platform;

use std::sync::Arc;

use bridge_bin::app::Bridge;
use bridge_core::catalog::{Catalog, DriverEntry};
use bridge_core::config::{Source, load};
use bridge_core::crossing::{Crossing, EDITED, Feature, Otherwise};
use bridge_core::driver::{Change, ChangeKind, Event, Identified};
use bridge_core::message::{Attachment, Message, Quoted, Sender};
use bridge_core::ports::SecretSource;
use bridge_store::{Inspector, Trace};
use dingtalk_sandbox::Sandbox;
use driver_dingtalk::DingTalk;
use platform::{Hub, NO_SIGN, Plain, Rich, hub, room};

/// A bridge with the rooms `a` and `b`, connected, and `c` that hears from `a`: `c` shows only text.
struct World {
    bridge: Option<Bridge>,
    folder: tempfile::TempDir,
    a: Arc<Hub>,
    b: Arc<Hub>,
    c: Arc<Hub>,
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, _: &str) -> Result<String, String> {
        Err("there are none".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("there are none".to_owned())
    }
}

const RULES: &str = r#"{ "rules": [
    { "id": "pair", "type": "connect",
      "channels": { "a": { "room": "1" }, "b": { "room": "1" } } },
    { "id": "out", "from": { "a": { "room": "1" } }, "to": { "c": { "room": "1" } },
      "unless": { "text": "secret" } } ] }"#;

impl World {
    /// `name` keeps the worlds of the tests apart.
    async fn new(name: &str) -> Self {
        let mut world = Self {
            bridge: None,
            folder: tempfile::tempdir().unwrap(),
            a: hub(&format!("{name}-a")),
            b: hub(&format!("{name}-b")),
            c: hub(&format!("{name}-c")),
        };
        world.start(name).await;
        world
    }

    async fn start(&mut self, name: &str) {
        let config = serde_json::json!({
            "global": { "data_dir": self.folder.path().join("data") },
            "rich": { "a": { "hub": format!("{name}-a") }, "b": { "hub": format!("{name}-b") } },
            "plain": { "c": { "hub": format!("{name}-c") } },
        });
        self.bridge = Some(start(&config.to_string(), RULES).await);
    }

    async fn restart(&mut self, name: &str) {
        self.bridge.take().unwrap().stop().await;
        self.start(name).await;
    }

    fn trace(&self, id: &str) -> Trace {
        let inspector = Inspector::open(&self.folder.path().join("data")).unwrap();
        inspector.unwrap().trace(id).unwrap()
    }

    /// Waits until every delivery has ended.
    async fn settled(&self) {
        let inspector = Inspector::open(&self.folder.path().join("data")).unwrap();
        let inspector = inspector.unwrap();
        while inspector.totals().unwrap().queued > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// What `b` and `c` were asked for, once every delivery has ended.
    async fn settled_acts(&self) -> [Vec<String>; 2] {
        self.settled().await;
        [self.b.acts(), self.c.acts()]
    }

    /// How the deliveries of an id ended, as lines, and what was recorded of it; waits until something
    /// is known.
    async fn ends(&self, id: &str) -> Vec<String> {
        let mut trace = self.trace(id);
        while trace == Trace::default() {
            tokio::task::yield_now().await;
            trace = self.trace(id);
        }
        let Trace { messages, records } = trace;
        let deliveries = messages.iter().flat_map(|message| &message.deliveries);
        let ends = deliveries.map(|one| match &one.reason {
            Some(reason) => format!("{}: {reason}", one.state),
            None => one.state.clone(),
        });
        ends.chain(records.into_iter().map(|record| record.reason))
            .collect()
    }
}

async fn start(config: &str, rules: &str) -> Bridge {
    let entries = [
        DriverEntry::of::<Rich>(),
        DriverEntry::of::<Plain>(),
        DriverEntry::of::<DingTalk>(),
    ];
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        content: Ok(text.to_owned().into_bytes()),
    };
    let loaded = load(
        &source("config.json", config),
        &source("rules.json", rules),
        &Catalog::of(entries).unwrap(),
        &NoSecrets,
    );
    let setup = loaded.setup;
    let setup = setup.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    Bridge::start(setup).await.unwrap()
}

fn said(id: &str, text: &str) -> Message {
    let mut message = Message::new(room(), Sender::new("u1", "ann"), text);
    message.id = Some(id.to_owned());
    message
}

fn answer(id: &str, text: &str, to: &str, quoted: &str) -> Event {
    let mut message = said(id, text);
    let mut quoted_message = Quoted::new(to);
    "bob".clone_into(&mut quoted_message.sender_name);
    quoted.clone_into(&mut quoted_message.text);
    message.reply_to = Some(quoted_message);
    Event::Message(message)
}

fn change(id: &str, of: &str, kind: ChangeKind) -> Event {
    let mut change = Change::new(of, room(), Sender::new("u1", "ann"), kind);
    change.id = Some(id.to_owned());
    Event::Changed(change)
}

fn edited(id: &str, of: &str, text: &str) -> Event {
    change(id, of, ChangeKind::Edited(text.to_owned()))
}

#[tokio::test]
async fn what_a_target_shows_is_carried_out_and_the_rest_degraded() {
    let world = World::new("all").await;
    let sign = || "👍".to_owned();
    for event in [
        Event::Message(said("m1", "hi")),
        answer("m2", "you too", "m1", "hi\nall"),
        edited("e1", "m1", "hello"),
        change("r1", "m1", ChangeKind::Reacted(sign())),
        change("r2", "m1", ChangeKind::ReactionRemoved(sign())),
        change("x1", "m1", ChangeKind::Recalled),
    ] {
        world.a.tell(event).await;
    }
    assert_eq!(
        world.b.wait_for(6).await,
        [
            "say \"ann: hi\"",
            "reply p1 \"ann: you too\"",
            "edit p1 \"ann: hello\"",
            "react p1 \"👍\"",
            "remove p1 \"👍\"",
            "recall p1 \"\"",
        ]
    );
    world.settled().await;
    assert_eq!(
        world.c.acts(),
        [
            "say \"ann: hi\"",
            "say \"> bob: hi…\\nann: you too\"",
            "say \"✎ ann: hello\"",
        ]
    );
    // The message and its changes, in their order, each at both targets.
    let not_shown = "not_shown: the channel does not show it";
    assert_eq!(
        world.ends("m1").await,
        [
            "delivered",
            "delivered",
            "delivered",
            "delivered",
            "delivered",
            not_shown,
            "delivered",
            not_shown,
            "delivered",
            not_shown
        ]
    );
    assert_eq!(world.ends("x1").await, ["delivered", not_shown]);
    let trace = world.trace("x1");
    assert_eq!(trace.messages[0].change_of.as_deref(), Some("m1"));
}

#[tokio::test]
async fn a_sign_that_a_platform_does_not_have_is_let_go() {
    let world = World::new("signs").await;
    let sign = || NO_SIGN.to_owned();
    for event in [
        Event::Message(said("m1", "hi")),
        change("r1", "m1", ChangeKind::Reacted(sign())),
        change("r2", "m1", ChangeKind::ReactionRemoved(sign())),
        Event::Message(said("m2", "there")),
    ] {
        world.a.tell(event).await;
    }
    world.b.wait_for(4).await;
    world.settled().await;
    let let_go = "not_shown: react: rejected: there is no such sign";
    for id in ["r1", "r2"] {
        assert!(world.ends(id).await.contains(&let_go.to_owned()), "{id}");
    }
    assert!(
        !world
            .ends("m1")
            .await
            .iter()
            .any(|end| end.starts_with("dead"))
    );
}

#[tokio::test]
async fn an_answer_finds_its_message_from_either_side_and_after_a_restart() {
    let mut world = World::new("sides").await;
    world.a.tell(Event::Message(said("m1", "hi"))).await;
    world.b.wait_for(1).await;
    world.settled().await;
    world.restart("sides").await;
    // In `b` they answer what the bridge has said there: in `a` that is the message itself.
    world.b.tell(answer("n1", "yes", "p1", "ann: hi")).await;
    assert_eq!(world.a.wait_for(1).await, ["reply m1 \"ann: yes\""]);
    // In `a` they answer what the bridge has said there.
    world.settled().await;
    world.a.tell(answer("m2", "good", "p1", "ann: yes")).await;
    let acts = world.b.wait_for(2).await;
    assert_eq!(acts[1], "reply n1 \"ann: good\"");
    // What nobody knows is quoted.
    world.a.tell(answer("m3", "what", "m0", "lost")).await;
    let acts = world.b.wait_for(3).await;
    assert_eq!(acts[2], "say \"> bob: lost\\nann: what\"");
}

#[tokio::test]
async fn a_change_comes_once_and_only_after_its_message() {
    let world = World::new("once").await;
    for event in [
        Event::Message(said("m1", "hi")),
        edited("e1", "m1", "hello"),
        edited("e1", "m1", "hello"),
        // Never forwarded, and the bridge's own.
        edited("e2", "m9", "hello"),
        // What the filter of a rule turns away does not slip through by an edit.
        edited("e3", "m1", "secret"),
    ] {
        world.a.tell(event).await;
    }
    world.b.wait_for(3).await;
    world.b.tell(edited("e4", "p1", "forged")).await;
    world.settled().await;
    let b = [
        "say \"ann: hi\"",
        "edit p1 \"ann: hello\"",
        "edit p1 \"ann: secret\"",
    ];
    assert_eq!(world.b.acts(), b);
    assert_eq!(world.c.acts(), ["say \"ann: hi\"", "say \"✎ ann: hello\""]);
    assert_eq!(world.a.acts(), [""; 0]);
    assert_eq!(world.ends("m9").await, ["unknown_message"]);
    assert_eq!(world.ends("p1").await, ["own_message"]);
}

#[tokio::test]
async fn a_message_of_several_parts_is_changed_part_by_part() {
    let world = World::new("parts").await;
    let two = |letter: &str| format!("{}\n\n{}", letter.repeat(40), letter.repeat(30));
    for event in [
        Event::Message(said("m1", &two("x"))),
        edited("e1", "m1", &two("y")),
        edited("e2", "m1", "short"),
        change("x1", "m1", ChangeKind::Recalled),
    ] {
        world.a.tell(event).await;
    }
    let acts = world.b.wait_for(8).await;
    let beginnings: Vec<_> = acts
        .iter()
        .map(|act| act.split('"').next().unwrap())
        .collect();
    assert_eq!(
        beginnings,
        [
            "say ",
            "say ",
            "edit p1 ",
            "edit p2 ",
            "say ",
            "recall p1 ",
            "recall p2 ",
            "recall p5 "
        ]
    );
    assert_eq!(acts[4], "say \"✎ ann: short\"");
}

#[tokio::test]
async fn ids_that_come_later_are_found() {
    let world = World::new("later").await;
    world.b.be_silent();
    world.a.tell(Event::Message(said("m1", "hi"))).await;
    world.b.wait_for(1).await;
    let key = world.b.keys().remove(0);
    for key in [key, "99.0".to_owned(), "nonsense".to_owned()] {
        let identified = Identified {
            key,
            platform_ids: vec!["late".to_owned()],
        };
        world.b.tell(Event::Identified(identified)).await;
    }
    // The bridge does not know sends of another instance by this one.
    let foreign = Identified {
        key: world.c.keys().first().cloned().unwrap_or_default(),
        platform_ids: vec!["foreign".to_owned()],
    };
    world.b.tell(Event::Identified(foreign)).await;
    world.a.tell(edited("e1", "m1", "hello")).await;
    let acts = world.b.wait_for(2).await;
    assert_eq!(acts[1], "edit late \"ann: hello\"");
    world.b.tell(answer("n1", "yes", "late", "ann: hi")).await;
    assert_eq!(world.a.wait_for(1).await, ["reply m1 \"ann: yes\""]);
}

/// What `bridge capabilities` says is what is done.
#[tokio::test]
async fn what_crosses_is_what_the_table_says() {
    let of = |entry: DriverEntry| {
        let prepared = entry.prepare(serde_json::json!({ "hub": "none" }));
        prepared.unwrap().capabilities()
    };
    let (rich, plain) = (
        of(DriverEntry::of::<Rich>()),
        of(DriverEntry::of::<Plain>()),
    );
    let world = World::new("table").await;
    for feature in Feature::ALL {
        world
            .a
            .tell(Event::Message(said(feature.name(), "hi")))
            .await;
        let sent = world.settled_acts().await;
        let id = format!("c-{}", feature.name());
        let event = match feature {
            Feature::Attachments => {
                let mut message = said(&id, "look");
                message.attachments = vec![Attachment::new("f", "https://files.example/1")];
                Event::Message(message)
            }
            Feature::Replies => answer(&id, "yes", feature.name(), "hi"),
            Feature::Edits => edited(&id, feature.name(), "hello"),
            Feature::Recalls => change(&id, feature.name(), ChangeKind::Recalled),
            Feature::Reactions => change(&id, feature.name(), ChangeKind::Reacted("👍".to_owned())),
        };
        world.a.tell(event).await;
        let after = world.settled_acts().await;
        for (target, hub) in [(&rich, 0), (&plain, 1)] {
            let done = after[hub][sent[hub].len()..].join("; ");
            let is_as_said = match feature.crossing(&rich, target) {
                Crossing::Shown => match feature {
                    Feature::Attachments => done.ends_with("look\" +https://files.example/1"),
                    Feature::Replies => done.starts_with("reply p"),
                    Feature::Edits => done.starts_with("edit p"),
                    Feature::Recalls => done.starts_with("recall p"),
                    Feature::Reactions => done.starts_with("react p"),
                },
                Crossing::Degraded(Otherwise::Link) => {
                    done.ends_with("look\\nhttps://files.example/1\"")
                }
                Crossing::Degraded(Otherwise::Quote) => done.starts_with("say \"> bob: hi\\n"),
                Crossing::Degraded(Otherwise::SaidAnew) => {
                    done.starts_with(&format!("say \"{EDITED}"))
                }
                Crossing::Degraded(Otherwise::NotShown) => {
                    let ends = world.ends(&id).await;
                    done.is_empty() && ends.iter().any(|end| end.starts_with("not_shown"))
                }
                Crossing::NotHeard => false,
            };
            let said = feature.crossing(&rich, target).describe();
            assert!(is_as_said, "{}: {said}, but: {done:?}", feature.name());
        }
    }
}

#[tokio::test]
async fn a_dingtalk_robot_takes_back_what_was_recalled() {
    let sandbox = Sandbox::start().await.unwrap();
    let robot = sandbox.add_robot("key", "app secret", "robot");
    let group = sandbox.add_group("cidOps==", "Ops");
    group.add_robot(&robot);
    let folder = tempfile::tempdir().unwrap();
    let config = serde_json::json!({
        "global": { "data_dir": folder.path().join("data") },
        "rich": { "a": { "hub": "dingtalk-a" } },
        "dingtalk": { "dt": {
            "app_key": "key", "app_secret": "app secret", "robot_code": "robot",
            "signing_secret": "another secret", "listen_host": "127.0.0.1", "listen_port": 0,
            "listen_path": "/dingtalk/event", "api_base": sandbox.api_base(),
        } },
    });
    let rules = r#"{ "rules": [
        { "from": { "a": { "room": "1" } }, "to": { "dt": { "open_conversation_id": "cidOps==" } } } ] }"#;
    let _bridge = start(&config.to_string(), rules).await;
    let a = hub("dingtalk-a");
    a.tell(Event::Message(said("m1", "hi"))).await;
    a.tell(edited("e1", "m1", "hello")).await;
    a.tell(change("x1", "m1", ChangeKind::Recalled)).await;
    a.tell(Event::Message(said("m2", "bye"))).await;
    let patience = std::time::Duration::from_secs(30);
    let sent = group.wait_for_sent(3, patience).await.unwrap();
    assert_eq!(sent.sent_texts(), ["ann: hi", "✎ ann: hello", "ann: bye"]);
    let recalled: Vec<_> = sent
        .sent()
        .map(|entry| group.is_recalled(&entry.id))
        .collect();
    // What stands anew for the edit as well.
    assert_eq!(recalled, [true, true, false]);
}

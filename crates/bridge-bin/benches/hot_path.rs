//! What the CPU spends on one message before it reaches the store: verify, decode, plan; with few
//! rules and with very many, of which one matches. And what a check of large files costs.

use std::hint::black_box;
use std::sync::Arc;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Loaded, Setup, Source, load};
use bridge_core::driver::{ErasedDriver, Event, Received};
use bridge_core::id::{Channel, InstanceId};
use bridge_core::message::Message;
use bridge_core::ports::{Clock, SecretSource};
use bridge_core::rules::Rules;
use bridge_core::store::NewDelivery;
use bridge_testkit::{FakeClock, FakeHttp, fake_ports};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use serde_json::json;

/// A recorded callback of about 1 KB, and the conversation that it comes from.
const CALLBACK: &str = include_str!("../../driver-dingtalk/tests/fixtures/text-group-at.json");
const CONVERSATION: &str = "ciddyW50dFVaPgR3F3f+xLFTw==";

const SECRET: &str = "dingtalk-app-secret_+/=";
const PLATFORM: &str = "dingtalk";
const INSTANCE: &str = "dt_main";

/// How many rules there are. One of them matches, whichever the number.
const RULE_COUNTS: [usize; 2] = [10, 100_000];

/// What one callback passes through on its way to the store.
struct HotPath {
    driver: Arc<dyn ErasedDriver>,
    rules: Rules,
    instance: InstanceId,
    request: Request<Bytes>,
}

impl HotPath {
    fn new(rule_count: usize) -> Self {
        let Setup {
            instances, rules, ..
        } = setup(rule_count);
        let instance = instances.into_iter().next().expect("one instance");
        let clock = FakeClock::default();
        let timestamp = clock.now().as_millis().to_string();
        let request = Request::post("/dingtalk/event")
            .header("sign", driver_dingtalk::sign(SECRET, &timestamp))
            .header("timestamp", timestamp)
            .body(Bytes::from_static(CALLBACK.as_bytes()))
            .expect("a request");
        let path = Self {
            driver: instance.driver.open(fake_ports(&clock, &FakeHttp::new())),
            rules,
            instance: instance.id,
            request,
        };
        let planned = path.plan(&path.receive());
        assert_eq!(planned.len(), 1, "one of {rule_count} rules matches");
        path
    }

    /// Verifies and decodes.
    fn receive(&self) -> Message {
        let Received::Accepted(batch) = self.driver.receive(black_box(&self.request)) else {
            panic!("the callback is not accepted");
        };
        match batch.events.into_iter().next() {
            Some(Event::Message(message)) => message,
            other => panic!("the callback brings no message: {other:?}"),
        }
    }

    fn plan(&self, message: &Message) -> Vec<NewDelivery> {
        let source = Channel::new(self.instance.clone(), message.address.clone());
        self.rules.plan(PLATFORM, &source, black_box(message))
    }
}

/// What the bridge makes of a config and a file of `rule_count` rules between different rooms; the
/// one in the middle takes messages from [`CONVERSATION`].
fn setup(rule_count: usize) -> Setup {
    let config = json!({ PLATFORM: { INSTANCE: {
        "app_key": "dingkey", "app_secret": SECRET, "robot_code": "dingx7q2m4k9t1b8w5z3",
        "signing_secret": SECRET,
    }}});
    let room = |id: &str| json!({ INSTANCE: { "open_conversation_id": id } });
    let rule = |number: usize| {
        let source = if number == rule_count / 2 {
            CONVERSATION.to_owned()
        } else {
            format!("cidSource{number}==")
        };
        json!({ "from": room(&source), "to": room(&format!("cidTarget{number}==")) })
    };
    let rules = json!({ "rules": (0..rule_count).map(rule).collect::<Vec<_>>() });
    let files = [
        file("config.json", config.to_string()),
        file("rules.json", rules.to_string()),
    ];
    let loaded = loaded(&files);
    let Some(setup) = loaded.setup else {
        panic!("the files are refused: {:?}", loaded.diagnostics.first());
    };
    assert_eq!(setup.rules.len(), rule_count);
    setup
}

fn file(name: &str, content: String) -> Source {
    Source {
        name: name.into(),
        content: Ok(content.into_bytes()),
    }
}

fn loaded([config, rules]: &[Source; 2]) -> Loaded {
    let catalog = Catalog::linked().expect("each platform is linked once");
    load(config, rules, &catalog, &NoSecrets)
}

/// A config of `instances` robots and a file of `rules` rules between their rooms, laid out as an
/// editor does: every other rule connects two rooms, the others forward from one to two.
fn large_files(instances: usize, rules: usize) -> [Source; 2] {
    let name = |number: usize| format!("dt_{}", number % instances);
    let robot = |number: usize| {
        let settings = json!({
            "app_key": format!("dingkey{number}"), "app_secret": SECRET,
            "robot_code": format!("dingrobot{number}"), "signing_secret": SECRET,
            "listen_port": 10_000 + number,
        });
        (name(number), settings)
    };
    let robots: serde_json::Map<_, _> = (0..instances).map(robot).collect();
    let room =
        |number: usize, id: &str| json!({ "open_conversation_id": format!("cid{id}{number}==") });
    let rule = |number: usize| {
        let (here, there) = (name(number), name(number + 1));
        match number % 2 {
            0 => json!({
                "id": format!("rule number {number}"), "type": "connect",
                "channels": { here: room(number, "Left"), there: room(number, "Right") },
            }),
            _ => json!({
                "from": { here: room(number, "Source") },
                "to": { there: [room(number, "First"), room(number, "Second")] },
                "msg": { "msg_format": "[{from}] {user}: {msg}" },
            }),
        }
    };
    let rules = json!({ "rules": (0..rules).map(rule).collect::<Vec<_>>() });
    let text = |value: &serde_json::Value| serde_json::to_string_pretty(value).expect("JSON");
    [
        file("config.json", text(&json!({ PLATFORM: robots }))),
        file("rules.json", text(&rules)),
    ]
}

/// The config holds its secrets itself.
struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, name: &str) -> Result<String, String> {
        Err(format!("\"{name}\" is not looked up in a bench"))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("\"{path}\" is not read in a bench"))
    }
}

fn hot_path(criterion: &mut Criterion) {
    let paths = RULE_COUNTS.map(|count| (count, HotPath::new(count)));

    let (_, any) = &paths[0];
    criterion.bench_function("verify+decode", |bencher| bencher.iter(|| any.receive()));

    for (count, path) in &paths {
        let message = path.receive();
        criterion.bench_function(&format!("plan/{count} rules"), |bencher| {
            bencher.iter(|| path.plan(&message));
        });
    }
    for (count, path) in &paths {
        criterion.bench_function(&format!("verify+decode+plan/{count} rules"), |bencher| {
            bencher.iter(|| path.plan(&path.receive()));
        });
    }
}

fn check(criterion: &mut Criterion) {
    let files = large_files(1_000, 100_000);
    let loaded = loaded(&files);
    let first = loaded.diagnostics.first();
    assert!(first.is_none(), "the files are not fine: {first:?}");
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    group.bench_function("1,000 instances, 100,000 rules", |bencher| {
        bencher.iter(|| crate::loaded(black_box(&files)));
    });
}

criterion_group!(benches, hot_path, check);
criterion_main!(benches);

use bridge_testkit::{FakeClock, FakeHttp, FakeMailbox, fake_ports};
use futures_util::FutureExt;
use serde_json::Value;

use super::*;

struct Rig {
    reading: Arc<Reading>,
    mailbox: FakeMailbox,
    clock: FakeClock,
}

fn rig() -> Rig {
    let (clock, mailbox) = (FakeClock::default(), FakeMailbox::default());
    let mut ports = fake_ports(&clock, &FakeHttp::new());
    ports.mailbox = Arc::new(mailbox.clone());
    let reading = Arc::new(Reading::new(&ports));
    Rig {
        reading,
        mailbox,
        clock,
    }
}

impl Rig {
    async fn put(&self, texts: &[&str]) {
        for text in texts {
            let key = format!("k-{text}");
            self.mailbox
                .put(key, json!({ "text": text }).to_string())
                .await
                .unwrap();
        }
    }

    async fn ask(&self, query: &str) -> (u16, Value) {
        let answer = self.reading.answer(Some(query)).await;
        let body = serde_json::from_slice(answer.body()).expect("JSON");
        (answer.status().as_u16(), body)
    }

    /// The texts of an answer, and what to ask for next.
    async fn read(&self, query: &str) -> (Vec<String>, String) {
        let (status, body) = self.ask(query).await;
        assert_eq!(status, 200, "{query}: {body}");
        texts(&body)
    }
}

fn texts(body: &Value) -> (Vec<String>, String) {
    let messages = body["messages"].as_array().expect("a list");
    let texts = messages
        .iter()
        .map(|message| message["text"].as_str().expect("a text").to_owned());
    (
        texts.collect(),
        body["next"].as_str().expect("a cursor").to_owned(),
    )
}

#[tokio::test]
async fn asking_past_messages_confirms_them_and_nothing_else_does() {
    let rig = rig();
    assert_eq!(rig.read("").await, (vec![], "0".to_owned()));
    rig.put(&["a", "b", "c"]).await;
    for query in ["", "after=0", "limit=100"] {
        assert_eq!(rig.read(query).await.0, ["a", "b", "c"], "{query}");
    }
    assert_eq!(rig.mailbox.letters().len(), 3);
    let (first, next) = rig.read("limit=2").await;
    assert_eq!(first, ["a", "b"]);
    let (second, last) = rig.read(&format!("after={next}")).await;
    assert_eq!(second, ["c"]);
    assert_eq!(rig.mailbox.letters().len(), 1);
    // The answer was lost: the same question brings the same.
    assert_eq!(
        rig.read(&format!("after={next}")).await,
        (vec!["c".to_owned()], last.clone())
    );
    assert_eq!(
        rig.read(&format!("after={last}")).await,
        (vec![], last.clone())
    );
    assert!(rig.mailbox.letters().is_empty());
    rig.put(&["d"]).await;
    assert_eq!(rig.read("").await.0, ["d"]);
    // An older cursor confirms nothing anew.
    assert_eq!(rig.read(&format!("after={next}")).await.0, ["d"]);
}

#[tokio::test]
async fn a_cursor_of_another_mailbox_confirms_nothing() {
    let (rig, other) = (rig(), rig());
    rig.put(&["a", "b"]).await;
    other.put(&["x", "y", "z"]).await;
    let (_, foreign) = other.read("limit=2").await;
    let (_, beyond) = other.read("").await;
    for cursor in [
        &*foreign,
        &*beyond,
        "1-00000000",
        "9223372036854775807-00000000",
    ] {
        let (status, body) = rig.ask(&format!("after={cursor}")).await;
        assert_eq!(status, 400, "{cursor}: {body}");
        assert!(
            body["error"]
                .as_str()
                .unwrap()
                .contains("no cursor of this mailbox"),
            "{body}"
        );
    }
    assert_eq!(rig.mailbox.letters().len(), 2);
}

#[tokio::test]
async fn a_cursor_of_a_letter_that_is_gone_confirms_none_that_is_unread() {
    let rig = rig();
    rig.put(&["a", "b", "c", "d"]).await;
    rig.mailbox.lose(Cursor(3));
    let (status, body) = rig.ask("after=3-00000000").await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(rig.read("").await.0, ["a", "b", "d"]);
    // Where nothing unread is left before it, it is as good as the one that was given.
    rig.mailbox.expire(Cursor(2));
    assert_eq!(rig.read("after=3-00000000").await.0, ["d"]);
}

#[tokio::test]
async fn what_was_given_up_unread_is_told_to_whoever_missed_it() {
    let rig = rig();
    rig.put(&["a", "b", "c"]).await;
    let (_, next) = rig.read("limit=1").await;
    assert_eq!(
        rig.ask(&format!("after={next}")).await.1.get("expired"),
        None
    );
    rig.mailbox.expire(Cursor(2));
    let (_, body) = rig.ask(&format!("after={next}")).await;
    assert_eq!(body["expired"], true);
    let (left, last) = texts(&body);
    assert_eq!(left, ["c"]);
    assert_eq!(
        rig.ask(&format!("after={last}")).await.1.get("expired"),
        None
    );
    assert_eq!(rig.ask("").await.1.get("expired"), None);
}

#[tokio::test]
async fn questions_that_make_no_sense_and_a_broken_mailbox_are_told() {
    let rig = rig();
    for query in ["after=x", "limit=0", "wait=x", "afer=0", "after=1-zz"] {
        let (status, body) = rig.ask(query).await;
        assert!(
            status == 400 && body["error"].is_string(),
            "{query}: {status} {body}"
        );
    }
    rig.mailbox.break_down();
    let answer = rig.reading.answer(None).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn a_reader_waits_for_news_and_no_longer_than_asked() {
    let rig = rig();
    let mut waiting = Box::pin(rig.read("wait=20"));
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.put(&["a"]).await;
    assert_eq!(waiting.await.0, ["a"]);
    let (_, next) = rig.read("").await;
    let query = format!("after={next}&wait=20");
    let mut waiting = Box::pin(rig.read(&query));
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.clock.advance(Duration::from_secs(19));
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(waiting.as_mut().now_or_never(), Some((vec![], next)));
    drop(waiting);
    assert_eq!(rig.mailbox.waiting(), 0);
}

#[tokio::test]
async fn a_call_for_a_letter_that_is_gone_is_no_tight_loop() {
    let rig = rig();
    rig.put(&["a"]).await;
    rig.mailbox.expire(Cursor(1));
    let mut waiting = Box::pin(rig.read("wait=3"));
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.put(&["b"]).await;
    assert!(waiting.as_mut().now_or_never().is_none());
    rig.clock.advance(LOOK_AGAIN_AFTER);
    assert_eq!(
        waiting.as_mut().now_or_never().map(|read| read.0),
        Some(vec!["b".to_owned()])
    );
}

#[tokio::test]
async fn only_so_many_readers_wait_at_once() {
    let rig = rig();
    let mut waiting: Vec<_> = (0..MOST_WAITING)
        .map(|_| Box::pin(rig.read("wait=30")))
        .collect();
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none());
    }
    let mut surplus = Box::pin(rig.read("wait=30"));
    assert_eq!(
        surplus.as_mut().now_or_never(),
        Some((vec![], "0".to_owned()))
    );
    waiting.pop();
    let mut next = Box::pin(rig.read("wait=30"));
    assert!(next.as_mut().now_or_never().is_none());
}

#[tokio::test]
async fn an_answer_does_not_grow_without_bound() {
    let rig = rig();
    let large = "x".repeat(ENOUGH_BYTES / 20);
    for number in 0..50 {
        rig.put(&[&format!("{number} {large}")]).await;
    }
    let (texts, _) = rig.read("limit=100").await;
    assert!((15..=20).contains(&texts.len()), "{}", texts.len());
    let rig = self::rig();
    let texts: Vec<_> = (0..120).map(|number| number.to_string()).collect();
    rig.put(&texts.iter().map(|text| &**text).collect::<Vec<_>>())
        .await;
    for (query, expected) in [
        ("", 50),
        ("limit=1", 1),
        ("limit=16", 16),
        ("limit=17", 17),
        ("limit=100", 100),
    ] {
        assert_eq!(rig.read(query).await.0, texts[..expected], "{query}");
    }
}

#[tokio::test]
async fn a_few_large_messages_make_no_answer_much_larger_than_said() {
    let rig = rig();
    let large = "x".repeat(ENOUGH_BYTES / 4);
    let texts: Vec<_> = (0..20).map(|number| format!("{number} {large}")).collect();
    rig.put(&texts.iter().map(|text| &**text).collect::<Vec<_>>())
        .await;
    let answer = rig.reading.answer(Some("limit=100")).await;
    let most = ENOUGH_BYTES + ENOUGH_BYTES / 2;
    assert!(answer.body().len() <= most, "{}", answer.body().len());
    // Page by page, everything comes, in order.
    let (mut read, mut next) = rig.read("").await;
    while read.len() < texts.len() {
        let (more, last) = rig.read(&format!("after={next}")).await;
        assert!(!more.is_empty());
        read.extend(more);
        next = last;
    }
    assert_eq!(read, texts);
}

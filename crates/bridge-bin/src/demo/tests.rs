use std::cell::RefCell;
use std::fmt::Display;
use std::future::{pending, ready};

use bridge_core::catalog::Catalog;
use bridge_core::sandbox::Sandboxes;

use super::*;

const LOOK: Look = Look {
    columns: 80,
    paint: Paint::Plain,
};

async fn run(
    platforms: &[&str],
    audience: Audience,
    interrupted: impl Future<Output = ()>,
) -> (String, Result<Verdict, DemoError>) {
    let shown = RefCell::new(String::new());
    let print = |text: &dyn Display| {
        let mut shown = shown.borrow_mut();
        shown.push_str(&text.to_string());
        shown.push('\n');
    };
    let (catalog, sandboxes) = (Catalog::linked().unwrap(), Sandboxes::linked().unwrap());
    let linked = Linked {
        catalog: &catalog,
        sandboxes: &sandboxes,
    };
    let platforms: Vec<_> = platforms.iter().map(|name| (*name).to_owned()).collect();
    let ended = demo(linked, &platforms, LOOK, audience, &print, interrupted).await;
    (shown.into_inner(), ended)
}

fn row_with<'a>(shown: &'a str, text: &str) -> &'a str {
    let found = shown.lines().find(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("no {text:?} in:\n{shown}"))
}

#[tokio::test]
async fn a_person_speaks_in_both_groups_after_the_conversation() {
    let (keys, typed) = mpsc::channel(8);
    for line in [
        "1 hello over there",
        "",
        "what?",
        "2 你好",
        "quit",
        "1 unsaid",
    ] {
        keys.send(line.to_owned()).await.unwrap();
    }
    let audience = Audience::Typing {
        lines: typed,
        pause: Duration::from_millis(1),
    };
    let (shown, ended) = run(&[], audience, pending()).await;
    let verdict = ended.unwrap();
    assert!(verdict.is_fine(), "{verdict:?}\n{shown}");
    assert!(
        verdict
            .to_string()
            .starts_with("13 messages, 13 delivered, in order, once each")
    );
    let here = row_with(&shown, "你/you: hello over there");
    assert!(here.starts_with("你/you"), "{here}");
    assert_eq!(
        shown.matches("你/you: hello over there").count(),
        2,
        "{shown}"
    );
    assert_eq!(shown.matches("你/you: 你好").count(), 2, "{shown}");
    assert_eq!(
        shown.matches("\"1 text\" speaks in").count(),
        2,
        "prompt and hint\n{shown}"
    );
    assert!(!shown.contains("unsaid"), "{shown}");
}

#[tokio::test]
async fn an_interrupted_conversation_is_no_success() {
    let (_, ended) = run(&[], Audience::Silent, ready(())).await;
    assert!(matches!(ended, Err(DemoError::Interrupted)), "{ended:?}");
}

#[tokio::test]
async fn a_platform_that_can_not_be_played_is_why_it_does_not_begin() {
    let (shown, ended) = run(&["irk"], Audience::Silent, pending()).await;
    let problem = ended.unwrap_err().to_string();
    let expected = "the demo can't begin: driver \"irk\" is not linked into this binary";
    assert!(problem.starts_with(expected), "{problem}");
    assert_eq!(shown, "");
}

#[tokio::test]
async fn what_a_room_does_not_hold_is_not_said() {
    let (keys, typed) = mpsc::channel(8);
    for line in [
        &*format!("1 {}", "long ".repeat(200)),
        "2 \u{1b}[Dback",
        "quit",
    ] {
        keys.send(line.to_owned()).await.unwrap();
    }
    let audience = Audience::Typing {
        lines: typed,
        pause: Duration::ZERO,
    };
    let (shown, ended) = run(&["dingtalk", "irc"], audience, pending()).await;
    let verdict = ended.unwrap();
    assert!(verdict.is_fine(), "{verdict:?}\n{shown}");
    assert!(verdict.to_string().starts_with("12 messages, 12 delivered"));
    row_with(&shown, "* not said: it is too long for one message of irc");
    assert_eq!(shown.matches("you: [Dback").count(), 2, "{shown}");
}

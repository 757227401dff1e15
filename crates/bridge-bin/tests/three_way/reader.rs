//! A bot that reads the mailbox, and now and then forgets what it was just given.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use crate::receiver::Taken;
use crate::world::{TOKEN, World};

/// What the reader has worked off: each message of the mailbox once, if the bridge keeps its word.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) messages: Vec<Taken>,
    /// What no page may be.
    pub(crate) wrong: Vec<String>,
}

impl Read {
    fn note(&mut self, page: &Value) {
        if page.get("expired").is_some() {
            self.wrong.push("messages expired unread".into());
        }
        for message in page["messages"].as_array().unwrap() {
            let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
            let (id, text) = (text("id"), text("text"));
            self.messages.push(Taken { id, text });
        }
    }
}

/// Reads for ever.
pub(crate) async fn read(
    world: Arc<World>,
    mut random: fastrand::Rng,
    into: Arc<watch::Sender<Read>>,
) {
    let mut after = "0".to_owned();
    loop {
        world.up().await;
        let Some(page) = page(&world, &after).await else {
            continue;
        };
        if random.u8(..8) == 0 {
            // It died before it had worked them off, and asks for them again.
            continue;
        }
        into.send_modify(|read| read.note(&page));
        page["next"].as_str().unwrap().clone_into(&mut after);
    }
}

/// A page of the mailbox, which confirms what is before `after`; `None` if no answer came.
async fn page(world: &World, after: &str) -> Option<Value> {
    let url = format!("{}/messages?after={after}&wait=1", world.hook);
    let request = world.agent.get(url);
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    let asking = tokio::task::spawn_blocking(move || {
        let mut answer = request.call().ok()?;
        let body = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), body))
    });
    let (status, body) = asking.await.unwrap()?;
    assert!(matches!(status, 200 | 503), "the mailbox: {status} {body}");
    (status == 200).then(|| serde_json::from_str(&body).unwrap())
}

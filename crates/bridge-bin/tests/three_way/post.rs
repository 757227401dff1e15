//! A message on its way to a listener of the bridge.

use dingtalk_sandbox::Callback;

use crate::signature::{now_secs, sign};
use crate::world::World;

/// What is posted, the same on every try but for a new signature.
#[derive(Debug)]
pub(crate) enum Post {
    Callback(Callback),
    Signed { id: String, body: String },
}

impl Post {
    /// The status of the answer, or 0 if none came.
    pub(crate) async fn send(&self, world: &World) -> u16 {
        match self {
            Self::Callback(callback) => {
                let answer = world.bed.sandbox.post(callback).await;
                answer.map_or(0, |answer| answer.status.as_u16())
            }
            Self::Signed { id, body } => {
                let timestamp = now_secs().to_string();
                let request = world
                    .agent
                    .post(format!("{}/webhook", world.hook))
                    .header("webhook-id", id)
                    .header("webhook-signature", sign(id, &timestamp, body.as_bytes()))
                    .header("webhook-timestamp", timestamp);
                let body = body.clone();
                let asking = tokio::task::spawn_blocking(move || request.send(body));
                let answer = asking.await.unwrap();
                answer.map_or(0, |answer| answer.status().as_u16())
            }
        }
    }
}

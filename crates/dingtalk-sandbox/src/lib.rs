//! A DingTalk that runs on loopback: what tests, the demo and benchmarks talk to instead of the
//! real one.
//!
//! It gives out access tokens, takes `groupMessages/send` as strictly as DingTalk is documented
//! to, lets people speak in groups (each utterance that mentions the robot becomes a signed
//! callback), keeps a transcript of every group, and breaks in the ways a platform breaks when a
//! test switches a [`Fault`] on. It shares no code with the driver that it tests: it is a second
//! opinion on the protocol.
//!
//! ```
//! use std::time::Duration;
//! use dingtalk_sandbox::{Member, Sandbox};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let robot = sandbox.add_robot("dingkey", "app secret", "dingrobot");
//! let ops = sandbox.add_group("cidOps==", "Ops");
//! ops.add_robot(&robot);
//!
//! // What nobody mentions the robot in stays in the group, as in DingTalk.
//! let zhang = Member::new("张三", "042531297");
//! ops.chat(&zhang, "早上好");
//! let heard = ops.wait_for(|transcript| transcript.len() == 1, Duration::from_secs(5)).await?;
//! assert_eq!(heard[0].text, "早上好");
//!
//! // A bridge would be given these.
//! assert!(sandbox.api_base().starts_with("http://127.0.0.1:"));
//! robot.set_callback("http://127.0.0.1:8082/dingtalk/event", "app secret")?;
//! # sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is deliberately absent
//!
//! Private chats, webhooks (`sessionWebhook` leads back here and is answered 404), media, quotes,
//! Stream mode, and rate limits that count: throttling is a fault that is switched on.

#![warn(missing_docs)]

mod api;
mod callback;
mod clock;
mod conversation;
mod counters;
mod faults;
mod ids;
mod journal;
mod people;
mod playground;
mod pusher;
mod refusal;
mod sandbox;
mod server;
mod state;
mod tokens;

pub use callback::{Callback, CallbackAnswer, CallbackError, sign};
pub use conversation::Group;
pub use counters::Counters;
pub use faults::{Fault, Faults};
pub use http::StatusCode;
pub use journal::{Author, Entries, Entry, Transcript, WaitTimeout};
pub use people::{Member, Robot};
pub use refusal::Refusal;
pub use sandbox::{Builder, Sandbox};

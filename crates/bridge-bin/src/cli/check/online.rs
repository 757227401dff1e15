//! Asks the platforms whether they accept the credentials of the instances.

use std::fmt;
use std::sync::Arc;

use bridge_core::config::{Code, Diagnostic, InstanceSetup, Loaded, Setup, codes};
use bridge_core::outcome::{ErrorKind, SendError};
use bridge_core::time::format_duration;
use bridge_http::{BlockingPool, SystemClock};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::outside::{self, Way};

/// Platforms that are asked at once.
const MOST_AT_ONCE: usize = 16;

/// What a platform accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Probed {
    instance: String,
    /// As a clause: `fetched an access token`.
    done: &'static str,
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.instance, self.done)
    }
}

/// Why an instance's platform gave no yes.
struct Refusal {
    keys: [String; 2],
    code: &'static Code,
    problem: String,
    help: &'static str,
}

/// Asks for every instance; gives what was accepted, and a problem for all else.
pub(super) fn ask(setup: Setup, loaded: &Loaded) -> (Vec<Probed>, Vec<Diagnostic>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let answers = match runtime {
        Ok(runtime) => runtime.block_on(ask_all(setup.instances)),
        Err(error) => {
            let problem = format!("the platforms can't be asked: {error}");
            let place = loaded.place_of(&[]);
            return (
                Vec::new(),
                vec![Diagnostic::new(&codes::UNREACHABLE, place, problem)],
            );
        }
    };
    let mut probed = Vec::new();
    let mut refused = Vec::new();
    for answer in answers {
        match answer {
            Ok(answer) => probed.push(answer),
            Err(refusal) => {
                let keys = refusal.keys.each_ref().map(String::as_str);
                let place = loaded.place_of_key(&keys);
                let mut diagnostic = Diagnostic::new(refusal.code, place, refusal.problem);
                diagnostic.path = keys.join(".");
                diagnostic.help(refusal.help);
                refused.push(diagnostic);
            }
        }
    }
    probed.sort();
    refused.sort_by_key(|diagnostic| diagnostic.place.start());
    (probed, refused)
}

async fn ask_all(instances: Vec<InstanceSetup>) -> Vec<Result<Probed, Refusal>> {
    let pool = BlockingPool::new(MOST_AT_ONCE);
    let permits = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let mut asking = JoinSet::new();
    for instance in instances {
        let (pool, permits) = (Arc::clone(&pool), Arc::clone(&permits));
        asking.spawn(async move {
            let permit = permits.acquire_owned().await;
            let answer = ask_one(instance, &pool).await;
            drop(permit);
            answer
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

/// `None` where there is nothing to ask.
async fn ask_one(
    instance: InstanceSetup,
    pool: &Arc<BlockingPool>,
) -> Option<Result<Probed, Refusal>> {
    let patience = instance.policy.attempt_timeout;
    let name = instance.id.as_str().to_owned();
    let refusal = |code, problem, help| Refusal {
        keys: [instance.platform.to_owned(), name.clone()],
        code,
        problem: format!("\"{name}\": {problem}"),
        help,
    };
    let way = Way::of(&instance);
    let (http, dialer) = match way.open(pool, patience, instance.max_in_flight) {
        Ok(ways) => ways,
        Err(error) => {
            let help = "look at `proxy`";
            return Some(Err(refusal(&codes::UNREACHABLE, error.to_string(), help)));
        }
    };
    let driver = instance
        .driver
        .open(outside::ports(http, dialer, Arc::new(SystemClock)));
    let answer = match tokio::time::timeout(patience, driver.probe()).await {
        Ok(Ok(done)) => Ok(Probed {
            instance: name.clone(),
            done: done?,
        }),
        Ok(Err(error)) => {
            let (code, help) = judge(&error);
            Err(refusal(code, error.to_string(), help))
        }
        Err(_) => {
            let problem = format!("no answer within {}", format_duration(patience));
            Err(refusal(&codes::UNREACHABLE, problem, UNREACHABLE_HELP))
        }
    };
    Some(answer)
}

const UNREACHABLE_HELP: &str =
    "see whether this machine reaches the platform, and through which `proxy`";

/// The kind of problem, and what to do about it.
fn judge(error: &SendError) -> (&'static Code, &'static str) {
    match error.kind {
        ErrorKind::Unauthorized | ErrorKind::Rejected => (
            &codes::CREDENTIALS_REFUSED,
            "copy the credentials anew from the platform's console; they must all be of one app",
        ),
        ErrorKind::Unavailable | ErrorKind::Timeout => (&codes::UNREACHABLE, UNREACHABLE_HELP),
        _ => (&codes::PROBE_FAILED, "try again later"),
    }
}

//! What callbacks lack is asked for, for a while, and they are taken in as they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bridge_core::BoxFuture;
use bridge_core::driver::{Batch, ErasedDriver, Outgoing, Refusal};
use bridge_core::outcome::{SendError, Sent};
use bridge_http::{InboundOptions, endpoint};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::support::{FakeIntake, Taking, batch_of, listen, soon};

/// Looks up what has a gate, once that opens; a gate that is dropped never does.
struct Asking {
    gates: Mutex<HashMap<String, oneshot::Receiver<()>>>,
    /// What is being looked up.
    asked: mpsc::UnboundedSender<String>,
}

impl ErasedDriver for Asking {
    fn verify(&self, _: &Request<Bytes>) -> Result<(), Refusal> {
        Ok(())
    }

    fn decode(&self, raw: &Bytes) -> Result<Batch, Refusal> {
        Ok(batch_of(raw))
    }

    fn look_up<'a>(&'a self, batch: &'a mut Batch) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let text = batch.notices[0].text.clone();
            let gate = self.gates.lock().unwrap().remove(&text);
            self.asked.send(text.clone()).unwrap();
            if gate.expect("a gate").await.is_err() {
                std::future::pending::<()>().await;
            }
            batch.notices[0].text = format!("{text}, known");
        })
    }

    fn send<'a>(&'a self, _: &'a Outgoing) -> BoxFuture<'a, Result<Sent, SendError>> {
        unreachable!("nothing is sent")
    }
}

type Answered = JoinHandle<Response<Full<Bytes>>>;

/// Callbacks with these bodies, the next one posted when the one before is being looked up; what is
/// taken in, and a key to each gate.
async fn posted<const N: usize>(
    bodies: [&'static str; N],
) -> (
    [Answered; N],
    mpsc::UnboundedReceiver<Taking>,
    [oneshot::Sender<()>; N],
) {
    let (asked, mut is_asked) = mpsc::unbounded_channel();
    let mut gates = HashMap::new();
    let keys = bodies.map(|body| {
        let (key, gate) = oneshot::channel();
        gates.insert(body.to_owned(), gate);
        key
    });
    let gates = Mutex::new(gates);
    let (intake, takings) = FakeIntake::new(N, None);
    let options = InboundOptions {
        looks_up: true,
        ..InboundOptions::default()
    };
    let driver = Arc::new(Asking { gates, asked });
    let service = endpoint(driver, &listen("/in"), intake, options);
    let mut answers = Vec::new();
    for body in bodies {
        let request = Request::post("/in").body(Full::new(Bytes::from(body)));
        let service = service.clone();
        answers.push(tokio::spawn(async move {
            service.oneshot(request.unwrap()).await.unwrap()
        }));
        assert_eq!(is_asked.recv().await.as_deref(), Some(body));
    }
    let answers = answers.try_into().expect("as many as bodies");
    (answers, takings, keys)
}

/// What was taken in, in order.
fn taken(takings: &mut mpsc::UnboundedReceiver<Taking>) -> Vec<String> {
    let takings = std::iter::from_fn(|| takings.try_recv().ok());
    let finished = |taking| match taking {
        Taking::Finished(text) => Some(text),
        Taking::Started(_) => None,
    };
    takings.filter_map(finished).collect()
}

#[tokio::test]
async fn who_is_known_sooner_does_not_overtake() {
    let ([slow, quick], mut takings, [of_slow, of_quick]) = posted(["slow", "quick"]).await;
    of_quick.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!quick.is_finished() && taken(&mut takings).is_empty());
    of_slow.send(()).unwrap();
    for answer in [slow, quick] {
        assert_eq!(soon(answer).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(taken(&mut takings), ["slow, known", "quick, known"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_known_in_time_is_taken_in_as_it_came() {
    let ([hung, other], mut takings, [_kept, of_other]) = posted(["hung", "other"]).await;
    of_other.send(()).unwrap();
    for answer in [hung, other] {
        assert_eq!(soon(answer).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(taken(&mut takings), ["hung", "other, known"]);
}

#[tokio::test]
async fn who_goes_away_keeps_nobody_waiting_and_lets_nobody_overtake() {
    let ([first, second, third], mut takings, [of_first, of_second, of_third]) =
        posted(["first", "second", "third"]).await;
    second.abort();
    assert!(soon(second).await.unwrap_err().is_cancelled());
    drop(of_second);
    of_third.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!third.is_finished() && taken(&mut takings).is_empty());
    of_first.send(()).unwrap();
    for answer in [first, third] {
        assert_eq!(soon(answer).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(taken(&mut takings), ["first, known", "third, known"]);
}

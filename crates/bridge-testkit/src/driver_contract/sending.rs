//! Checks of sends while all is well, and of those that are dropped, retried or done at once.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use bridge_core::driver::{Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice};
use futures_util::future::join_all;

use super::bench::{Bench, Context, Slow, TEXT, drive, page};
use super::{Outcome, SentText, Stop, Subject};
use crate::fake_ports;

pub(super) fn the_text_arrives_whole<S: Subject>(context: &Context<S>) -> Outcome {
    let lines = "first\nsecond\r\n\tthird";
    let markup = "<at id=\"all\"></at> @all [link](https://example.com) {{x}} %s ${y} `z`";
    let indented = "  indented\n    more";
    let combined = "e\u{301}👨‍👩‍👧🇩🇪 \u{202e}\u{200b}";
    for text in [
        TEXT, "x", lines, markup, indented, combined, "\"\\\"", "0", "null",
    ] {
        let bench = context.bench()?;
        arrives(&bench, text)?;
    }
    Ok(())
}

pub(super) fn what_fits_can_be_sent<S: Subject>(context: &Context<S>) -> Outcome {
    let capabilities = context.capabilities()?;
    let size = capabilities.text_size;
    // Of a limit larger than this, only the beginning is tried.
    let limit = capabilities.text_limit.min(1_000_000);
    for unit in ["a", "\"", "\\", "\n", "<", "&", "中", "👋"] {
        let count = limit / size(unit).max(1);
        let mut text = format!("x{}", unit.repeat(count.saturating_sub(size("x") + 1)));
        text += &"x".repeat(limit.saturating_sub(size(&text)) / size("x").max(1));
        if size(&text) > capabilities.text_limit {
            continue;
        }
        let bench = context.bench()?;
        arrives(&bench, &text)?;
    }
    Ok(())
}

fn arrives<S: Subject>(bench: &Bench<S>, text: &str) -> Outcome {
    const SHOWN_CHARS: usize = 60;
    let shown = |text: &str| text.chars().take(SHOWN_CHARS).collect::<String>();
    let outgoing = bench.outgoing(0, text, "contract-key-0");
    let ended = bench.send_this(&outgoing)?;
    ensure!(ended.is_ok(), "{ended:?} for {:?}", shown(text));
    let sent = bench.sent();
    ensure!(sent.len() == 1, "{} sends were asked for", sent.len());
    ensure!(
        sent[0].text == text,
        "{:?} arrives as {:?}",
        shown(text),
        shown(&sent[0].text)
    );
    ensure!(
        sent[0].address == outgoing.address,
        "it goes to {}, not to {}",
        sent[0].address,
        outgoing.address
    );
    Ok(())
}

pub(super) fn delivered_means_taken<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.bench()?;
    for number in 0..4 {
        let text = format!("{TEXT} {number}");
        let outgoing = bench.outgoing(0, &text, &format!("contract-key-{number}"));
        let ended = bench.send_this(&outgoing)?;
        ensure!(ended.is_ok(), "{ended:?} for send {number}");
        let texts: Vec<_> = bench.sent().into_iter().map(|sent| sent.text).collect();
        ensure!(
            texts.len() == number + 1 && texts.last() == Some(&text),
            "send {number} is said to be delivered; the platform has got {texts:?}"
        );
    }
    Ok(())
}

pub(super) fn a_failed_send_is_not_repeated<S: Subject>(context: &Context<S>) -> Outcome {
    for status in [400, 429, 500, 503] {
        let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
        let ended = bench.send()?;
        let sends = bench.sent().len();
        ensure!(
            sends == 1,
            "{sends} sends were asked for after status {status}: {ended:?}"
        );
    }
    Ok(())
}

pub(super) fn a_retry_carries_the_same_key<S: Subject>(context: &Context<S>) -> Outcome {
    if !context.capabilities()?.idempotent_send {
        return Err(Stop::NotClaimed("sends are not idempotent"));
    }
    let bench = context.sends_answered(|_, _| Ok(page(502)))?;
    let key_of_send = |channel: usize, text: &str, key: &str| -> Result<String, Stop> {
        drop(bench.send_this(&bench.outgoing(channel, text, key))?);
        let key = bench.sent().pop().and_then(|sent| sent.key);
        key.filter(|key| !key.is_empty())
            .ok_or_else(|| Stop::Broken("a send carries no idempotency key".into()))
    };
    let first = key_of_send(0, TEXT, "contract-key-0")?;
    ensure!(
        first == key_of_send(0, TEXT, "contract-key-0")?,
        "a retry carries another key"
    );
    // The same words once more are another message.
    ensure!(
        first != key_of_send(0, TEXT, "contract-key-1")?,
        "two parts carry one key"
    );
    let other = context.bench()?;
    drop(other.send()?);
    let after_restart = other.sent().pop().and_then(|sent| sent.key);
    ensure!(
        after_restart == Some(first),
        "after a restart, a retry carries another key"
    );
    Ok(())
}

pub(super) fn channels_do_not_mix<S: Subject>(context: &Context<S>) -> Outcome {
    const CHANNELS: usize = 8;
    let (bench, driver) = slow(context)?;
    let outgoing: Vec<_> = (0..CHANNELS)
        .map(|number| {
            bench.outgoing(
                number,
                &format!("{TEXT} {number}"),
                &format!("contract-key-{number}"),
            )
        })
        .collect();
    let sends = outgoing.iter().map(|outgoing| driver.send(outgoing));
    for ended in drive(&bench.clock, join_all(sends))? {
        ensure!(ended.is_ok(), "{ended:?} of {CHANNELS} sends at once");
    }
    let pair = |sent: SentText| (sent.address, sent.text);
    let sent: Vec<_> = bench.sent().into_iter().map(pair).collect();
    for outgoing in &outgoing {
        let count = sent
            .iter()
            .filter(|(address, text)| *address == outgoing.address && *text == outgoing.text)
            .count();
        ensure!(
            count == 1,
            "{} got its text {count} times",
            outgoing.address
        );
    }
    let addresses: BTreeSet<_> = outgoing.iter().map(|outgoing| &outgoing.address).collect();
    ensure!(
        addresses.len() == CHANNELS,
        "the subject's addresses are not different"
    );
    Ok(())
}

pub(super) fn a_dropped_send_leaves_the_driver_usable<S: Subject>(context: &Context<S>) -> Outcome {
    for_every_await(context, |bench, driver, dropped| {
        let next = Outgoing::new(context.subject.address(1), "the next one", "contract-key-1");
        let ended = drive(&bench.clock, driver.send(&next))?;
        ensure!(
            ended.is_ok(),
            "{ended:?} after a send was dropped at its await {}",
            dropped.number
        );
        let texts = bench
            .sent()
            .into_iter()
            .filter(|sent| sent.text == next.text);
        let count = texts.count();
        ensure!(count == 1, "the next send was asked for {count} times");
        Ok(())
    })
}

pub(super) fn what_prepares_has_not_sent<S: Subject>(context: &Context<S>) -> Outcome {
    for_every_await(context, |bench, _, dropped| {
        let sends = bench.sent().len();
        ensure!(
            sends == 0 || !dropped.was_preparing,
            "dropped at its await {}, it said that it was preparing; {sends} sends were asked for",
            dropped.number
        );
        Ok(())
    })
}

pub(super) fn an_expired_token_is_replaced<S: Subject>(context: &Context<S>) -> Outcome {
    const MOST_SENDS: usize = 2;
    if context.subject.expired().is_none() {
        return Err(Stop::NotClaimed("there are no tokens"));
    }
    // The second send finds its token expired.
    let sends = AtomicUsize::new(0);
    let bench = context.sends_answered(move |subject, request| {
        let is_second = sends.fetch_add(1, Ordering::Relaxed) == 1;
        let expired = subject.expired().filter(|_| is_second);
        Ok(expired.unwrap_or_else(|| subject.accepted(request)))
    })?;
    let first = bench.send()?;
    ensure!(first.is_ok(), "{first:?} for the first send");
    let tokens = |bench: &Bench<S>| bench.http.requests().len() - bench.sent().len();
    let tokens_before = tokens(&bench);
    if let Err(error) = bench.send()? {
        let waits =
            error.advice != RetryAdvice::Never && error.certainty == Certainty::NotDelivered;
        ensure!(waits, "{error:?} for a send under an expired token");
    }
    let next = bench.send()?;
    ensure!(next.is_ok(), "{next:?} for the send after an expired token");
    ensure!(tokens(&bench) > tokens_before, "no new token was asked for");

    let bench = context.sends_answered(|subject, request| {
        Ok(subject
            .expired()
            .unwrap_or_else(|| subject.accepted(request)))
    })?;
    let error = bench.failed_send("a token that is never accepted")?;
    let sends = bench.sent().len();
    ensure!(
        sends <= MOST_SENDS,
        "{sends} sends under tokens that are never accepted: {error:?}"
    );
    Ok(())
}

pub(super) fn a_foreign_address_is_rejected<S: Subject>(context: &Context<S>) -> Outcome {
    if S::Driver::INFO.address_keys.is_empty() {
        return Err(Stop::NotClaimed("channels have no keys"));
    }
    let bench = context.bench()?;
    let address = Address::new([("surely_unknown", "x")]);
    let outgoing = Outgoing::new(address, TEXT, "contract-key-0");
    let error = match bench.send_this(&outgoing)? {
        Err(error) => error,
        Ok(sent) => return Err(Stop::Broken(format!("{sent:?}"))),
    };
    ensure!(
        error.kind == ErrorKind::Rejected && error.advice == RetryAdvice::Never,
        "{error:?}"
    );
    let asked = bench.http.requests().len();
    ensure!(asked == 0, "{asked} requests were made");
    Ok(())
}

/// A bench, and a driver that asks its platform through exchanges which wait.
fn slow<S: Subject>(context: &Context<S>) -> Result<(Bench<S>, S::Driver), Stop> {
    let bench = context.bench()?;
    let mut ports = fake_ports(&bench.clock, &bench.http);
    ports.http = Arc::new(Slow(bench.http.clone()));
    let driver = context.open(ports)?;
    Ok((bench, driver))
}

/// Drops a send at each of its awaits in turn; `then` looks at what that left.
fn for_every_await<S: Subject>(
    context: &Context<S>,
    then: impl Fn(&Bench<S>, &S::Driver, Dropped) -> Outcome,
) -> Outcome {
    const MOST_AWAITS: usize = 200;
    for number in 1..MOST_AWAITS {
        let (bench, driver) = slow(context)?;
        let outgoing = bench.outgoing(0, TEXT, "contract-key-0");
        let mut task = std::task::Context::from_waker(Waker::noop());
        let mut polls = 0;
        let ended = {
            let mut send = pin!(driver.send(&outgoing));
            loop {
                if let Poll::Ready(ended) = send.as_mut().poll(&mut task) {
                    break Some(ended);
                }
                polls += 1;
                if polls == number {
                    break None;
                }
            }
        };
        if let Some(ended) = ended {
            ensure!(ended.is_ok(), "{ended:?} for a send that was not dropped");
            return Ok(());
        }
        let dropped = Dropped {
            number,
            was_preparing: outgoing.is_preparing(),
        };
        then(&bench, &driver, dropped)?;
    }
    Err(Stop::Broken(format!(
        "a send has more than {MOST_AWAITS} awaits"
    )))
}

/// The await at which a send was dropped.
#[derive(Debug, Clone, Copy)]
struct Dropped {
    number: usize,
    was_preparing: bool,
}

//! Checks of sends while all is well, and of those that are retried or done at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use bridge_core::driver::{Act, Driver, Outgoing};
use bridge_core::id::Address;
use bridge_core::outcome::{Certainty, ErrorKind, RetryAdvice};
use futures_util::future::join_all;

use super::acts::goes_to;
use super::bench::{Bench, CHANNELS, Ending, Setup, page};
use super::context::{Context, TEXT};
use super::platform::{Asked, WayOut};
use super::samples::Sample;
use super::{Outcome, Stop, Subject};

pub(super) fn the_text_arrives_whole<S: Subject>(context: &Context<S>) -> Outcome {
    let lines = "first\nsecond\r\n\tthird";
    let markup = "<at id=\"all\"></at> @all [link](https://example.com) {{x}} %s ${y} `z`";
    let tabs = "one\ttwo\t\tfour";
    let indented = "  indented\n    more";
    let combined = "e\u{301}👨‍👩‍👧🇩🇪 \u{202e}\u{200b}";
    let controls = "one\u{1}two\u{3}4,5three\u{7f}";
    let has_lines = context.capabilities()?.line_breaks;
    for sample in saying(context)? {
        for text in [
            TEXT, "x", tabs, lines, markup, indented, combined, controls, "\"\\\"", ":", "0",
            "null",
        ] {
            if !has_lines && text.contains('\n') {
                continue;
            }
            arrives(context, &sample, text)?;
        }
    }
    Ok(())
}

pub(super) fn markup_is_shown_as_it_stands<S: Subject>(context: &Context<S>) -> Outcome {
    let markup = context.subject.markup();
    if markup.is_empty() {
        return Err(Stop::NotClaimed("the platform has no markup"));
    }
    for sample in saying(context)? {
        for markup in &markup {
            let sent = arrives(context, &sample, markup.text)?;
            let what = sample.of(&format!("{:?}", markup.text));
            ensure!(
                sent.written == markup.written,
                "{what}: written as {:?}, expected: {:?}",
                sent.written,
                markup.written
            );
        }
    }
    Ok(())
}

/// The samples of which people read a text.
fn saying<S: Subject>(context: &Context<S>) -> Result<Vec<Sample>, Stop> {
    let mut samples = context.samples()?;
    samples.retain(Sample::says);
    Ok(samples)
}

pub(super) fn what_fits_can_be_sent<S: Subject>(context: &Context<S>) -> Outcome {
    let capabilities = context.capabilities()?;
    let size = capabilities.text_size;
    // Of a limit larger than this, only the beginning is tried.
    let limit = capabilities.text_limit.min(1_000_000);
    for unit in ["a", "\"", "\\", "\n", "<", "&", "中", "👋"] {
        if unit == "\n" && !capabilities.line_breaks {
            continue;
        }
        let count = limit / size(unit).max(1);
        let mut text = format!("x{}", unit.repeat(count.saturating_sub(size("x") + 1)));
        text += &"x".repeat(limit.saturating_sub(size(&text)) / size("x").max(1));
        if size(&text) > capabilities.text_limit {
            continue;
        }
        arrives(context, &Sample::TEXT, &text)?;
    }
    Ok(())
}

fn arrives<S: Subject>(context: &Context<S>, sample: &Sample, text: &str) -> Result<Asked, Stop> {
    const SHOWN_CHARS: usize = 60;
    let shown = |text: &str| text.chars().take(SHOWN_CHARS).collect::<String>();
    let what = sample.of(&format!("{:?}", shown(text)));
    let bench = context.bench()?;
    let outgoing = bench.outgoing_sample(sample, text);
    let ended = bench.send_this(&outgoing)?;
    ensure!(ended.is_ok(), "{what}: {ended:?}");
    let mut sent = bench.sent();
    ensure!(
        sent.len() == 1,
        "{what}: {} sends were asked for",
        sent.len()
    );
    let sent = sent.remove(0);
    ensure!(
        context.is_seen_as(text, &sent.text),
        "{what}: arrives as {:?}, expected: {:?}",
        shown(&sent.text),
        shown(&context.as_seen(text))
    );
    goes_to(&sent, &outgoing, &what)?;
    Ok(sent)
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

pub(super) fn the_ids_of_a_send_are_told<S: Subject>(context: &Context<S>) -> Outcome {
    let api = context.api()?;
    for sample in context.samples()? {
        if !matches!(sample.act, Act::Say | Act::Reply { .. }) {
            continue;
        }
        let bench = context.bench()?;
        let what = sample.of("a send");
        let sent = match bench.send_sample(&sample)? {
            Ok(sent) => sent,
            Err(error) => return Err(Stop::Broken(format!("{what}: {error:?}"))),
        };
        let requests = bench.http.requests().into_iter();
        let sends = requests.filter(|request| api.asked(request).is_some());
        let given: Option<Vec<_>> = sends.map(|send| api.accepted_ids(&send)).collect();
        let Some(given) = given else {
            return Err(Stop::NotClaimed("the platform gives no ids"));
        };
        let given = given.concat();
        ensure!(
            sent.platform_ids == given,
            "{what}: it tells {:?}; the platform gave {given:?}",
            sent.platform_ids
        );
    }
    Ok(())
}

pub(super) fn a_failed_send_is_not_repeated<S: Subject>(context: &Context<S>) -> Outcome {
    if let WayOut::Connection = context.subject.way_out() {
        for sample in context.samples()? {
            let bench = context.bench()?;
            bench.next_send(Ending::Unanswered);
            let ended = bench.send_sample(&sample)?;
            bench.reach()?;
            let sends = bench.sent().len();
            let what = sample.of("once it is connected again");
            ensure!(sends == 1, "{what}: it was sent {sends} times: {ended:?}");
        }
        return Ok(());
    }
    for sample in context.samples()? {
        for status in [400, 429, 500, 503] {
            let bench = context.sends_answered(move |_, _| Ok(page(status)))?;
            let ended = bench.send_sample(&sample)?;
            let sends = bench.sent().len();
            let what = sample.of(&format!("status {status}"));
            ensure!(
                sends == 1,
                "{what}: {sends} sends were asked for: {ended:?}"
            );
        }
    }
    Ok(())
}

pub(super) fn a_retry_carries_the_same_key<S: Subject>(context: &Context<S>) -> Outcome {
    if !context.capabilities()?.idempotent_send {
        return Err(Stop::NotClaimed("sends are not idempotent"));
    }
    let bench = match context.subject.way_out() {
        WayOut::Requests(_) => context.sends_answered(|_, _| Ok(page(502)))?,
        WayOut::Connection => context.bench()?,
    };
    let key_of_send = |bench: &Bench<S>, key: &str| -> Result<String, Stop> {
        bench.next_send(Ending::Unanswered);
        drop(bench.send_this(&bench.outgoing(0, TEXT, key))?);
        let key = bench.sent().pop().and_then(|sent| sent.key);
        bench.connect()?;
        key.filter(|key| !key.is_empty())
            .ok_or_else(|| Stop::Broken("a send carries no idempotency key".into()))
    };
    let first = key_of_send(&bench, "contract-key-0")?;
    ensure!(
        first == key_of_send(&bench, "contract-key-0")?,
        "a retry carries another key"
    );
    // The same words once more are another message.
    ensure!(
        first != key_of_send(&bench, "contract-key-1")?,
        "two parts carry one key"
    );
    let after_restart = key_of_send(&context.bench()?, "contract-key-0")?;
    ensure!(
        after_restart == first,
        "after a restart, a retry carries another key"
    );
    Ok(())
}

pub(super) fn channels_do_not_mix<S: Subject>(context: &Context<S>) -> Outcome {
    let bench = context.open(Setup {
        is_slow: true,
        ..Setup::default()
    })?;
    bench.connect()?;
    let outgoing: Vec<_> = (0..CHANNELS)
        .map(|number| {
            bench.outgoing(
                number,
                &format!("{TEXT} {number}"),
                &format!("contract-key-{number}"),
            )
        })
        .collect();
    let sends = outgoing.iter().map(|outgoing| bench.driver.send(outgoing));
    for ended in bench.drive(join_all(sends))? {
        ensure!(ended.is_ok(), "{ended:?} of {CHANNELS} sends at once");
    }
    let pair = |sent: Asked| (sent.address, sent.text);
    let sent: Vec<_> = bench.sent().into_iter().map(pair).collect();
    for outgoing in &outgoing {
        let count = sent
            .iter()
            .filter(|(address, text)| {
                address.as_ref() == Some(&outgoing.address)
                    && *text == context.as_seen(&outgoing.text)
            })
            .count();
        ensure!(
            count == 1,
            "{} got its text {count} times",
            outgoing.address
        );
    }
    let addresses: BTreeSet<_> = outgoing.iter().map(|outgoing| &outgoing.address).collect();
    // Where channels have no keys, an instance is one channel.
    let is_one = S::Driver::INFO.address_keys.is_empty();
    ensure!(
        addresses.len() == if is_one { 1 } else { CHANNELS },
        "the subject's addresses are not different"
    );
    Ok(())
}

pub(super) fn an_expired_token_is_replaced<S: Subject>(context: &Context<S>) -> Outcome {
    const MOST_SENDS: usize = 2;
    if context.api()?.expired().is_none() {
        return Err(Stop::NotClaimed("there are no tokens"));
    }
    // The second send finds its token expired.
    let sends = AtomicUsize::new(0);
    let bench = context.sends_answered(move |api, request| {
        let is_second = sends.fetch_add(1, Ordering::Relaxed) == 1;
        let expired = api.expired().filter(|_| is_second);
        Ok(expired.unwrap_or_else(|| api.accepted(request)))
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

    let bench = context.sends_answered(|api, request| {
        Ok(api.expired().unwrap_or_else(|| api.accepted(request)))
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
    let before = bench.times_asked();
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
    let asked = bench.times_asked() - before + bench.sent().len();
    ensure!(asked == 0, "the platform was asked {asked} times");
    Ok(())
}

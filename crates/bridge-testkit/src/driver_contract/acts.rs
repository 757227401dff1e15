//! Checks of what is asked for beside text.

use bridge_core::capability::Features;
use bridge_core::driver::{Act, Outgoing};
use bridge_core::message::Attachment;

use super::bench::Bench;
use super::context::{Context, TEXT};
use super::platform::Asked;
use super::samples::SIGN;
use super::{Outcome, Stop, Subject};

pub(super) fn attachments_are_asked_for<S: Subject>(context: &Context<S>) -> Outcome {
    claimed(context, |shows| shows.attachments, "no attachments")?;
    let bench = context.bench()?;
    let file = |number: usize| {
        let url = format!("https://files.example/{number}?key=a%20b");
        Attachment::new(format!("plan {number} \"α\".pdf"), url)
    };
    for (channel, text, files) in [
        (0, TEXT, vec![file(1)]),
        (1, "", vec![file(2), file(3)]),
        (1, TEXT, vec![file(4)]),
    ] {
        let mut outgoing = bench.outgoing(channel, text, "contract-key-0");
        outgoing.attachments.clone_from(&files);
        let asked = asked_for(&bench, &outgoing)?;
        let shown: Vec<_> = asked
            .iter()
            .flat_map(|asked| asked.attachments.clone())
            .collect();
        ensure!(shown == files, "{files:?} arrive as {shown:?}");
        let said: String = asked.iter().map(|asked| &*asked.text).collect();
        ensure!(
            said == context.as_seen(text),
            "the text beside attachments, {text:?}, arrives as {said:?}"
        );
    }
    Ok(())
}

pub(super) fn replies_are_asked_for<S: Subject>(context: &Context<S>) -> Outcome {
    claimed(context, |shows| shows.replies, "no replies")?;
    is_asked_for(context, TEXT, |ids| Act::Reply { to: ids })
}

pub(super) fn edits_are_asked_for<S: Subject>(context: &Context<S>) -> Outcome {
    claimed(context, |shows| shows.edits, "no edits")?;
    is_asked_for(context, TEXT, |ids| Act::Edit { of: ids })
}

pub(super) fn recalls_are_asked_for<S: Subject>(context: &Context<S>) -> Outcome {
    claimed(context, |shows| shows.recalls, "no recalls")?;
    is_asked_for(context, "", |ids| Act::Recall { of: ids })
}

pub(super) fn reactions_are_asked_for<S: Subject>(context: &Context<S>) -> Outcome {
    claimed(context, |shows| shows.reactions, "no reactions")?;
    is_asked_for(context, SIGN, |ids| Act::React { to: ids })?;
    is_asked_for(context, SIGN, |ids| Act::RemoveReaction { from: ids })
}

fn claimed<S: Subject>(
    context: &Context<S>,
    feature: impl Fn(Features) -> bool,
    lacks: &'static str,
) -> Outcome {
    match feature(context.capabilities()?.shows) {
        true => Ok(()),
        false => Err(Stop::NotClaimed(lacks)),
    }
}

/// Does something to an earlier send of the instance's own, and to a message that came in; in two
/// channels, since one may be a thread or topic within a room, and the other a whole room.
fn is_asked_for<S: Subject>(
    context: &Context<S>,
    text: &str,
    act: impl Fn(Vec<String>) -> Act,
) -> Outcome {
    for channel in [0, 1] {
        let bench = context.bench()?;
        let earlier = bench.outgoing(channel, TEXT, "contract-key-0");
        let earlier = match bench.send_this(&earlier)? {
            Ok(sent) => sent.platform_ids,
            Err(error) => return Err(Stop::Broken(format!("{error:?} although all is well"))),
        };
        // Only what the instance itself has said can it change.
        let changes_own = matches!(act(Vec::new()), Act::Edit { .. } | Act::Recall { .. });
        let heard = context.heard_id().filter(|_| !changes_own);
        let messages = [earlier].into_iter().chain(heard.map(|id| vec![id]));
        let messages: Vec<_> = messages.filter(|ids| !ids.is_empty()).collect();
        ensure!(
            !messages.is_empty(),
            "neither a send nor a message has an id to which something could be done"
        );
        for ids in messages {
            let act = act(ids);
            let mut outgoing = bench.outgoing(channel, text, "contract-key-1");
            outgoing.act = act.clone();
            let asked = asked_for(&bench, &outgoing)?;
            let is_it = |asked: &Asked| asked.act == act && asked.text == context.as_seen(text);
            ensure!(
                asked.len() == 1 && asked.iter().all(is_it),
                "{act:?} with {text:?} arrives as {asked:?}"
            );
        }
    }
    Ok(())
}

/// What the platform was asked for by one send that succeeds.
fn asked_for<S: Subject>(bench: &Bench<S>, outgoing: &Outgoing) -> Result<Vec<Asked>, Stop> {
    let before = bench.sent().len();
    let ended = bench.send_this(outgoing)?;
    ensure!(ended.is_ok(), "{ended:?} for {:?}", outgoing.act);
    let asked = bench.sent().split_off(before);
    for asked in &asked {
        goes_to(asked, outgoing, &format!("{:?}", outgoing.act))?;
    }
    Ok(asked)
}

/// It goes where it should; only a change may leave that to the id.
pub(super) fn goes_to(asked: &Asked, outgoing: &Outgoing, what: &str) -> Outcome {
    let Some(address) = &asked.address else {
        let is_new = matches!(asked.act, Act::Say | Act::Reply { .. });
        ensure!(
            !is_new,
            "{what}: it goes to no channel, not to {}",
            outgoing.address
        );
        return Ok(());
    };
    ensure!(
        *address == outgoing.address,
        "{what}: it goes to {address}, not to {}",
        outgoing.address
    );
    Ok(())
}

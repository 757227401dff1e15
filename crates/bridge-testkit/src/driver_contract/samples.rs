//! A send of each kind that the driver claims, so that what holds for a text is tried for all.

use bridge_core::driver::{Act, Outgoing};
use bridge_core::outcome::{SendError, Sent};

use super::bench::Bench;
use super::context::{Context, TEXT};
use super::{ApiError, Brings, Stop, Subject};

/// A sign that platforms know.
pub(super) const SIGN: &str = "👍";

/// A send of one kind.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) act: Act,
    /// What it says; the sign of a reaction.
    pub(super) text: &'static str,
    /// Behind what happened to it, for people; empty for a text.
    kind: &'static str,
}

impl Sample {
    /// [`TEXT`], for nobody in particular.
    pub(super) const TEXT: Self = Self {
        act: Act::Say,
        text: TEXT,
        kind: "",
    };

    /// What happened, and to what kind of send: `status 500, to an edit`.
    pub(super) fn of(&self, what: &str) -> String {
        format!("{what}{}", self.kind)
    }

    /// Whether people read a text that it says.
    pub(super) fn says(&self) -> bool {
        matches!(self.act, Act::Say | Act::Reply { .. } | Act::Edit { .. })
    }
}

impl<S: Subject> Context<S> {
    /// A text, and each act that the capabilities claim; those of messages that have no id apart,
    /// which the checks of acts tell of.
    pub(super) fn samples(&self) -> Result<Vec<Sample>, Stop> {
        let shows = self.capabilities()?.shows;
        let mut samples = vec![Sample::TEXT];
        if !(shows.replies || shows.edits || shows.recalls || shows.reactions) {
            return Ok(samples);
        }
        let bench = self.bench()?;
        let own = bench.send()?.map(|sent| sent.platform_ids);
        let own = own.unwrap_or_default();
        let any = match own.is_empty() {
            true => self.heard_id().into_iter().collect(),
            false => own.clone(),
        };
        let mut add = |is_claimed: bool, act: Act, text, kind| {
            let (Act::Reply { to: ids }
            | Act::Edit { of: ids }
            | Act::Recall { of: ids }
            | Act::React { to: ids }
            | Act::RemoveReaction { from: ids }) = &act
            else {
                return;
            };
            if is_claimed && !ids.is_empty() {
                samples.push(Sample { act, text, kind });
            }
        };
        let (to, of) = (any, own);
        add(
            shows.replies,
            Act::Reply { to: to.clone() },
            TEXT,
            ", to a reply",
        );
        add(
            shows.edits,
            Act::Edit { of: of.clone() },
            TEXT,
            ", to an edit",
        );
        add(shows.recalls, Act::Recall { of }, "", ", to a recall");
        add(
            shows.reactions,
            Act::React { to: to.clone() },
            SIGN,
            ", to a reaction",
        );
        let from = Act::RemoveReaction { from: to };
        add(
            shows.reactions,
            from,
            SIGN,
            ", to a reaction that is taken back",
        );
        Ok(samples)
    }

    /// The id of a recorded message.
    pub(super) fn heard_id(&self) -> Option<String> {
        let recorded = self.subject.recorded().into_iter();
        recorded
            .flat_map(|recorded| recorded.brings)
            .find_map(|brings| match brings {
                Brings::Message(message) => message.id,
                Brings::Changed(_) | Brings::Ignored(_) => None,
            })
    }
}

impl<S: Subject> Bench<S> {
    /// Sends a sample to channel 0.
    pub(super) fn send_sample(&self, sample: &Sample) -> Result<Result<Sent, SendError>, Stop> {
        self.send_this(&self.outgoing_sample(sample, sample.text))
    }

    /// The error of [`Bench::send_sample`], which must not be a success.
    pub(super) fn failed_sample(&self, sample: &Sample, what: &str) -> Result<SendError, Stop> {
        match self.send_sample(sample)? {
            Err(error) => Ok(error),
            Ok(sent) => Err(Stop::Broken(format!(
                "{what}: {sent:?} is said to be delivered"
            ))),
        }
    }

    /// The error of a sample that the platform answers with this one of its own.
    pub(super) fn met_by(
        context: &Context<S>,
        sample: &Sample,
        error: &ApiError,
    ) -> Result<(SendError, String), Stop> {
        let answer = error.answer.clone();
        let bench = context.sends_answered(move |_, _| Ok(answer.clone()))?;
        let what = sample.of(&format!("`{}`", error.name));
        Ok((bench.failed_sample(sample, &what)?, what))
    }

    /// The sample with another text.
    pub(super) fn outgoing_sample(&self, sample: &Sample, text: &str) -> Outgoing {
        let mut outgoing = self.outgoing(0, text, "contract-key-0");
        outgoing.act = sample.act.clone();
        outgoing
    }
}

//! `bridge trace`: where a message is, and everything that happened to it.

use bridge_core::catalog::Catalog;
use bridge_store::{Trace, TracedDelivery, TracedMessage, TracedRecord};

use super::operate::{Operator, quoted, unexpected};
use super::{Exit, output};
use crate::control::{Question, Reply};
use crate::files::Files;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// The platform's id of the message, or the number of a delivery
    #[arg(required_unless_present = "totals")]
    id: Option<String>,

    /// Count all deliveries: what was planned, and where it is
    #[arg(long, conflicts_with = "id")]
    totals: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn trace(args: &Args, catalog: &Catalog) -> Exit {
    let done = match &args.id {
        Some(id) => trace_id(args, id, catalog),
        None => totals(args, catalog),
    };
    done.unwrap_or_else(|exit| exit)
}

fn trace_id(args: &Args, id: &str, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    let question = Question::Trace { id: id.to_owned() };
    let Reply::Trace(trace) = operator.ask(&question)? else {
        return Err(unexpected());
    };
    let Trace { messages, records } = &trace;
    if args.json {
        output::json(&trace);
    } else {
        for message in messages {
            print_message(message);
        }
        for record in records {
            output::print(&describe(record));
        }
    }
    if messages.is_empty() && records.is_empty() {
        output::error(&format_args!(
            "nothing is known of \"{id}\": it never came, was refused (see the log), or is older than `retain_ids`"
        ));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Fine)
}

fn print_message(message: &TracedMessage) {
    let id = message.message_id.as_deref().unwrap_or("(it has no id)");
    output::print(&format_args!("message {id}"));
    let title = bridge_core::message::single_line(&message.source_title);
    output::print(&format_args!(
        "  {}  received from {} {title}",
        message.received_at, message.source
    ));
    if let Some(changed) = &message.change_of {
        output::print(&format_args!("  changes message {changed}"));
    }
    if let Some(last) = &message.last_duplicate_at {
        let times = usize::try_from(message.duplicates).unwrap_or(usize::MAX);
        output::print(&format_args!(
            "  {last}  came again, {} in all; not delivered again",
            output::counted(times, "time")
        ));
    }
    for delivery in &message.deliveries {
        print_delivery(delivery);
    }
}

fn print_delivery(delivery: &TracedDelivery) {
    output::print(&format_args!(
        "\n  delivery {} to {}, by rule \"{}\"",
        delivery.id, delivery.target, delivery.rule
    ));
    for attempt in &delivery.attempts {
        let uncertain = if attempt.uncertain {
            " (uncertain)"
        } else {
            ""
        };
        output::print(&format_args!(
            "    {}  part {} failed: {}{uncertain}",
            attempt.at, attempt.part, attempt.answer
        ));
    }
    for part in &delivery.parts {
        let ids = match &part.platform_ids[..] {
            [] => "no id given".to_owned(),
            ids => ids.join(", "),
        };
        output::print(&format_args!(
            "    {}  part {} was taken: {ids}",
            part.at, part.part
        ));
    }
    output::print(&format_args!("    {}", state(delivery)));
    match &delivery.text {
        Some(text) => output::print(&quoted(text, "    ")),
        None => output::print(&"    (its text is no longer kept)"),
    }
}

fn state(delivery: &TracedDelivery) -> String {
    let at = delivery.at.as_deref().unwrap_or_default();
    let reason = delivery.reason.as_deref().unwrap_or_default();
    match &*delivery.state {
        "queued" => match &delivery.not_before {
            Some(time) => format!("queued; to be tried again at {time}, after: {reason}"),
            None => "queued".to_owned(),
        },
        "merged" => {
            let into = delivery.merged_into.unwrap_or_default();
            format!("{at}  merged into delivery {into}")
        }
        "dead" => {
            let perhaps = if delivery.may_have_been_delivered {
                "; may have been delivered"
            } else {
                ""
            };
            let blocks = if delivery.blocks {
                "; blocks its lane"
            } else {
                ""
            };
            format!("{at}  dead letter: {reason}{perhaps}{blocks}")
        }
        "discarded" => format!("{at}  discarded; it was a dead letter: {reason}"),
        "expired" => format!("{at}  expired: {reason}"),
        "not_shown" => format!("{at}  not shown: {reason}"),
        other => format!("{at}  {other}"),
    }
}

fn describe(record: &TracedRecord) -> String {
    let what = match &*record.reason {
        "no_rule" => "not forwarded: no rule took it; `bridge explain` says why".to_owned(),
        "holds_secret" => "not forwarded: it holds a secret of the config".to_owned(),
        "unknown_message" => {
            "not forwarded: what it changes was never forwarded, or is no longer known".to_owned()
        }
        "own_message" => "not forwarded: the bridge itself said what it changes".to_owned(),
        "not_shown" => "not forwarded: what it changes is shown nowhere".to_owned(),
        "replayed" => "replayed by an operator".to_owned(),
        "discarded" => "discarded by an operator".to_owned(),
        reason => format!("not forwarded: {reason}"),
    };
    let about = match record.delivery {
        Some(delivery) => format!("delivery {delivery}"),
        None => match &record.address {
            Some(address) => format!("{} {address}", record.instance),
            None => record.instance.clone(),
        },
    };
    format!("{}  {about}  {what}", record.at)
}

fn totals(args: &Args, catalog: &Catalog) -> Result<Exit, Exit> {
    let operator = Operator::new(&args.files, catalog)?;
    let Reply::Totals { totals, in_flight } = operator.ask(&Question::Totals)? else {
        return Err(unexpected());
    };
    if args.json {
        let mut value = serde_json::to_value(totals).unwrap_or_default();
        value["in_flight"] = in_flight.into();
        value["accounted"] = totals.accounted().into();
        output::json(&value);
    } else {
        let rows = [
            ("planned", totals.planned),
            ("delivered", totals.delivered),
            ("merged", totals.merged),
            ("dead", totals.dead),
            ("expired", totals.expired),
            ("not shown", totals.not_shown),
            ("discarded", totals.discarded),
            ("queued", totals.queued),
            ("lost", totals.lost),
        ];
        let is_shown = |(name, count): &(&str, u64)| *name != "lost" || *count > 0;
        for (name, count) in rows.into_iter().filter(is_shown) {
            let note = match (name, in_flight) {
                ("queued", 1..) => format!("  ({in_flight} being sent)"),
                _ => String::new(),
            };
            output::print(&format_args!("{name:<10}{count:>12}{note}"));
        }
        output::print(&format_args!(
            "{} deliveries were planned, {} are accounted for",
            totals.planned,
            totals.accounted()
        ));
    }
    if totals.planned == totals.accounted() {
        return Ok(Exit::Fine);
    }
    output::error(&"the two sides differ; `bridge store check` says more");
    Ok(Exit::Failed)
}

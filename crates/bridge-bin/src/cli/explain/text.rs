//! The report in sentences. No text of a message or a name in it can steer the terminal.

use std::fmt;

use bridge_core::message::single_line;

use super::report::{IgnoredRecord, MessageRecord, Report, RuleRecord, TargetRecord};
use crate::cli::operate::quoted;
use crate::cli::output::counted;

/// The report for people, without a line break at the end.
pub(super) struct Text<'a>(pub(super) &'a Report);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            messages,
            ignored,
            notices,
            is_event,
            ..
        } = self.0;
        let mut blocks = Vec::new();
        blocks.extend(
            notices
                .iter()
                .map(|notice| format!("notice: {}", single_line(notice))),
        );
        blocks.extend(ignored.iter().map(describe_ignored));
        for message in messages {
            blocks.push(heading(message, *is_event));
            blocks.extend(message.rules.iter().map(describe_rule));
            blocks.push(conclusion(message));
        }
        if messages.is_empty() && ignored.is_empty() {
            blocks.push("the event brings no message".to_owned());
        }
        f.write_str(&blocks.join("\n\n"))
    }
}

fn heading(message: &MessageRecord, is_event: bool) -> String {
    let from = line(&message.from);
    let mut heading = format!("a message from {from}");
    if let (true, Some(text)) = (is_event, &message.text) {
        let MessageRecord {
            user,
            user_id,
            kind,
            ..
        } = message;
        heading.push_str(&format!(
            "\n  user {user:?}, user id {user_id:?}, kind {kind}\n{}",
            quoted(text, "  ")
        ));
    }
    heading
}

fn conclusion(message: &MessageRecord) -> String {
    if let Some(key) = &message.held_back {
        return format!(
            "it is held back: it holds the secret of {}",
            single_line(key)
        );
    }
    match message.reached().count() {
        0 if message.rules.is_empty() => "there are no rules, so it goes nowhere".to_owned(),
        0 => "it goes nowhere".to_owned(),
        number => format!("it goes to {}", counted(number, "channel")),
    }
}

fn describe_rule(rule: &RuleRecord) -> String {
    let matched = match rule.matched {
        true => "matches",
        false => "does not match",
    };
    let mut lines = vec![line(&format_args!(
        "rule \"{}\" {matched} ({})",
        rule.id, rule.place
    ))];
    let clauses = rule.clauses.iter();
    lines.extend(clauses.map(|clause| {
        let text = line(&format_args!("{} ({})", clause.text, clause.place));
        format!("  {text}")
    }));
    lines.extend(rule.targets.iter().map(describe_target));
    lines.join("\n")
}

fn describe_target(target: &TargetRecord) -> String {
    let channel = line(&target.channel);
    if let Some(reason) = &target.skipped {
        return format!("  -> {channel}: skipped, {}", single_line(reason));
    }
    if target.parts.is_empty() {
        return format!("  -> {channel}: nothing is left to send; it becomes a dead letter");
    }
    let sizes: Vec<_> = target
        .parts
        .iter()
        .map(|part| part.size.to_string())
        .collect();
    let count = counted(target.parts.len(), "part");
    let limit = target.limit.unwrap_or_default();
    let mut lines = vec![format!(
        "  -> {channel}: {count}, size {} of {limit}",
        sizes.join(" + ")
    )];
    for part in &target.parts {
        if !part.text.is_empty() || part.attachments.is_empty() {
            lines.push(quoted(&part.text, "     "));
        }
        let files = part.attachments.iter();
        lines.extend(files.map(|url| format!("     with the file {}", single_line(url))));
    }
    for (key, value) in &target.msg {
        match value.as_object() {
            Some(values) => {
                lines.extend(values.iter().map(|(name, value)| {
                    format!("     {key}.{}: {}", single_line(name), line(value))
                }))
            }
            None => lines.push(format!("     {key}: {}", line(value))),
        }
    }
    lines.join("\n")
}

fn describe_ignored(ignored: &IgnoredRecord) -> String {
    let from = ignored
        .from
        .as_ref()
        .map(|from| format!(" from {}", line(from)));
    let id = ignored.message_id.as_deref().map(|id| format!(" {id:?}"));
    format!(
        "an event{}{} is ignored: {}",
        id.unwrap_or_default(),
        from.unwrap_or_default(),
        ignored.reason
    )
}

fn line(text: &dyn fmt::Display) -> String {
    single_line(&text.to_string())
}

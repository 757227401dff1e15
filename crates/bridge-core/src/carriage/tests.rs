use super::*;
use crate::capability::Features;
use crate::message::Quoted;

fn capabilities(shows: Features) -> Capabilities {
    let mut capabilities = Capabilities::text(10);
    capabilities.shows = shows;
    capabilities
}

fn shown(parts: &[&[&str]]) -> Counterpart {
    let ids = |part: &&[&str]| part.iter().map(|id| (*id).to_owned()).collect();
    Counterpart {
        parts: parts.iter().map(ids).collect(),
        edits: Vec::new(),
        is_shared: false,
    }
}

fn content(purpose: Purpose, text: &str) -> Content {
    Content {
        text: text.to_owned(),
        purpose,
        ..Content::default()
    }
}

fn reply() -> Purpose {
    let mut quoted = Quoted::new("m1");
    "a".clone_into(&mut quoted.sender_name);
    "hi".clone_into(&mut quoted.text);
    Purpose::Reply(quoted)
}

/// What is done with each part, as a line: `Say "text"`; or why nothing is.
fn carried(
    purpose: Purpose,
    text: &str,
    counterpart: Option<&Counterpart>,
    shows: Features,
) -> Vec<String> {
    match carry(&content(purpose, text), counterpart, &capabilities(shows)) {
        Err(reason) => vec![reason],
        Ok(carriage) => {
            let parts = carriage.parts.iter().enumerate();
            let line = |(number, part): (usize, &Part)| {
                let (name, ids) = match carriage.act(number) {
                    Act::Say => ("say", Vec::new()),
                    Act::Reply { to } => ("reply", to),
                    Act::Edit { of } => ("edit", of),
                    Act::Recall { of } => ("recall", of),
                    Act::React { to } => ("react", to),
                    Act::RemoveReaction { from } => ("remove", from),
                };
                format!("{name} {} {:?}", ids.join("+"), part.text)
            };
            parts.map(line).collect()
        }
    }
}

#[test]
fn each_purpose_is_carried_out_or_degraded() {
    let of = || "m1".to_owned();
    let one = shown(&[&["p1", "p2"]]);
    let two = shown(&[&["p1"], &["p2"]]);
    let unknown = shown(&[&[], &["p2"]]);
    let nothing = "the message that it changes is not shown here";
    let no_id = "the platform's id of the message that it changes is not known";
    let not_shown = "the channel does not show it";
    type Row<'a> = (
        Purpose,
        &'a str,
        Option<&'a Counterpart>,
        Features,
        &'a [&'a str],
    );
    let rows: &[Row<'_>] = &[
        (Purpose::Say, "x", None, Features::ALL, &["say  \"x\""]),
        (
            reply(),
            "x",
            Some(&two),
            Features::ALL,
            &["reply p1+p2 \"x\""],
        ),
        (
            reply(),
            "xxxxxxxxxx yy",
            Some(&one),
            Features::ALL,
            &["reply p1+p2 \"xxxxxxxxxx\"", "say  \"yy\""],
        ),
        (reply(), "x", None, Features::ALL, &["say  \"> a: hi\\nx\""]),
        (
            reply(),
            "x",
            Some(&one),
            Features::NONE,
            &["say  \"> a: hi\\nx\""],
        ),
        (
            Purpose::Reply(Quoted::new("m1")),
            "x",
            None,
            Features::ALL,
            &["say  \"x\""],
        ),
        (
            Purpose::Edit { of: of() },
            "x",
            Some(&one),
            Features::ALL,
            &["edit p1+p2 \"x\""],
        ),
        (
            Purpose::Edit { of: of() },
            "xxxxxxxxxx yy",
            Some(&two),
            Features::ALL,
            &["edit p1 \"xxxxxxxxxx\"", "edit p2 \"yy\""],
        ),
        // Another number of parts, an id that is not known, a channel that shows none.
        (
            Purpose::Edit { of: of() },
            "x",
            Some(&two),
            Features::ALL,
            &["say  \"✎ x\""],
        ),
        (
            Purpose::Edit { of: of() },
            "x",
            Some(&unknown),
            Features::ALL,
            &["say  \"✎ x\""],
        ),
        (
            Purpose::Edit { of: of() },
            "x",
            Some(&one),
            Features::NONE,
            &["say  \"✎ x\""],
        ),
        (
            Purpose::Edit { of: of() },
            "x",
            None,
            Features::NONE,
            &[nothing],
        ),
        (
            Purpose::Recall { of: of() },
            "",
            Some(&two),
            Features::ALL,
            &["recall p1 \"\"", "recall p2 \"\""],
        ),
        (
            Purpose::Recall { of: of() },
            "",
            Some(&unknown),
            Features::ALL,
            &[no_id],
        ),
        (
            Purpose::Recall { of: of() },
            "",
            Some(&two),
            Features::NONE,
            &[not_shown],
        ),
        (
            Purpose::Recall { of: of() },
            "",
            None,
            Features::ALL,
            &[nothing],
        ),
        (
            Purpose::React { to: of() },
            "👍",
            Some(&two),
            Features::ALL,
            &["react p1 \"👍\""],
        ),
        (
            Purpose::RemoveReaction { from: of() },
            "👍",
            Some(&two),
            Features::ALL,
            &["remove p1 \"👍\""],
        ),
        (
            Purpose::React { to: of() },
            "👍",
            Some(&unknown),
            Features::ALL,
            &[no_id],
        ),
        (
            Purpose::React { to: of() },
            "👍",
            Some(&two),
            Features::NONE,
            &[not_shown],
        ),
    ];
    for (purpose, text, counterpart, shows, expected) in rows {
        let found = carried(purpose.clone(), text, *counterpart, *shows);
        assert_eq!(found, *expected, "{purpose:?} {counterpart:?} {shows:?}");
    }
}

#[test]
fn what_stands_in_a_digest_is_answered_and_never_changed() {
    let digest = Counterpart {
        is_shared: true,
        ..shown(&[&["p1"]])
    };
    let in_digest = "the message that it changes stands in a digest";
    let id = || "m1".to_owned();
    let rows: [(Purpose, &str); 4] = [
        (reply(), "reply p1 \"x\""),
        (Purpose::Edit { of: id() }, "say  \"✎ x\""),
        (Purpose::Recall { of: id() }, in_digest),
        (Purpose::React { to: id() }, in_digest),
    ];
    for (purpose, expected) in rows {
        let found = carried(purpose.clone(), "x", Some(&digest), Features::ALL);
        assert_eq!(found, [expected], "{purpose:?}");
    }
}

#[test]
fn what_an_edit_has_said_anew_is_taken_back_with_its_message() {
    let edited = Counterpart {
        edits: shown(&[&["p2"], &[], &["p1"], &["p3"]]).parts,
        ..shown(&[&["p1"]])
    };
    let recall = Purpose::Recall { of: "m1".into() };
    let found = carried(recall, "", Some(&edited), Features::ALL);
    assert_eq!(
        found,
        ["recall p1 \"\"", "recall p2 \"\"", "recall p3 \"\""]
    );
}

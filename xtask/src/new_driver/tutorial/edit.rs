//! Edits as pages show them: a diff without numbers of lines.
//!
//! Lines that begin with a space or `-` stand in the file, one below the other, at exactly one place; a
//! line `…` begins another place, further down. Those with `-` go, those with `+` come.

/// The text after the edit.
///
/// # Errors
///
/// If it says nothing, or its place is not there, or not the only one.
pub(super) fn apply(text: &str, diff: &[&str]) -> Result<String, String> {
    let mut lines: Vec<_> = text.lines().collect();
    let mut from = 0;
    for hunk in diff.split(|line| *line == "…") {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in hunk {
            match (line.get(..1), line.get(1..).unwrap_or_default()) {
                (Some("+"), rest) => new.push(rest),
                (Some("-"), rest) => old.push(rest),
                (Some(" "), rest) => {
                    old.push(rest);
                    new.push(rest);
                }
                (None, _) => {
                    old.push("");
                    new.push("");
                }
                _ => {
                    return Err(format!(
                        "the line {line:?} begins with none of ` `, `-`, `+`"
                    ));
                }
            }
        }
        if old.is_empty() || old == new {
            return Err("an edit has no place, or changes nothing".into());
        }
        let windows = lines.windows(old.len()).enumerate();
        let mut places = windows.filter(|(at, window)| *at >= from && *window == old);
        let (Some((at, _)), None) = (places.next(), places.next()) else {
            return Err(format!(
                "these lines do not stand in the file, or more than once:\n{}",
                old.join("\n")
            ));
        };
        from = at + new.len();
        lines.splice(at..at + old.len(), new);
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_and_go_at_the_one_place_that_is_meant() {
        let text = "a\nb\n\nc\nb\n";
        let rows = [
            (&[" a", "+x", " b"][..], Some("a\nx\nb\n\nc\nb\n")),
            (&[" a", "-b", "+x"], Some("a\nx\n\nc\nb\n")),
            (&["+x", " c"], Some("a\nb\n\nx\nc\nb\n")),
            (&["-a", "…", " c", "-b"], Some("b\n\nc\n")),
            // A line of nothing stands for itself.
            (&[" b", "", "+x", " c"], Some("a\nb\n\nx\nc\nb\n")),
            // Two places, none, none further down, nothing said, no place, no diff.
            (&["-b"], None),
            (&["-d"], None),
            (&[" c", "+x", "…", "-a"], None),
            (&[" a"], None),
            (&["+x"], None),
            (&["a"], None),
        ];
        for (diff, expected) in rows {
            assert_eq!(apply(text, diff).ok().as_deref(), expected, "{diff:?}");
        }
    }
}

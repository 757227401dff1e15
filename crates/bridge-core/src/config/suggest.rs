//! *Did you mean*: the nearest of what is valid at a place.

/// `` did you mean `x`? `` where `word` is close to one of `valid`, else a list of them.
pub(crate) fn suggest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    match nearest(word, valid.iter().copied()) {
        Some(best) => format!("did you mean `{best}`?"),
        None => list(valid),
    }
}

/// The one of `valid` that `word` is a misspelling of, if there is one.
pub(crate) fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let close = (word.chars().count() / 3).max(1);
    let distance = |candidate: &str| match candidate.to_lowercase() == folded {
        true => 0,
        false => strsim::damerau_levenshtein(word, candidate),
    };
    let near = valid
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= close);
    near.min().map(|(_, candidate)| candidate)
}

/// How many names a list shows at most.
const MOST_LISTED: usize = 16;

/// `known here: a, b`
fn list(mut valid: Vec<&str>) -> String {
    valid.sort_unstable();
    valid.dedup();
    match valid.len() {
        0 => String::new(),
        1..=MOST_LISTED => format!("known here: {}", valid.join(", ")),
        more => {
            let some = valid[..MOST_LISTED].join(", ");
            format!("known here: {some} and {} more", more - MOST_LISTED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close_or_a_list() {
        let valid = ["to", "app_key", "listen_port"];
        assert_eq!(suggest("listen_prot", valid), "did you mean `listen_port`?");
        assert_eq!(suggest("ot", valid), "did you mean `to`?");
        assert_eq!(suggest("t", valid), "did you mean `to`?");
        assert_eq!(suggest("LISTEN_PORT", valid), "did you mean `listen_port`?");
        assert_eq!(
            suggest("colour", valid),
            "known here: app_key, listen_port, to"
        );
        assert_eq!(suggest("x", []), "");
    }
}

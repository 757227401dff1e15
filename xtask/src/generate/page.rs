//! The generated parts of a document: what stands between two markers.

const BEGIN: &str = "<!-- generated: ";
const BEGIN_CLOSED: &str = " -->";
const END: &str = "<!-- end of generated -->";

/// The document with what `make` gives for each name between its markers.
pub(super) fn fill(
    text: &str,
    make: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let name = line.strip_prefix(BEGIN);
        let Some(name) = name.and_then(|rest| rest.strip_suffix(BEGIN_CLOSED)) else {
            continue;
        };
        if !lines.any(|line| line == END) {
            return Err(format!("`{line}` has no `{END}` below it"));
        }
        filled.push('\n');
        filled.push_str(&make(name)?);
        filled.push('\n');
        filled.push_str(END);
        filled.push('\n');
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let page = |table: &str| {
            format!("# A\n\n<!-- generated: x -->\n{table}\n<!-- end of generated -->\n\nz\n")
        };
        let mut make = |name: &str| Ok(format!("| {name} |\n"));
        let expected = page("\n| x |\n");
        assert_eq!(fill(&page("old"), &mut make).as_deref(), Ok(&*expected));
        assert_eq!(fill(&expected, &mut make).as_deref(), Ok(&*expected));
        assert_eq!(fill("a\nb\n", &mut make).as_deref(), Ok("a\nb\n"));
        let open = fill("<!-- generated: x -->\nb\n", &mut make);
        assert!(open.unwrap_err().contains("has no `<!-- end"));
        let unknown = fill(&page(""), &mut |_| Err("unknown".to_owned()));
        assert_eq!(unknown.as_deref(), Err(&"unknown".to_owned()));
    }
}

//! Writes a file in another format: the same keys and values in the same order, without comments.

use std::path::Path;
use std::sync::Arc;

use super::codes;
use super::diagnostic::{Diagnostic, Findings};
use super::document::{Content, Document};
use super::format::Format;
use super::key_path::KeyPath;
use super::load::{Source, open};
use super::tree::{Node, Value, comments, parse, read, write};

/// A file in another format.
#[derive(Debug)]
pub struct Converted {
    /// Its text. It holds the secrets of the file it was made from.
    pub text: String,
    /// For each comment that is not in it, the line on which it began, counted from 1.
    pub comment_lines: Vec<usize>,
}

/// Converts `source`, whose format its name tells, to the format of `target`. What is written is
/// read again, so the result holds the same data.
///
/// # Errors
///
/// What keeps the file from being read or written; never with values of the file.
pub fn convert(source: &Source, target: &Path) -> Result<Converted, Vec<Diagnostic>> {
    let name = target.display().to_string();
    let format = Format::of(target).map_err(|problem| {
        let mut unknown = Diagnostic::of_file(&codes::UNKNOWN_FORMAT, &name, problem);
        unknown.help("end its name with one of them");
        vec![unknown]
    })?;
    let mut diagnostics = Vec::new();
    let Some(document) = open(source, Content::Guarded, &mut diagnostics) else {
        return Err(diagnostics);
    };
    let mut findings = Findings::new(Arc::clone(&document));
    let root = parse(&mut findings);
    if let Some(root) = &root {
        root.keys(&mut |key| findings.show(key));
        if format == Format::Toml {
            refuse_null(root, &KeyPath::ROOT, &mut findings);
        }
    }
    let Some(root) = root.filter(|_| findings.error_count() == 0) else {
        return Err(findings.finish());
    };
    let unwritable = |problem: String| {
        let problem = format!("{} can't hold this file{problem}", format.name());
        vec![Diagnostic::of_file(
            &codes::UNSUPPORTED,
            &source.name,
            problem,
        )]
    };
    let text = write(&root, format).map_err(|problem| unwritable(format!(": {problem}")))?;
    if read(&text, format).root.as_ref() != Some(&root) {
        return Err(unwritable(" unchanged".to_owned()));
    }
    Ok(Converted {
        text,
        comment_lines: comment_lines(&document),
    })
}

fn comment_lines(document: &Document) -> Vec<usize> {
    let starts = comments(document.text(), document.format());
    let lines = starts.into_iter().map(|start| document.place(start).0);
    lines.collect()
}

fn refuse_null(node: &Node, path: &KeyPath<'_>, findings: &mut Findings) {
    match &node.value {
        Value::Null => {
            let help = "write a value, or remove the key";
            findings
                .report(&codes::NULL, &node.span, path, "TOML has no null")
                .help(help);
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                refuse_null(element, &path.index(index), findings);
            }
        }
        Value::Object(entries) => {
            for entry in entries {
                refuse_null(&entry.node, &path.key(&entry.key), findings);
            }
        }
        _ => {}
    }
}

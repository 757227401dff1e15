//! A tree as text of any format, with the keys in their order.

use std::fmt::Write as _;

use serde::Serialize as _;
use serde_saphyr::ser_options;
use toml_writer::TomlWrite as _;

use super::super::format::Format;
use super::{Entry, Node, Value};

/// How deep TOML's tables have headers of their own; what is below stands in one line.
const HEADERS: usize = 2;

/// The tree as a file.
///
/// # Errors
///
/// The format can't hold it; the text says why.
pub(crate) fn write(root: &Node, format: Format) -> Result<String, String> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(root).map_err(|error| error.to_string())?;
            Ok(text + "\n")
        }
        Format::Yaml => {
            let options = ser_options! { prefer_block_scalars: false };
            serde_saphyr::to_string_with_options(root, options).map_err(|error| error.to_string())
        }
        Format::Toml => {
            let Value::Object(entries) = &root.value else {
                return Err(format!(
                    "a TOML file is an object, not {}",
                    root.type_name()
                ));
            };
            let mut text = String::new();
            table(&mut text, &mut Vec::new(), entries)?;
            Ok(text.trim_start().to_owned())
        }
    }
}

/// The table `path` with its header.
fn table(text: &mut String, path: &mut Vec<String>, entries: &[Entry]) -> Result<(), String> {
    let (lines, tables) = split(path, entries);
    // The headers of the tables below say enough of a table that holds nothing else.
    if !path.is_empty() && (!lines.is_empty() || tables.is_empty()) {
        header(text, "[", path, "]")?;
    }
    body(text, path, lines, tables)
}

fn body(
    text: &mut String,
    path: &mut Vec<String>,
    lines: &[Entry],
    tables: &[Entry],
) -> Result<(), String> {
    for Entry { key, node, .. } in lines {
        inline(text, key, node)?;
    }
    for Entry { key, node, .. } in tables {
        path.push(quoted(key)?);
        match &node.value {
            Value::Object(entries) => table(text, path, entries)?,
            Value::Array(elements) => {
                for element in elements {
                    header(text, "[[", path, "]]")?;
                    let entries = element.as_object().unwrap_or_default();
                    let (lines, tables) = split(path, entries);
                    body(text, path, lines, tables)?;
                }
            }
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

/// The entries of the table `path` that fit on a line, and behind them those with a header. An entry
/// gets one only if all that follow it do, since no key could return to the table after it.
fn split<'e>(path: &[String], entries: &'e [Entry]) -> (&'e [Entry], &'e [Entry]) {
    let with_header = |entry: &&Entry| path.len() < HEADERS && takes_header(&entry.node);
    let headers = entries.iter().rev().take_while(with_header).count();
    entries.split_at(entries.len() - headers)
}

/// Objects, and lists of nothing but objects.
fn takes_header(node: &Node) -> bool {
    match &node.value {
        Value::Object(_) => true,
        Value::Array(elements) => {
            let objects = elements.iter().all(|element| element.as_object().is_some());
            objects && !elements.is_empty()
        }
        _ => false,
    }
}

fn header(text: &mut String, open: &str, path: &[String], close: &str) -> Result<(), String> {
    writeln!(text, "\n{open}{}{close}", path.join(".")).map_err(|error| error.to_string())
}

fn inline(text: &mut String, key: &str, node: &Node) -> Result<(), String> {
    let mut value = String::new();
    node.serialize(toml::ser::ValueSerializer::new(&mut value))
        .map_err(|error| error.to_string())?;
    writeln!(text, "{} = {value}", quoted(key)?).map_err(|error| error.to_string())
}

fn quoted(key: &str) -> Result<String, String> {
    let mut text = String::new();
    text.key(key).map_err(|error| error.to_string())?;
    Ok(text)
}

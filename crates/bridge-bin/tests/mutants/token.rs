//! The words of an example that mean something: keys, values of enumerations, placeholders, names
//! of instances. Ids and free text are left alone.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::File;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// The name of an instance where the config defines it.
    Definition,
}

/// A word, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) word: String,
    /// The word alone.
    pub(crate) word_span: Range<usize>,
    /// Where an error about it is to be: at the quote or brace before it.
    pub(crate) offset: usize,
}

/// Keys whose values are of an enumeration.
pub(crate) const ENUMERATIONS: [&str; 5] = ["type", "format", "on_dead", "on_uncertain", "kind"];

/// Keys whose values are formats.
pub(crate) const FORMATS: [&str; 2] = ["msg_format", "with"];

/// Where the keys of an object are names that the operator chose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Keys,
    Definitions,
}

pub(crate) fn tokens(text: &str, file: File) -> Vec<Token> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    let value = parsed.expect("an example is JSON").value.expect("a value");
    let mut tokens = Vec::new();
    if let Value::Object(root) = &value {
        object(root, file, 0, &mut tokens);
    }
    tokens
}

fn object(object: &Object<'_>, file: File, depth: usize, tokens: &mut Vec<Token>) {
    for property in &object.properties {
        let key = property.name.as_str();
        if key == "$schema" {
            continue;
        }
        let names = match (file, depth) {
            (File::Config, 1) if !is_block(object, key) => Names::Definitions,
            _ => Names::Keys,
        };
        word(property, names, tokens);
        value(key, &property.value, file, depth + 1, tokens);
    }
}

/// Whether the key names a block of `global`: those have keys of ours.
fn is_block(_: &Object<'_>, key: &str) -> bool {
    ["data_dir", "proxy", "log", "delivery", "store", "server"].contains(&key)
}

fn word(property: &ObjectProp<'_>, names: Names, tokens: &mut Vec<Token>) {
    let range = property.name.range();
    let kind = match names {
        Names::Definitions => Kind::Definition,
        Names::Keys => Kind::Word,
    };
    tokens.push(Token {
        kind,
        word: property.name.as_str().to_owned(),
        word_span: range.start + 1..range.end - 1,
        offset: range.start,
    });
}

fn value(key: &str, value_here: &Value<'_>, file: File, depth: usize, tokens: &mut Vec<Token>) {
    match value_here {
        Value::Object(inner) => object(inner, file, depth, tokens),
        Value::Array(array) => {
            for element in &array.elements {
                value(key, element, file, depth, tokens);
            }
        }
        Value::StringLit(lit) if ENUMERATIONS.contains(&key) => {
            let range = lit.range();
            tokens.push(Token {
                kind: Kind::Word,
                word: lit.value.to_string(),
                word_span: range.start + 1..range.end - 1,
                offset: range.start,
            });
        }
        Value::StringLit(lit) if FORMATS.contains(&key) => {
            placeholders(&lit.value, lit.range().start, tokens);
        }
        _ => {}
    }
}

/// The placeholders of a format; the examples escape nothing before them but quotes.
pub(crate) fn placeholders(format: &str, start: usize, tokens: &mut Vec<Token>) {
    let mut escapes = 0;
    let mut open = None;
    for (at, character) in format.char_indices() {
        match character {
            '"' | '\\' | '\n' => escapes += 1,
            '{' => open = Some(at),
            '}' => {
                if let Some(from) = open.take() {
                    let offset = start + 1 + from + escapes;
                    tokens.push(Token {
                        kind: Kind::Word,
                        word: format[from + 1..at].to_owned(),
                        word_span: offset + 1..start + 1 + at + escapes,
                        offset,
                    });
                }
            }
            _ => {}
        }
    }
}

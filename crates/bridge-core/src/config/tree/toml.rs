//! TOML, as far as it holds the same data as JSON.

mod explain;
mod outline;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::key_path::KeyPath;
use super::number::{TOO_LARGE, TOO_LARGE_HELP, fractional, whole};
use super::{Entry, Fault, MAX_DEPTH, Node, Parsed, Value};
use explain::explained;
use outline::Outline;

/// Reads the text; the parser goes on after most faults.
pub(super) fn parse(text: &str) -> Parsed {
    if let Some(fault) = too_many_dots(text) {
        return Parsed {
            root: None,
            faults: vec![fault],
        };
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let explained = explained(text, &errors);
    let mut reader = Reader {
        faults: explained.faults,
        is_whole: explained.is_whole,
    };
    // After a fault of syntax, what the parser made up would only bring faults of its own.
    let root = match reader.is_whole {
        true => reader.root(text, table.into_inner()),
        false => None,
    };
    Parsed {
        root: root.filter(|_| reader.is_whole),
        faults: reader.faults,
    }
}

/// Where the comments begin.
pub(super) fn comments(text: &str) -> Vec<usize> {
    Outline::of(text).comments
}

/// Keys with dots nest as well, and the parser sets them no bound.
fn too_many_dots(text: &str) -> Option<Fault> {
    let many = |line: &str| line.bytes().filter(|byte| *byte == b'.').count() >= MAX_DEPTH;
    if !text.lines().any(many) {
        return None;
    }
    Outline::of(text).too_deep.map(Fault::too_deep)
}

struct Reader {
    faults: Vec<Fault>,
    /// Whether every value so far is known.
    is_whole: bool,
}

impl Reader {
    fn root(&mut self, text: &str, table: DeTable<'_>) -> Option<Node> {
        let entries = self.entries(table, &KeyPath::ROOT, 1);
        let start = entries.first().map_or(0, |entry| entry.key_span.start);
        Some(Node {
            value: Value::Object(entries),
            span: start..text.trim_end().len().max(start),
        })
    }

    /// The value as a node, `depth` lists and objects deep; `None` if it can't be held.
    fn node(
        &mut self,
        value: Spanned<DeValue<'_>>,
        path: &KeyPath<'_>,
        depth: usize,
    ) -> Option<Node> {
        let span = value.span();
        let nests = matches!(value.get_ref(), DeValue::Array(_) | DeValue::Table(_));
        if nests && depth > MAX_DEPTH {
            return self.refuse(Fault::too_deep(span));
        }
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into()),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Integer(number) => match whole(number.as_str(), number.radix()) {
                Some(number) => Value::Number(number),
                None => {
                    return self.refuse(Fault::unsupported(span, path, TOO_LARGE, TOO_LARGE_HELP));
                }
            },
            DeValue::Float(number) if number.as_str().ends_with(['f', 'n']) => {
                let problem = "infinity and NaN are no numbers here";
                let help = "if a text is meant, put it in quotes";
                return self.refuse(Fault::unsupported(span, path, problem, help));
            }
            DeValue::Float(number) => match fractional(number.as_str()) {
                Some(number) => Value::Number(number),
                None => {
                    return self.refuse(Fault::unsupported(span, path, TOO_LARGE, TOO_LARGE_HELP));
                }
            },
            DeValue::Datetime(_) => {
                let problem = "dates and times are not supported";
                let help = "write it as a string, in quotes";
                return self.refuse(Fault::unsupported(span, path, problem, help));
            }
            DeValue::Array(array) => {
                let mut nodes = Vec::with_capacity(array.len());
                for (index, element) in array.into_iter().enumerate() {
                    nodes.extend(self.node(element, &path.index(index), depth + 1));
                }
                Value::Array(nodes)
            }
            DeValue::Table(table) => Value::Object(self.entries(table, path, depth)),
        };
        Some(Node { value, span })
    }

    /// The entries in the order in which their keys first stand in the file.
    fn entries(&mut self, table: DeTable<'_>, path: &KeyPath<'_>, depth: usize) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key_span = key.span();
            let key = key.into_inner().into_owned();
            if let Some(node) = self.node(value, &path.key(&key), depth + 1) {
                entries.push(Entry {
                    key: key.into(),
                    key_span,
                    node,
                });
            }
        }
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    fn refuse(&mut self, fault: Fault) -> Option<Node> {
        self.is_whole = false;
        self.faults.push(fault);
        None
    }
}

//! JSON with comments.

use std::collections::BTreeSet;
use std::ops::Range;

use compact_str::CompactString;
use foldhash::{HashMap, HashMapExt};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, ParseResult};
use jsonc_parser::{ParseStringErrorKind, parse_to_ast};

use super::super::key_path::KeyPath;
use super::number::{TOO_LARGE, TOO_LARGE_HELP, fractional, whole};
use super::{Entry, Fault, MAX_DEPTH, Node, Parsed, Value};

/// Reads the text; the parser stops at the first fault of syntax.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader {
        faults: Vec::new(),
        is_whole: true,
    };
    let root = match ast_of(text, CommentCollectionStrategy::Off) {
        Ok(ParseResult {
            value: Some(value), ..
        }) => reader.node(value, &KeyPath::ROOT, 1),
        Ok(_) => {
            reader.faults.push(Fault::empty(0..text.len()));
            None
        }
        Err(error) => {
            let span = error.range().start..error.range().end;
            reader.faults.push(explained(text, span, error.kind()));
            None
        }
    };
    let root = root.filter(|_| reader.is_whole);
    Parsed {
        root,
        faults: reader.faults,
    }
}

/// Where the comments begin.
pub(super) fn comments(text: &str) -> Vec<usize> {
    let parsed = ast_of(text, CommentCollectionStrategy::Separate).ok();
    let comments = parsed
        .and_then(|parsed| parsed.comments)
        .unwrap_or_default();
    // Each is kept twice: by the token before it and by the one after.
    let starts: BTreeSet<_> = comments
        .values()
        .flat_map(|comments| comments.iter().map(|comment| comment.range().start))
        .collect();
    starts.into_iter().collect()
}

fn ast_of(
    text: &str,
    comments: CommentCollectionStrategy,
) -> Result<ParseResult<'_>, jsonc_parser::errors::ParseError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions {
        comments,
        tokens: false,
    };
    parse_to_ast(text, &collect, &options)
}

struct Reader {
    faults: Vec<Fault>,
    /// Whether every value so far is known.
    is_whole: bool,
}

impl Reader {
    /// The value as a node, `depth` lists and objects deep; `None` if it can't be held. What was
    /// taken over is freed at once: a large file is not held twice as a tree.
    fn node(&mut self, value: ast::Value<'_>, path: &KeyPath<'_>, depth: usize) -> Option<Node> {
        let span = bytes(value.range());
        let nests = matches!(value, ast::Value::Array(_) | ast::Value::Object(_));
        if nests && depth > MAX_DEPTH {
            self.refuse(Fault::too_deep(span.start..span.start + 1));
            return None;
        }
        let value = match value {
            ast::Value::StringLit(lit) => Value::String(lit.value.into()),
            ast::Value::NumberLit(lit) => {
                let is_whole = !lit.value.contains(['.', 'e', 'E']);
                let number = match is_whole {
                    true => whole(lit.value, 10),
                    false => fractional(lit.value),
                };
                let Some(number) = number else {
                    self.refuse(Fault::unsupported(span, path, TOO_LARGE, TOO_LARGE_HELP));
                    return None;
                };
                Value::Number(number)
            }
            ast::Value::BooleanLit(lit) => Value::Bool(lit.value),
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::Array(array) => {
                let mut nodes = Vec::with_capacity(array.elements.len());
                for (index, element) in array.elements.into_iter().enumerate() {
                    nodes.extend(self.node(element, &path.index(index), depth + 1));
                }
                Value::Array(nodes)
            }
            ast::Value::Object(object) => Value::Object(self.entries(object, path, depth)),
        };
        Some(Node { value, span })
    }

    fn entries(&mut self, object: ast::Object<'_>, path: &KeyPath<'_>, depth: usize) -> Vec<Entry> {
        let mut repeated = repeated(&object.properties);
        let mut entries = Vec::with_capacity(object.properties.len());
        for (position, property) in object.properties.into_iter().enumerate() {
            let key_span = bytes(property.name.range());
            let key = CompactString::from(property.name.as_str());
            let path = path.key(&key);
            if let Some(first) = repeated.remove(&position) {
                let fault = Fault::duplicate(key_span, path, &key, Some(first));
                self.faults.push(fault);
                continue;
            }
            if let Some(node) = self.node(property.value, &path, depth + 1) {
                entries.push(Entry {
                    key,
                    key_span,
                    node,
                });
            }
        }
        entries
    }

    fn refuse(&mut self, fault: Fault) {
        self.is_whole = false;
        self.faults.push(fault);
    }
}

/// Where the first one stands of each key that is repeated, by the position of the repeated one.
fn repeated(properties: &[ast::ObjectProp<'_>]) -> HashMap<usize, Range<usize>> {
    /// Of so few keys, looking at all is faster than any table.
    const FEW: usize = 8;
    let mut repeated = HashMap::new();
    let mut first = HashMap::new();
    for (position, property) in properties.iter().enumerate() {
        let key = property.name.as_str();
        let earlier = match properties.len() <= FEW {
            true => properties[..position]
                .iter()
                .position(|other| other.name.as_str() == key),
            false => Some(*first.entry(key).or_insert(position)),
        };
        if let Some(earlier) = earlier.filter(|earlier| *earlier != position) {
            repeated.insert(position, bytes(properties[earlier].name.range()));
        }
    }
    repeated
}

fn bytes(range: jsonc_parser::common::Range) -> Range<usize> {
    range.start..range.end
}

/// The parser's fault in our words. Its own may hold what stands in the file.
fn explained(text: &str, span: Range<usize>, kind: &ParseErrorKind) -> Fault {
    use ParseErrorKind as Kind;
    use ParseStringErrorKind as Text;
    const ONLY_COMMAS: &str = "comments (//, /* */) are allowed, trailing commas are not";
    const NUMBERS: &str = "write a number such as 5 or 0.5, or put a text in double quotes";
    const BACKSLASH: &str = "write \\\\ for a backslash; \\n, \\t, \\\" and \\u4e2d are known";
    let (before, here) = text.split_at(text.floor_char_boundary(span.start));
    let (problem, help) = match kind {
        Kind::ExpectedComma if before.ends_with('0') && here.starts_with(is_digit) => {
            ("a number can't begin with 0", NUMBERS)
        }
        Kind::TrailingCommasNotAllowed => ("trailing commas are not allowed", "remove the comma"),
        Kind::ExpectedComma => ("expected a comma", "put a comma between two values"),
        Kind::UnexpectedComma => ("a comma stands where a value should", "remove it"),
        Kind::ExpectedColonAfterObjectKey => {
            ("expected a colon after the key", "write \"key\": value")
        }
        Kind::ExpectedObjectValue => ("expected a value after the colon", "write \"key\": value"),
        Kind::UnexpectedColon => ("unexpected colon", "write \"key\": value, within { }"),
        Kind::ExpectedStringObjectProperty | Kind::UnexpectedTokenInObject => (
            "expected a key in double quotes",
            "write \"key\": value; single quotes are not allowed",
        ),
        Kind::SingleQuotedStringsNotAllowed => {
            ("single quotes are not allowed", "use double quotes")
        }
        Kind::UnexpectedWord | Kind::UnexpectedToken if here.starts_with(char::is_alphabetic) => (
            "a word stands where a value should",
            "put a text in double quotes, or close the one before this; true, false and null are the only words",
        ),
        Kind::NonFiniteNumbersNotAllowed => ("infinity and NaN are no numbers here", NUMBERS),
        Kind::HexadecimalNumbersNotAllowed => ("hexadecimal numbers are not allowed", NUMBERS),
        Kind::UnaryPlusNumbersNotAllowed => ("a number can't begin with a plus", NUMBERS),
        Kind::BareDecimalPointNumbersNotAllowed => {
            ("a decimal point needs a digit on either side", NUMBERS)
        }
        Kind::ExpectedDigit
        | Kind::ExpectedDigitFollowingNegativeSign
        | Kind::ExpectedPlusMinusOrDigitInNumberLiteral => ("expected a digit", NUMBERS),
        Kind::MultipleRootJsonValues => (
            "something follows the end of the first value",
            "keep one object in the file; is a bracket closed too early?",
        ),
        Kind::UnexpectedCloseBrace => ("unexpected }", "remove it, or open a { before it"),
        Kind::UnexpectedCloseBracket => ("unexpected ]", "remove it, or open a [ before it"),
        Kind::UnterminatedObject => ("the { here is never closed", "close it with }"),
        Kind::UnterminatedArray => ("the [ here is never closed", "close it with ]"),
        Kind::UnterminatedCommentBlock => ("the comment is never closed", "close it with */"),
        Kind::String(Text::UnterminatedStringLiteral) => (
            "the string is not closed on its line",
            "close it with \"; write \\n for a line break within it",
        ),
        Kind::String(_) => ("unknown escape in a string", BACKSLASH),
        Kind::NestingDepthExceeded => return Fault::too_deep(span),
        _ if CONFLICT.iter().any(|mark| here.starts_with(mark)) => (
            "a conflict of a merge was left here",
            "keep one of the two versions and remove the lines of marks",
        ),
        _ if let Some(help) = full_width(here) => ("this mark is one of Chinese typing", help),
        _ => ("unexpected character", ONLY_COMMAS),
    };
    Fault::syntax(span, format!("this is not JSON: {problem}"), help)
}

/// How version control marks what it could not merge.
const CONFLICT: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// What to write in the place of a mark that Chinese input methods make.
fn full_width(here: &str) -> Option<&'static str> {
    Some(match here.chars().next()? {
        '“' | '”' | '‘' | '’' | '＂' => "write a plain double quote: \"",
        '，' | '、' => "write a plain comma: ,",
        '：' => "write a plain colon: :",
        '｛' => "write a plain brace: {",
        '｝' => "write a plain brace: }",
        '【' | '［' => "write a plain bracket: [",
        '】' | '］' => "write a plain bracket: ]",
        '\u{3000}' => "write plain blanks: this one is an ideographic space",
        _ => return None,
    })
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

//! YAML 1.2, as far as it holds the same data as JSON.

mod explain;
mod scalar;

use std::collections::HashMap;
use std::ops::Range;

use compact_str::CompactString;
use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle};

use super::super::key_path::KeyPath;
use super::{Entry, Fault, MAX_DEPTH, Node, Parsed, Value};
use explain::explained;
use scalar::resolve;

/// Reads the text; the parser stops at the first fault of syntax.
pub(super) fn parse(text: &str) -> Parsed {
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str_with_options(text, options()) {
        let go_on = match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => {
                builder.refuse(explained(text, &error));
                false
            }
        };
        if !go_on {
            break;
        }
    }
    builder.finish()
}

/// Where the comments begin.
pub(super) fn comments(text: &str) -> Vec<usize> {
    let mut options = options();
    options.set_emit_comments(true);
    options.max_buffered_comment_events = usize::MAX;
    let events = Parser::new_from_str_with_options(text, options).map_while(Result::ok);
    let mut starts: Vec<_> = events
        .filter(|(event, _)| matches!(event, Event::Comment(..)))
        .map(|(_, span)| bytes(text, &span).start)
        .collect();
    starts.sort_unstable();
    starts
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.disallow_directives = true;
    options.emit_anchor_events = true;
    options.emit_unresolved_aliases = true;
    // Ours is asked first, so that all formats say the same.
    options.flow_nesting_limit = 2 * MAX_DEPTH;
    options.block_nesting_limit = 2 * MAX_DEPTH;
    options
}

/// The span in bytes, which the parser knows for a text in memory.
fn bytes(text: &str, span: &Span) -> Range<usize> {
    let offset = |marker: &granit_parser::Marker| {
        text.floor_char_boundary(marker.byte_offset().unwrap_or(text.len()))
    };
    let start = offset(&span.start);
    start..offset(&span.end).max(start)
}

/// Puts events together to a tree, without recursion.
struct Builder<'t> {
    text: &'t str,
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    faults: Vec<Fault>,
    /// Whether every value so far is known.
    is_whole: bool,
}

/// A list or an object that is being read.
struct Frame {
    start: usize,
    style: StructureStyle,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Object {
        entries: Vec<Entry>,
        first_places: HashMap<CompactString, Range<usize>>,
        key: Option<Key>,
    },
}

/// A key whose value is still to come.
enum Key {
    Fine(CompactString, Range<usize>),
    /// It has been reported; its value is left out.
    Refused(Range<usize>),
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            stack: Vec::new(),
            root: None,
            documents: 0,
            faults: Vec::new(),
            is_whole: true,
        }
    }

    /// Takes an event; whether the next one is wanted.
    fn event(&mut self, event: Event<'_>, span: &Span) -> bool {
        let place = bytes(self.text, span);
        if event.tag().is_some() {
            self.refuse_tag(span);
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem = "a second document begins here";
                    let help = "write all of it as one document, without `---` in between";
                    self.refuse(Fault::unsupported(place, "", problem, help));
                    return false;
                }
            }
            Event::Scalar(text, style, ..) => self.scalar(&text, style, place),
            Event::SequenceStart(style, ..) => {
                return self.open(place, style, Content::List(Vec::new()));
            }
            Event::MappingStart(style, ..) => {
                let content = Content::Object {
                    entries: Vec::new(),
                    first_places: HashMap::new(),
                    key: None,
                };
                return self.open(place, style, content);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place.end),
            Event::Anchor(..) => {
                let problem = "anchors (&) are not supported";
                let help = "write the value out wherever it is needed";
                let fault = Fault::unsupported(place, self.path(), problem, help);
                self.faults.push(fault);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let problem = "aliases (*) are not supported";
                let help = "write the value out; if a text is meant, put it in quotes: \"*…\"";
                let fault = Fault::unsupported(place.clone(), self.path(), problem, help);
                self.refuse(fault);
                self.place(Node {
                    value: Value::Null,
                    span: place,
                });
            }
            _ => {}
        }
        true
    }

    fn refuse_tag(&mut self, span: &Span) {
        let start = span.tag_start.unwrap_or(span.start);
        let start = bytes(self.text, &Span::new(start, start)).start;
        let rest = &self.text[start..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let problem = "tags (!) are not supported";
        let help = "remove it; a text is written in quotes, a number without";
        let fault = Fault::unsupported(start..start + end, self.path(), problem, help);
        self.refuse(fault);
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: Range<usize>) {
        let (value, span) = match style {
            ScalarStyle::Plain if place.is_empty() => {
                // Nothing is written there: the key is what can be shown.
                let span = match self.stack.last().map(|frame| &frame.content) {
                    Some(Content::Object {
                        key: Some(Key::Fine(_, span)),
                        ..
                    }) => span.clone(),
                    Some(Content::List(_)) => self.dash_before(place),
                    _ => place,
                };
                (Ok(Value::Null), span)
            }
            ScalarStyle::Plain => (resolve(text), place),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                (Ok(Value::String(text.into())), self.block_scalar(place))
            }
            _ => (Ok(Value::String(text.into())), place),
        };
        let is_merge = style == ScalarStyle::Plain && text == "<<";
        if is_merge && self.expects_key() {
            let problem = "merge keys (<<) are not supported";
            let help = "write the keys out wherever they are needed";
            let fault = Fault::unsupported(span.clone(), self.path(), problem, help);
            self.refuse(fault);
            return self.refused_key(span);
        }
        let value = match value {
            Ok(value) => value,
            // As a key it is refused for being no string.
            Err(_) if self.expects_key() => Value::Null,
            Err((problem, help)) => {
                let fault = Fault::unsupported(span.clone(), self.path(), problem, help);
                self.refuse(fault);
                Value::Null
            }
        };
        self.place(Node { value, span });
    }

    /// The `-` of an element for which nothing is written.
    fn dash_before(&self, place: Range<usize>) -> Range<usize> {
        let dash = self.text[..place.start].rfind('-');
        dash.map_or(place, |dash| dash..dash + 1)
    }

    /// From the indicator, which the parser's span leaves out, to the last line with text.
    fn block_scalar(&self, place: Range<usize>) -> Range<usize> {
        let floor = self.last_end();
        let header = self.text[floor..place.start].split_inclusive('\n');
        let mut at = floor;
        let mut start = place.start;
        for line in header {
            let code = line.split(" #").next().unwrap_or(line);
            if let Some(offset) = code.find(['|', '>']) {
                start = at + offset;
                break;
            }
            at += line.len();
        }
        start..place.start + self.text[place].trim_end().len()
    }

    /// Where the key or the element before the next one ends.
    fn last_end(&self) -> usize {
        match self.stack.last().map(|frame| (&frame.content, frame.start)) {
            Some((
                Content::Object {
                    key: Some(Key::Fine(_, span) | Key::Refused(span)),
                    ..
                },
                _,
            )) => span.end,
            Some((Content::List(nodes), start)) => nodes.last().map_or(start, |node| node.span.end),
            Some((Content::Object { entries, .. }, start)) => {
                entries.last().map_or(start, |entry| entry.node.span.end)
            }
            None => 0,
        }
    }

    fn open(&mut self, place: Range<usize>, style: StructureStyle, content: Content) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            self.refuse(Fault::too_deep(place));
            return false;
        }
        self.stack.push(Frame {
            start: place.start,
            style,
            content,
        });
        true
    }

    fn close(&mut self, end: usize) {
        let last_end = self.last_end();
        let Some(frame) = self.stack.pop() else {
            return;
        };
        // A block ends where the next thing begins: what is between belongs to neither.
        let end = match frame.style {
            StructureStyle::Flow => end,
            StructureStyle::Block => last_end.max(frame.start),
        };
        let value = match frame.content {
            Content::List(nodes) => Value::Array(nodes),
            Content::Object { entries, .. } => Value::Object(entries),
        };
        self.place(Node {
            value,
            span: frame.start..end,
        });
    }

    /// Puts a value that is complete where it belongs.
    fn place(&mut self, node: Node) {
        if self.expects_key() {
            return self.key(node);
        }
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(nodes)) => nodes.push(node),
            Some(Content::Object { entries, key, .. }) => {
                if let Some(Key::Fine(key, key_span)) = key.take() {
                    entries.push(Entry {
                        key,
                        key_span,
                        node,
                    });
                }
            }
        }
    }

    fn key(&mut self, node: Node) {
        let Node { value, span } = node;
        let Value::String(name) = value else {
            let problem = "a key must be a text";
            let help = "put it in quotes";
            let fault = Fault::unsupported(span.clone(), self.path(), problem, help);
            self.refuse(fault);
            return self.refused_key(span);
        };
        let Some(Content::Object {
            first_places, key, ..
        }) = self.stack.last_mut().map(|frame| &mut frame.content)
        else {
            return;
        };
        let Some(first) = first_places.get(&name).cloned() else {
            first_places.insert(name.clone(), span.clone());
            *key = Some(Key::Fine(name, span));
            return;
        };
        let above = self.path();
        let above = KeyPath::new(&above);
        let fault = Fault::duplicate(span.clone(), above.key(&name), &name, Some(first));
        self.faults.push(fault);
        self.refused_key(span);
    }

    fn refused_key(&mut self, span: Range<usize>) {
        if let Some(Content::Object { key, .. }) =
            self.stack.last_mut().map(|frame| &mut frame.content)
        {
            *key = Some(Key::Refused(span));
        }
    }

    fn expects_key(&self) -> bool {
        let content = self.stack.last().map(|frame| &frame.content);
        matches!(content, Some(Content::Object { key: None, .. }))
    }

    /// The path of the value that comes next.
    fn path(&self) -> String {
        let below = |path: String, frame: &Frame| match &frame.content {
            Content::List(nodes) => KeyPath::new(&path).index(nodes.len()).to_string(),
            Content::Object {
                key: Some(Key::Fine(key, _)),
                ..
            } => KeyPath::new(&path).key(key).to_string(),
            Content::Object { .. } => path,
        };
        self.stack.iter().fold(String::new(), below)
    }

    fn refuse(&mut self, fault: Fault) {
        self.is_whole = false;
        self.faults.push(fault);
    }

    fn finish(mut self) -> Parsed {
        if self.root.is_none() && self.faults.is_empty() || self.holds_nothing() {
            self.root = None;
            self.faults.push(Fault::empty(0..self.text.len()));
        }
        Parsed {
            root: self.root.filter(|_| self.is_whole),
            faults: self.faults,
        }
    }

    /// Whether the one document is empty, which the parser takes for null.
    fn holds_nothing(&self) -> bool {
        matches!(&self.root, Some(Node { value: Value::Null, span }) if span.is_empty())
    }
}

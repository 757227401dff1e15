//! What stands where in a TOML file, whether it is sound or not: comments, keys, open brackets.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

use super::super::MAX_DEPTH;

/// Places in a TOML file.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// Where comments begin.
    pub(super) comments: Vec<usize>,
    /// Where scalars stand.
    scalars: Vec<Range<usize>>,
    /// A key below more tables than we hold.
    pub(super) too_deep: Option<Range<usize>>,
    /// The first bracket of a value that is never closed.
    pub(super) unclosed: Option<(usize, char)>,
    /// The paths of all keys by their places.
    paths: HashMap<usize, Vec<String>>,
    /// Where each path stands first.
    first: HashMap<Vec<String>, Range<usize>>,
}

impl Outline {
    pub(super) fn of(text: &str) -> Self {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
        let depth = u32::try_from(MAX_DEPTH).unwrap_or(u32::MAX);
        parse_document(
            &tokens,
            &mut RecursionGuard::new(&mut events, depth),
            &mut (),
        );
        let mut walk = Walk {
            outline: Self::default(),
            source,
            header: Vec::new(),
            tables: HashMap::new(),
            open: Vec::new(),
            key: Vec::new(),
        };
        for event in &events {
            walk.event(event);
        }
        walk.outline
    }

    fn note_unclosed(&mut self, start: usize, bracket: char) {
        let first = self.unclosed.is_none_or(|(first, _)| start < first);
        if first {
            self.unclosed = Some((start, bracket));
        }
    }

    /// The earlier place of the key that stands at `start`.
    pub(super) fn first(&self, start: usize) -> Option<Range<usize>> {
        let first = self.first.get(self.paths.get(&start)?)?;
        (first.start < start).then(|| first.clone())
    }

    /// Where the scalar begins that holds, or ends at, a place.
    pub(super) fn scalar(&self, at: usize) -> Option<usize> {
        let index = self.scalars.partition_point(|scalar| scalar.start <= at);
        let scalar = self.scalars.get(index.checked_sub(1)?)?;
        (at <= scalar.end).then_some(scalar.start)
    }

    /// The path of the key that stands at `start`, by its parts.
    pub(super) fn path(&self, start: usize) -> &[String] {
        self.paths.get(&start).map_or(&[], Vec::as_slice)
    }
}

struct Walk<'t> {
    outline: Outline,
    source: Source<'t>,
    /// The path of the table that the last header named.
    header: Vec<String>,
    /// How many tables each array of tables has so far.
    tables: HashMap<Vec<String>, usize>,
    /// What is open: brackets, and keys whose value comes.
    open: Vec<Open>,
    /// The parts of the key that is being read, without the table it is in.
    key: Vec<(String, Range<usize>)>,
}

struct Open {
    bracket: char,
    start: usize,
    /// Where values within it belong.
    base: Vec<String>,
    /// Elements of a list so far.
    elements: usize,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event) {
        let span = event.span().start()..event.span().end();
        match event.kind() {
            EventKind::Comment => self.outline.comments.push(span.start),
            EventKind::SimpleKey => {
                let mut name = Cow::default();
                if let Some(raw) = self.source.get(event) {
                    raw.decode_key(&mut name, &mut ());
                }
                self.key.push((name.into_owned(), span));
            }
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                self.open.clear();
                self.key.clear();
                self.header.clear();
            }
            EventKind::StdTableClose => self.header = self.take_key(),
            EventKind::ArrayTableClose => {
                let mut path = self.take_key();
                let count = self.tables.entry(path.clone()).or_insert(0);
                path.push(format!("[{count}]"));
                *count += 1;
                self.header = path;
            }
            EventKind::KeyValSep => {
                let base = self.take_key();
                self.push('=', span.start, base);
            }
            EventKind::ArrayOpen => {
                let base = self.base();
                self.push('[', span.start, base);
            }
            EventKind::InlineTableOpen => {
                let base = self.base();
                self.push('{', span.start, base);
            }
            EventKind::ArrayClose | EventKind::InlineTableClose => {
                let bracket = match event.kind() {
                    EventKind::ArrayClose => '[',
                    _ => '{',
                };
                if let Some(index) = self.open.iter().rposition(|open| open.bracket == bracket) {
                    // What is missing in the text is made up by the parser, without extent.
                    if span.is_empty() {
                        let open = &self.open[index];
                        self.outline.note_unclosed(open.start, bracket);
                    }
                    self.open.truncate(index);
                }
                self.value_ended();
            }
            EventKind::Scalar => {
                self.outline.scalars.push(span);
                self.value_ended();
            }
            EventKind::ValueSep => {
                if let Some(open) = self.open.last_mut().filter(|open| open.bracket == '[') {
                    open.elements += 1;
                }
            }
            EventKind::KeySep | EventKind::Whitespace | EventKind::Newline | EventKind::Error => {}
        }
    }

    /// Where the next value belongs.
    fn base(&self) -> Vec<String> {
        let Some(open) = self.open.last() else {
            return self.header.clone();
        };
        let mut base = open.base.clone();
        if open.bracket == '[' {
            base.push(format!("[{}]", open.elements));
        }
        base
    }

    /// Ends the key that is being read: records each of its parts, and gives its path.
    fn take_key(&mut self) -> Vec<String> {
        let mut path = self.base();
        let parts = std::mem::take(&mut self.key);
        let last = parts.len().saturating_sub(1);
        for (index, (name, span)) in parts.into_iter().enumerate() {
            path.push(name);
            if path.len() > MAX_DEPTH {
                self.outline.too_deep.get_or_insert(span);
                return Vec::new();
            }
            self.outline.paths.insert(span.start, path.clone());
            self.outline.first.entry(path.clone()).or_insert(span);
            if index < last
                && let Some(count) = self.tables.get(&path)
            {
                path.push(format!("[{}]", count - 1));
            }
        }
        path
    }

    fn push(&mut self, bracket: char, start: usize, base: Vec<String>) {
        self.open.push(Open {
            bracket,
            start,
            base,
            elements: 0,
        });
    }

    /// A key has its value.
    fn value_ended(&mut self) {
        self.open.pop_if(|open| open.bracket == '=');
    }
}

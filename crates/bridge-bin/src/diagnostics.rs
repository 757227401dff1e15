//! Shows problems of the files: to people as rustc does, to programs as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use bridge_core::config::{Diagnostic, Label, Place, Severity};
use serde::Serialize;

/// Labels that are at most so many lines away stand in one snippet with the problem itself.
const NEAR_LINES: usize = 12;

/// How a problem is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// With the colours of a terminal.
    Coloured,
    /// Text only.
    Plain,
}

/// The problem with its snippet, the way rustc draws one; without a line break at the end.
pub(crate) fn draw(diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(&*diagnostic.problem)
        .id(diagnostic.code.id);
    let mut group = Group::with_title(title);
    let (near, far): (Vec<&Label>, Vec<&Label>) = diagnostic
        .labels
        .iter()
        .partition(|label| is_near(&label.place, &diagnostic.place));
    group = match snippet(&diagnostic.place, AnnotationKind::Primary, None, &near) {
        Some(snippet) => group.element(snippet),
        None => group.element(Origin::path(diagnostic.place.file())),
    };
    for label in far {
        if let Some(snippet) = snippet(
            &label.place,
            AnnotationKind::Context,
            Some(&label.text),
            &[],
        ) {
            group = group.element(snippet);
        }
    }
    if !diagnostic.help.is_empty() {
        group = group.element(Level::HELP.message(&*diagnostic.help));
    }
    let renderer = match style {
        Style::Coloured => Renderer::styled(),
        Style::Plain => Renderer::plain(),
    };
    renderer.render(&[group])
}

fn is_near(label: &Place, place: &Place) -> bool {
    let (Some((there, _)), Some((here, _))) = (label.start(), place.start()) else {
        return false;
    };
    label.file() == place.file() && there.abs_diff(here) <= NEAR_LINES
}

/// The lines that a place and the labels near it stand on; `None` for a file as a whole.
fn snippet<'a>(
    place: &Place,
    kind: AnnotationKind,
    text: Option<&'a str>,
    near: &[&'a Label],
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let Place::Span(document, span) = place else {
        return None;
    };
    let lines = near
        .iter()
        .map(|label| &label.place)
        .chain([place])
        .filter_map(|place| Some(place.start()?.0));
    let first = lines.clone().min()?;
    let last = lines.max()?;
    let excerpt = document.excerpt(first..=last);
    // A span is drawn as far as its first line goes: an object of many lines says no more.
    let locate = |span: &std::ops::Range<usize>| {
        let located = excerpt.locate(span);
        let line = excerpt.text[located.start..]
            .lines()
            .next()
            .unwrap_or_default();
        located.start..located.end.min(located.start + line.len())
    };
    let mut annotations = vec![kind.span(locate(span)).label(text)];
    for label in near {
        if let Place::Span(_, span) = &label.place {
            let annotation = AnnotationKind::Context.span(locate(span));
            annotations.push(annotation.label(&*label.text));
        }
    }
    let snippet = Snippet::source(excerpt.text)
        .line_start(excerpt.first_line)
        .path(document.name().to_owned())
        .fold(true)
        .annotations(annotations);
    Some(snippet)
}

/// A problem for programs. Fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    code: &'a str,
    severity: String,
    #[serde(flatten)]
    place: PlaceRecord<'a>,
    /// The path of the key, such as `dingtalk.dt_main.listen_port`.
    path: &'a str,
    message: &'a str,
    help: &'a str,
    labels: Vec<LabelRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct LabelRecord<'a> {
    #[serde(flatten)]
    place: PlaceRecord<'a>,
    message: &'a str,
}

/// Lines and columns count from 1, columns in characters; the end is behind the last character.
#[derive(Debug, Serialize)]
struct PlaceRecord<'a> {
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl<'a> From<&'a Place> for PlaceRecord<'a> {
    fn from(place: &'a Place) -> Self {
        let (line, column) = place.start().unzip();
        let (end_line, end_column) = place.end().unzip();
        Self {
            file: place.file(),
            line,
            column,
            end_line,
            end_column,
        }
    }
}

impl<'a> From<&'a Diagnostic> for Record<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let labels = diagnostic.labels.iter().map(|label| LabelRecord {
            place: (&label.place).into(),
            message: &label.text,
        });
        Self {
            code: diagnostic.code.id,
            severity: diagnostic.severity.to_string(),
            place: (&diagnostic.place).into(),
            path: &diagnostic.path,
            message: &diagnostic.problem,
            help: &diagnostic.help,
            labels: labels.collect(),
        }
    }
}

#[cfg(test)]
mod tests;

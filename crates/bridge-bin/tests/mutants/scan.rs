//! The words of an example in YAML or TOML that mean something. It knows as much of the two as the
//! examples use: a key and its value on one line, flow objects, and the heads of TOML's tables.

use super::token::{ENUMERATIONS, FORMATS, Kind, Token, placeholders};
use super::{File, Syntax};

/// Where the scanner stands in a text.
struct Scanner<'a> {
    text: &'a str,
    syntax: Syntax,
    file: File,
    tokens: Vec<Token>,
}

pub(crate) fn tokens(text: &str, syntax: Syntax, file: File) -> Vec<Token> {
    let mut scanner = Scanner {
        text,
        syntax,
        file,
        tokens: Vec::new(),
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().chars().next() {
            Some('#') | None => {}
            Some('[') if syntax == Syntax::Toml => scanner.words(start, start + line.len()),
            Some(_) => scanner.line(start + indent, start + line.trim_end().len()),
        }
        start += line.len();
    }
    scanner.tokens
}

impl Scanner<'_> {
    /// The words of a table's head: all of them are keys.
    fn words(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            match self.word_at(at) {
                0 => at += 1,
                length => {
                    self.key(at, length);
                    at += length;
                }
            }
        }
    }

    /// Keys of a line, and what stands behind them.
    fn line(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let length = self.word_at(at);
            let behind = self.text[at + length..end].trim_start();
            let mark = match self.syntax {
                Syntax::Yaml => ':',
                _ => '=',
            };
            if length > 0 && behind.starts_with(mark) {
                self.key(at, length);
                let key = &self.text[at..at + length];
                let value = self.text[at + length..].find(mark).expect("it is there");
                let value = at + length + value + 1;
                let blank = &self.text[value..end];
                at = value + blank.len() - blank.trim_start().len();
                at = self.value(key, at, end);
            } else {
                at += self.text[at..].chars().next().map_or(1, char::len_utf8) + length.max(1) - 1;
            }
        }
    }

    /// What stands behind a key; the result is where to go on.
    fn value(&mut self, key: &str, start: usize, end: usize) -> usize {
        let rest = &self.text[start..end];
        let quoted = rest.starts_with('"');
        let inner = start + usize::from(quoted);
        let length = match quoted {
            true => self.text[inner..end].find('"').unwrap_or(end - inner),
            false => self.word_at(inner),
        };
        let word = &self.text[inner..inner + length];
        if ENUMERATIONS.contains(&key) {
            self.tokens.push(Token {
                kind: Kind::Word,
                word: word.to_owned(),
                word_span: inner..inner + length,
                offset: start,
            });
        }
        if FORMATS.contains(&key) {
            placeholders(word, start, &mut self.tokens);
        }
        inner + length
    }

    fn key(&mut self, at: usize, length: usize) {
        let word = self.text[at..at + length].to_owned();
        let kind = match self.file {
            File::Config if word.starts_with("dt_") => Kind::Definition,
            _ => Kind::Word,
        };
        self.tokens.push(Token {
            kind,
            word,
            word_span: at..at + length,
            offset: at,
        });
    }

    /// The length of the word that begins there.
    fn word_at(&self, at: usize) -> usize {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let Some(rest) = self.text.get(at..) else {
            return 0;
        };
        // A list's dash is no word.
        match rest.starts_with("- ") {
            true => 0,
            false => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        }
    }
}

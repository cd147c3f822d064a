//! Lines of text: indentation, columns, and which symbols were used.
//!
//! Takes as given texts that hold no line breaks of their own; never decides what is worth saying.

use std::collections::BTreeSet;

use super::paint::{Paint, Symbol, visible};
use super::{Options, time};
use crate::world::Timestamp;

/// The width at which lists are broken, where no terminal is narrower.
const WIDTH: usize = 110;
/// The narrowest that is heeded.
const NARROWEST: usize = 60;
/// The most that the first of two columns takes.
const COLUMN: usize = 52;

/// A text that grows line by line.
#[derive(Debug)]
pub(super) struct Page {
    /// How things look.
    pub(super) paint: Paint,
    /// The moment that the text is about.
    pub(super) now: Timestamp,
    /// The width at which sentences are broken, if they are.
    width: Option<usize>,
    text: String,
    used: BTreeSet<Symbol>,
}

/// One line of two columns: a list of names, and what they have in common.
#[derive(Debug)]
pub(super) struct Row {
    /// The first column.
    pub(super) names: Vec<String>,
    /// The second.
    pub(super) text: String,
}

impl Page {
    /// An empty one.
    pub(super) fn new(now: Timestamp, options: Options) -> Self {
        let Options { colour, width, all_kept: _ } = options;
        let width = width.map(|width| width.max(NARROWEST));
        Page { paint: Paint { colour }, now, width, text: String::new(), used: BTreeSet::new() }
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Whether nothing was written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A line as it is.
    pub(super) fn line(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// A sentence, broken between words where it would get too long; what follows stands under its beginning.
    pub(super) fn sentence(&mut self, indent: usize, text: &str) {
        let lines = match self.width {
            Some(width) => wrapped(text, width.saturating_sub(indent), 2),
            None => vec![text.to_owned()],
        };
        for (at, line) in lines.iter().enumerate() {
            self.line(if at == 0 { indent } else { indent + 2 }, line);
        }
    }

    /// An empty line between two paragraphs.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line with a symbol before it.
    pub(super) fn item(&mut self, indent: usize, symbol: Symbol, text: &str) {
        self.used.insert(symbol);
        let text = match symbol {
            Symbol::Note => self.paint.dim(text),
            _ => text.to_owned(),
        };
        let line = format!("{} {text}", self.paint.symbol(symbol));
        self.sentence(indent, &line);
    }

    /// Lines of two aligned columns.
    pub(super) fn rows(&mut self, indent: usize, rows: &[Row]) {
        for line in columns(indent, rows, self.width) {
            self.line(indent, &line);
        }
    }

    /// The same, less prominent.
    pub(super) fn minor_rows(&mut self, indent: usize, rows: &[Row]) {
        for line in columns(indent, rows, self.width) {
            let line = self.paint.dim(&line);
            self.line(indent, &line);
        }
    }

    /// A text with how far away each moment in it is.
    pub(super) fn dated(&self, text: &str) -> String {
        time::annotate(text, self.now)
    }

    /// What the symbols stand for, those that were used.
    pub(super) fn legend(&mut self) {
        let entries: Vec<String> =
            self.used.iter().map(|symbol| format!("{} {}", self.paint.symbol(*symbol), symbol.word())).collect();
        let mut lines: Vec<String> = Vec::new();
        for entry in entries {
            match lines.last_mut() {
                Some(line) if self.width.is_none_or(|width| visible(line) + 3 + visible(&entry) <= width) => {
                    line.push_str("   ");
                    line.push_str(&entry);
                }
                Some(_) | None => lines.push(entry),
            }
        }
        for line in lines {
            self.line(0, &line);
        }
    }
}

/// Rows as lines, what is too long broken.
fn columns(indent: usize, rows: &[Row], width: Option<usize>) -> Vec<String> {
    let all = width.unwrap_or(WIDTH).min(WIDTH);
    let (column, least) = match width {
        Some(_) => (COLUMN.min(all.saturating_sub(indent) / 2), 28),
        None => (COLUMN, 40),
    };
    let cells = rows.iter().map(|row| (broken(&row.names.join(", "), column), &row.text));
    let cells: Vec<(Vec<String>, &String)> = cells.collect();
    let first = cells.iter().flat_map(|(names, _)| names).map(|line| line.chars().count()).max().unwrap_or(0);
    let room = all.saturating_sub(indent + first + 2).max(least);
    let mut lines = Vec::new();
    for (names, text) in cells {
        let mut texts = broken(text, room);
        if width.is_some() {
            texts = texts.iter().flat_map(|text| wrapped(text, room, 0)).collect();
        }
        for at in 0..names.len().max(texts.len()) {
            let name = names.get(at).map_or("", String::as_str);
            let text = texts.get(at).map_or("", String::as_str);
            lines.push(format!("{name:first$}  {text}").trim_end().to_owned());
        }
    }
    lines
}

/// A text broken between words, so that no line is wider than that if its words allow it; all but the first will be
/// indented by so much.
fn wrapped(text: &str, width: usize, hang: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let room = width.saturating_sub(if lines.len() > 1 { hang } else { 0 });
        match lines.last_mut() {
            Some(line) if visible(line) + 1 + visible(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text broken after the commas where it would get too long.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(", ") {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 3 <= width => {
                line.push_str(", ");
                line.push_str(word);
            }
            Some(line) => {
                line.push(',');
                lines.push(word.to_owned());
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

//! Lines of text: indentation, columns, and which symbols were used.
//!
//! Takes as given texts that hold no line breaks of their own; never decides what is worth saying.

use std::collections::BTreeSet;

use super::paint::{Paint, Symbol};
use super::time;
use crate::world::Timestamp;

/// The width at which lists are broken.
const WIDTH: usize = 110;
/// The most that the first of two columns takes.
const COLUMN: usize = 52;

/// A text that grows line by line.
#[derive(Debug)]
pub(super) struct Page {
    /// How things look.
    pub(super) paint: Paint,
    /// The moment that the text is about.
    pub(super) now: Timestamp,
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
    pub(super) fn new(now: Timestamp, colour: bool) -> Self {
        Page { paint: Paint { colour }, now, text: String::new(), used: BTreeSet::new() }
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
        self.line(indent, &line);
    }

    /// Lines of two aligned columns.
    pub(super) fn rows(&mut self, indent: usize, rows: &[Row]) {
        for line in columns(indent, rows) {
            self.line(indent, &line);
        }
    }

    /// The same, less prominent.
    pub(super) fn minor_rows(&mut self, indent: usize, rows: &[Row]) {
        for line in columns(indent, rows) {
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
        if !entries.is_empty() {
            self.line(0, &entries.join("   "));
        }
    }
}

/// Rows as lines, what is too long broken.
fn columns(indent: usize, rows: &[Row]) -> Vec<String> {
    let cells = rows.iter().map(|row| (broken(&row.names.join(", "), COLUMN), &row.text));
    let cells: Vec<(Vec<String>, &String)> = cells.collect();
    let width = cells.iter().flat_map(|(names, _)| names).map(|line| line.chars().count()).max().unwrap_or(0);
    let room = WIDTH.saturating_sub(indent + width + 2).max(40);
    let mut lines = Vec::new();
    for (names, text) in cells {
        let texts = broken(text, room);
        for at in 0..names.len().max(texts.len()) {
            let name = names.get(at).map_or("", String::as_str);
            let text = texts.get(at).map_or("", String::as_str);
            lines.push(format!("{name:width$}  {text}").trim_end().to_owned());
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

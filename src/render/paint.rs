//! Symbols and colour: what stands in front of a line, and how it looks on a terminal.
//!
//! Takes as given that whoever prints knows whether colour is wanted; never looks at a terminal or an environment.

use anstyle::{AnsiColor, Style};

/// What stands in front of a line; in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Symbol {
    /// Something is made.
    Create,
    /// Something that exists is changed.
    Change,
    /// Something is deleted.
    Delete,
    /// Something stays.
    Keep,
    /// Something has to happen first.
    Wait,
    /// It cannot be.
    Refuse,
    /// A note in the program's own journal.
    Note,
}

impl Symbol {
    /// The character.
    pub(super) const fn sign(self) -> char {
        match self {
            Symbol::Create => '+',
            Symbol::Change => '~',
            Symbol::Delete => '-',
            Symbol::Keep => '=',
            Symbol::Wait => '?',
            Symbol::Refuse => '!',
            Symbol::Note => '.',
        }
    }

    /// What it stands for, in the legend.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Symbol::Create => "create",
            Symbol::Change => "change",
            Symbol::Delete => "delete",
            Symbol::Keep => "keep",
            Symbol::Wait => "waits for something",
            Symbol::Refuse => "cannot be done",
            Symbol::Note => "note in the journal",
        }
    }

    /// How it looks.
    pub(super) const fn style(self) -> Style {
        match self {
            Symbol::Create => AnsiColor::Green.on_default(),
            Symbol::Change => AnsiColor::Yellow.on_default(),
            Symbol::Delete => AnsiColor::Red.on_default(),
            Symbol::Keep | Symbol::Note => Style::new().dimmed(),
            Symbol::Wait => AnsiColor::Cyan.on_default(),
            Symbol::Refuse => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// Whether to use colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    /// ANSI escapes, or plain text.
    pub(super) colour: bool,
}

impl Paint {
    /// The text in a style.
    pub(super) fn styled(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The text in bold.
    pub(super) fn bold(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// The text, less prominent.
    pub(super) fn dim(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// The symbol.
    pub(super) fn symbol(self, symbol: Symbol) -> String {
        self.styled(symbol.style(), symbol.sign().encode_utf8(&mut [0; 4]))
    }
}

/// How many characters of a text one sees: all but the ANSI escapes of [`Paint`].
pub(super) fn visible(text: &str) -> usize {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().map_or(0, |piece| piece.chars().count());
    let rest = pieces.map(|piece| piece.split_once('m').map_or(0, |(_, seen)| seen.chars().count()));
    first + rest.sum::<usize>()
}

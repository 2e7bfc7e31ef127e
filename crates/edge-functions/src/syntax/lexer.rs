//! The words and marks of a JavaScript text, with their lines; comments are left out.
//!
//! Always holds: every text ends, also one that no engine would take; a slash behind a value divides, any other begins a
//! regular expression.

use std::iter::Peekable;
use std::str::CharIndices;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A string, a part of a template, or a regular expression.
    Literal,
    /// Anything else.
    Mark,
}

/// A token and the line it begins on, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) line: u32,
}

/// Marks of several characters, longer ones first.
const MARKS: [&str; 34] = [
    ">>>=", "===", "!==", "...", "??=", "||=", "&&=", "**=", "<<=", ">>=", ">>>", "==", "!=", "<=",
    ">=", "=>", "??", "||", "&&", "?.", "**", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
    "^=", "<<", ">>", "=",
];

/// Words behind which a value begins.
const BEFORE_VALUE: [&str; 14] = [
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "new",
    "else",
    "do",
    "instanceof",
    "await",
    "yield",
];

struct Lexer<'a> {
    code: &'a str,
    letters: Peekable<CharIndices<'a>>,
    line: u32,
    tokens: Vec<Token<'a>>,
    /// For each template that is open: how many braces are open inside it.
    templates: Vec<u32>,
}

/// The tokens of a text.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        code,
        letters: code.char_indices().peekable(),
        line: 1,
        tokens: Vec::new(),
        templates: Vec::new(),
    };
    while let Some((at, letter)) = lexer.letters.peek().copied() {
        lexer.token(at, letter);
    }
    lexer.tokens
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.letters.next();
        if matches!(next, Some((_, '\n'))) {
            self.line += 1;
        }
        next
    }

    fn at(&mut self) -> usize {
        self.letters.peek().map_or(self.code.len(), |(at, _)| *at)
    }

    fn rest(&mut self) -> &'a str {
        let at = self.at();
        self.code.get(at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, from: usize, line: u32) {
        let to = self.at();
        let text = self.code.get(from..to).unwrap_or_default();
        self.tokens.push(Token { kind, text, line });
    }

    fn token(&mut self, at: usize, letter: char) {
        let line = self.line;
        match letter {
            _ if letter.is_whitespace() => {
                self.next();
            }
            _ if is_word(letter) && !letter.is_ascii_digit() => {
                self.take_while(is_word);
                self.push(Kind::Word, at, line);
            }
            _ if letter.is_ascii_digit() => {
                self.take_while(|letter| is_word(letter) || letter == '.');
                self.push(Kind::Number, at, line);
            }
            '"' | '\'' => {
                self.next();
                self.until(letter, true);
                self.push(Kind::Literal, at, line);
            }
            '`' => {
                self.next();
                self.template(at, line);
            }
            '/' if self.rest().starts_with("//") => self.take_while(|letter| letter != '\n'),
            '/' if self.rest().starts_with("/*") => self.comment(),
            '/' if self.begins_value() => {
                self.regex();
                self.push(Kind::Literal, at, line);
            }
            _ => self.mark(at, letter, line),
        }
    }

    fn take_while(&mut self, holds: impl Fn(char) -> bool) {
        while self
            .letters
            .peek()
            .is_some_and(|(_, letter)| holds(*letter))
        {
            self.next();
        }
    }

    fn comment(&mut self) {
        let mut before = ' ';
        self.next();
        self.next();
        while let Some((_, letter)) = self.next() {
            if before == '*' && letter == '/' {
                return;
            }
            before = letter;
        }
    }

    /// To the end of a string, or of its line.
    fn until(&mut self, end: char, ends_with_line: bool) {
        while let Some((_, letter)) = self.next() {
            match letter {
                '\\' => {
                    self.next();
                }
                '\n' if ends_with_line => return,
                _ if letter == end => return,
                _ => {}
            }
        }
    }

    /// A part of a template, to its end or to the next expression in it.
    fn template(&mut self, from: usize, line: u32) {
        while let Some((_, letter)) = self.next() {
            match letter {
                '\\' => {
                    self.next();
                }
                '`' => break,
                '$' if self.rest().starts_with('{') => {
                    self.next();
                    self.templates.push(0);
                    break;
                }
                _ => {}
            }
        }
        self.push(Kind::Literal, from, line);
    }

    fn regex(&mut self) {
        let mut in_class = false;
        self.next();
        while let Some((_, letter)) = self.next() {
            match letter {
                '\\' => {
                    self.next();
                }
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => break,
                '\n' => return,
                _ => {}
            }
        }
        self.take_while(is_word);
    }

    fn begins_value(&self) -> bool {
        match self.tokens.last() {
            None => true,
            Some(token) => match token.kind {
                Kind::Word => BEFORE_VALUE.contains(&token.text),
                Kind::Number | Kind::Literal => token.text.ends_with("${"),
                Kind::Mark => !matches!(token.text, ")" | "]" | "}"),
            },
        }
    }

    fn mark(&mut self, at: usize, letter: char, line: u32) {
        match (letter, self.templates.last_mut()) {
            ('{', Some(open)) => *open += 1,
            ('}', Some(0)) => {
                self.templates.pop();
                self.next();
                return self.template(at, line);
            }
            ('}', Some(open)) => *open -= 1,
            _ => {}
        }
        let rest = self.rest();
        let long = MARKS.iter().find(|mark| rest.starts_with(**mark));
        // `a?.5:b` has no optional chain.
        let digit = rest.chars().nth(2).is_some_and(|c| c.is_ascii_digit());
        let length = match long {
            Some(&"?.") if digit => 1,
            Some(mark) => mark.len(),
            None => 1,
        };
        for _ in 0..length {
            self.next();
        }
        self.push(Kind::Mark, at, line);
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '\\')
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    #[test]
    fn texts_fall_into_tokens() {
        let rows: [(&str, &[&str]); 14] = [
            ("a+=b", &["a", "+=", "b"]),
            ("a => {}", &["a", "=>", "{", "}"]),
            ("a / b / c", &["a", "/", "b", "/", "c"]),
            (
                "x = /[/\"]/g.test(y)",
                &["x", "=", "/[/\"]/g", ".", "test", "(", "y", ")"],
            ),
            ("return /'/", &["return", "/'/"]),
            ("a // class\nb", &["a", "b"]),
            ("a /* class\n*/ b", &["a", "b"]),
            ("'a\\'b' c", &["'a\\'b'", "c"]),
            ("'a\nb", &["'a\n", "b"]),
            (
                "`a${b + `c${d}`}e` f",
                &["`a${", "b", "+", "`c${", "d", "}`", "}e`", "f"],
            ),
            (
                "`${ {a: 1}.a }`",
                &["`${", "{", "a", ":", "1", "}", ".", "a", "}`"],
            ),
            (
                "a?.b ?? c?.5:d",
                &["a", "?.", "b", "??", "c", "?", ".", "5", ":", "d"],
            ),
            ("1_000.5e3 10n", &["1_000.5e3", "10n"]),
            ("`a", &["`a"]),
        ];
        for (code, expected) in rows {
            let texts: Vec<&str> = tokens(code).iter().map(|token| token.text).collect();
            assert_eq!(texts, expected, "{code}");
        }
        let lines: Vec<u32> = tokens("a\n'b'\n\n`c\n` d").iter().map(|t| t.line).collect();
        assert_eq!(lines, [1, 2, 4, 5]);
        assert_eq!(
            tokens("\u{e9}t\u{e9}").first().map(|t| t.kind),
            Some(Kind::Word)
        );
    }
}

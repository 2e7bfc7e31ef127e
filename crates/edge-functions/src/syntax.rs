//! Syntax that the engine takes and CloudFront's list of features does not name (DG:functions-javascript-runtime-20, -10).
//!
//! A doubt is no refusal: the list may be behind what CloudFront takes. Deliberately absent: a parser. What is found is found by
//! its words and marks.

mod lexer;

use crate::function::Version;
use lexer::{Kind, Token, tokens};
use std::fmt;

/// The most doubts that are told of one function.
pub const DOUBTS_MAX: usize = 20;

/// A feature that is not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `class`, `super`.
    Class,
    /// `function*`, `yield`.
    Generator,
    /// `for (… of …)`.
    ForOf,
    /// `const { a } = b`, also in parameters.
    Destructuring,
    /// `function (a = 1)`.
    DefaultParameter,
    /// `...a` anywhere but as the last parameter.
    Spread,
    /// `?.`
    OptionalChain,
    /// `??` and `??=`.
    Nullish,
    /// `||=` and `&&=`.
    LogicalAssignment,
    /// `10n`.
    BigInt,
    /// `import` of anything but a default.
    NamedImport,
    /// `const`, `let`, `async`, `await` or `import` in runtime 1.0.
    OfSecondRuntime,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Class => "a class",
            Self::Generator => "a generator",
            Self::ForOf => "`for … of`",
            Self::Destructuring => "destructuring",
            Self::DefaultParameter => "a default parameter",
            Self::Spread => "spread syntax",
            Self::OptionalChain => "`?.`",
            Self::Nullish => "`??`",
            Self::LogicalAssignment => "a logical assignment",
            Self::BigInt => "a BigInt",
            Self::NamedImport => "an import of anything but a default",
            Self::OfSecondRuntime => "a word of runtime 2.0",
        })
    }
}

/// A feature and the line it stands on, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What.
    pub feature: Feature,
    /// Where.
    pub line: u32,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feature, line } = self;
        write!(
            f,
            "line {line}: {feature} is not in CloudFront's list of features"
        )
    }
}

/// What CloudFront may not take, each feature once, where it stands first.
#[must_use]
pub fn doubts(code: &str, version: Version) -> Vec<Doubt> {
    let all = tokens(code);
    let mut found: Vec<Doubt> = Vec::new();
    for at in 0..all.len() {
        let Some(token) = all.get(at) else { break };
        let features = of_token(&all, at, version).into_iter().flatten();
        for feature in features {
            if found.len() < DOUBTS_MAX && !found.iter().any(|doubt| doubt.feature == feature) {
                let line = token.line;
                found.push(Doubt { feature, line });
            }
        }
    }
    found
}

fn text<'a>(all: &[Token<'a>], at: Option<usize>) -> &'a str {
    at.and_then(|at| all.get(at)).map_or("", |token| token.text)
}

fn of_token(all: &[Token<'_>], at: usize, version: Version) -> [Option<Feature>; 2] {
    let Some(token) = all.get(at) else {
        return [None, None];
    };
    match token.kind {
        Kind::Word => {
            // The name of a property is no keyword.
            let is_property = matches!(text(all, at.checked_sub(1)), "." | "?.")
                || text(all, Some(at + 1)) == ":";
            if is_property {
                return [None, None];
            }
            [of_word(all, at, token.text), of_second(token.text, version)]
        }
        Kind::Number => [(is_big(token.text)).then_some(Feature::BigInt), None],
        Kind::Mark => [of_mark(all, at, token.text), of_parameters(all, at)],
        Kind::Literal => [None, None],
    }
}

fn is_big(number: &str) -> bool {
    number.ends_with('n') && !number.starts_with("0x")
}

fn of_second(word: &str, version: Version) -> Option<Feature> {
    let is_newer = matches!(word, "const" | "let" | "async" | "await" | "import");
    (version == Version::V1 && is_newer).then_some(Feature::OfSecondRuntime)
}

fn of_word(all: &[Token<'_>], at: usize, word: &str) -> Option<Feature> {
    let next = text(all, Some(at + 1));
    match (word, next) {
        ("class" | "super", _) => Some(Feature::Class),
        ("yield", _) | ("function", "*") => Some(Feature::Generator),
        ("const" | "let" | "var", "{" | "[") => Some(Feature::Destructuring),
        ("import", "{" | "*" | "(") => Some(Feature::NamedImport),
        ("for", "(") => is_for_of(all, at + 1).then_some(Feature::ForOf),
        _ => None,
    }
}

/// Whether the parentheses that begin here hold an `of` behind a name.
fn is_for_of(all: &[Token<'_>], open: usize) -> bool {
    let inside = within(all, open);
    inside
        .iter()
        .any(|(depth, token)| *depth == 1 && token.kind == Kind::Word && token.text == "of")
        && !inside
            .iter()
            .any(|(depth, token)| *depth == 1 && token.text == ";")
}

/// The tokens behind an opening mark up to its closing one, each with how deep it lies.
fn within<'t, 'a>(all: &'t [Token<'a>], open: usize) -> Vec<(u32, &'t Token<'a>)> {
    let mut depth = 0_u32;
    let mut inside = Vec::new();
    for token in all.iter().skip(open) {
        match token.text {
            "(" | "[" | "{" => {
                if depth > 0 {
                    inside.push((depth, token));
                }
                depth += 1;
            }
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
                inside.push((depth, token));
            }
            _ => inside.push((depth, token)),
        }
    }
    inside
}

fn of_mark(all: &[Token<'_>], at: usize, mark: &str) -> Option<Feature> {
    match mark {
        "?." => Some(Feature::OptionalChain),
        "??" | "??=" => Some(Feature::Nullish),
        "||=" | "&&=" => Some(Feature::LogicalAssignment),
        "..." => (!is_rest_parameter(all, at)).then_some(Feature::Spread),
        _ => None,
    }
}

/// `...name)` before a body or an arrow.
fn is_rest_parameter(all: &[Token<'_>], at: usize) -> bool {
    text(all, Some(at + 2)) == ")" && matches!(text(all, Some(at + 3)), "{" | "=>")
}

/// Parameters: of a function by its word, of an arrow by its mark.
fn of_parameters(all: &[Token<'_>], at: usize) -> Option<Feature> {
    if text(all, Some(at)) != "(" {
        return None;
    }
    let before = text(all, at.checked_sub(1));
    let named = text(all, at.checked_sub(2));
    let inside = within(all, at);
    // What is inside, and the two parentheses.
    let behind = text(all, Some(at + inside.len() + 2));
    let is_list = before == "function" || named == "function" || behind == "=>";
    if !is_list {
        return None;
    }
    let outer = |mark: &str| {
        inside
            .iter()
            .any(|(depth, t)| *depth == 1 && t.text == mark)
    };
    let begins = |mark: &str| {
        let first = inside.first().is_some_and(|(_, token)| token.text == mark);
        let later = inside
            .windows(2)
            .any(|pair| matches!(pair, [(1, comma), (1, next)] if comma.text == "," && next.text == mark));
        first || later
    };
    if begins("{") || begins("[") {
        Some(Feature::Destructuring)
    } else if outer("=") {
        Some(Feature::DefaultParameter)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Feature::{
        BigInt, Class, DefaultParameter, Destructuring, ForOf, Generator, LogicalAssignment,
        NamedImport, Nullish, OfSecondRuntime, OptionalChain, Spread,
    };
    use super::{Feature, doubts};
    use crate::function::Version;

    #[test]
    fn what_is_not_listed_is_doubted() {
        let rows: [(&str, &[Feature]); 22] = [
            ("class A { constructor() { super.a(); } }", &[Class]),
            ("function* f() { yield 1; }", &[Generator]),
            ("for (const a of b) { c(a); }", &[ForOf]),
            ("for (var [k, v] of b) {}", &[ForOf, Destructuring]),
            ("const { a } = b;", &[Destructuring]),
            ("let [a] = b;", &[Destructuring]),
            ("function f({ a }) {}", &[Destructuring]),
            ("b.map(([k, v]) => k)", &[Destructuring]),
            ("b.map((x, { y }) => x)", &[Destructuring]),
            ("function f(a = 1) {}", &[DefaultParameter]),
            ("const f = (a, b = a) => b;", &[DefaultParameter]),
            ("f(...a)", &[Spread]),
            ("x = [...a, 1]", &[Spread]),
            ("x = { ...a }", &[Spread]),
            ("a?.b", &[OptionalChain]),
            ("a ?? b", &[Nullish]),
            ("a ??= b; c ||= d;", &[Nullish, LogicalAssignment]),
            ("x = 10n;", &[BigInt]),
            ("import { kvs } from 'cloudfront';", &[NamedImport]),
            ("import * as cf from 'cloudfront';", &[NamedImport]),
            ("const m = import('crypto');", &[NamedImport]),
            ("x = `a ${b ?? c}`", &[Nullish]),
        ];
        for (code, expected) in rows {
            let found: Vec<Feature> = doubts(code, Version::V2)
                .iter()
                .map(|d| d.feature)
                .collect();
            assert_eq!(found, expected, "{code}");
        }
    }

    /// What the list names, and what only looks like something else.
    #[test]
    fn what_is_listed_is_not_doubted() {
        let rows = [
            "import cf from 'cloudfront'; const kvs = cf.kvs();",
            "async function handler(event) { const a = await kvs.get('a'); return event.request; }",
            "for (const k in o) { f(k); } for (let i = 0, of = 1; i < of; i++) {}",
            "function f(a, ...rest) { return rest; } const g = (...all) => all;",
            "var a = x ? y : z; b = a ? .5 : 1; c = a?.5:1;",
            "o.class = 1; o = { class: 2, yield: 3, super: 4 };",
            "// class A {}\n/* a ?? b */ 'const { a } = b'; `for (a of b)`; /a?.b/.test(c);",
            "if (a = b) { f({ a: 1 }, [2]); } while ((m = r.exec(s)) !== null) {}",
            "x = 2 ** 3; y = 1_000; label: for (;;) { break label; }",
            "a || b && c; a |= 1; f(function () { return { x: 1 }; });",
            "const f = (a, b) => ({ a: b }); x = y => y + 1; s = `a${f({ a: 1 })}b`;",
            "x = 0x1n2; switch (a) { case /re/.test(b): break; default: throw new Error('no'); }",
        ];
        for code in rows {
            assert_eq!(doubts(code, Version::V2), [], "{code}");
        }
    }

    #[test]
    fn the_first_runtime_has_less() {
        for code in [
            "const a = 1;",
            "let a = 1;",
            "async function f() {}",
            "import a from 'crypto';",
        ] {
            let found: Vec<Feature> = doubts(code, Version::V1)
                .iter()
                .map(|d| d.feature)
                .collect();
            assert_eq!(found, [OfSecondRuntime], "{code}");
        }
        assert_eq!(doubts("var a = o.let + o.const;", Version::V1), []);
    }

    #[test]
    fn each_is_told_once_with_its_line() {
        let told: Vec<String> = doubts("var a;\na?.b;\na?.c;\nclass A {}", Version::V2)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "line 2: `?.` is not in CloudFront's list of features",
            "line 4: a class is not in CloudFront's list of features",
        ];
        assert_eq!(told, expected);
    }
}

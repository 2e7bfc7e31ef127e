//! Which references of a site's pages lead to nothing in the release.
//!
//! Looks at `href`, `src`, `poster`, `data` and `srcset` of HTML, as a browser's tokenizer finds them: not in comments, and
//! not in scripts and styles. A reference to another host, with a scheme, or relative on a page with `<base>` is not
//! looked at.
//!
//! Always holds: a reference that is told as broken names a path of this site that the release does not answer. Deliberately
//! absent: references that scripts make.

use super::content::PlannedFile;
use portcullis_site::Releases;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};

/// The most broken references that are told.
pub const LINKS_MAX: usize = 1_000;
/// The longest page that is looked at, in bytes.
const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A reference to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// The page's path.
    pub page: String,
    /// The line, from 1.
    pub line: usize,
    /// The reference as it is written.
    pub reference: String,
}

/// The broken references of all pages among `files`, at most [`LINKS_MAX`].
///
/// # Errors
/// A page cannot be read.
pub fn broken_links(files: &[PlannedFile], releases: &Releases) -> io::Result<Vec<BrokenLink>> {
    let paths: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut broken = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.content_type.starts_with("text/html"))
    {
        let mut bytes = Vec::new();
        File::open(&file.file)?
            .take(PAGE_BYTES_MAX)
            .read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        for (line, reference) in references(&text) {
            let target = resolve(&file.path, reference);
            if target.is_none_or(|target| answers(&paths, releases, &target)) {
                continue;
            }
            let (page, reference) = (file.path.clone(), reference.to_owned());
            broken.push(BrokenLink {
                page,
                line,
                reference,
            });
            if broken.len() == LINKS_MAX {
                return Ok(broken);
            }
        }
    }
    Ok(broken)
}

/// Whether the release answers for the path, by itself, as a directory or as a clean URL.
fn answers(paths: &HashSet<&str>, releases: &Releases, path: &str) -> bool {
    let directory = if path.is_empty() || path.ends_with('/') {
        path.to_owned()
    } else {
        format!("{path}/")
    };
    let entry = format!("{directory}{}", releases.entry);
    let is_directory = path.is_empty() || path.ends_with('/') || releases.clean_urls;
    paths.contains(path)
        || is_directory && paths.contains(entry.as_str())
        || releases.clean_urls && paths.contains(format!("{path}.html").as_str())
        // A page of an application that answers for all its paths.
        || releases.fallback.is_some() && !path.rsplit('/').next().unwrap_or(path).contains('.')
}

/// The path a reference leads to, if it is one of this site. RFC 3986, section 5.2.
fn resolve(page: &str, reference: &str) -> Option<String> {
    let reference = reference.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
    let end = reference.find(['?', '#']).unwrap_or(reference.len());
    let path = reference.get(..end).filter(|path| !path.is_empty())?;
    let has_scheme = path
        .split('/')
        .next()
        .is_some_and(|first| first.contains(':'));
    // A template's or a script's placeholder is no path.
    if has_scheme || path.starts_with("//") || path.contains(['{', '}', '\\']) {
        return None;
    }
    let mut segments: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => page
            .split('/')
            .rev()
            .skip(1)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect(),
    };
    let mut is_directory = false;
    for segment in path.trim_start_matches('/').split('/') {
        is_directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let mut path = segments.join("/");
    if is_directory && !path.is_empty() {
        path.push('/');
    }
    decode(&path)
}

/// Percent-decoding; `None` if the result is no text.
fn decode(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        decoded.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(decoded).ok()
}

/// The references of a page, each with its line.
fn references(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut rest, mut line, mut has_base) = (text, 1, false);
    while let Some((before, after)) = rest.split_once('<') {
        line += lines(before);
        let (skipped, next) = match after.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->").unwrap_or((comment, "")),
            None => {
                let tag = Tag::read(after);
                has_base |= tag.name.eq_ignore_ascii_case("base");
                for (name, value) in &tag.attributes {
                    found.extend(
                        of_attribute(&tag, name, value)
                            .into_iter()
                            .map(|text| (line, text)),
                    );
                }
                tag.skip(after)
            }
        };
        line += lines(skipped);
        rest = next;
    }
    found.retain(|(_, reference)| !has_base || reference.starts_with('/'));
    found
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn of_attribute<'a>(tag: &Tag<'_>, name: &str, value: &'a str) -> Vec<&'a str> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    // `<base>` names no file, and `<link rel=preconnect>` and `dns-prefetch` name hosts, which have a scheme.
    if tag.name.eq_ignore_ascii_case("base") {
        return Vec::new();
    }
    if is("srcset") || is("imagesrcset") {
        let candidates = value
            .split(',')
            .filter_map(|candidate| candidate.split_whitespace().next());
        return candidates.collect();
    }
    let is_data = is("data") && tag.name.eq_ignore_ascii_case("object");
    if is("href") || is("src") || is("poster") || is_data {
        vec![value]
    } else {
        Vec::new()
    }
}

/// A tag, from behind its `<`.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    /// How many bytes it has, its `>` included.
    length: usize,
}

impl<'a> Tag<'a> {
    fn read(text: &'a str) -> Self {
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/');
        let (name, mut rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
        let mut attributes = Vec::new();
        // A closing tag, or a `<` in a text, has no attributes that count.
        let counts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if !counts || rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let ends = |c: char| is_end(c) || c == '=';
            // The first character belongs to the name whatever it is, so that there is always one.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let length = rest
                .get(first..)
                .and_then(|rest| rest.find(ends))
                .map_or(rest.len(), |at| at + first);
            let (attribute, after) = rest.split_at(length);
            let (value, after) = value(after);
            attributes.push((attribute, value));
            rest = after;
        }
        let rest = rest.split_once('>').map_or("", |(_, rest)| rest);
        Self {
            name,
            attributes,
            length: text.len() - rest.len(),
        }
    }

    /// Parts `text` behind the tag, or where it holds no markup behind the end of its content.
    fn skip(&self, text: &'a str) -> (&'a str, &'a str) {
        let raw = ["script", "style", "textarea", "title", "template"];
        let is_raw = raw.iter().any(|raw| self.name.eq_ignore_ascii_case(raw));
        let rest = text.get(self.length..).unwrap_or_default();
        let mut end = self.length;
        if is_raw {
            let closes = |at: &usize| {
                let name = rest.get(at + 2..at + 2 + self.name.len());
                name.is_some_and(|name| name.eq_ignore_ascii_case(self.name))
            };
            let mut closing = rest.match_indices("</").map(|(at, _)| at).filter(closes);
            end += closing.next().unwrap_or(rest.len());
        }
        text.split_at_checked(end).unwrap_or((text, ""))
    }
}

/// The value of an attribute, and what comes behind it.
fn value(text: &str) -> (&str, &str) {
    let Some(value) = text.trim_start().strip_prefix('=') else {
        return ("", text);
    };
    let value = value.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>');
    value.split_at(end.unwrap_or(value.len()))
}

#[cfg(test)]
mod tests {
    use super::{references, resolve};

    #[test]
    fn references_are_found_as_a_browser_finds_them() {
        let text = "<!-- <a href=no> -->\n<a class=x HREF='one'>1 < 2</a>\n<img src=two srcset=\"three 1x, four 2x\">\n\
            <script src=\"five\">'<a href=\"no\">'</script><style>a{content:'<a href=no>'}</style>\n\
            <video poster = 'six'/><a data-href=no title=\"a > b\" href>x</a><object data=seven></object><a href=\"open";
        let found: Vec<_> = references(text);
        assert_eq!(
            found,
            [
                (2, "one"),
                (3, "two"),
                (3, "three"),
                (3, "four"),
                (4, "five"),
                (5, "six"),
                (5, ""),
                (5, "seven"),
                (5, "open")
            ]
        );
        assert_eq!(
            references("<base href=/x/><a href=no><a href=/yes>"),
            [(1, "/yes")]
        );
    }

    #[test]
    fn references_are_resolved_from_their_page() {
        for (page, reference, expected) in [
            ("a/b.html", "c.html?x#y", Some("a/c.html")),
            ("a/b.html", "/c/", Some("c/")),
            ("a/b.html", "..", Some("")),
            ("a/b.html", "../../../c%20d", Some("c d")),
            ("a/b.html", "./", Some("a/")),
            ("index.html", "", None),
            ("index.html", "#top", None),
            ("index.html", "mailto:x@example.com", None),
            ("index.html", "//cdn.example.com/x", None),
            ("index.html", "{{ url }}", None),
            ("index.html", "%ff", None),
        ] {
            assert_eq!(
                resolve(page, reference).as_deref(),
                expected,
                "{page} {reference}"
            );
        }
    }
}

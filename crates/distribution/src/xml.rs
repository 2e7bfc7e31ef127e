//! The XML of CloudFront's API as a tree of values, and back: what its command line and SDKs send and read.
//!
//! Always holds: an element called `Items` is a list, one with elements in it a map, any other a text without quotes; no
//! document type, no entities of its own, at most [`BYTES_MAX`] bytes and [`DEPTH_MAX`] levels.

use crate::Place;
use crate::value::{BYTES_MAX, DEPTH_MAX, Kind, Member, Value};
use roxmltree::{Document, Node, ParsingOptions};
use std::fmt::Write as _;

/// The most elements and texts of a document.
const NODES_MAX: u32 = 100_000;

/// The names of the elements in an `Items`, by the element around it.
const MEMBERS: [(&str, &str); 24] = [
    ("Aliases", "CNAME"),
    ("AllowedMethods", "Method"),
    ("CacheBehaviors", "CacheBehavior"),
    ("CachedMethods", "Method"),
    ("CustomErrorResponses", "CustomErrorResponse"),
    ("CustomHeaders", "OriginCustomHeader"),
    ("DistributionList", "DistributionSummary"),
    ("FunctionAssociations", "FunctionAssociation"),
    ("FunctionList", "FunctionSummary"),
    ("GeoRestriction", "Location"),
    ("Headers", "Name"),
    ("InvalidationList", "InvalidationSummary"),
    ("KeyValueStoreAssociations", "KeyValueStoreAssociation"),
    ("LambdaFunctionAssociations", "LambdaFunctionAssociation"),
    ("Members", "OriginGroupMember"),
    ("OriginGroups", "OriginGroup"),
    ("Origins", "Origin"),
    ("OriginSslProtocols", "SslProtocol"),
    ("Paths", "Path"),
    ("QueryStringCacheKeys", "Name"),
    ("StatusCodes", "StatusCode"),
    ("TrustedKeyGroups", "KeyGroup"),
    ("TrustedSigners", "AwsAccountNumber"),
    ("WhitelistedNames", "Name"),
];

/// Reads a document. The name of its outermost element, and what is in it.
///
/// # Errors
/// One sentence that says what is wrong, with line and column.
pub fn read(bytes: &[u8]) -> Result<(String, Value), String> {
    if bytes.len() > BYTES_MAX {
        return Err(format!("more than {BYTES_MAX} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the text is not UTF-8".to_owned())?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|error| error.to_string())?;
    let root = document.root_element();
    Ok((root.tag_name().name().to_owned(), value(root, DEPTH_MAX)?))
}

fn value(node: Node<'_, '_>, depth: usize) -> Result<Value, String> {
    let depth = depth.checked_sub(1);
    let depth = depth.ok_or_else(|| format!("more than {DEPTH_MAX} levels"))?;
    let at = node.document().text_pos_at(node.range().start);
    let at = Place {
        line: at.row,
        column: at.col,
    };
    let elements = || node.children().filter(Node::is_element);
    let kind = if node.tag_name().name() == "Items" {
        Kind::List(
            elements()
                .map(|child| value(child, depth))
                .collect::<Result<_, _>>()?,
        )
    } else if elements().next().is_some() {
        let members = elements().map(|child| {
            let value = value(child, depth)?;
            let key = child.tag_name().name().to_owned();
            Ok(Member {
                key,
                at: value.at,
                value,
            })
        });
        Kind::Map(members.collect::<Result<_, String>>()?)
    } else {
        Kind::Text {
            text: node.text().unwrap_or_default().to_owned(),
            plain: true,
        }
    };
    Ok(Value { at, kind })
}

/// Writes an element with its namespace, as a document.
#[must_use]
pub fn document(name: &str, content: &Value) -> String {
    let mut to = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let namespace = " xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"";
    element(&mut to, name, namespace, content);
    to
}

fn element(to: &mut String, name: &str, attributes: &str, content: &Value) {
    // Writing to a text cannot fail.
    let _ = write!(to, "<{name}{attributes}>");
    match &content.kind {
        Kind::Text { text, .. } => escape(to, text),
        Kind::List(items) => items
            .iter()
            .for_each(|item| element(to, "member", "", item)),
        Kind::Map(members) => {
            for member in members {
                match &member.value.kind {
                    Kind::List(items) => list(to, name, &member.key, items),
                    _ if member.value.is_null() && member.key != "Comment" => {}
                    _ => element(to, &member.key, "", &member.value),
                }
            }
        }
        Kind::Unresolved => {}
    }
    let _ = write!(to, "</{name}>");
}

fn list(to: &mut String, around: &str, name: &str, items: &[Value]) {
    let known = MEMBERS.iter().find(|(of, _)| *of == around);
    let item_name = known.map_or("member", |(_, item)| item);
    let _ = write!(to, "<{name}>");
    items
        .iter()
        .for_each(|item| element(to, item_name, "", item));
    let _ = write!(to, "</{name}>");
}

fn escape(to: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            // What XML 1.0 has no way to write.
            c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => to.push('\u{fffd}'),
            '\r' => to.push_str("&#13;"),
            c => to.push(c),
        }
    }
}

//! Where `serve` finds objects and the site state: folders and a file, or S3 and DynamoDB in a program built with the
//! feature `aws`.
//!
//! Always holds: a program without it says so when it is asked for AWS; nothing else takes its place.

#[cfg(feature = "aws")]
mod aws;
#[cfg(not(feature = "aws"))]
mod local;

#[cfg(feature = "aws")]
pub(crate) use aws::{Objects, State, open};
#[cfg(not(feature = "aws"))]
pub(crate) use local::{Objects, State, open};

use std::fmt;
use std::path::PathBuf;

/// Where the site state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatePlace {
    /// In a JSON file.
    File(PathBuf),
    /// In the item of a site in a DynamoDB table.
    DynamoDb { table: String, site: String },
}

impl std::str::FromStr for StatePlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(item) = text.strip_prefix("dynamodb:") else {
            let path = text.strip_prefix("file:").unwrap_or(text);
            return if path.is_empty() {
                Err("expected the path of a file")
            } else {
                Ok(Self::File(path.into()))
            };
        };
        let (table, site) = item.split_once('/').ok_or("expected dynamodb:TABLE/SITE")?;
        Ok(Self::DynamoDb {
            table: table.to_owned(),
            site: site.to_owned(),
        })
    }
}

impl fmt::Display for StatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::DynamoDb { table, site } => write!(f, "dynamodb:{table}/{site}"),
        }
    }
}

//! Which operation a request asks for.

use crate::answer::ApiError;
use percent_encoding::percent_decode_str;

/// The version in every path.
const VERSION: &str = "/2020-05-31/";
/// The most items of a list in one answer.
pub const PAGE_MAX: usize = 100;

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: &'a str,
    /// `If-Match`
    pub if_match: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// An operation, with the ids of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `ListDistributions`
    ListDistributions(Page),
    /// `GetDistribution`
    GetDistribution(String),
    /// `GetDistributionConfig`
    GetDistributionConfig(String),
    /// `UpdateDistribution`
    UpdateDistribution(String),
    /// `CreateInvalidation`
    CreateInvalidation(String),
    /// `ListInvalidations`
    ListInvalidations(String, Page),
    /// `GetInvalidation`
    GetInvalidation(String, String),
}

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Behind this one.
    pub marker: String,
    /// At most so many.
    pub items_max: usize,
}

impl Call<'_> {
    /// What is asked for.
    ///
    /// # Errors
    /// The operation is none of CloudFront's, or none of those that are here.
    pub fn operation(&self) -> Result<Operation, ApiError> {
        let parts: Vec<&str> = match self.path.strip_prefix(VERSION) {
            Some(rest) => rest.split('/').collect(),
            None => return Err(self.unknown()),
        };
        let own = |id: &str| percent_decode_str(id).decode_utf8_lossy().into_owned();
        Ok(match (self.method, parts.as_slice()) {
            ("GET", ["distribution"]) => Operation::ListDistributions(self.page()?),
            ("GET", ["distribution", id]) => Operation::GetDistribution(own(id)),
            ("GET", ["distribution", id, "config"]) => Operation::GetDistributionConfig(own(id)),
            ("PUT", ["distribution", id, "config"]) => Operation::UpdateDistribution(own(id)),
            ("POST", ["distribution", id, "invalidation"]) => {
                Operation::CreateInvalidation(own(id))
            }
            ("GET", ["distribution", id, "invalidation"]) => {
                Operation::ListInvalidations(own(id), self.page()?)
            }
            ("GET", ["distribution", id, "invalidation", one]) => {
                Operation::GetInvalidation(own(id), own(one))
            }
            _ => return Err(self.unknown()),
        })
    }

    fn unknown(&self) -> ApiError {
        ApiError {
            status: 501,
            code: "NotImplemented",
            message: format!(
                "{} {} is not played here: distributions can be listed, read and updated, and invalidations made, listed and read",
                self.method, self.path
            ),
        }
    }

    fn page(&self) -> Result<Page, ApiError> {
        let value = |name: &str| {
            let mut pairs = self
                .query
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let items_max = match value("MaxItems") {
            None => PAGE_MAX,
            Some(written) => match written.parse() {
                Ok(number @ 1..) => PAGE_MAX.min(number),
                _ => return Err(ApiError::argument("MaxItems is no whole number from 1")),
            },
        };
        Ok(Page {
            marker: value("Marker").unwrap_or_default(),
            items_max,
        })
    }
}

//! A batch of paths to invalidate.

use crate::answer::{ApiError, list, map, text};
use portcullis_distribution::value::Value;
use portcullis_edge::invalidation::{InvalidationPath, PATHS_MAX, WILDCARDS_MAX};

/// The paths, and the name under which they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) reference: String,
    pub(super) paths: Vec<InvalidationPath>,
    said: Vec<String>,
}

impl Batch {
    pub(super) fn read(value: &Value) -> Result<Self, ApiError> {
        let reference = value.get("CallerReference").and_then(Value::as_text);
        let reference = reference.filter(|reference| !reference.is_empty());
        let paths = value.get("Paths");
        let quantity = paths.and_then(|paths| paths.get("Quantity")?.as_text()?.parse().ok());
        let items = paths
            .and_then(|paths| paths.get("Items"))
            .map_or(&[][..], Value::items);
        if quantity != Some(items.len()) {
            return Err(ApiError {
                status: 400,
                code: "InconsistentQuantities",
                message: "The value of Quantity and the size of Items don't match.".to_owned(),
            });
        }
        if items.is_empty() {
            return Err(ApiError::argument("Your request contains no path."));
        }
        let said: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_text().map(str::to_owned))
            .collect();
        let said = said.ok_or_else(|| ApiError::argument("A path is a text."))?;
        let paths = said.iter().map(|path| {
            InvalidationPath::new(path).map_err(|why| {
                ApiError::argument(format!(
                    "Your request contains an invalid path, `{path}`: {why}."
                ))
            })
        });
        Ok(Self {
            reference: reference
                .ok_or_else(|| ApiError::argument("Your request contains no CallerReference."))?
                .to_owned(),
            paths: paths.collect::<Result<_, _>>()?,
            said,
        })
    }

    /// Whether it may be under way beside these.
    pub(super) fn fits<'a>(
        &'a self,
        others: impl Iterator<Item = &'a Self>,
    ) -> Result<(), ApiError> {
        let count = |batch: &Self| {
            let wildcards = batch.paths.iter().filter(|path| path.is_wildcard()).count();
            (batch.paths.len() - wildcards, wildcards)
        };
        let (plain, wildcards) = others
            .chain([self])
            .map(count)
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if plain <= PATHS_MAX && wildcards <= WILDCARDS_MAX {
            return Ok(());
        }
        Err(ApiError {
            status: 400,
            code: "TooManyInvalidationsInProgress",
            message: format!(
                "{plain} paths and {wildcards} with a wildcard would be in progress, and {PATHS_MAX} and {WILDCARDS_MAX} may be."
            ),
        })
    }

    pub(super) fn written(&self) -> Value {
        let items: Vec<Value> = self.said.iter().map(text).collect();
        map([
            (
                "Paths",
                map([
                    ("Quantity", text(items.len().to_string())),
                    ("Items", list(items)),
                ]),
            ),
            ("CallerReference", text(&self.reference)),
        ])
    }
}

//! From a directory to what is published: which files, with which bytes, metadata and variants.
//!
//! Always holds: what cannot be published whole is an error with its name, before anything is sent; a file that changes while
//! it is read is one. A file that has not changed since the last plan is not opened.
//!
//! Deliberately absent: rewriting of references.

mod bundler;
mod cache;
mod compress;
mod content;
mod form;
mod lifetime;
mod links;
mod media_type;
mod source;
mod walk;

pub use cache::Cache;
pub use compress::{Coding, Variant};
pub use content::{PlanSettings, Planned, PlannedFile, plan};
pub use form::{RULE_FILES, RuleFault, Table, rules};
pub use lifetime::Lifetimes;
pub use links::{BrokenLink, LINKS_MAX, broken_links};
pub use source::{KeyedFile, ManifestForm, PlannedRelease};
pub use walk::{DEPTH_MAX, FILES_MAX, Found, PATH_BYTES_MAX, WalkError, walk};

//! `check`: what CloudFront will make of a template, and whether it can undo the policy of a manifest.
//!
//! | module | what it is |
//! |---|---|
//! | [`catalogue`] | the rules, their cases, severities and fixes; ids are stable for ever |
//! | [`tree`] | the text of a template, its expressions evaluated as far as they can be |
//! | [`api`] | a configuration as CloudFront's API prints it, written as a template |
//! | [`template`], [`distribution`] | its resources; a distribution in the words of the rules |
//! | [`intent`], [`strictness`] | what the manifest wants; which policy lets in less |
//! | [`pattern`] | path patterns as languages: overlap, containment, witnesses |
//! | [`report`] | findings, in an order that does not depend on the input's |
//! | `rules` | one file for each concern |
//!
//! Always holds: every input ends in findings or in a named refusal; what cannot be decided is a finding (PC000); the same
//! input gives the same findings, and the order of unrelated resources changes none. Pure: text and the date are arguments.
//!
//! Deliberately absent: whether the manifest compiles (its compiler says that), and live configuration.

pub mod api;
pub mod catalogue;
pub mod distribution;
mod input;
pub mod intent;
pub mod pattern;
pub mod report;
mod rules;
pub mod strictness;
pub mod template;
pub mod tree;

pub use input::{Input, Source, check};
pub use report::{Finding, Report, Where};

//! Findings, in an order of their own.

use crate::catalogue::{Case, Severity};
use portcullis_distribution::Place;
use serde::Serialize;
use std::cmp::Ordering;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Where {
    /// The logical id of the resource; empty for the manifest.
    pub resource: String,
    /// The JSON pointer within the resource's properties, or within the manifest.
    pub pointer: String,
    /// The file.
    pub file: String,
    /// The place in the file; line 0 where it is not known.
    pub at: (u32, u32),
}

impl Where {
    /// A place in a file.
    #[must_use]
    pub fn new(file: &str, resource: &str, pointer: String, at: Place) -> Self {
        Self {
            resource: resource.to_owned(),
            pointer,
            file: file.to_owned(),
            at: (at.line, at.column),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub case: Case,
    /// How bad it is here.
    pub severity: Severity,
    /// Where.
    pub place: Where,
    /// The pattern of the behavior it is about, if it is about one.
    pub behavior: Option<String>,
    /// What happens to a viewer.
    pub message: String,
    /// A witness: a path, a pair of viewers.
    pub evidence: Option<String>,
    /// The reason of the waiver that covers it.
    pub waived: Option<String>,
}

impl Finding {
    /// A finding without a witness.
    #[must_use]
    pub fn new(case: Case, place: Where, message: impl Into<String>) -> Self {
        Self {
            case,
            severity: case.severity(),
            place,
            behavior: None,
            message: message.into(),
            evidence: None,
            waived: None,
        }
    }

    /// About the behavior with this pattern.
    #[must_use]
    pub fn about(mut self, pattern: &str) -> Self {
        self.behavior = Some(pattern.to_owned());
        self
    }

    /// With a witness.
    #[must_use]
    pub fn witnessed(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// Worse or less bad than usual.
    #[must_use]
    pub fn rated(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({
            "rule": self.case.rule(),
            "case": self.case.name(),
            "severity": self.severity.name(),
            "title": self.case.title(),
            "resource": self.place.resource,
            "pointer": self.place.pointer,
            "file": self.place.file,
            "line": self.place.at.0,
            "column": self.place.at.1,
            "behavior": self.behavior,
            "message": self.message,
            "fix": self.case.fix(),
            "evidence": self.evidence,
            "waived": self.waived,
        })
        .serialize(serializer)
    }
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings: the worst first, then by place.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Puts the findings in order, each once.
    pub fn settle(&mut self) {
        self.findings.sort_by(order);
        self.findings.dedup();
    }

    /// How many findings of a severity are not waived.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let counted = |finding: &&Finding| finding.severity == severity && finding.waived.is_none();
        self.findings.iter().filter(counted).count()
    }
}

fn order(a: &Finding, b: &Finding) -> Ordering {
    let key = |finding: &Finding| {
        (
            finding.severity,
            finding.place.resource.clone(),
            finding.place.pointer.clone(),
            finding.case,
        )
    };
    key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
}

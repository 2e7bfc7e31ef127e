//! Findings as SARIF 2.1.0 (OASIS), which code hosts show at the lines they are about.

use portcullis_check::catalogue::{Case, Severity};
use portcullis_check::{Finding, Report};
use serde_json::{Value, json};

pub(super) fn document(report: &Report) -> Value {
    let rules: Vec<Value> = Case::ALL.iter().copied().map(rule).collect();
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "portcullis check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "results": results,
        }],
    })
}

fn rule(case: Case) -> Value {
    json!({
        "id": case.name(),
        "name": case.title(),
        "shortDescription": { "text": case.means() },
        "help": { "text": case.fix() },
        "defaultConfiguration": { "level": level(case.severity()) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(finding: &Finding) -> Value {
    let place = &finding.place;
    let index = Case::ALL.iter().position(|case| *case == finding.case);
    let mut result = json!({
        "ruleId": finding.case.name(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": format!("{} Fix: {}", finding.message, finding.case.fix()) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": place.file },
                "region": { "startLine": place.at.0.max(1), "startColumn": place.at.1.max(1) },
            },
            "logicalLocations": [{ "fullyQualifiedName": format!("{}{}", place.resource, place.pointer) }],
        }],
    });
    if let (Some(reason), Some(members)) = (&finding.waived, result.as_object_mut()) {
        members.insert(
            "suppressions".to_owned(),
            json!([{ "kind": "inSource", "justification": reason }]),
        );
    }
    result
}

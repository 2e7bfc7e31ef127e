//! Continuous deployment policies: read to be checked, since the model plays one distribution at a time.
//!
//! Always holds: nothing is kept of them. Deliberately absent: routing between two distributions.

use crate::fault::{Fault, Faults, Rule};
use crate::read::{Dialect, Item, Object, is_json, root};
use crate::value::parse;

/// The largest share of traffic of a staging distribution.
const WEIGHT_MAX: f64 = 0.15;
/// How the name of the header begins that asks for the staging distribution.
const HEADER_PREFIX: &str = "aws-cf-cd-";

/// Checks a `ContinuousDeploymentPolicyConfig`.
///
/// # Errors
/// Every mistake in the text.
pub fn check_continuous_deployment(bytes: &[u8]) -> Result<(), Vec<Fault>> {
    let faults = Faults::default();
    let value = parse(bytes, &faults);
    let checked = value.and_then(|value| {
        let item = root(&faults, Dialect::Api, is_json(bytes), &value);
        check(item)
    });
    faults.end(checked)
}

fn check(item: Item<'_>) -> Option<()> {
    let object = item.object()?;
    object
        .required("StagingDistributionDnsNames")
        .map(Item::items);
    object.required("Enabled").map(|item| item.boolean());
    if let Some(traffic) = object.object("TrafficConfig") {
        check_traffic(&traffic);
    }
    object.end(&[]);
    Some(())
}

fn check_traffic(traffic: &Object<'_>) {
    let kinds = [("SingleWeight", ()), ("SingleHeader", ())];
    traffic.required("Type").map(|item| item.one_of(&kinds));
    if let Some(weight) = traffic.object("SingleWeightConfig") {
        let share = weight.required("Weight").and_then(|item| item.number());
        if share.is_some_and(|share| !(0.0..=WEIGHT_MAX).contains(&share)) {
            let message = "a staging distribution gets at most 0.15 of the traffic";
            weight.fault_at("Weight", Rule::InvalidArgument, message);
        }
        weight.end(&["SessionStickinessConfig"]);
    }
    if let Some(header) = traffic.object("SingleHeaderConfig") {
        let name = header.required_text("Header").unwrap_or_default();
        if !name.to_ascii_lowercase().starts_with(HEADER_PREFIX) {
            let message = "the header's name begins with `aws-cf-cd-`";
            header.fault_at("Header", Rule::InvalidArgument, message);
        }
        header.required_text("Value");
        header.end(&[]);
    }
    traffic.end(&[]);
}

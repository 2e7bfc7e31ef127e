//! The edge functions of a behavior.
//!
//! Always holds: one function for an event; CloudFront Functions at viewer events only, and not beside Lambda@Edge at
//! those. Deliberately absent: the code.

use crate::fault::Rule;
use crate::read::{Item, Object};
use portcullis_edge::distribution::{Compute, EventType, Functions};

const EVENTS: [(&str, EventType); 4] = [
    ("viewer-request", EventType::ViewerRequest),
    ("viewer-response", EventType::ViewerResponse),
    ("origin-request", EventType::OriginRequest),
    ("origin-response", EventType::OriginResponse),
];

pub(super) fn functions(object: &Object<'_>) -> Functions {
    let mut functions = Functions::default();
    for item in object.items("FunctionAssociations") {
        if let Some((event, compute)) = cloudfront_function(item.clone()) {
            place(
                &mut functions,
                event,
                compute,
                &item,
                Rule::InvalidFunctionAssociation,
            );
        }
    }
    for item in object.items("LambdaFunctionAssociations") {
        if let Some((event, compute)) = lambda(item.clone()) {
            let rule = Rule::InvalidLambdaFunctionAssociation;
            place(&mut functions, event, compute, &item, rule);
        }
    }
    check_mixture(object, &functions);
    functions
}

fn place(
    functions: &mut Functions,
    event: EventType,
    compute: Compute,
    item: &Item<'_>,
    rule: Rule,
) {
    let slot = match event {
        EventType::ViewerRequest => &mut functions.viewer_request,
        EventType::OriginRequest => &mut functions.origin_request,
        EventType::OriginResponse => &mut functions.origin_response,
        EventType::ViewerResponse => &mut functions.viewer_response,
    };
    if slot.replace(compute).is_some() {
        item.fault(rule, format!("a second function for {}", event.name()));
    }
}

fn cloudfront_function(item: Item<'_>) -> Option<(EventType, Compute)> {
    let object = item.object()?;
    let event = object.required("EventType")?.one_of(&EVENTS);
    let arn = object.required_text("FunctionARN");
    object.end(&[]);
    let (event, arn) = (event?, arn?);
    if matches!(event, EventType::OriginRequest | EventType::OriginResponse) {
        let message = "a CloudFront Function runs at viewer events only";
        object.fault_at("EventType", Rule::InvalidFunctionAssociation, message);
    }
    let name = arn.split_once(":function/").map(|(_, name)| name);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        let message = "expected the ARN of a CloudFront Function, `arn:aws:cloudfront::ACCOUNT:function/NAME`";
        object.fault_at("FunctionARN", Rule::InvalidFunctionAssociation, message);
        return None;
    };
    Some((event, Compute::Function(name.to_owned())))
}

fn lambda(item: Item<'_>) -> Option<(EventType, Compute)> {
    let rule = Rule::InvalidLambdaFunctionAssociation;
    let object = item.object()?;
    let event = object.required("EventType")?.one_of(&EVENTS);
    let arn = object.required_text("LambdaFunctionARN");
    let include_body = object.boolean("IncludeBody");
    object.end(&[]);
    let (event, arn) = (event?, arn?);
    if include_body && matches!(event, EventType::OriginResponse | EventType::ViewerResponse) {
        object.fault_at("IncludeBody", rule, "only request events see a body");
    }
    let version = arn.rsplit_once(':').map(|(_, version)| version);
    let numbered = version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
    if !arn.starts_with("arn:") || !numbered || !arn.contains(":lambda:us-east-1:") {
        let message = "expected the ARN of a function's numbered version in us-east-1";
        object.fault_at("LambdaFunctionARN", rule, message);
    }
    let arn = arn.to_owned();
    Some((event, Compute::Lambda { arn, include_body }))
}

fn check_mixture(object: &Object<'_>, functions: &Functions) {
    let viewer = [&functions.viewer_request, &functions.viewer_response];
    let of = |is: fn(&Compute) -> bool| viewer.iter().any(|slot| slot.as_ref().is_some_and(is));
    let function = of(|compute| matches!(compute, Compute::Function(_)));
    if function && of(|compute| matches!(compute, Compute::Lambda { .. })) {
        let message = "the viewer events have CloudFront Functions or Lambda@Edge, not both";
        object.fault_at(
            "LambdaFunctionAssociations",
            Rule::InvalidLambdaFunctionAssociation,
            message,
        );
    }
}

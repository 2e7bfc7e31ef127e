//! What a distribution asks for and the model cannot play. A false pass is worse than none: such a distribution is
//! refused by name.

use super::{Behavior, Compute, Distribution, Functions, OriginKind, Trusted};
use std::fmt;

/// An option that the model cannot play, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The option, as the API names it.
    pub option: &'static str,
    /// Where: a behavior's pattern, an origin's id, or empty for the distribution.
    pub place: String,
    /// What to do about it.
    pub advice: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            option,
            place,
            advice,
        } = self;
        if place.is_empty() {
            write!(f, "`{option}` cannot be played: {advice}")
        } else {
            write!(f, "`{option}` of `{place}` cannot be played: {advice}")
        }
    }
}

impl std::error::Error for Unsupported {}

/// Every option of a distribution that the model cannot play, in the order of the configuration.
#[must_use]
pub fn unsupported(distribution: &Distribution) -> Vec<Unsupported> {
    let mut found = Vec::new();
    let mut add = |asked: bool, option, place: &str, advice| {
        if asked {
            found.push(Unsupported {
                option,
                place: place.to_owned(),
                advice,
            });
        }
    };
    for origin in &distribution.origins {
        let vpc = matches!(origin.kind, OriginKind::Vpc { .. });
        add(vpc, "VpcOriginConfig", &origin.id, VPC);
    }
    for group in &distribution.groups {
        let media = group.by_media_quality;
        add(media, "SelectionCriteria", &group.id, MEDIA);
    }
    for (index, behavior) in distribution.all_behaviors().enumerate() {
        let pattern = distribution.pattern(index);
        for (asked, option, advice) in of_behavior(behavior) {
            add(asked, option, pattern, advice);
        }
    }
    let (acl, staged) = (
        distribution.web_acl.is_some(),
        distribution.continuous_deployment.is_some() || distribution.staging,
    );
    add(acl, "WebACLId", "", WEB_ACL);
    add(staged, "ContinuousDeploymentPolicyId", "", STAGED);
    add(
        distribution.viewer.mutual_tls,
        "ViewerMtlsConfig",
        "",
        MUTUAL_TLS,
    );
    found
}

/// Takes an option out of a distribution, by its name in [`Unsupported::option`]; other names change nothing.
pub fn leave_out(distribution: &mut Distribution, option: &str) {
    match option {
        "WebACLId" => distribution.web_acl = None,
        "ContinuousDeploymentPolicyId" => {
            distribution.continuous_deployment = None;
            distribution.staging = false;
        }
        "ViewerMtlsConfig" => distribution.viewer.mutual_tls = false,
        "SelectionCriteria" => {
            let groups = distribution.groups.iter_mut();
            groups.for_each(|group| group.by_media_quality = false);
        }
        _ => {
            let listed = distribution
                .behaviors
                .iter_mut()
                .map(|(_, behavior)| behavior);
            let all = listed.chain([&mut distribution.default_behavior]);
            all.for_each(|behavior| leave_out_of(behavior, option));
        }
    }
}

fn leave_out_of(behavior: &mut Behavior, option: &str) {
    match option {
        "FunctionAssociations" => keep(&mut behavior.functions, |compute| {
            !matches!(compute, Compute::Function(_))
        }),
        "LambdaFunctionAssociations" => keep(&mut behavior.functions, |compute| {
            !matches!(compute, Compute::Lambda { .. })
        }),
        "FieldLevelEncryptionId" => behavior.field_encryption = None,
        "GrpcConfig" => behavior.grpc = false,
        "RealtimeLogConfigArn" => behavior.real_time_log = None,
        _ => {}
    }
}

fn keep(functions: &mut Functions, kept: impl Fn(&Compute) -> bool) {
    for compute in [
        &mut functions.viewer_request,
        &mut functions.origin_request,
        &mut functions.origin_response,
        &mut functions.viewer_response,
    ] {
        compute.take_if(|compute| !kept(compute));
    }
}

fn of_behavior(behavior: &Behavior) -> [(bool, &'static str, &'static str); 4] {
    let accounts = matches!(behavior.trusted, Some(Trusted::Accounts));
    [
        (accounts, "TrustedSigners", ACCOUNTS),
        (behavior.grpc, "GrpcConfig", GRPC),
        (
            behavior.field_encryption.is_some(),
            "FieldLevelEncryptionId",
            ENCRYPTION,
        ),
        (
            behavior.real_time_log.is_some(),
            "RealtimeLogConfigArn",
            REAL_TIME,
        ),
    ]
}

const VPC: &str = "name the server with `--origin ID=URL` and a custom origin";
const MEDIA: &str = "use `default`, the first origin that answers";
const WEB_ACL: &str = "rules of AWS WAF are not known here; leave it out with `--without WebACLId`, and know that nothing it blocks is blocked";
const STAGED: &str = "load the primary and the staging distribution one at a time";
const MUTUAL_TLS: &str = "certificates of viewers are not checked here";
const ACCOUNTS: &str = "use trusted key groups, whose keys can be given";
const ENCRYPTION: &str =
    "form fields are not encrypted here, and an origin would see them in the clear";
const GRPC: &str = "gRPC is not passed on here";
const REAL_TIME: &str =
    "real-time logs are not written here; leave them out with `--without RealtimeLogConfigArn`";

//! The helpers of runtime 2.0 that choose an origin: what they set, what they keep, and what they are refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

mod support;

use portcullis_edge::compute::{ComputeFailure, Computed, OriginChoice};
use portcullis_edge::distribution::{
    AccessControl, AccessControlOrigin, EventType, Origin, OriginKind, OriginProtocol, Signing,
};
use portcullis_edge_functions::{EdgeFunction, Ran};
use std::sync::Arc;
use support::{PLACE, call, custom_origin};

fn bucket() -> Origin {
    Origin {
        id: "bucket".to_owned(),
        domain: "b.s3.eu-west-1.amazonaws.com".to_owned(),
        kind: OriginKind::S3 {
            access_identity: false,
            read_timeout_s: 30,
        },
        ..custom_origin()
    }
}

fn run_over(origin: Origin, statement: &str) -> Ran {
    let code = format!(
        "import cf from 'cloudfront'; function handler(e) {{ {statement}; return e.request; }}"
    );
    let mut call = call(EventType::ViewerRequest, None);
    call.origin = Some(Arc::new(origin));
    call.origins = vec![Arc::new(custom_origin()), Arc::new(bucket())];
    EdgeFunction::new("tried", &code, None)
        .unwrap()
        .run(call, PLACE)
}

fn choice(statement: &str) -> Result<OriginChoice, (ComputeFailure, Vec<String>)> {
    let ran = run_over(custom_origin(), statement);
    match ran.outcome {
        Ok(Computed::Request(changed)) => Ok(changed.origin),
        Ok(Computed::Response(response)) => panic!("{response:?}"),
        Err(failure) => Err((failure, ran.log)),
    }
}

#[track_caller]
fn described(statement: &str) -> Origin {
    match choice(&format!("cf.updateRequestOrigin({statement})")) {
        Ok(OriginChoice::Described(origin)) => *origin,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_origin_of_the_distribution_is_selected() {
    assert!(matches!(
        choice("cf.selectRequestOriginById('bucket')"),
        Ok(OriginChoice::Known(1))
    ));
    assert!(matches!(choice(""), Ok(OriginChoice::Unchanged)));
    // The last choice counts.
    let twice = "cf.selectRequestOriginById('bucket'); cf.selectRequestOriginById('server')";
    assert!(matches!(choice(twice), Ok(OriginChoice::Known(0))));
}

#[test]
fn a_group_is_made_of_two() {
    let plain = "cf.createRequestOriginGroup({ originIds: ['bucket', 'server'], failoverCriteria: { statusCodes: [500, 404] } })";
    let named = "cf.createRequestOriginGroup({ originIds: [{ originId: 'bucket' }, { originId: 'server' }], \
                 selectionCriteria: 'default', failoverCriteria: { statusCodes: [500, 404] } })";
    for statement in [plain, named] {
        let Ok(OriginChoice::Group { members, statuses }) = choice(statement) else {
            panic!("{statement}")
        };
        assert_eq!((members, statuses), ([1, 0], vec![500, 404]));
    }
}

/// What is not set stays as it was; the id is another, so that no connection of the old one is used.
#[test]
fn what_is_set_is_set_and_the_rest_is_kept() {
    let before = custom_origin();
    let after = described("{ domainName: 'other.example' }");
    assert_ne!(after.id, before.id);
    assert_eq!(
        (after.domain.as_str(), after.kind, after.connection_attempts),
        ("other.example", before.kind, 3)
    );
    assert_eq!(
        after.custom_headers.iter().collect::<Vec<_>>(),
        [("X-Secret", "s")]
    );

    let after = described(
        "{ originPath: '/p', customHeaders: { 'x-stage': 'production' }, connectionAttempts: 1, \
         originShield: { enabled: true, region: 'eu-west-1' }, \
         timeouts: { readTimeout: 7, connectionTimeout: 2, keepAliveTimeout: 9, responseCompletionTimeout: 60 }, \
         customOriginConfig: { port: 8080, protocol: 'http', sslProtocols: ['TLSv1.2'] } }",
    );
    let OriginKind::Custom(custom) = after.kind else {
        panic!("{after:?}")
    };
    assert_eq!(
        (
            after.path.as_str(),
            after.connection_attempts,
            after.connection_timeout_s
        ),
        ("/p", 1, 2)
    );
    assert_eq!(
        (after.shield.as_deref(), after.completion_timeout_s),
        (Some("eu-west-1"), Some(60))
    );
    assert_eq!(
        (custom.protocol, custom.http_port),
        (OriginProtocol::HttpOnly, 8080)
    );
    assert_eq!((custom.read_timeout_s, custom.keepalive_timeout_s), (7, 9));
    assert_eq!(
        after.custom_headers.iter().collect::<Vec<_>>(),
        [("X-Stage", "production")]
    );
    assert_eq!(
        described("{ customHeaders: {} }")
            .custom_headers
            .iter()
            .count(),
        0
    );
    assert_eq!(
        described("{ originShield: { enabled: false } }").shield,
        None
    );
}

#[test]
fn a_server_becomes_a_bucket_and_a_bucket_a_server() {
    let signed = "{ domainName: 'b.s3.us-east-1.amazonaws.com', originAccessControlConfig: \
                  { enabled: true, signingBehavior: 'always', signingProtocol: 'sigv4', originType: 's3' } }";
    let after = described(signed);
    assert!(matches!(after.kind, OriginKind::S3 { .. }), "{after:?}");
    let expected = AccessControl {
        origin: AccessControlOrigin::S3,
        signing: Signing::Always,
    };
    assert_eq!(after.access_control, Some(expected));
    let website = described("{ domainName: 'b.s3-website-us-east-1.amazonaws.com' }");
    assert!(matches!(website.kind, OriginKind::Custom(_)), "{website:?}");
    let ran = run_over(
        bucket(),
        "cf.updateRequestOrigin({ domainName: 'other.example' })",
    );
    let Ok(Computed::Request(changed)) = ran.outcome else {
        panic!("{ran:?}")
    };
    assert!(
        matches!(changed.origin, OriginChoice::Described(origin) if matches!(origin.kind, OriginKind::Custom(_)))
    );
}

/// What is refused, and the word that says why.
#[test]
fn what_cannot_be_an_origin_is_refused() {
    let rows = [
        ("cf.selectRequestOriginById('none')", "no origin `none`"),
        (
            "cf.selectRequestOriginById('bucket', { hostHeader: 'a' })",
            "originOverrides",
        ),
        ("cf.selectRequestOriginById()", "originId"),
        (
            "cf.createRequestOriginGroup({ originIds: ['bucket'], failoverCriteria: { statusCodes: [500] } })",
            "two",
        ),
        (
            "cf.createRequestOriginGroup({ originIds: ['bucket', 'server'] })",
            "failoverCriteria",
        ),
        (
            "cf.createRequestOriginGroup({ originIds: ['bucket', 'server'], selectionCriteria: 'media-quality-score', failoverCriteria: { statusCodes: [] } })",
            "selectionCriteria",
        ),
        (
            "cf.updateRequestOrigin({ domainName: '192.0.2.1' })",
            "domain name",
        ),
        (
            "cf.updateRequestOrigin({ domainName: 'a:80' })",
            "domain name",
        ),
        ("cf.updateRequestOrigin({ domainName: '' })", "domain name"),
        (
            "cf.updateRequestOrigin({ hostHeader: 'a.example' })",
            "hostHeader",
        ),
        ("cf.updateRequestOrigin({ sni: 'a.example' })", "sni"),
        (
            "cf.updateRequestOrigin({ allowedCertificateNames: ['a.example'] })",
            "allowedCertificateNames",
        ),
        ("cf.updateRequestOrigin({ originPath: 'p' })", "path"),
        ("cf.updateRequestOrigin({ originPath: '/p/' })", "path"),
        (
            "cf.updateRequestOrigin({ connectionAttempts: 4 })",
            "connectionAttempts",
        ),
        (
            "cf.updateRequestOrigin({ timeouts: { readTimeout: 121 } })",
            "readTimeout",
        ),
        (
            "cf.updateRequestOrigin({ timeouts: { connectionTimeout: 11 } })",
            "connectionTimeout",
        ),
        (
            "cf.updateRequestOrigin({ timeouts: { responseCompletionTimeout: 10 } })",
            "responseCompletionTimeout",
        ),
        (
            "cf.updateRequestOrigin({ customOriginConfig: { port: 22, protocol: 'http', sslProtocols: [] } })",
            "port 22",
        ),
        (
            "cf.updateRequestOrigin({ customOriginConfig: { port: 80, protocol: 'ftp', sslProtocols: [] } })",
            "protocol",
        ),
        (
            "cf.updateRequestOrigin({ customOriginConfig: { port: 80, protocol: 'http', sslProtocols: ['TLSv9'] } })",
            "TLSv9",
        ),
        (
            "cf.updateRequestOrigin({ customHeaders: { host: 'a' } })",
            "Host",
        ),
        (
            "cf.updateRequestOrigin({ customHeaders: { 'x-a': 'a\\r\\nb' } })",
            "X-A",
        ),
        (
            "cf.updateRequestOrigin({ originShield: { enabled: true } })",
            "region",
        ),
        (
            "cf.updateRequestOrigin({ originAccessControlConfig: { enabled: true } })",
            "signingProtocol",
        ),
        ("cf.updateRequestOrigin({ nonsense: 1 })", "nonsense"),
    ];
    for (statement, said) in rows {
        let (failure, log) = choice(statement).unwrap_err();
        assert_eq!(failure, ComputeFailure::Validation, "{statement}");
        assert!(
            log.iter().any(|line| line.contains(said)),
            "{statement}: {log:?}"
        );
    }
}

#[test]
fn a_vpc_origin_is_not_updated_and_a_response_chooses_nothing() {
    let vpc = Origin {
        kind: OriginKind::Vpc {
            id: "vo_1".to_owned(),
            read_timeout_s: 30,
        },
        ..custom_origin()
    };
    let ran = run_over(
        vpc,
        "cf.updateRequestOrigin({ domainName: 'other.example' })",
    );
    assert_eq!(ran.outcome.map(|_| ()), Err(ComputeFailure::Validation));

    let code = "import cf from 'cloudfront'; function handler(e) { cf.selectRequestOriginById('bucket'); return e.response; }";
    let shown = portcullis_edge::compute::FunctionResponse {
        status: 200,
        headers: support::headers(&[]),
        body: None,
    };
    let function = EdgeFunction::new("tried", code, None).unwrap();
    let ran = function.run(call(EventType::ViewerResponse, Some(shown)), PLACE);
    assert_eq!(
        ran.outcome.map(|_| ()),
        Err(ComputeFailure::Execution),
        "{:?}",
        ran.log
    );
}

//! A template with everything that is read, and small ones for each function and each fault.

use super::{Document, Runtime, Surroundings, Template, read};
use crate::fault::{Fault, Rule};
use portcullis_edge::distribution::{Compute, OriginKind, Target};
use portcullis_edge::gate::AllowedMethods;
use std::collections::BTreeMap;

const SITE: &str = include_str!("tests/site.yaml");

fn load(text: &str, parameters: &[(&str, &str)]) -> Result<Document, Vec<Fault>> {
    let parameters: BTreeMap<_, _> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let template = Template {
        name: "site",
        bytes: text.as_bytes(),
        parameters: &parameters,
    };
    read(&[template], &Surroundings::default())
}

#[test]
fn all_of_a_template_is_read() {
    let document = load(SITE, &[]).unwrap();
    let [site] = document.distributions.as_slice() else {
        panic!("one distribution, the other's condition does not hold");
    };
    let read = &site.distribution;
    assert_eq!(site.logical_id, "Site");
    assert_eq!(read.aliases, ["www.example.com", "b.example.com"]);
    assert_eq!(read.web_acl, None);
    assert!(read.viewer.http3 && read.viewer.own_certificate);
    assert_eq!(read.origins[0].domain, "bucket.s3.us-east-1.amazonaws.com");
    assert!(read.origins[0].access_control.is_some());
    assert_eq!(read.origins[1].domain, "url.lambda-url.us-east-1.on.aws");
    assert!(matches!(read.origins[1].kind, OriginKind::Custom(_)));
    let secret = read.origins[1].custom_headers.iter().next().unwrap();
    assert_eq!(secret, ("X-Secret", "{{resolve:secretsmanager:s}}"));
    assert_eq!(read.default_behavior.target, Target::Group(0));
    assert_eq!(read.default_behavior.caching.ttls().default, 60);
    let policy = read.default_behavior.response_headers.as_ref().unwrap();
    assert_eq!(policy.cors.as_ref().unwrap().methods.len(), 7);
    assert_eq!(read.behavior(0).methods, AllowedMethods::GetHeadOptions);
    assert!(read.behavior(0).caches_options);
    assert_eq!(read.error(404).unwrap().page.as_ref().unwrap().status, 404);
    assert!(read.logging.is_some());
    let place = site.places["DistributionConfig.CacheBehaviors[0].PathPattern"];
    let line = SITE
        .lines()
        .position(|line| line.contains("/api/*"))
        .unwrap();
    assert_eq!(place.line as usize, line + 1);
}

#[test]
fn functions_come_with_their_code() {
    let document = load(SITE, &[]).unwrap();
    let site = &document.distributions[0];
    let name = "local-rewrite".to_owned();
    let uses = &site.distribution.default_behavior.functions.viewer_request;
    assert_eq!(uses, &Some(Compute::Function(name.clone())));
    let [function] = site.functions.as_slice() else {
        panic!("one function");
    };
    assert_eq!((&function.name, function.runtime), (&name, Runtime::Js2));
    assert!(function.code.starts_with("function handler(event)"));
    assert_eq!(
        function.kvs,
        ["arn:aws:cloudfront::111122223333:key-value-store/Store"]
    );
}

#[test]
fn parameters_and_conditions_decide() {
    let document = load(SITE, &[("Host", "other.example.com")]).unwrap();
    assert_eq!(
        document.distributions[0].distribution.aliases[0],
        "other.example.com"
    );
    // The other distribution is there now, and it is empty.
    let faults = load(SITE, &[("Stage", "test")]).unwrap_err();
    assert!(
        faults
            .iter()
            .all(|f| f.path.starts_with("Absent.DistributionConfig.")),
        "{faults:?}"
    );
}

/// A distribution whose alias is an expression.
fn with_domain(expression: &str, more: &str) -> String {
    format!(
        "{more}\nResources:\n  D:\n    Type: AWS::CloudFront::Distribution\n    Properties:\n      DistributionConfig:\n        Enabled: true\n        Origins: [{{ Id: o, DomainName: {expression}, CustomOriginConfig: {{ OriginProtocolPolicy: http-only }} }}]\n        DefaultCacheBehavior: {{ TargetOriginId: o, ViewerProtocolPolicy: allow-all, CachePolicyId: 658327ea-f89d-4fab-a63d-7e88639e58f6 }}\n"
    )
}

const SECTIONS: &str = "Parameters: { P: { Type: String, Default: p }, L: { Type: CommaDelimitedList, Default: 'x,y' }, N: { Type: String } }
Mappings: { M: { a: { b: mapped } } }
Conditions: { Yes: !Equals [!Ref P, p], No: !Or [!Equals [a, b], !Not [!Condition Yes]], Loop: !Condition Loop }";

#[test]
fn functions_have_their_values() {
    for (expression, domain) in [
        ("!Ref P", "p"),
        ("!Sub '${P}.${!lit}.${AWS::Region}'", "p.${lit}.us-east-1"),
        ("!Sub ['${A}-${P}', { A: !Ref P }]", "p-p"),
        ("!Join ['.', [a, !Ref P, c]]", "a.p.c"),
        ("!Join ['.', !Ref L]", "x.y"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!If [Yes, a, b]", "a"),
        ("!If [No, a, !Sub '${P}']", "p"),
        ("!FindInMap [M, a, b]", "mapped"),
        ("!FindInMap [M, z, b, { DefaultValue: d }]", "d"),
        ("{ 'Fn::GetAtt': D.DomainName }", "d"),
    ] {
        let document = load(&with_domain(expression, SECTIONS), &[("N", "n")]);
        let document = document.unwrap_or_else(|faults| panic!("{expression}: {faults:?}"));
        let found = &document.distributions[0].distribution.origins[0].domain;
        match domain {
            "d" if expression.contains("GetAtt") => assert!(found.ends_with(".cloudfront.net")),
            _ => assert_eq!(found, &domain.to_ascii_lowercase(), "{expression}"),
        }
    }
}

#[test]
fn what_has_no_value_is_named_once() {
    for expression in [
        "!Ref Nothing",
        "!GetAtt Nothing.Arn",
        "!GetAtt D.Nothing",
        "!Sub '${Nothing}'",
        "!Sub '${L}'",
        "!FindInMap [M, a, c]",
        "!Select [5, !Ref L]",
        "!If [None, a, b]",
        "!If [Loop, a, b]",
        "!ImportValue nothing",
        "!Join [',', !Ref P]",
        "!Base64 a",
        "{ 'Fn::Transform': { Name: x } }",
    ] {
        let faults = load(&with_domain(expression, SECTIONS), &[("N", "n")]).unwrap_err();
        let [fault] = faults.as_slice() else {
            panic!("{expression}: {faults:?}");
        };
        assert!(
            matches!(fault.rule, Rule::Unresolved | Rule::Limit),
            "{fault}"
        );
        let path = "D.DistributionConfig.Origins[0].DomainName";
        assert!(fault.path.starts_with(path), "{expression}: {fault}");
    }
    let faults = load(&with_domain("a.b", SECTIONS), &[]).unwrap_err();
    assert_eq!(faults[0].path, "Parameters.N");
}

#[test]
fn templates_import_from_each_other() {
    let none = BTreeMap::new();
    let exporting = "Resources: { B: { Type: AWS::S3::Bucket } }\nOutputs: { O: { Value: !GetAtt B.DomainName, Export: { Name: bucket } } }";
    let importing = with_domain("!ImportValue bucket", "");
    let template = |name, text: &'static str| Template {
        name,
        bytes: text.as_bytes(),
        parameters: &none,
    };
    let importing: &'static str = importing.leak();
    let both = [template("a", exporting), template("b", importing)];
    let document = read(&both, &Surroundings::default()).unwrap();
    let found = &document.distributions[0];
    assert_eq!(found.logical_id, "b/D");
    assert_eq!(found.distribution.origins[0].domain, "b.s3.amazonaws.com");
}

#[test]
fn references_that_double_or_circle_end() {
    let doubling = |n: usize| {
        format!(
            "  O{n}: {{ Value: !Sub ['${{A}}${{A}}${{B}}', {{ A: !ImportValue e{0}, B: !ImportValue e{0} }}], Export: {{ Name: e{n} }} }}\n",
            n + 1
        )
    };
    let outputs: String = (0..60).map(doubling).collect();
    let text = format!(
        "{}Outputs:\n{outputs}  O60: {{ Value: xxxxxxxx, Export: {{ Name: e60 }} }}\n",
        with_domain("!ImportValue e0", "")
    );
    let circle = format!(
        "{}Outputs: {{ O: {{ Value: !ImportValue e0, Export: {{ Name: e0 }} }} }}\n",
        with_domain("!ImportValue e0", "")
    );
    for text in [text, circle] {
        let faults = load(&text, &[]).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.rule == Rule::Limit),
            "{faults:?}"
        );
    }
}

//! Every key of a manifest: what it means, what it may hold, whether it is needed. Check and JSON Schema both come from here.

pub(crate) mod access;
pub(crate) mod behaviors;
pub(crate) mod content;

use crate::shape::{Record, Shape, optional, record, required, word};
use crate::text;

/// The manifest's version.
pub(crate) const VERSION: u64 = 1;

/// The whole manifest.
pub(crate) static MANIFEST: Shape = Shape::Record(&SITE);

pub(crate) static SITE: Record = record(&[
    required(
        "version",
        Shape::Number {
            min: VERSION,
            max: VERSION,
        },
        "The version of the manifest's language: 1.",
    ),
    required(
        "site",
        Shape::Text(&text::NAME),
        "The site's name; also its key in the state table.",
    ),
    optional(
        "hosts",
        Shape::List(&Shape::Text(&text::HOST)),
        "Alternate domain names of the distribution. They need a certificate.",
    ),
    optional(
        "certificate",
        Shape::Text(&text::CERTIFICATE),
        "The ARN of the ACM certificate that covers `hosts`. CloudFront takes certificates from us-east-1 only.",
    ),
    optional(
        "dns",
        Shape::Record(&DNS),
        "Route 53 alias records (A and AAAA) for `hosts`.",
    ),
    optional(
        "viewer_tls",
        Shape::Word(&[
            word("TLSv1", "TLS 1.0; obsolete"),
            word("TLSv1_2016", "TLS 1.0; obsolete"),
            word("TLSv1.1_2016", "TLS 1.1; obsolete"),
            word("TLSv1.2_2018", "TLS 1.2 with ciphers of 2018"),
            word("TLSv1.2_2019", "TLS 1.2 with ciphers of 2019"),
            word("TLSv1.2_2021", "TLS 1.2 with ciphers of 2021; the default"),
            word("TLSv1.2_2025", "TLS 1.2 with ciphers of 2025"),
            word("TLSv1.3_2025", "TLS 1.3 only"),
        ]),
        "The minimum security policy for viewers, one of CloudFront's; SNI only. Left out: TLSv1.2_2021.",
    ),
    optional(
        "origin_shield",
        Shape::Word(SHIELD_REGIONS),
        "The Region of the Origin Shield. Left out: none.",
    ),
    required(
        "origins",
        Shape::Named {
            names: &text::NAME,
            values: &Shape::Record(&content::ORIGIN),
        },
        "Where content comes from, by name.",
    ),
    optional(
        "origin_groups",
        Shape::Named {
            names: &text::NAME,
            values: &Shape::Record(&content::ORIGIN_GROUP),
        },
        "Pairs of origins, the second of which answers when the first fails.",
    ),
    optional(
        "guard",
        Shape::Record(&access::GUARD),
        "Who may talk to the gateway at all, checked in this order. Left out: everything is required.",
    ),
    optional(
        "geo",
        Shape::Record(&access::GEO),
        "Where a viewer's country comes from. Left out: CloudFront's header.",
    ),
    optional(
        "networks",
        Shape::Named {
            names: &text::NAME,
            values: &access::NETWORK,
        },
        "Named address lists that policies refer to.",
    ),
    optional(
        "key_groups",
        Shape::Named {
            names: &text::NAME,
            values: &Shape::Record(&access::KEY_GROUP),
        },
        "Public keys whose signatures admit viewers (signed URLs and cookies).",
    ),
    optional(
        "policies",
        Shape::Named {
            names: &text::NAME,
            values: &access::POLICY,
        },
        "Who may see what. In each policy the first matching statement decides, and no match is a refusal.",
    ),
    required(
        "behaviors",
        Shape::List(&Shape::Record(&behaviors::BEHAVIOR)),
        "CloudFront's cache behaviors in order. The first match wins, and the last one has the path `*`.",
    ),
    optional(
        "releases",
        Shape::Record(&content::RELEASES),
        "How releases are served; for origins of the kind `releases`.",
    ),
    optional(
        "errors",
        Shape::Named {
            names: &text::STATUS,
            values: &Shape::Record(&content::ERROR_RESPONSE),
        },
        "Custom error responses by status.",
    ),
    optional(
        "waivers",
        Shape::List(&Shape::Record(&WAIVER)),
        "Findings of `portcullis check` that are known, each with a reason and a date; nothing else reads them.",
    ),
]);

static WAIVER: Record = record(&[
    required("rule", Shape::Text(&text::RULE), "The rule."),
    optional(
        "case",
        Shape::Text(&text::CASE),
        "The case of the rule; left out, all of them. Some rules are waived case by case only.",
    ),
    optional(
        "path",
        Shape::Text(&text::PATTERN),
        "The behavior it is about; left out, all of them.",
    ),
    required("reason", Shape::Text(&text::REASON), "Why it is accepted."),
    required(
        "until",
        Shape::Text(&text::DAY),
        "The last day on which it counts.",
    ),
]);

static DNS: Record = record(&[required(
    "hosted_zone",
    Shape::Text(&text::ZONE),
    "The name of the hosted zone that gets the alias records.",
)]);

const SHIELD_REGIONS: &[crate::shape::Word] = &[
    word("us-east-1", "N. Virginia"),
    word("us-east-2", "Ohio"),
    word("us-west-2", "Oregon"),
    word("ap-south-1", "Mumbai"),
    word("ap-northeast-1", "Tokyo"),
    word("ap-northeast-2", "Seoul"),
    word("ap-southeast-1", "Singapore"),
    word("ap-southeast-2", "Sydney"),
    word("eu-central-1", "Frankfurt"),
    word("eu-west-1", "Ireland"),
    word("eu-west-2", "London"),
    word("sa-east-1", "São Paulo"),
    word("me-central-1", "UAE"),
];

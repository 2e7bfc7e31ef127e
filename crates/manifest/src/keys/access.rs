//! The keys of the guard, geography, networks, key groups and policies.

use crate::shape::{Key, Record, Shape, Word, optional, record, required, word};
use crate::text;

const REQUIREMENT: Shape = Shape::Word(&[
    word("required", "a request without it is refused; the default"),
    word(
        "report",
        "a request without it is served and the log says so",
    ),
    word("off", "it is not looked at"),
]);

const WHEN_STALE: Shape = Shape::Word(&[
    word("deny", "it counts as unknown; the default"),
    word("report", "it is used, and the log says how old it is"),
]);

const MODE: Key = optional(
    "mode",
    REQUIREMENT,
    "How strictly this layer is taken. Left out: required.",
);

/// The guard.
pub(crate) static GUARD: Record = record(&[
    optional(
        "fronts",
        Shape::List(&Shape::Text(&text::FRONT)),
        "What may deliver events: domain names of function URLs, or ARNs of target groups. Left out: any function URL, nothing else.",
    ),
    optional(
        "access_control",
        Shape::Either(&[REQUIREMENT, Shape::Record(&ACCESS_CONTROL)]),
        "Function URL with AWS_IAM and origin access control: proves which distribution.",
    ),
    optional(
        "secret_header",
        Shape::Record(&SECRET_HEADER),
        "The rotating secret header: proves which configuration of it.",
    ),
    optional(
        "edges",
        Shape::Record(&EDGES),
        "The immediate TCP peer must be a CloudFront edge.",
    ),
]);

static ACCESS_CONTROL: Record = record(&[
    MODE,
    optional(
        "principals",
        Shape::List(&Shape::Text(&text::PRINCIPAL)),
        "ARNs of the principals that may have signed. Left out: Lambda's own resource policy decides.",
    ),
]);

static SECRET_HEADER: Record = record(&[
    MODE,
    optional(
        "name",
        Shape::Text(&text::HEADER),
        "The header's name. Left out: x-origin-verify.",
    ),
    optional(
        "rotate_every",
        Shape::Text(&text::DURATION),
        "How often a new value is made. Left out: 30d.",
    ),
    optional(
        "overlap",
        Shape::Text(&text::DURATION),
        "How long the previous value is still accepted. Left out: 1h.",
    ),
]);

static EDGES: Record = record(&[
    MODE,
    optional(
        "prefix_lists",
        Shape::List(&Shape::Text(&text::PREFIX_LIST)),
        "Names or ids of the managed prefix lists. Left out: CloudFront's two origin-facing lists.",
    ),
    optional(
        "max_age",
        Shape::Text(&text::DURATION),
        "How old the snapshot may be. Left out: 14d.",
    ),
    optional(
        "when_stale",
        WHEN_STALE,
        "What an older snapshot does. Left out: deny.",
    ),
]);

/// The geography.
pub(crate) static GEO: Record = record(&[
    optional(
        "source",
        Shape::Word(&[
            word(
                "database",
                "the country database; the default where one is given",
            ),
            word(
                "cloudfront",
                "the header CloudFront-Viewer-Country; the default otherwise",
            ),
            word("both", "both, combined by `on_disagreement`"),
        ]),
        "Where the country comes from.",
    ),
    optional(
        "database",
        Shape::Record(&DATABASE),
        "The country database (MMDB).",
    ),
    optional(
        "on_disagreement",
        Shape::Word(&[
            word("deny", "the country is unknown; the default"),
            word("database", "the database is believed"),
            word("cloudfront", "CloudFront is believed"),
        ]),
        "What holds when both sources know a country and they differ.",
    ),
    optional(
        "groups",
        Shape::Named {
            names: &text::NAME,
            values: &Shape::List(&Shape::Text(&text::COUNTRY)),
        },
        "Named groups of countries. EU, EEA and EFTA are built in.",
    ),
]);

static DATABASE: Record = record(&[
    required(
        "file",
        Shape::Text(&text::FILE),
        "The file, relative to the manifest; opened by the gateway and by packaging.",
    ),
    optional(
        "max_age",
        Shape::Text(&text::DURATION),
        "How old its build may be. Left out: 60d.",
    ),
    optional(
        "when_stale",
        WHEN_STALE,
        "What an older one does. Left out: deny.",
    ),
    optional(
        "paths",
        Shape::List(&Shape::Text(&text::RECORD_PATH)),
        "Where the country stands in a record, tried in order. Left out: country.iso_code, country_code.",
    ),
    optional(
        "allow_demonstration",
        Shape::Flag,
        "Whether the built-in demonstration database may be used. Left out: false.",
    ),
]);

/// A network.
pub(crate) static NETWORK: Shape = Shape::Either(&[
    Shape::List(&Shape::Text(&text::NETWORK)),
    Shape::Record(&PREFIX_LIST),
]);

static PREFIX_LIST: Record = record(&[
    required(
        "prefix_list",
        Shape::Text(&text::PREFIX_LIST),
        "The id (`pl-…`) or name of a managed prefix list.",
    ),
    optional(
        "max_age",
        Shape::Text(&text::DURATION),
        "How old its snapshot may be; an older one makes membership unknown. Left out: 14d.",
    ),
]);

const ALGORITHMS: &[Word] = &[
    word("RSA-SHA1", "CloudFront's default"),
    word("RSA-SHA256", "RSA with SHA-256"),
    word("ECDSA-SHA1", "ECDSA P-256 with SHA-1"),
    word("ECDSA-SHA256", "ECDSA P-256 with SHA-256"),
];

/// A key group.
pub(crate) static KEY_GROUP: Record = record(&[
    required(
        "public_keys",
        Shape::List(&Shape::Either(&[
            Shape::Text(&text::FILE),
            Shape::Record(&PUBLIC_KEY),
        ])),
        "1 to 5 PEM files with public keys, relative to the manifest.",
    ),
    required(
        "algorithms",
        Shape::List(&Shape::Word(ALGORITHMS)),
        "The algorithms accepted; a signed URL cannot choose another.",
    ),
]);

static PUBLIC_KEY: Record = record(&[
    required(
        "id",
        Shape::Text(&text::KEY_ID),
        "CloudFront's id of the key (Key-Pair-Id).",
    ),
    required(
        "file",
        Shape::Text(&text::FILE),
        "The PEM file, relative to the manifest.",
    ),
]);

const STATEMENTS: Shape = Shape::List(&Shape::Record(&STATEMENT));

/// A policy.
pub(crate) static POLICY: Shape = Shape::Either(&[STATEMENTS, Shape::Record(&LONG_POLICY)]);

static LONG_POLICY: Record = record(&[
    optional(
        "mode",
        Shape::Word(&[
            word("enforce", "a refused request gets 403; the default"),
            word("report", "a refused request is served and the log says so"),
        ]),
        "Whether refusals bite.",
    ),
    required(
        "statements",
        STATEMENTS,
        "The statements; the first match wins.",
    ),
    optional(
        "candidate",
        Shape::Text(&text::NAME),
        "Another policy that is tried beside this one: the decision line says what it would decide, and nobody notices.",
    ),
]);

static STATEMENT: Record = Record {
    name: "statement",
    one_of: &["allow", "deny"],
    keys: &[
        optional(
            "allow",
            CONDITION,
            "Admits the request when every condition holds.",
        ),
        optional(
            "deny",
            CONDITION,
            "Refuses the request when every condition holds.",
        ),
        optional(
            "reason",
            Shape::Text(&text::NAME),
            "The site's own word for this refusal, for logs and explanations.",
        ),
    ],
};

const CONDITION: Shape = Shape::Either(&[
    Shape::Word(&[word("any", "every viewer")]),
    Shape::Record(&CONDITIONS),
]);

/// The conditions of a statement.
pub(crate) static CONDITIONS: Record = Record {
    name: "conditions",
    one_of: &[],
    keys: &[
        optional(
            "networks",
            Shape::List(&Shape::Text(&text::NAME)),
            "The viewer's address is in one of these networks.",
        ),
        optional(
            "countries",
            Shape::List(&Shape::Text(&text::COUNTRY_OR_GROUP)),
            "The viewer's country is one of these: codes, groups, and in a `deny` also `unknown`.",
        ),
        optional(
            "signed_by",
            Shape::Text(&text::NAME),
            "The request carries a valid signature by a key of this group.",
        ),
    ],
};

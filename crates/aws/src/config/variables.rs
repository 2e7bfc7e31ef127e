//! The variables themselves: what each means, what it expects, what holds where it is not set.

/// A variable of the environment. Its value is wrong if it is not what is `expected`.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is for, as sentences.
    pub meaning: &'static str,
    /// What its value may be, as a phrase after "expected".
    pub expected: &'static str,
    /// What holds where it is not set.
    pub unset: Unset,
    /// A value, for the reader.
    pub example: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// What a variable that is not set means.
#[derive(Debug, PartialEq, Eq)]
pub enum Unset {
    /// The process does not start.
    Required,
    /// The process does not start if anything of it is in AWS.
    RequiredForAws,
    /// This holds.
    Default(&'static str),
}

use Unset::{Default, Required, RequiredForAws};

macro_rules! variables {
    ($($ident:ident = $name:literal, $meaning:literal, $expected:literal, $unset:expr, $example:literal, $secret:literal;)+) => {
        $(pub(crate) static $ident: Variable = Variable {
            name: $name,
            meaning: $meaning,
            expected: $expected,
            unset: $unset,
            example: $example,
            secret: $secret,
        };)+

        /// Every variable, ours first.
        pub static VARIABLES: &[&Variable] = &[$(&$ident),+];
    };
}

variables! {
    BUNDLE = "PORTCULLIS_BUNDLE",
        "The compiled site, as `portcullis compile` writes it; also what a gateway starts cold from while the state cannot be read.",
        "the path of a file",
        Default("`bundle.json` in `LAMBDA_TASK_ROOT`, or beside the program where that is not set"),
        "/var/task/bundle.json", false;
    STATE = "PORTCULLIS_STATE",
        "Where the site state is kept: a JSON file, or the item of a site in a DynamoDB table.",
        "`file:PATH` or `dynamodb:TABLE/SITE`",
        Required,
        "dynamodb:portcullis/handbook", false;
    GEOIP = "PORTCULLIS_GEOIP",
        "The country database: an MMDB file, or the table compiled from one.",
        "the path of a file",
        Default("no database, with which a site whose `geo.source` asks for one does not start"),
        "/opt/geoip/country.mmdb", false;
    HANDOFF_KEY = "PORTCULLIS_HANDOFF_KEY",
        "The private key, PEM, that signs hand-off URLs of objects too large for the front. Its public key is in the key group of the site's direct behavior.",
        "`file:PATH` of a PEM file, together with PORTCULLIS_HANDOFF_KEY_ID",
        Default("no key, with which a site that hands off does not start"),
        "file:/var/task/handoff.pem", false;
    HANDOFF_KEY_ID = "PORTCULLIS_HANDOFF_KEY_ID",
        "CloudFront's id of the public key that belongs to `PORTCULLIS_HANDOFF_KEY`.",
        "1 to 64 letters and digits, together with PORTCULLIS_HANDOFF_KEY",
        Default("no key"),
        "K2JCJMDEHXQW5F", false;
    INVOKE_MODE = "PORTCULLIS_INVOKE_MODE",
        "How the function's URL takes answers. It must be the URL's own mode; the stack sets both.",
        "`buffered` or `stream`",
        Default("`buffered`"),
        "buffered", false;
    OBJECTS = "PORTCULLIS_OBJECTS",
        "Where buckets are: in S3, or directories of one directory, for systems without an account.",
        "`s3` or `directory:PATH`",
        Default("`s3`"),
        "directory:/srv/buckets", false;
    LAMBDA_TASK_ROOT = "LAMBDA_TASK_ROOT",
        "The folder of the function's code. Lambda sets it.",
        "the path of a folder",
        Default("the folder of the program"),
        "/var/task", false;
    AWS_REGION = "AWS_REGION",
        "The region of the buckets and the table. Lambda sets it.",
        "the name of an AWS region",
        RequiredForAws,
        "eu-central-1", false;
    AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID",
        "The access key of the function's role. Lambda sets it.",
        "an access key in visible ASCII characters",
        RequiredForAws,
        "ASIAIOSFODNN7EXAMPLE", false;
    AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY",
        "The secret key that belongs to it. Lambda sets it.",
        "a secret access key in visible ASCII characters",
        RequiredForAws,
        "…", true;
    AWS_SESSION_TOKEN = "AWS_SESSION_TOKEN",
        "The session token that belongs to them. Lambda sets it.",
        "a session token in visible ASCII characters",
        Default("long-lived keys, which have none"),
        "…", true;
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL",
        "Another address for every AWS service: a stand-in, or an interface endpoint.",
        "an `http://` or `https://` URL",
        Default("AWS's own addresses"),
        "http://127.0.0.1:5000", false;
    AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3",
        "Another address for S3, before `AWS_ENDPOINT_URL`. Buckets are then addressed by path.",
        "an `http://` or `https://` URL",
        Default("`AWS_ENDPOINT_URL`"),
        "http://127.0.0.1:8333", false;
    AWS_ENDPOINT_URL_DYNAMODB = "AWS_ENDPOINT_URL_DYNAMODB",
        "Another address for DynamoDB, before `AWS_ENDPOINT_URL`.",
        "an `http://` or `https://` URL",
        Default("`AWS_ENDPOINT_URL`"),
        "http://127.0.0.1:8000", false;
}

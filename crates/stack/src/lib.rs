//! A site as a CloudFormation template: everything that a manifest stands for in an account.
//!
//! Always holds: the distribution is the one that `distribution::site` describes and the laptop plays, field by field; names
//! of headers, variables and functions come from where the gateway takes them; no role may do more than is needed. The same
//! site and options give the same bytes.
//!
//! Deliberately absent: uploading code and making the first secret known to the gateway; whoever deploys does that.

mod config;
mod delivery;
mod function;
mod guarded;
pub mod iam;
mod storage;

use portcullis_distribution::site::{Deployment, SiteError, of_site};
use portcullis_edge_guard::{GuardError, guards};
use portcullis_site::Site;
use serde_json::{Map, Value, json};

/// The processor of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `x86_64`.
    X86,
    /// `arm64`.
    Arm,
}

/// What a manifest does not say of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The processor of the function.
    pub architecture: Architecture,
    /// Its memory in MiB, 128 to 10,240.
    pub memory_mb: u16,
    /// How many of it may run at once; as many as the account has where it is absent.
    pub reserved_concurrency: Option<u32>,
    /// For how many days logs are kept.
    pub log_days: u16,
    /// The ARN of a web ACL in us-east-1.
    pub web_acl: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            architecture: Architecture::Arm,
            memory_mb: 512,
            reserved_concurrency: None,
            log_days: 30,
            web_acl: None,
        }
    }
}

/// Why a site has no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// It is no distribution.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// A policy cannot be decided at the edge.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

/// The reference that stands for the value of the secret header.
pub const SECRET: &str = "{{resolve:secretsmanager:${Secret}:SecretString:current}}";

/// The resources of a template, by logical id.
type Resources = Map<String, Value>;

/// The template of a site.
///
/// # Errors
/// [`StackError`]
pub fn template(site: &Site, options: &Options) -> Result<Value, StackError> {
    let deployment = Deployment {
        secret: SECRET,
        function_url_domain: "gateway",
        region: "${AWS::Region}",
    };
    let distribution = of_site(site, &deployment)?;
    let mut resources = Resources::new();
    storage::add(site, &mut resources);
    function::add(site, options, &mut resources);
    guarded::add(&guards(site)?, site, &mut resources);
    config::add(&distribution, site, options, &mut resources);
    delivery::add(site, options, &mut resources);
    Ok(json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("The site {} behind CloudFront, by Portcullis.", site.site),
        "Parameters": {
            "CodeBucket": { "Type": "String", "Description": "The bucket with the zip file of the gateway." },
            "CodeKey": { "Type": "String", "Description": "The key of that file." }
        },
        "Resources": resources,
        "Outputs": outputs(),
    }))
}

fn outputs() -> Value {
    let output =
        |description: &str, value: Value| json!({ "Description": description, "Value": value });
    json!({
        "DistributionId": output("The id of the distribution.", json!({ "Ref": "Distribution" })),
        "DistributionDomain": output("Its domain name.", get("Distribution", "DomainName")),
        "FunctionName": output("The gateway.", json!({ "Ref": "Gateway" })),
        "StateTable": output("Where the gateway reads its state.", json!({ "Ref": "State" })),
        "SecretId": output("The secret header's value.", json!({ "Ref": "Secret" })),
    })
}

/// Sets a member of an object.
fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value.into());
    }
}

/// `GetAtt`.
fn get(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

/// `Sub`.
fn sub(text: &str) -> Value {
    json!({ "Fn::Sub": text })
}

/// A logical id made of words: letters and digits alone, each word with a capital.
fn id(words: &[&str]) -> String {
    let words = words
        .iter()
        .flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()));
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.map(capital).collect()
}

/// The distribution's ARN.
fn distribution_arn() -> Value {
    sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}")
}

//! Distributions of CloudFormation templates, with the policies, keys and functions that stand beside them.
//!
//! Always holds: a distribution is read as CloudFront would get it, expressions resolved; what has no value is a fault
//! that names logical id and property. Work is bounded, whatever templates refer to. Deliberately absent: transforms and
//! macros, which only AWS can run, and resources of other services beyond the names that origins need.

mod conditions;
mod evaluate;
mod functions;
mod scope;
mod stand_in;

use crate::config::resources::{self, Resources};
use crate::config::{distribution, policy, response_headers};
use crate::fault::{Fault, Faults, Place};
use crate::identity::derived;
use crate::read::{Context, Dialect, Item, Object};
use crate::value::{Kind, Member, Value, parse};
use evaluate::Evaluator;
use portcullis_edge::distribution::{Compute, Distribution};
use scope::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A template and the parameters it is given.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// A name for messages; with several templates it stands before logical ids.
    pub name: &'a str,
    /// The text, JSON or YAML.
    pub bytes: &'a [u8],
    /// Values of parameters; the others have their defaults.
    pub parameters: &'a BTreeMap<String, String>,
}

/// What templates get from around them.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// `AWS::StackName`.
    pub stack: String,
    /// Values of `{{resolve:…}}` references, by the reference with its braces; others stay text.
    pub dynamic: BTreeMap<String, String>,
    /// What `Fn::ImportValue` finds in no template given.
    pub imports: BTreeMap<String, String>,
    /// What is referred to by id and stands in no template.
    pub resources: Resources,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "111122223333".to_owned(),
            stack: "local".to_owned(),
            dynamic: BTreeMap::new(),
            imports: BTreeMap::new(),
            resources: Resources::default(),
        }
    }
}

/// What the templates hold.
#[derive(Clone, Debug)]
pub struct Document {
    /// The distributions, in the order of the templates.
    pub distributions: Vec<Read>,
}

/// One distribution of a template.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its logical id.
    pub logical_id: String,
    /// The distribution.
    pub distribution: Distribution,
    /// The CloudFront Functions it uses and whose code is in the templates.
    pub functions: Vec<FunctionSource>,
    /// Where its settings stand, by path, as `DistributionConfig.CacheBehaviors[0]`.
    pub places: BTreeMap<String, Place>,
}

/// A CloudFront Function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSource {
    /// Its name.
    pub name: String,
    /// Its runtime.
    pub runtime: Runtime,
    /// Its code.
    pub code: String,
    /// The ARNs of its key value stores.
    pub kvs: Vec<String>,
}

/// The runtime of a CloudFront Function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// `cloudfront-js-1.0`.
    Js1,
    /// `cloudfront-js-2.0`.
    Js2,
}

/// Reads the distributions of some templates, which may import from each other.
///
/// # Errors
/// Every mistake and everything without a value.
pub fn read(
    templates: &[Template<'_>],
    surroundings: &Surroundings,
) -> Result<Document, Vec<Fault>> {
    let faults = Faults::default();
    let trees = templates.iter().map(|one| parse(one.bytes, &faults));
    let Some(trees) = trees.collect::<Option<Vec<Value>>>() else {
        return faults.end(None);
    };
    let several = templates.len() > 1;
    let scopes = templates.iter().zip(&trees);
    let scopes = scopes.map(|(one, tree)| Scope::new(one, tree, several, &faults));
    let evaluator = Evaluator::new(scopes.collect(), surroundings, &faults);
    let mut reader = Reader {
        evaluator: &evaluator,
        resources: surroundings.resources.clone(),
        functions: Vec::new(),
        distributions: Vec::new(),
    };
    let found = reader.all();
    for found in &found {
        reader.supporting(found);
    }
    for found in &found {
        reader.distribution(found);
    }
    let distributions = reader.distributions;
    faults.end(Some(Document { distributions }))
}

/// A resource whose properties are resolved.
struct Found<'a> {
    /// The name it is referred to by.
    key: String,
    kind: &'a str,
    properties: Value,
    at: Place,
}

struct Reader<'e, 'v> {
    evaluator: &'e Evaluator<'v>,
    resources: Resources,
    functions: Vec<FunctionSource>,
    distributions: Vec<Read>,
}

impl<'e, 'v> Reader<'e, 'v> {
    /// The resources of all templates that are read, resolved once.
    fn all(&self) -> Vec<Found<'v>> {
        let scopes = self.evaluator.scopes.iter().enumerate();
        let found = scopes.flat_map(|(at, scope)| {
            let members = scope.resources.iter();
            members.filter_map(move |member| self.found(at, scope, member))
        });
        found.collect()
    }

    /// A resource of CloudFront that is there.
    fn found(&self, at: usize, scope: &Scope<'_>, member: &'v Member) -> Option<Found<'v>> {
        let kind = member.value.get("Type").and_then(Value::as_text)?;
        let kind = kind.strip_prefix("AWS::CloudFront::")?;
        if !KINDS.contains(&kind) || !self.evaluator.is_there(at, &member.value) {
            return None;
        }
        let key = scope.key(&member.key);
        let empty = Value {
            at: member.at,
            kind: Kind::Map(Vec::new()),
        };
        let properties = member.value.get("Properties").unwrap_or(&empty);
        let properties = self.evaluator.value(at, properties, &key);
        Some(Found {
            key,
            kind,
            properties,
            at: member.at,
        })
    }

    fn item<'a>(&self, found: &'a Found<'_>) -> Item<'a>
    where
        'v: 'a,
    {
        Item {
            context: Context {
                faults: self.evaluator.faults,
                dialect: Dialect::Template,
                strict: false,
            },
            path: found.key.clone(),
            value: &found.properties,
        }
    }

    fn supporting(&mut self, found: &Found<'_>) {
        let Some((_, config)) = CONFIGS.iter().find(|(kind, _)| *kind == found.kind) else {
            return;
        };
        let Some(object) = self.item(found).object() else {
            return;
        };
        if found.kind == "Function" {
            self.functions.extend(function(&object, &found.key));
            return;
        }
        let item = object.required(config);
        object.end(&["Tags"]);
        if let Some(item) = item {
            self.keep(found, item);
        }
    }

    fn keep(&mut self, found: &Found<'_>, item: Item<'_>) -> Option<()> {
        let (id, to) = (found.key.clone(), &mut self.resources);
        match found.kind {
            "CachePolicy" => {
                to.cache_policies.insert(id, policy::cache_policy(item)?);
            }
            "OriginRequestPolicy" => {
                let policy = policy::origin_request_policy(item)?;
                to.origin_request_policies.insert(id, policy);
            }
            "ResponseHeadersPolicy" => {
                let policy = response_headers::response_headers_policy(item)?;
                to.response_headers_policies.insert(id, Arc::new(policy));
            }
            "OriginAccessControl" => {
                let control = resources::access_control(item)?;
                to.access_controls.insert(id, control);
            }
            "PublicKey" => {
                to.public_keys
                    .insert(id, resources::public_key(&item.object()?, None)?);
            }
            _ => {
                to.key_groups.insert(id, resources::key_group(item)?);
            }
        }
        Some(())
    }

    fn distribution(&mut self, found: &Found<'_>) {
        if found.kind != "Distribution" {
            return;
        }
        let Some(object) = self.item(found).object() else {
            return;
        };
        let config = object.required("DistributionConfig");
        object.end(&["Tags"]);
        let identity = derived(&found.key);
        let read = config.and_then(|item| distribution(item, &self.resources, identity));
        let Some(distribution) = read else { return };
        let mut places = BTreeMap::from([(String::new(), found.at)]);
        collect_places(&found.properties, "", &mut places);
        let used = used(&distribution);
        let functions = self.functions.iter();
        self.distributions.push(Read {
            logical_id: found.key.clone(),
            functions: functions
                .filter(|function| used.contains(function.name.as_str()))
                .cloned()
                .collect(),
            distribution,
            places,
        });
    }
}

/// The resources that are read.
const KINDS: [&str; 8] = [
    "CachePolicy",
    "Distribution",
    "Function",
    "KeyGroup",
    "OriginAccessControl",
    "OriginRequestPolicy",
    "PublicKey",
    "ResponseHeadersPolicy",
];

/// The property that holds the configuration of a supporting resource.
const CONFIGS: [(&str, &str); 7] = [
    ("CachePolicy", "CachePolicyConfig"),
    ("Function", "FunctionConfig"),
    ("KeyGroup", "KeyGroupConfig"),
    ("OriginAccessControl", "OriginAccessControlConfig"),
    ("OriginRequestPolicy", "OriginRequestPolicyConfig"),
    ("PublicKey", "PublicKeyConfig"),
    ("ResponseHeadersPolicy", "ResponseHeadersPolicyConfig"),
];

fn function(object: &Object<'_>, key: &str) -> Option<FunctionSource> {
    let name = object.text("Name").unwrap_or(key).to_owned();
    let code = object.required_text("FunctionCode");
    let config = object.required("FunctionConfig").and_then(Item::object);
    object.end(&["AutoPublish", "FunctionMetadata", "Tags"]);
    let config = config?;
    let runtimes = [
        ("cloudfront-js-1.0", Runtime::Js1),
        ("cloudfront-js-2.0", Runtime::Js2),
    ];
    let runtime = config.required("Runtime")?.one_of(&runtimes);
    let stores = config.items("KeyValueStoreAssociations").into_iter();
    let kvs = stores.filter_map(|item| {
        let object = item.object()?;
        let arn = object.required_text("KeyValueStoreARN").map(str::to_owned);
        object.end(&[]);
        arn
    });
    let kvs = kvs.collect();
    config.end(&["Comment"]);
    Some(FunctionSource {
        name,
        runtime: runtime?,
        code: code?.to_owned(),
        kvs,
    })
}

/// The names of the CloudFront Functions that a distribution uses.
fn used(distribution: &Distribution) -> BTreeSet<&str> {
    let behaviors = distribution.all_behaviors();
    let computes = behaviors.flat_map(|behavior| {
        let functions = &behavior.functions;
        [&functions.viewer_request, &functions.viewer_response]
    });
    let names = computes.flatten().filter_map(|compute| match compute {
        Compute::Function(name) => Some(name.as_str()),
        Compute::Lambda { .. } => None,
    });
    names.collect()
}

fn collect_places(value: &Value, path: &str, places: &mut BTreeMap<String, Place>) {
    for member in value.members() {
        let path = match path {
            "" => member.key.clone(),
            path => format!("{path}.{}", member.key),
        };
        collect_places(&member.value, &path, places);
        places.insert(path, member.at);
    }
    for (index, item) in value.items().iter().enumerate() {
        let path = format!("{path}[{index}]");
        collect_places(item, &path, places);
        places.insert(path, item.at);
    }
}

#[cfg(test)]
mod tests;

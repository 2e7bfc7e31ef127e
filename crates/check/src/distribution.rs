//! A distribution of a template in the words of the rules: origins by kind, behaviors in order, what is keyed and what is
//! sent.

mod policies;

use crate::pattern::Pattern;
use crate::report::Where;
use crate::template::{Resource, Resources};
use crate::tree::{Node, Piece, Text};
use policies::{caching, sends};
use portcullis_edge::distribution::HeaderSelection;
use portcullis_edge::selection::Names;
use std::collections::BTreeMap;

/// The error caching minimum TTL where none is set, in seconds.
pub const ERROR_TTL_DEFAULT: u64 = 10;

/// What an origin is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// A function URL; the logical id of the URL, if it is in the template.
    Gateway(Option<String>),
    /// A bucket by its REST endpoint; its logical id, if it is in the template.
    Bucket(Option<String>),
    /// A website endpoint of a bucket.
    Website,
    /// Anything else.
    Custom,
}

/// An origin.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: OriginKind,
    /// Its domain name.
    pub domain: Text,
    /// Its configuration.
    pub node: Node,
    /// Its position in the list.
    pub index: usize,
}

impl Origin {
    /// Whether it is a function URL.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        matches!(self.kind, OriginKind::Gateway(_))
    }

    /// Whether it is a bucket by its REST endpoint.
    #[must_use]
    pub fn is_bucket(&self) -> bool {
        matches!(self.kind, OriginKind::Bucket(_))
    }

    /// Whether code may answer there.
    #[must_use]
    pub fn is_served_by_code(&self) -> bool {
        matches!(self.kind, OriginKind::Gateway(_) | OriginKind::Custom)
    }
}

/// An origin group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// The ids of its origins.
    pub members: Vec<String>,
    /// The statuses on which it fails over.
    pub statuses: Vec<u64>,
    /// Its position in the list.
    pub index: usize,
}

/// What is kept, for how long and under which key.
#[derive(Clone, Debug)]
pub struct Caching {
    /// Minimum, default and maximum TTL, in seconds.
    pub ttls: (u64, u64, u64),
    /// Headers in the key.
    pub headers: Names,
    /// Cookies in the key.
    pub cookies: Names,
    /// Query parameters in the key.
    pub query: Names,
    /// Whether gzip or Brotli answers are told apart.
    pub codings: bool,
}

impl Caching {
    /// Whether nothing is kept.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.ttls == (0, 0, 0) || (self.headers == Names::All && self.ttls.0 == 0)
    }
}

/// What else reaches the origin.
#[derive(Clone, Debug)]
pub struct Sends {
    /// Headers.
    pub headers: HeaderSelection,
    /// Cookies.
    pub cookies: Names,
    /// Query parameters.
    pub query: Names,
}

/// A behavior.
#[derive(Clone, Debug)]
pub struct Behavior {
    /// Its pattern.
    pub pattern: Pattern,
    /// Its pattern as written; `*` of the default one.
    pub written: String,
    /// The id that it targets.
    pub target: String,
    /// The origins that it may reach: one, or the members of a group, as positions.
    pub origins: Vec<usize>,
    /// Whether that is a group.
    pub by_group: bool,
    /// Keys and lifetimes; `None` where they are not known.
    pub caching: Option<Caching>,
    /// What else is sent; `None` where it is not known.
    pub sends: Option<Sends>,
    /// Whether keys are legacy settings.
    pub legacy: bool,
    /// Its configuration.
    pub node: Node,
    /// Its position in the list; `None` of the default one.
    pub index: Option<usize>,
}

/// What a policy id was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Neither in the template nor managed.
    Unknown(String),
    /// Its value is not known, and why.
    Unresolved(String),
}

/// A distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Its resource.
    pub resource: Resource,
    /// Its origins.
    pub origins: Vec<Origin>,
    /// Its origin groups.
    pub groups: Vec<Group>,
    /// Its behaviors, the default one last.
    pub behaviors: Vec<Behavior>,
    /// Policies that are not known, with the behavior's position and the property.
    pub missing: Vec<(usize, &'static str, Missing)>,
}

impl Distribution {
    /// The distribution of a resource.
    #[must_use]
    pub fn of(resource: &Resource, resources: &Resources) -> Self {
        let config = resource.properties.get("DistributionConfig");
        let origins = config.get("Origins").items().iter().enumerate();
        let origins = origins.map(|(index, node)| origin(index, node, resources));
        let groups = config.get("OriginGroups");
        let groups = match groups.get("Items") {
            items if items.is_there() => items.items(),
            _ => groups.items(),
        };
        let groups = groups
            .iter()
            .enumerate()
            .map(|(index, node)| group(index, node));
        let mut distribution = Self {
            origins: origins.collect(),
            groups: groups.collect(),
            behaviors: Vec::new(),
            missing: Vec::new(),
            resource: resource.clone(),
        };
        let listed = config.get("CacheBehaviors").items().iter().enumerate();
        for (index, node) in listed {
            let pattern = node.get("PathPattern").literal().unwrap_or_default();
            distribution.behavior(Some(index), pattern, node, resources);
        }
        let default = config.get("DefaultCacheBehavior");
        distribution.behavior(None, "*", default, resources);
        distribution
    }

    fn behavior(
        &mut self,
        index: Option<usize>,
        written: &str,
        node: &Node,
        resources: &Resources,
    ) {
        let target = node
            .get("TargetOriginId")
            .literal()
            .unwrap_or_default()
            .to_owned();
        let position = |id: &str| self.origins.iter().position(|origin| origin.id == id);
        let group = self.groups.iter().find(|group| group.id == target);
        let origins = match group {
            Some(group) => group.members.iter().filter_map(|id| position(id)).collect(),
            None => position(&target).into_iter().collect(),
        };
        let at = self.behaviors.len();
        let by_group = group.is_some();
        let legacy = !node.get("CachePolicyId").is_there();
        let caching = match caching(node, resources) {
            Ok(caching) => Some(caching),
            Err(missing) => {
                self.missing.push((at, "CachePolicyId", missing));
                None
            }
        };
        let sends = match sends(node, resources) {
            Ok(sends) => Some(sends),
            Err(missing) => {
                self.missing.push((at, "OriginRequestPolicyId", missing));
                None
            }
        };
        let pattern = if index.is_none() {
            Pattern::everything()
        } else {
            Pattern::new(written)
        };
        self.behaviors.push(Behavior {
            pattern,
            written: written.to_owned(),
            target,
            origins,
            by_group,
            caching,
            sends,
            legacy,
            node: node.clone(),
            index,
        });
    }

    /// `DistributionConfig`.
    #[must_use]
    pub fn config(&self) -> &Node {
        self.resource.properties.get("DistributionConfig")
    }

    /// A place in it.
    #[must_use]
    pub fn place(&self, pointer: &[&str]) -> Where {
        let pointer: Vec<&str> = std::iter::once("DistributionConfig")
            .chain(pointer.iter().copied())
            .collect();
        self.resource.place(&pointer)
    }

    /// A place in a behavior.
    #[must_use]
    pub fn place_of(&self, behavior: &Behavior, property: &str) -> Where {
        match behavior.index {
            Some(index) => self.place(&["CacheBehaviors", &index.to_string(), property]),
            None => self.place(&["DefaultCacheBehavior", property]),
        }
    }

    /// A place in an origin.
    #[must_use]
    pub fn place_of_origin(&self, origin: &Origin, property: &str) -> Where {
        self.place(&["Origins", &origin.index.to_string(), property])
    }

    /// The origins that a behavior may reach.
    pub fn origins_of<'a>(&'a self, behavior: &'a Behavior) -> impl Iterator<Item = &'a Origin> {
        behavior
            .origins
            .iter()
            .filter_map(|at| self.origins.get(*at))
    }

    /// Whether one of a behavior's origins is a function URL.
    #[must_use]
    pub fn reaches_gateway(&self, behavior: &Behavior) -> bool {
        self.origins_of(behavior).any(Origin::is_gateway)
    }

    /// The behavior that governs a path.
    #[must_use]
    pub fn governing(&self, path: &str) -> Option<&Behavior> {
        self.behaviors
            .iter()
            .find(|behavior| behavior.pattern.matches(path))
    }

    /// The custom error responses by status.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<u64, (usize, &Node)> {
        let listed = self
            .config()
            .get("CustomErrorResponses")
            .items()
            .iter()
            .enumerate();
        let listed = listed
            .filter_map(|(index, node)| Some((node.get("ErrorCode").number()?, (index, node))));
        listed.collect()
    }

    /// For how long an error of the origin is kept at least, in seconds.
    #[must_use]
    pub fn error_ttl(&self, status: u64) -> u64 {
        let errors = self.errors();
        let set = errors
            .get(&status)
            .and_then(|(_, node)| node.get("ErrorCachingMinTTL").number());
        set.unwrap_or(ERROR_TTL_DEFAULT)
    }
}

impl Behavior {
    /// Whether answers are kept. Where the policy is not known, nothing is said of caching.
    #[must_use]
    pub fn caches(&self) -> bool {
        self.caching
            .as_ref()
            .is_some_and(|caching| !caching.is_off())
    }

    /// Whether a header is in the key.
    #[must_use]
    pub fn keys_header(&self, name: &str) -> bool {
        self.caching
            .as_ref()
            .is_some_and(|caching| lists(&caching.headers, name))
    }

    /// Whether CloudFront writes a header of its own: it is keyed, or listed by name.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        let sent = match self.sends.as_ref().map(|sends| &sends.headers) {
            Some(HeaderSelection::Listed(names) | HeaderSelection::AllViewerAnd(names)) => {
                names.iter().any(|listed| listed.eq_ignore_ascii_case(name))
            }
            _ => false,
        };
        sent || self.keys_header(name)
    }

    /// Whether viewers need a signature that CloudFront verifies.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        !self.node.get("TrustedKeyGroups").items().is_empty()
    }

    /// The function that runs before the cache, if there is one.
    #[must_use]
    pub fn viewer_request(&self) -> Option<&Node> {
        let functions = self.node.get("FunctionAssociations").items();
        let lambdas = self.node.get("LambdaFunctionAssociations").items();
        let all = functions.iter().chain(lambdas);
        let mut at_viewer =
            all.filter(|one| one.get("EventType").literal() == Some("viewer-request"));
        at_viewer.next()
    }

    /// Methods beyond reading that it passes on.
    #[must_use]
    pub fn writing_methods(&self) -> Vec<String> {
        let methods = self.node.get("AllowedMethods").texts();
        let writes = |method: &String| !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        methods.into_iter().filter(writes).collect()
    }
}

/// Whether names select one; header names are compared without case.
#[must_use]
pub fn lists(names: &Names, name: &str) -> bool {
    match names {
        Names::Nothing => false,
        Names::All => true,
        Names::Only(listed) => listed.iter().any(|one| one.eq_ignore_ascii_case(name)),
        Names::Except(listed) => !listed.iter().any(|one| one.eq_ignore_ascii_case(name)),
    }
}

fn origin(index: usize, node: &Node, resources: &Resources) -> Origin {
    let domain = node.get("DomainName").text().cloned().unwrap_or_default();
    Origin {
        id: node.get("Id").literal().unwrap_or_default().to_owned(),
        kind: kind(node, &domain, resources),
        domain,
        node: node.clone(),
        index,
    }
}

fn kind(node: &Node, domain: &Text, resources: &Resources) -> OriginKind {
    let of = |wanted: &str| {
        let referred = domain.0.iter().find_map(|piece| match piece {
            Piece::Ref(id) | Piece::Attribute(id, _) => Some(id.as_str()),
            _ => None,
        });
        referred.filter(|id| resources.get(id).is_some_and(|one| one.kind == wanted))
    };
    let shown = domain.shown();
    if let Some(url) = of("AWS::Lambda::Url") {
        return OriginKind::Gateway(Some(url.to_owned()));
    }
    if shown.contains(".lambda-url.") && shown.contains(".on.aws") {
        return OriginKind::Gateway(None);
    }
    if shown.contains(".s3-website") || shown.ends_with("WebsiteURL}") {
        return OriginKind::Website;
    }
    let bucket = of("AWS::S3::Bucket");
    if node.get("S3OriginConfig").is_there() || bucket.is_some() {
        let named = bucket
            .map(str::to_owned)
            .or_else(|| bucket_named(&shown, resources));
        return OriginKind::Bucket(named);
    }
    OriginKind::Custom
}

/// The bucket of the template whose endpoint a domain name is.
fn bucket_named(domain: &str, resources: &Resources) -> Option<String> {
    let name = domain.split(".s3").next()?;
    let mut buckets = resources.of("AWS::S3::Bucket");
    let bucket = buckets.find(|one| one.properties.get("BucketName").literal() == Some(name));
    bucket.map(|one| one.id.clone())
}

fn group(index: usize, node: &Node) -> Group {
    let members = node.get("Members");
    let members = match members.get("Items") {
        items if items.is_there() => items.items(),
        _ => members.items(),
    };
    let codes = node.path(&["FailoverCriteria", "StatusCodes"]);
    let codes = match codes.get("Items") {
        items if items.is_there() => items.items(),
        _ => codes.items(),
    };
    Group {
        id: node.get("Id").literal().unwrap_or_default().to_owned(),
        members: members
            .iter()
            .filter_map(|one| one.get("OriginId").literal())
            .map(str::to_owned)
            .collect(),
        statuses: codes.iter().filter_map(Node::number).collect(),
        index,
    }
}

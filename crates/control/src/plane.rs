//! What the API knows of the distributions that are played, and what it changes.

mod batch;
mod time;

use crate::answer::{Answer, ApiError, list, map, text};
use crate::call::{Call, Operation, Page};
use batch::Batch;
use portcullis_distribution::value::{Kind, Member, Value};
use portcullis_distribution::xml;
use portcullis_edge::distribution::Distribution;
use portcullis_edge::invalidation::InvalidationPath;
use portcullis_edge::played::Played;
use std::collections::VecDeque;
use std::sync::Arc;
use time::written;

/// The invalidations that are remembered of a distribution.
const REMEMBERED_MAX: usize = 1_000;
/// The account in every ARN: that of AWS's documentation.
const ACCOUNT: &str = "123456789012";
/// Random bytes that an id or an entity tag is made of.
pub const RANDOM_BYTES: usize = 16;
/// What a summary repeats of a configuration.
const SUMMARIZED: [&str; 14] = [
    "Aliases",
    "Origins",
    "OriginGroups",
    "DefaultCacheBehavior",
    "CacheBehaviors",
    "CustomErrorResponses",
    "Comment",
    "PriceClass",
    "Enabled",
    "ViewerCertificate",
    "Restrictions",
    "WebACLId",
    "HttpVersion",
    "Staging",
];

/// What is to be done to the network, now that it is due.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A point of presence plays another version.
    Switch {
        /// Which.
        pop: usize,
        /// The version.
        played: Arc<Played>,
    },
    /// Copies of a distribution go.
    Invalidate {
        /// Its domain name.
        domain: String,
        /// Which copies.
        paths: Vec<InvalidationPath>,
    },
}

/// What the API knows.
#[derive(Debug)]
pub struct Plane {
    propagation_ms: u64,
    pops: usize,
    held: Vec<Held>,
}

/// A distribution.
#[derive(Debug)]
struct Held {
    id: String,
    domain: String,
    /// `DistributionConfig`; what came of a template or a manifest has none.
    config: Option<Value>,
    etag: String,
    modified_ms: u64,
    deployed_ms: u64,
    /// When which point of presence plays the newest version, the next one first.
    switches: VecDeque<(u64, usize, Arc<Played>)>,
    /// The newest first.
    invalidations: VecDeque<Invalidation>,
}

#[derive(Clone, Debug)]
struct Invalidation {
    id: String,
    created_ms: u64,
    completed_ms: u64,
    is_done: bool,
    batch: Batch,
}

impl Plane {
    /// A plane of a network with so many points of presence, on which changes take so many milliseconds.
    #[must_use]
    pub fn new(propagation_ms: u64, pops: usize) -> Self {
        Self {
            propagation_ms,
            pops,
            held: Vec::new(),
        }
    }

    /// Takes up a distribution that is played everywhere already, in place of one with its id.
    pub fn hold(
        &mut self,
        distribution: &Distribution,
        config: Option<Value>,
        now_ms: u64,
        random: [u8; RANDOM_BYTES],
    ) {
        let fresh = Held {
            id: distribution.id.clone(),
            domain: distribution.domain.clone(),
            config,
            etag: id_of('E', random),
            modified_ms: now_ms,
            deployed_ms: now_ms,
            switches: VecDeque::new(),
            invalidations: VecDeque::new(),
        };
        match self.held.iter_mut().find(|held| held.id == fresh.id) {
            None => self.held.push(fresh),
            Some(held) => {
                let invalidations = std::mem::take(&mut held.invalidations);
                *held = Held {
                    invalidations,
                    ..fresh
                };
            }
        }
    }

    /// Answers everything but an update.
    ///
    /// # Errors
    /// CloudFront's own, by their codes.
    pub fn answer(
        &mut self,
        operation: &Operation,
        call: &Call<'_>,
        now_ms: u64,
        random: [u8; RANDOM_BYTES],
    ) -> Result<Answer, ApiError> {
        match operation {
            Operation::ListDistributions(page) => Ok(self.list(page, now_ms)),
            Operation::GetDistribution(id) => {
                let held = self.held(id)?;
                Ok(found(
                    "Distribution",
                    &held.whole(held.config()?, now_ms),
                    Some(&held.etag),
                ))
            }
            Operation::GetDistributionConfig(id) => {
                let held = self.held(id)?;
                Ok(found(
                    "DistributionConfig",
                    held.config()?,
                    Some(&held.etag),
                ))
            }
            Operation::UpdateDistribution(id) => Err(ApiError {
                status: 500,
                code: "InternalError",
                message: format!("the configuration of {id} was not read"),
            }),
            Operation::CreateInvalidation(id) => {
                let propagation_ms = self.propagation_ms;
                let held = self.held_mut(id)?;
                held.invalidate(call, now_ms, propagation_ms, random)
            }
            Operation::ListInvalidations(id, page) => Ok(self.held(id)?.list(page)),
            Operation::GetInvalidation(id, one) => self.held(id)?.invalidation(one),
        }
    }

    /// The configuration that an update brings and the domain name it is for, once its entity tag is the one in force.
    ///
    /// # Errors
    /// `NoSuchDistribution`, `InvalidIfMatchVersion`, `PreconditionFailed`, `MalformedXML`.
    pub fn update_of(&self, id: &str, call: &Call<'_>) -> Result<(Value, String), ApiError> {
        let held = self.held(id)?;
        held.config()?;
        match call.if_match {
            None => Err(ApiError {
                status: 400,
                code: "InvalidIfMatchVersion",
                message: "The If-Match version is missing or not valid for the resource.".to_owned(),
            }),
            Some(etag) if etag.trim_matches('"') != held.etag => Err(ApiError {
                status: 412,
                code: "PreconditionFailed",
                message: "The request failed because it didn't meet the preconditions in one or more request-header fields.".to_owned(),
            }),
            Some(_) => Ok((body(call, "DistributionConfig")?, held.domain.clone())),
        }
    }

    /// Puts an update to work that [`Plane::update_of`] let through and that was read into a distribution since.
    ///
    /// # Errors
    /// As [`Plane::update_of`]: another update may have come between.
    pub fn update(
        &mut self,
        call: &Call<'_>,
        config: Value,
        distribution: Distribution,
        now_ms: u64,
        random: [u8; RANDOM_BYTES],
    ) -> Result<Answer, ApiError> {
        self.update_of(&distribution.id, call)?;
        let (propagation_ms, pops) = (self.propagation_ms, self.pops.max(1));
        let held = self.held_mut(&distribution.id)?;
        let played = Arc::new(Played::new(distribution));
        // Each point of presence at its own time, the last one when the change is deployed.
        let due = |pop: usize| now_ms + propagation_ms * (pop as u64 + 1) / pops as u64;
        held.switches
            .extend((0..pops).map(|pop| (due(pop), pop, Arc::clone(&played))));
        held.switches
            .make_contiguous()
            .sort_by_key(|switch| switch.0);
        held.etag = id_of('E', random);
        held.modified_ms = now_ms;
        held.deployed_ms = now_ms + propagation_ms;
        let answer = found(
            "Distribution",
            &held.whole(&config, now_ms),
            Some(&held.etag),
        );
        held.config = Some(config);
        Ok(answer)
    }

    /// What has become due. To be asked before each answer, and from time to time.
    pub fn due(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for held in &mut self.held {
            while let Some((_, pop, played)) = held.switches.pop_front_if(|next| next.0 <= now_ms) {
                effects.push(Effect::Switch { pop, played });
            }
            for one in held.invalidations.iter_mut().rev() {
                if !one.is_done && one.completed_ms <= now_ms {
                    one.is_done = true;
                    effects.push(Effect::Invalidate {
                        domain: held.domain.clone(),
                        paths: one.batch.paths.clone(),
                    });
                }
            }
        }
        effects
    }

    fn held(&self, id: &str) -> Result<&Held, ApiError> {
        self.held
            .iter()
            .find(|held| held.id == id)
            .ok_or_else(absent)
    }

    fn held_mut(&mut self, id: &str) -> Result<&mut Held, ApiError> {
        self.held
            .iter_mut()
            .find(|held| held.id == id)
            .ok_or_else(absent)
    }

    fn list(&self, page: &Page, now_ms: u64) -> Answer {
        let summaries = self
            .held
            .iter()
            .map(|held| (held.id.as_str(), held.summary(now_ms)));
        found("DistributionList", &paged(summaries.collect(), page), None)
    }
}

fn absent() -> ApiError {
    ApiError {
        status: 404,
        code: "NoSuchDistribution",
        message: "The specified distribution does not exist.".to_owned(),
    }
}

fn found(name: &str, content: &Value, etag: Option<&str>) -> Answer {
    Answer {
        status: 200,
        etag: etag.map(str::to_owned),
        location: None,
        body: xml::document(name, content),
    }
}

/// The document that a call brings, whose outermost element must have this name.
fn body(call: &Call<'_>, name: &str) -> Result<Value, ApiError> {
    let malformed = |message: String| ApiError {
        status: 400,
        code: "MalformedXML",
        message,
    };
    if call.body.is_empty() {
        return Err(ApiError {
            status: 400,
            code: "MissingBody",
            message: format!("the body has to be a {name}"),
        });
    }
    match xml::read(call.body).map_err(malformed)? {
        (found, content) if found == name => Ok(content),
        (found, _) => Err(malformed(format!("expected {name}, this is {found}"))),
    }
}

/// An id as CloudFront makes them: a letter and 13 more letters and digits.
fn id_of(first: char, random: [u8; RANDOM_BYTES]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = random.iter().take(13).map(|byte| {
        let at = usize::from(byte & 31);
        LETTERS.get(at).map_or('A', |letter| char::from(*letter))
    });
    std::iter::once(first).chain(letters).collect()
}

/// A part of a list, as all lists of the API are divided.
fn paged(all: Vec<(&str, Value)>, page: &Page) -> Value {
    let behind = match page.marker.as_str() {
        "" => 0,
        marker => all
            .iter()
            .position(|(id, _)| *id == marker)
            .map_or(0, |at| at + 1),
    };
    let rest: Vec<(&str, Value)> = all.into_iter().skip(behind).collect();
    let more = rest.len() > page.items_max;
    let shown: Vec<(&str, Value)> = rest.into_iter().take(page.items_max).collect();
    let last = shown.last().map(|(id, _)| (*id).to_owned());
    let items: Vec<Value> = shown.into_iter().map(|(_, value)| value).collect();
    let mut members = vec![
        ("Marker", text(&page.marker)),
        ("MaxItems", text(page.items_max.to_string())),
        ("IsTruncated", text(more.to_string())),
        ("Quantity", text(items.len().to_string())),
    ];
    if let Some(last) = last.filter(|_| more) {
        members.push(("NextMarker", text(last)));
    }
    if !items.is_empty() {
        members.push(("Items", list(items)));
    }
    let mut whole = map([]);
    extend(&mut whole, members);
    whole
}

fn extend(to: &mut Value, members: Vec<(&str, Value)>) {
    if let Kind::Map(known) = &mut to.kind {
        known.extend(members.into_iter().map(|(key, value)| Member {
            key: key.to_owned(),
            at: value.at,
            value,
        }));
    }
}

impl Held {
    fn config(&self) -> Result<&Value, ApiError> {
        self.config.as_ref().ok_or_else(|| ApiError {
            status: 501,
            code: "NotImplemented",
            message: format!(
                "{} was made from a template or a manifest and has no configuration in the form of the API; change that file instead",
                self.id
            ),
        })
    }

    fn status(&self, now_ms: u64) -> &'static str {
        if now_ms < self.deployed_ms {
            "InProgress"
        } else {
            "Deployed"
        }
    }

    fn head(&self, now_ms: u64) -> Value {
        map([
            ("Id", text(&self.id)),
            (
                "ARN",
                text(format!(
                    "arn:aws:cloudfront::{ACCOUNT}:distribution/{}",
                    self.id
                )),
            ),
            ("Status", text(self.status(now_ms))),
            ("LastModifiedTime", text(written(self.modified_ms))),
            ("DomainName", text(&self.domain)),
        ])
    }

    fn whole(&self, config: &Value, now_ms: u64) -> Value {
        let under_way = self.invalidations.iter().filter(|one| !one.is_done).count();
        let mut whole = self.head(now_ms);
        extend(
            &mut whole,
            vec![
                ("InProgressInvalidationBatches", text(under_way.to_string())),
                ("DistributionConfig", config.clone()),
            ],
        );
        whole
    }

    fn summary(&self, now_ms: u64) -> Value {
        let mut summary = self.head(now_ms);
        let shown = SUMMARIZED.iter().filter_map(|name| {
            let value = self.config.as_ref()?.get(name)?;
            Some((*name, value.clone()))
        });
        extend(&mut summary, shown.collect());
        summary
    }

    fn invalidate(
        &mut self,
        call: &Call<'_>,
        now_ms: u64,
        propagation_ms: u64,
        random: [u8; RANDOM_BYTES],
    ) -> Result<Answer, ApiError> {
        let batch = Batch::read(&body(call, "InvalidationBatch")?)?;
        let mut known = self.invalidations.iter();
        let before = known.find(|one| one.batch.reference == batch.reference);
        let one = match before {
            Some(before) if before.batch == batch => before.clone(),
            Some(_) => {
                return Err(ApiError {
                    status: 400,
                    code: "InvalidationBatchAlreadyExists",
                    message: "Your request contains CallerReference that was used for a previous invalidation batch with different paths.".to_owned(),
                });
            }
            None => {
                let under_way = self.invalidations.iter().filter(|one| !one.is_done);
                batch.fits(under_way.map(|one| &one.batch))?;
                let one = Invalidation {
                    id: id_of('I', random),
                    created_ms: now_ms,
                    completed_ms: now_ms + propagation_ms,
                    is_done: false,
                    batch,
                };
                self.invalidations.push_front(one.clone());
                self.invalidations.truncate(REMEMBERED_MAX);
                one
            }
        };
        Ok(Answer {
            status: 201,
            location: Some(format!(
                "/2020-05-31/distribution/{}/invalidation/{}",
                self.id, one.id
            )),
            ..found("Invalidation", &one.whole(), None)
        })
    }

    fn invalidation(&self, id: &str) -> Result<Answer, ApiError> {
        let one = self.invalidations.iter().find(|one| one.id == id);
        let one = one.ok_or_else(|| ApiError {
            status: 404,
            code: "NoSuchInvalidation",
            message: "The specified invalidation does not exist.".to_owned(),
        })?;
        Ok(found("Invalidation", &one.whole(), None))
    }

    fn list(&self, page: &Page) -> Answer {
        let summaries = self.invalidations.iter();
        let summaries = summaries.map(|one| (one.id.as_str(), one.head()));
        found("InvalidationList", &paged(summaries.collect(), page), None)
    }
}

impl Invalidation {
    fn head(&self) -> Value {
        map([
            ("Id", text(&self.id)),
            ("CreateTime", text(written(self.created_ms))),
            (
                "Status",
                text(if self.is_done {
                    "Completed"
                } else {
                    "InProgress"
                }),
            ),
        ])
    }

    fn whole(&self) -> Value {
        let mut whole = self.head();
        extend(
            &mut whole,
            vec![("InvalidationBatch", self.batch.written())],
        );
        whole
    }
}

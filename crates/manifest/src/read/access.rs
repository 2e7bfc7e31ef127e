//! The guard, geography, networks and key groups.

use super::{DAY, Reading, named, stand_in};
use crate::codes;
use crate::files::read_bounded;
use crate::view::View;
use base64::Engine as _;
use portcullis_signed_access::{Algorithm, KeyId};
use portcullis_site::{
    AccessControl, CountryGroup, Database, Edges, Geo, Guard, KeyGroup, Name, Network, Policy,
    PublicKey, SecretHeader,
};
use portcullis_viewer::country::{Country, GROUPS_AS_OF, Group};
use portcullis_viewer::geo::{GeoSource, OnDisagreement};
use portcullis_viewer::network::parse_network;
use std::collections::{BTreeMap, BTreeSet};

/// How old a prefix list's snapshot may be unless the manifest says otherwise.
const PREFIX_LIST_AGE: u64 = 14 * DAY;
/// How old a country database may be unless the manifest says otherwise.
const DATABASE_AGE: u64 = 60 * DAY;
/// The largest PEM file, in bytes.
const PEM_BYTES_MAX: usize = 64 * 1024;

/// The site's own groups of countries.
pub(crate) type OwnGroups = BTreeMap<Name, BTreeSet<Country>>;

pub(super) fn guard(view: View) -> Guard {
    let default = Guard::default();
    let access = view.get("access_control");
    let (secret, edges) = (view.get("secret_header"), view.get("edges"));
    let mode = |layer: View| layer.get("mode").word().unwrap_or_default();
    let lists = edges.get("prefix_lists");
    Guard {
        fronts: view.get("fronts").texts(),
        access_control: AccessControl {
            mode: access.word().unwrap_or_else(|| mode(access)),
            principals: access.get("principals").texts(),
        },
        secret_header: SecretHeader {
            mode: mode(secret),
            name: secret
                .get("name")
                .text()
                .map_or(default.secret_header.name, str::to_lowercase),
            rotate_every: secret
                .get("rotate_every")
                .seconds()
                .unwrap_or(default.secret_header.rotate_every),
            overlap: secret
                .get("overlap")
                .seconds()
                .unwrap_or(default.secret_header.overlap),
        },
        edges: Edges {
            mode: mode(edges),
            prefix_lists: if lists.is_present() {
                lists.texts()
            } else {
                default.edges.prefix_lists
            },
            max_age: edges
                .get("max_age")
                .seconds()
                .unwrap_or(default.edges.max_age),
            when_stale: edges.get("when_stale").word().unwrap_or_default(),
        },
    }
}

pub(super) fn geo(view: View, own: &OwnGroups, policies: &BTreeMap<Name, Policy>) -> Geo {
    let database = view.get("database");
    let source = if database.is_present() {
        GeoSource::Database
    } else {
        GeoSource::CloudFront
    };
    let paths = database.get("paths");
    Geo {
        source: view.get("source").word().unwrap_or(source),
        database: database.is_present().then(|| Database {
            file: database.get("file").text().unwrap_or_default().to_owned(),
            max_age: database.get("max_age").seconds_or(DATABASE_AGE),
            when_stale: database.get("when_stale").word().unwrap_or_default(),
            paths: if paths.is_present() {
                paths.texts()
            } else {
                ["country.iso_code", "country_code"]
                    .map(str::to_owned)
                    .to_vec()
            },
            allow_demonstration: database.get("allow_demonstration").flag().unwrap_or(false),
        }),
        on_disagreement: view
            .get("on_disagreement")
            .word()
            .unwrap_or(OnDisagreement::Deny),
        groups: named_groups(own, policies),
    }
}

/// Every group that some policy names, expanded.
fn named_groups(
    own: &OwnGroups,
    policies: &BTreeMap<Name, Policy>,
) -> BTreeMap<Name, CountryGroup> {
    let statements = policies.values().flat_map(|policy| &policy.statements);
    let words = statements
        .filter_map(|s| s.when.as_ref())
        .flat_map(|when| &when.countries_written);
    words
        .filter_map(|word| {
            let name = Name::new(word.as_str()).ok()?;
            let group = match own.get(&name) {
                Some(members) => CountryGroup {
                    as_of: None,
                    members: members.iter().copied().collect(),
                },
                None => CountryGroup {
                    as_of: Some(GROUPS_AS_OF.to_owned()),
                    members: Group::from_name(word)?.members().iter().collect(),
                },
            };
            Some((name, group))
        })
        .collect()
}

pub(super) fn networks(view: View) -> BTreeMap<Name, Network> {
    named(view, |_, network| {
        if network.is_map() {
            Network::PrefixList {
                id: network
                    .get("prefix_list")
                    .text()
                    .unwrap_or_default()
                    .to_owned(),
                max_age: network.get("max_age").seconds_or(PREFIX_LIST_AGE),
            }
        } else {
            Network::Addresses(network.list(|item| item.parse(parse_network)))
        }
    })
}

impl Reading<'_, '_> {
    /// The site's own groups of countries, which may not take the name of a country, of a built-in group or `unknown`.
    pub(super) fn own_groups(&mut self, view: View) -> OwnGroups {
        let groups = named(view, |_, members| {
            members
                .list(|item| item.parse(str::parse::<Country>))
                .into_iter()
                .collect()
        });
        for (key, members) in view.entries() {
            let taken = Group::from_name(key).is_some()
                || key.parse::<Country>().is_ok()
                || key == "unknown";
            if taken {
                self.sink
                    .error(codes::COUNTRY, members.span(), format!("the name `{key}` is taken"))
                    .help("countries, EU, EEA, EFTA and `unknown` have their meaning already; choose another name");
                self.sink
                    .lose(&["geo".to_owned(), "groups".to_owned(), key.to_owned()]);
            }
        }
        groups
    }

    pub(super) fn key_groups(&mut self, view: View) -> BTreeMap<Name, KeyGroup> {
        let mut groups = BTreeMap::new();
        for (key, group) in view.entries() {
            let Ok(name) = Name::new(key) else { continue };
            let keys = group.get("public_keys").items().enumerate();
            let public_keys = keys
                .filter_map(|(i, item)| self.public_key(key, i, item))
                .collect();
            let algorithms = group
                .get("algorithms")
                .list(|item| item.parse(str::parse::<Algorithm>));
            groups.entry(name).or_insert(KeyGroup {
                public_keys,
                algorithms,
            });
        }
        groups
    }

    fn public_key(&mut self, group: &str, index: usize, item: View) -> Option<PublicKey> {
        let place = if item.is_map() {
            item.get("file")
        } else {
            item
        };
        let file = place.text()?;
        let read = self.pem(file, place);
        if read.is_none() {
            let pointer =
                ["key_groups", group, "public_keys", &index.to_string()].map(str::to_owned);
            self.sink.lose(&pointer);
        }
        let key = read?;
        let id = item
            .get("id")
            .parse(str::parse::<KeyId>)
            .unwrap_or_else(|| KeyId::of_key(&key));
        Some(PublicKey {
            id,
            file: file.to_owned(),
            pem: pem(key.spki_der()),
        })
    }

    fn pem(&mut self, file: &str, place: View) -> Option<portcullis_signed_access::PublicKey> {
        let text = match read_bounded(self.files, file, PEM_BYTES_MAX) {
            Ok(text) => text,
            Err(why) => {
                self.sink
                    .error(
                        codes::FILE,
                        place.span(),
                        format!("`{file}` cannot be read: {why}"),
                    )
                    .help("paths are relative to the folder of the manifest");
                return None;
            }
        };
        match portcullis_signed_access::PublicKey::from_pem(&text) {
            Ok(key) => Some(key),
            Err(why) => {
                let private = text.contains("PRIVATE KEY-----");
                let help = if private {
                    "a private key never belongs beside a manifest: write its public half with `openssl pkey -pubout`"
                } else {
                    "a PEM file with one public key (`BEGIN PUBLIC KEY`), RSA of 2048 to 4096 bits or ECDSA P-256"
                };
                self.sink
                    .error(
                        codes::PUBLIC_KEY,
                        place.span(),
                        format!("`{file}` is no usable public key: {why}"),
                    )
                    .help(help);
                None
            }
        }
    }
}

/// The key in its one canonical form, whatever the file's line endings and comments.
fn pem(spki: &[u8]) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(spki);
    let mut out = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (i, letter) in encoded.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(letter);
    }
    out.push_str("\n-----END PUBLIC KEY-----\n");
    out
}

/// The name of a key group or network in a condition.
pub(super) fn name(view: View) -> Option<Name> {
    view.is_present()
        .then(|| view.parse(Name::new).unwrap_or_else(stand_in))
}

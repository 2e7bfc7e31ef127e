//! Prefix list snapshots in the state's JSON: each is read under the guards of its use. One that fails them is left out,
//! and because a list that disappears from the state stays in use, the last good one keeps serving and its age says so; a
//! bad list cannot hold up a rotated secret.

use portcullis_viewer::prefixes::{Guards, PrefixSnapshot};
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Snapshots = BTreeMap<String, PrefixSnapshot>;

/// Lists of one kind in one state.
pub(super) const LISTS_MAX: usize = 64;

fn read<'de, D: Deserializer<'de>>(deserializer: D, guards: Guards) -> Result<Snapshots, D::Error> {
    let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
    if raw.len() > LISTS_MAX {
        return Err(D::Error::custom(format_args!(
            "more than {LISTS_MAX} prefix lists"
        )));
    }
    let snapshot = |json: &RawValue| PrefixSnapshot::from_json(json.get().as_bytes(), guards);
    Ok(raw
        .into_iter()
        .filter_map(|(name, json)| snapshot(&json).ok().map(|list| (name, list)))
        .collect())
}

fn write<S: Serializer>(snapshots: &Snapshots, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(snapshots.len()))?;
    for (name, snapshot) in snapshots {
        let json = RawValue::from_string(snapshot.to_json()).map_err(S::Error::custom)?;
        map.serialize_entry(name, &json)?;
    }
    map.end()
}

/// Lists of CloudFront's edges.
pub(super) mod edges {
    use super::{Deserializer, Guards, Serializer, Snapshots};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Snapshots, D::Error> {
        super::read(deserializer, Guards::Edges)
    }

    pub(in super::super) fn serialize<S: Serializer>(
        snapshots: &Snapshots,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::write(snapshots, serializer)
    }
}

/// Lists of the site's own.
pub(super) mod viewers {
    use super::{Deserializer, Guards, Serializer, Snapshots};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Snapshots, D::Error> {
        super::read(deserializer, Guards::Viewers)
    }

    pub(in super::super) fn serialize<S: Serializer>(
        snapshots: &Snapshots,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::write(snapshots, serializer)
    }
}

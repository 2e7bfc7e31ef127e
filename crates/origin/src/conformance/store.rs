//! What an [`ObjectStore`] promises.

use super::{Problems, fail_on};
use crate::field::{FieldValue, StrongTag};
use crate::object_path::{ObjectKey, ObjectPath};
use crate::store::{
    Fetched, Metadata, Object, ObjectRef, ObjectStore, RawMetadata, StoreError, Want,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_http_semantics::RangeSpec;
use portcullis_site::{Bucket, KeyPrefix};
use std::future::Future;

/// Sizes at which stores and readers of parts have been wrong.
const SIZES: [usize; 8] = [
    0,
    1,
    2,
    65_535,
    65_536,
    65_537,
    262_145,
    5 * 1024 * 1024 + 1,
];

/// Keys that were once signed, encoded or decoded wrongly by somebody.
const KEYS: [&str; 20] = [
    "plain.txt",
    "deep/er/and/deep/er.txt",
    "a b.txt",
    " leading and trailing ",
    "a+b.txt",
    "a@b=c&d.txt",
    "quote'd \"name\".txt",
    "what?.txt",
    "ha#sh.txt",
    "semi;colon,comma:colon.txt",
    "(par)[en]{th}<es>.txt",
    "dollar$ast*bang!tilde~.txt",
    "back`tick^caret|pipe.txt",
    "..dots../.hidden",
    "UPPER/lower.TXT",
    "upper/LOWER.txt",
    "été/à la carte.txt",
    "日本語/文書.txt",
    "🦀/crab.txt",
    "x_-._-x",
];

/// Puts objects where the store under test reads them.
pub trait Fixture {
    /// A bucket that exists and that the suite may fill. Keys begin with `conformance/`.
    fn bucket(&self) -> Bucket;

    /// Puts an object in place, overwriting an earlier one.
    ///
    /// # Errors
    /// Says why it cannot; the suite fails.
    fn put(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        metadata: &RawMetadata,
    ) -> impl Future<Output = Result<(), String>>;
}

/// Runs the suite.
///
/// # Panics
/// Names every promise that `store` does not keep.
pub async fn run<S: ObjectStore, F: Fixture>(store: &S, fixture: &F) {
    let mut suite = Suite {
        store,
        fixture,
        problems: Problems::default(),
    };
    suite.missing().await;
    for size in SIZES {
        suite.size(size).await;
    }
    suite.ranges().await;
    suite.conditions().await;
    suite.metadata().await;
    for key in KEYS {
        suite.key(key).await;
    }
    fail_on(suite.problems, std::any::type_name::<S>());
}

struct Suite<'a, S, F> {
    store: &'a S,
    fixture: &'a F,
    problems: Problems,
}

/// Bytes in which every place looks different.
fn pattern(size: usize) -> Bytes {
    (0..size)
        .map(|i| (i * 31 + i / 251 + i / 65_521) as u8)
        .collect()
}

impl<S: ObjectStore, F: Fixture> Suite<'_, S, F> {
    fn object(&self, name: &str) -> Option<ObjectRef> {
        let prefix = KeyPrefix::new("conformance/").ok()?;
        let path = ObjectPath::of_decoded(&format!("/{name}")).ok()?;
        let bucket = self.fixture.bucket();
        path.key(&prefix).map(|key| ObjectRef { bucket, key })
    }

    /// Puts the object; `None`, and a problem, if that fails.
    async fn put(
        &mut self,
        name: &str,
        bytes: &Bytes,
        metadata: &RawMetadata,
    ) -> Option<ObjectRef> {
        let Some(object) = self.object(name) else {
            self.problems
                .check(false, &format!("`{name}` is a key"), ());
            return None;
        };
        let put = self.fixture.put(&object.key, bytes.clone(), metadata).await;
        self.problems
            .check(put.is_ok(), &format!("`{name}` can be put"), &put);
        put.ok().map(|()| object)
    }

    async fn get(&self, object: &ObjectRef, want: Want) -> Result<Got, StoreError> {
        Got::of(self.store.get(object, &want).await?).await
    }

    async fn missing(&mut self) {
        let Some(object) = self.object("no/such/object") else {
            return;
        };
        let whole = self.get(&object, Want::default()).await;
        self.problems.check(
            matches!(whole, Ok(Got::Missing)),
            "no object is missing",
            whole,
        );
        let range = Some(RangeSpec::From(1));
        let part = self
            .get(
                &object,
                Want {
                    range,
                    ..Want::default()
                },
            )
            .await;
        self.problems.check(
            matches!(part, Ok(Got::Missing)),
            "a part of no object is missing",
            part,
        );
        let if_match = StrongTag::parse(b"\"x\"");
        let conditional = self
            .get(
                &object,
                Want {
                    if_match,
                    ..Want::default()
                },
            )
            .await;
        let holds = matches!(conditional, Ok(Got::Missing | Got::Changed));
        self.problems.check(
            holds,
            "no object with an entity tag is missing or changed",
            conditional,
        );
        let head = self.store.head(&object).await;
        self.problems
            .check(matches!(head, Ok(None)), "no object has no metadata", head);
    }

    async fn size(&mut self, size: usize) {
        let bytes = pattern(size);
        let name = format!("size/{size}");
        let Some(object) = self.put(&name, &bytes, &RawMetadata::default()).await else {
            return;
        };
        self.reads_back(&object, &bytes).await;
    }

    async fn reads_back(&mut self, object: &ObjectRef, bytes: &Bytes) {
        let key = object.key.as_str();
        let head = self.store.head(object).await;
        let got = self.get(object, Want::default()).await;
        let (Ok(Some(head)), Ok(Got::Full(metadata, read))) = (&head, &got) else {
            self.problems
                .check(false, &format!("`{key}` is read in full"), (head, got));
            return;
        };
        self.problems
            .check(read == bytes, &format!("`{key}` has its bytes"), read.len());
        self.problems.check(
            metadata == head,
            &format!("`{key}`: head and get say the same"),
            (metadata, head),
        );
        let size = bytes.len() as u64;
        self.problems.check(
            head.size == size,
            &format!("`{key}` has its size"),
            head.size,
        );
        self.problems.check(
            head.etag.is_some(),
            &format!("`{key}` has a strong entity tag"),
            &head.etag,
        );
        self.problems.check(
            head.last_modified.is_some(),
            &format!("`{key}` has a date"),
            head.last_modified,
        );
        let digest = <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(bytes));
        let kept = head.sha256.is_none_or(|kept| kept == digest);
        self.problems.check(
            kept,
            &format!("`{key}`: a checksum that is kept is right"),
            head.sha256,
        );
    }

    async fn key(&mut self, name: &str) {
        let bytes = Bytes::from(format!("this is {name}"));
        if let Some(object) = self.put(name, &bytes, &RawMetadata::default()).await {
            self.reads_back(&object, &bytes).await;
        }
    }

    async fn ranges(&mut self) {
        use RangeSpec::{From, FromTo, Suffix};
        let bytes = pattern(100_000);
        let Some(object) = self.put("ranges", &bytes, &RawMetadata::default()).await else {
            return;
        };
        for (range, expected) in [
            (FromTo { first: 0, last: 0 }, Some((0, 0))),
            (
                FromTo {
                    first: 0,
                    last: 99_999,
                },
                Some((0, 99_999)),
            ),
            (
                FromTo {
                    first: 65_535,
                    last: 65_536,
                },
                Some((65_535, 65_536)),
            ),
            (
                FromTo {
                    first: 99_999,
                    last: 99_999,
                },
                Some((99_999, 99_999)),
            ),
            (
                FromTo {
                    first: 99_999,
                    last: 200_000,
                },
                Some((99_999, 99_999)),
            ),
            (
                FromTo {
                    first: 10,
                    last: i64::MAX as u64,
                },
                Some((10, 99_999)),
            ),
            (
                FromTo {
                    first: 100_000,
                    last: 100_001,
                },
                None,
            ),
            (From(0), Some((0, 99_999))),
            (From(99_999), Some((99_999, 99_999))),
            (From(100_000), None),
            (From(i64::MAX as u64), None),
            (Suffix(1), Some((99_999, 99_999))),
            (Suffix(100_000), Some((0, 99_999))),
            (Suffix(100_001), Some((0, 99_999))),
            (Suffix(0), None),
        ] {
            self.range(&object, &bytes, range, expected).await;
        }
        let empty = Bytes::new();
        if let Some(object) = self.put("empty", &empty, &RawMetadata::default()).await {
            for range in [From(0), FromTo { first: 0, last: 0 }, Suffix(1)] {
                self.range(&object, &empty, range, None).await;
            }
        }
    }

    async fn range(
        &mut self,
        object: &ObjectRef,
        bytes: &Bytes,
        range: RangeSpec,
        expected: Option<(u64, u64)>,
    ) {
        let want = Want {
            range: Some(range),
            ..Want::default()
        };
        let got = self.get(object, want).await;
        let promise = format!("{range:?} of {} bytes is {expected:?}", bytes.len());
        let holds = match (&got, expected) {
            (Ok(Got::Part(metadata, part, first, last)), Some(expected)) => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
                (*first, *last) == expected
                    && metadata.size == bytes.len() as u64
                    && bytes.get(at(*first)..=at(*last)) == Some(part)
            }
            (Ok(Got::Unsatisfiable(size)), None) => {
                size.is_none_or(|size| size == bytes.len() as u64)
            }
            _ => false,
        };
        self.problems.check(holds, &promise, got);
    }

    async fn conditions(&mut self) {
        let (old, new) = (pattern(1_000), pattern(1_001));
        let raw = RawMetadata::default();
        let Some(object) = self.put("conditions", &old, &raw).await else {
            return;
        };
        let Some(tag) = self.tag(&object).await else {
            return;
        };
        let other = StrongTag::parse(b"\"not-the-tag\"");
        let (same, range) = (Some(tag.clone()), Some(RangeSpec::From(999)));
        self.condition(
            &object,
            Want {
                if_match: same.clone(),
                ..Want::default()
            },
            "full",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_match: other.clone(),
                ..Want::default()
            },
            "changed",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_none_match: other.clone(),
                ..Want::default()
            },
            "full",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_none_match: same.clone(),
                ..Want::default()
            },
            "not modified",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_match: same.clone(),
                range,
                ..Want::default()
            },
            "part",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_match: other.clone(),
                range,
                ..Want::default()
            },
            "changed",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_none_match: same.clone(),
                range,
                ..Want::default()
            },
            "not modified",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_match: same.clone(),
                if_none_match: other,
                ..Want::default()
            },
            "full",
        )
        .await;
        if self.put("conditions", &new, &raw).await.is_none() {
            return;
        }
        let changed = self.tag(&object).await;
        self.problems.check(
            changed.as_ref() != Some(&tag),
            "other bytes have another entity tag",
            &changed,
        );
        self.condition(
            &object,
            Want {
                if_match: same.clone(),
                ..Want::default()
            },
            "changed",
        )
        .await;
        self.condition(
            &object,
            Want {
                if_none_match: same,
                ..Want::default()
            },
            "full",
        )
        .await;
        self.reads_back(&object, &new).await;
    }

    async fn tag(&mut self, object: &ObjectRef) -> Option<StrongTag> {
        let head = self.store.head(object).await;
        let tag = head
            .as_ref()
            .ok()
            .and_then(|head| head.as_ref()?.etag.clone());
        self.problems
            .check(tag.is_some(), "an object has a strong entity tag", head);
        tag
    }

    async fn condition(&mut self, object: &ObjectRef, want: Want, expected: &str) {
        let got = self.get(object, want.clone()).await;
        let found = match &got {
            Ok(got) => got.name(),
            Err(_) => "an error",
        };
        self.problems
            .check(found == expected, &format!("{want:?} is {expected}"), got);
    }

    async fn metadata(&mut self) {
        let value = |text: &str| Some(text.as_bytes().to_vec());
        let raw = RawMetadata {
            content_type: value("text/html; charset=utf-8"),
            content_encoding: value("gzip"),
            content_language: value("de-CH, fr"),
            content_disposition: value("attachment; filename=\"a b.html\""),
            cache_control: value("public, max-age=31536000, immutable"),
            expires: value("Wed, 21 Oct 2026 07:28:00 GMT"),
        };
        let bytes = pattern(10);
        let Some(object) = self.put("metadata", &bytes, &raw).await else {
            return;
        };
        let mut expected = Metadata::default();
        expected.describe(&raw);
        let head = self.store.head(&object).await;
        let Ok(Some(head)) = head else {
            self.problems.check(false, "an object has metadata", head);
            return;
        };
        self.values(&expected, &head);
        self.problems.check(
            head.invalid_values == 0,
            "legal values are counted as legal",
            head.invalid_values,
        );
        self.reads_back(&object, &bytes).await;
    }

    fn values(&mut self, expected: &Metadata, found: &Metadata) {
        let mut same = |name: &str, expected: &Option<FieldValue>, found: &Option<FieldValue>| {
            self.problems
                .check(expected == found, &format!("{name} comes back"), found);
        };
        same("content-type", &expected.content_type, &found.content_type);
        same(
            "content-encoding",
            &expected.content_encoding,
            &found.content_encoding,
        );
        same(
            "content-language",
            &expected.content_language,
            &found.content_language,
        );
        same(
            "content-disposition",
            &expected.content_disposition,
            &found.content_disposition,
        );
        same(
            "cache-control",
            &expected.cache_control,
            &found.cache_control,
        );
        same("expires", &expected.expires, &found.expires);
    }
}

/// An answer whose body was read to its end.
#[derive(Debug)]
enum Got {
    Full(Metadata, Bytes),
    Part(Metadata, Bytes, u64, u64),
    NotModified,
    Changed,
    Unsatisfiable(Option<u64>),
    Missing,
}

impl Got {
    async fn of(fetched: Fetched) -> Result<Self, StoreError> {
        Ok(match fetched {
            Fetched::Full(Object { metadata, body }) => {
                Self::Full(metadata, body.collect().await?.to_bytes())
            }
            Fetched::Partial {
                object: Object { metadata, body },
                first,
                last,
            } => Self::Part(metadata, body.collect().await?.to_bytes(), first, last),
            Fetched::NotModified(_) => Self::NotModified,
            Fetched::Changed => Self::Changed,
            Fetched::Unsatisfiable { size } => Self::Unsatisfiable(size),
            Fetched::Missing => Self::Missing,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Full(..) => "full",
            Self::Part(..) => "part",
            Self::NotModified => "not modified",
            Self::Changed => "changed",
            Self::Unsatisfiable(_) => "unsatisfiable",
            Self::Missing => "missing",
        }
    }
}

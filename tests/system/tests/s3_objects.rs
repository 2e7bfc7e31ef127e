//! What the object store's suite does not ask of S3: keys with every character, checksums, and who is refused how.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_aws::clients::Clients;
use portcullis_aws::config::AwsAccess;
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::TestBucket;
use portcullis_origin::object_path::{ObjectPath, PathError};
use portcullis_origin::store::{
    Fetched, Object, ObjectRef, ObjectStore as _, RawMetadata, StoreError, Want,
};
use portcullis_site::{Bucket, KeyPrefix};
use portcullis_system::SeaweedFs;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

fn clients(changed: &[(&str, &str)]) -> Clients {
    let mut variables = SeaweedFs::shared().unwrap().env();
    variables.extend(
        changed
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned())),
    );
    let environment = Environment::new(variables, "");
    Clients::new(&AwsAccess::read(&environment).unwrap())
}

fn bucket(name: &str) -> Bucket {
    Bucket::new(name).unwrap()
}

fn object(bucket_name: &str, path: &str) -> ObjectRef {
    let key = ObjectPath::of_decoded(path)
        .unwrap()
        .key(&KeyPrefix::new("").unwrap())
        .unwrap();
    ObjectRef {
        bucket: bucket(bucket_name),
        key,
    }
}

/// What was once signed as something else: a plus, a space, a quote (anomalizer/ngx_aws_auth#87 and its like).
#[tokio::test]
async fn every_character_of_a_key_is_signed_sent_and_stored_as_itself() {
    let clients = clients(&[]);
    let store = TestBucket::create(&clients, bucket("every-key"))
        .await
        .unwrap();
    let mut keys = BTreeSet::new();
    for character in (' '..='~').chain(['é', 'ß', '日', '🦀', '\u{a0}', '\u{200d}']) {
        let path = format!("/one{character}two/x{character}");
        match ObjectPath::of_decoded(&path) {
            Err(why) => assert!(
                matches!((character, why), ('%' | '\\', PathError::ForbiddenByte)),
                "{path}: {why}"
            ),
            // `x/` is a directory, and an index document its object.
            Ok(_) if character == '/' => {}
            Ok(_) => {
                let object = object("every-key", &path);
                let bytes = Bytes::from(path.clone());
                store
                    .put(object.key.as_str(), bytes.clone(), &RawMetadata::default())
                    .await
                    .unwrap();
                let got = clients.objects().get(&object, &Want::default()).await;
                let Ok(Fetched::Full(Object { body, .. })) = got else {
                    panic!("{path}: {got:?}");
                };
                assert_eq!(body.collect().await.unwrap().to_bytes(), bytes, "{path}");
                keys.insert(object.key.as_str().to_owned());
            }
        }
    }
    let stored: BTreeSet<String> = store.keys().await.unwrap().into_iter().collect();
    assert_eq!(stored, keys);
    assert_eq!(
        keys.len(),
        98,
        "95 printable ASCII characters without three, and six others"
    );
}

#[tokio::test]
async fn what_is_stored_is_told_and_what_is_refused_says_why() {
    let clients = clients(&[]);
    let objects = clients.objects();
    let store = TestBucket::create(&clients, bucket("answers"))
        .await
        .unwrap();
    let bytes = Bytes::from_static(b"some bytes");
    let odd = RawMetadata {
        cache_control: Some("max-age=60, x=\"é\"".as_bytes().to_vec()),
        ..RawMetadata::default()
    };
    store.put("a", bytes.clone(), &odd).await.unwrap();

    let metadata = objects
        .head(&object("answers", "/a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(metadata.sha256, Some(Sha256::digest(&bytes).into()));
    assert_eq!(
        metadata.cache_control.unwrap().to_str(),
        Some("max-age=60, x=\"é\"")
    );
    assert_eq!(metadata.size, 10);

    let whole = Want::default();
    let refused = |what: Result<Fetched, StoreError>| what.unwrap_err().to_string();
    let no_bucket = refused(objects.get(&object("no-such-bucket", "/a"), &whole).await);
    assert!(
        no_bucket.contains("unavailable") && no_bucket.contains("404 NoSuchBucket"),
        "{no_bucket}"
    );

    let stranger = self::clients(&[("AWS_SECRET_ACCESS_KEY", "not-the-key")]).objects();
    let denied = stranger
        .get(&object("answers", "/a"), &whole)
        .await
        .unwrap_err();
    assert!(
        matches!(&denied, StoreError::Denied(text) if text.contains("403 SignatureDoesNotMatch")),
        "{denied}"
    );
    let denied = stranger.head(&object("answers", "/a")).await.unwrap_err();
    assert!(matches!(denied, StoreError::Denied(_)), "{denied}");
}

//! The directory is read as its keys say, and as nothing else.

use super::{DirectoryStore, DirectoryWriter, PART_BYTES_MAX};
use crate::object_path::ObjectPath;
use crate::store::{Fetched, Metadata, ObjectRef, ObjectStore as _, RawMetadata, StoreError, Want};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use portcullis_http_semantics::RangeSpec;
use portcullis_site::{Bucket, KeyPrefix};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

fn object(key: &str) -> ObjectRef {
    let path = ObjectPath::of_decoded(&format!("/{key}")).unwrap();
    let key = path.key(&KeyPrefix::new("").unwrap()).unwrap();
    ObjectRef {
        bucket: Bucket::new("files").unwrap(),
        key,
    }
}

fn put(root: &Path, key: &str, bytes: &[u8], raw: &RawMetadata) {
    let ObjectRef { bucket, key } = object(key);
    DirectoryWriter::new(root)
        .put(&bucket, &key, bytes, raw)
        .unwrap();
}

fn typed(content_type: &str) -> RawMetadata {
    RawMetadata {
        content_type: Some(content_type.as_bytes().to_vec()),
        ..RawMetadata::default()
    }
}

async fn head(root: &Path, key: &str) -> Result<Option<Metadata>, StoreError> {
    DirectoryStore::new(root).head(&object(key)).await
}

async fn content_type(root: &Path, key: &str) -> Option<String> {
    let metadata = head(root, key).await.unwrap().unwrap();
    metadata
        .content_type
        .map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_folder_of_plain_files_is_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "hello").unwrap();
    let store = DirectoryStore::without_root().with_bucket(object("x").bucket, folder.path());
    let metadata = store.head(&object("index.html")).await.unwrap().unwrap();
    assert_eq!((metadata.size, metadata.content_type), (5, None));
    assert!(metadata.last_modified.unwrap() > 1_700_000_000);
    let other = ObjectRef {
        bucket: Bucket::new("other").unwrap(),
        ..object("index.html")
    };
    assert_eq!(store.head(&other).await, Ok(None));
}

#[tokio::test]
async fn a_named_bucket_keeps_its_metadata_inside_and_does_not_serve_it() {
    let folder = tempfile::tempdir().unwrap();
    let ObjectRef { bucket, key } = object("a");
    let writer = DirectoryWriter::new("/nonexistent").with_bucket(bucket.clone(), folder.path());
    writer.put(&bucket, &key, b"a", &typed("text/x")).unwrap();
    assert!(folder.path().join(".portcullis/objects/a.json").is_file());
    let store = DirectoryStore::without_root().with_bucket(bucket, folder.path());
    let metadata = store.head(&object("a")).await.unwrap().unwrap();
    assert_eq!(metadata.content_type.unwrap().as_bytes(), b"text/x");
    assert_eq!(
        store.head(&object(".portcullis/objects/a.json")).await,
        Ok(None)
    );
}

#[tokio::test]
async fn no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    let bucket = folder.path().join("root/files");
    fs::create_dir_all(&bucket).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    fs::write(bucket.join("inside"), "inside").unwrap();
    symlink(outside.join("secret"), bucket.join("file")).unwrap();
    symlink(&outside, bucket.join("directory")).unwrap();
    symlink("inside", bucket.join("alias")).unwrap();
    symlink("dangling", bucket.join("dangling")).unwrap();
    symlink("loop", bucket.join("loop")).unwrap();
    let root = folder.path().join("root");
    assert!(head(&root, "inside").await.unwrap().is_some());
    for key in ["file", "directory/secret", "alias", "dangling", "loop"] {
        assert_eq!(head(&root, key).await, Ok(None), "{key}");
    }
    let ObjectRef { bucket, key } = object("directory/new/file");
    let put = DirectoryWriter::new(&root).put(&bucket, &key, b"x", &RawMetadata::default());
    assert!(put.is_err());
    assert!(
        !outside.join("new").exists(),
        "the writer follows none either"
    );
}

#[tokio::test]
async fn what_is_no_file_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        "directory/file",
        b"x",
        &RawMetadata::default(),
    );
    let pipe = folder.path().join("files/pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let long = "n".repeat(300);
    for key in [
        "directory",
        "directory/",
        "directory/file/below",
        "none",
        "pipe",
        &long,
    ] {
        assert_eq!(head(folder.path(), key).await, Ok(None), "{key}");
    }
}

#[tokio::test]
async fn metadata_goes_with_the_content_it_is_of() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "a", b"one", &typed("text/one"));
    assert_eq!(content_type(root, "a").await.as_deref(), Some("text/one"));
    put(root, "a", b"two", &typed("text/two"));
    assert_eq!(content_type(root, "a").await.as_deref(), Some("text/two"));
    fs::write(root.join("files/a"), "by hand").unwrap();
    assert_eq!(
        content_type(root, "a").await,
        None,
        "it was said of another content"
    );
    let by_hand = r#"[{"content_type": "text/hand"}]"#;
    fs::write(root.join(".portcullis/files/a.json"), by_hand).unwrap();
    assert_eq!(content_type(root, "a").await.as_deref(), Some("text/hand"));
}

#[tokio::test]
async fn a_write_that_was_stopped_half_way_leaves_the_old_object_with_its_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "a", b"old", &typed("text/old"));
    let old = fs::read_to_string(root.join(".portcullis/files/a.json")).unwrap();
    put(root, "b", b"new", &typed("text/new"));
    let new = fs::read_to_string(root.join(".portcullis/files/b.json")).unwrap();
    let both = format!(
        "[{},{}]",
        new.trim().trim_matches(['[', ']']),
        old.trim().trim_matches(['[', ']'])
    );
    fs::write(root.join(".portcullis/files/a.json"), both).unwrap();
    assert_eq!(content_type(root, "a").await.as_deref(), Some("text/old"));
    fs::rename(root.join("files/b"), root.join("files/a")).unwrap();
    assert_eq!(content_type(root, "a").await.as_deref(), Some("text/new"));
}

#[tokio::test]
async fn a_sidecar_that_cannot_be_read_is_an_error_and_not_an_absent_one() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a", b"x", &RawMetadata::default());
    let sidecar = folder.path().join(".portcullis/files/a.json");
    let long = format!("[{}]", " ".repeat(2 * 1024 * 1024));
    for text in ["", "{", "null", r#"[{"content-type": "text/x"}]"#, &long] {
        fs::write(&sidecar, text).unwrap();
        let found = head(folder.path(), "a").await;
        assert!(matches!(found, Err(StoreError::Malformed(_))), "{found:?}");
    }
}

#[tokio::test]
async fn illegal_values_are_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a", b"x", &typed("text/x\r\nset-cookie: y"));
    let metadata = head(folder.path(), "a").await.unwrap().unwrap();
    assert_eq!((metadata.content_type, metadata.invalid_values), (None, 1));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_breaks_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = vec![7; PART_BYTES_MAX * 3];
    put(folder.path(), "a", &bytes, &RawMetadata::default());
    let file = folder.path().join("files/a");
    for damage in [
        &bytes[..PART_BYTES_MAX * 3 - 1],
        &vec![8; bytes.len()],
        &vec![7; bytes.len() + 1],
    ] {
        fs::write(&file, &bytes).unwrap();
        // The times of two writes in a row can be the same.
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        let store = DirectoryStore::new(folder.path());
        let Ok(Fetched::Full(mut object)) = store.get(&object("a"), &Want::default()).await else {
            panic!("it is there");
        };
        let first = object.body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap().len(), PART_BYTES_MAX);
        fs::write(&file, damage).unwrap();
        let rest = object.body.collect().await;
        assert!(
            matches!(rest, Err(StoreError::Broken { .. })),
            "{} bytes",
            damage.len()
        );
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_read_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = vec![7; PART_BYTES_MAX * 3];
    put(folder.path(), "a", &bytes, &RawMetadata::default());
    let store = DirectoryStore::new(folder.path());
    let Ok(Fetched::Full(mut found)) = store.get(&object("a"), &Want::default()).await else {
        panic!("it is there");
    };
    found.body.frame().await.unwrap().unwrap();
    put(folder.path(), "a", b"new", &RawMetadata::default());
    assert_eq!(
        found.body.collect().await.unwrap().to_bytes(),
        bytes[PART_BYTES_MAX..]
    );
    let changed = store.head(&object("a")).await.unwrap().unwrap();
    assert_ne!(changed.etag, found.metadata.etag);
}

#[tokio::test]
async fn a_sparse_file_beyond_4_gib_is_ranged_into() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "big", b"", &RawMetadata::default());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("files/big"))
        .unwrap();
    let size = 5 * 1024 * 1024 * 1024_u64;
    let opened = {
        file.set_len(size).unwrap();
        super::Opened::open(&folder.path().join("files"), Path::new("big"))
            .unwrap()
            .unwrap()
    };
    // The entity tag of so large a file takes seconds, so the body is read without the store.
    let body = super::FileBody::new(opened, size - 10, 10);
    assert_eq!(
        body.collect().await.unwrap().to_bytes(),
        Bytes::from_static(&[0; 10])
    );
}

#[tokio::test]
async fn removed_objects_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a", b"x", &typed("text/x"));
    let ObjectRef { bucket, key } = object("a");
    let writer = DirectoryWriter::new(folder.path());
    writer.remove(&bucket, &key).unwrap();
    assert_eq!(head(folder.path(), "a").await, Ok(None));
    assert!(!folder.path().join(".portcullis/files/a.json").exists());
    assert!(writer.remove(&bucket, &key).is_err());
}

#[tokio::test]
async fn a_range_and_a_condition_are_met_on_the_same_open_file() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a", b"0123456789", &RawMetadata::default());
    let store = DirectoryStore::new(folder.path());
    let if_match = store.head(&object("a")).await.unwrap().unwrap().etag;
    let want = Want {
        range: Some(RangeSpec::Suffix(3)),
        if_match,
        ..Want::default()
    };
    let Ok(Fetched::Partial {
        object: found,
        first: 7,
        last: 9,
    }) = store.get(&object("a"), &want).await
    else {
        panic!("the last three bytes");
    };
    assert_eq!(found.body.collect().await.unwrap().to_bytes(), "789");
}

#[test]
fn writers_of_one_bucket_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let root = folder.path();
            scope.spawn(move || {
                for round in 0..10 {
                    let text = format!("{writer} {round}");
                    put(
                        root,
                        "a",
                        text.as_bytes(),
                        &typed(&format!("text/{writer}-{round}")),
                    );
                }
            });
        }
    });
    let text = fs::read_to_string(folder.path().join("files/a")).unwrap();
    let sidecar = fs::read_to_string(folder.path().join(".portcullis/files/a.json")).unwrap();
    assert!(
        sidecar.contains(&format!("text/{}", text.replace(' ', "-"))),
        "{text}: {sidecar}"
    );
    assert_eq!(sidecar.matches("sha256").count(), 1);
}

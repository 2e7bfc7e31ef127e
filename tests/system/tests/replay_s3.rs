//! `portcullis replay` over logs in S3, as CloudFront delivers them: listed by prefix, packed, one after the other.
//!
//! Witness: SeaweedFS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use portcullis_aws::clients::Clients;
use portcullis_aws::config::AwsAccess;
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::TestBucket;
use portcullis_origin::store::RawMetadata;
use portcullis_site::Bucket;
use portcullis_system::SeaweedFs;
use std::io::Write as _;
use std::process::{Command, Output};

const MANIFEST: &str = "\
version: 1
site: plain
origins: { files: { bucket: { name: served-files } } }
policies: { everyone: [{ allow: any }] }
behaviors: [{ path: \"*\", origin: files, policy: everyone }]
";

const LOG: &str = "#Version: 1.0
#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status x-edge-result-type
2026-03-01\t12:00:00\tFRA56-P1\t192.0.2.7\tGET\t/a\t200\tMiss
2026-03-01\t12:00:01\tFRA56-P1\t192.0.2.7\tGET\t/a\t200\tHit
";

fn replay(place: &str, variables: &[(String, String)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("portcullis.yaml"), MANIFEST).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"));
    let arguments = ["replay", place, "--json"];
    let command = command.current_dir(folder.path()).args(arguments);
    command.envs(variables.iter().cloned()).output().unwrap()
}

#[tokio::test]
async fn logs_are_read_where_cloudfront_puts_them() {
    let variables = SeaweedFs::shared().unwrap().env();
    let environment = Environment::new(variables.clone(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let bucket = TestBucket::create(&clients, Bucket::new("replayed-logs").unwrap())
        .await
        .unwrap();
    for hour in ["12", "13"] {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(LOG.as_bytes()).unwrap();
        let key = format!("cdn/E2EXAMPLE.2026-03-01-{hour}.abcd.gz");
        let bytes = Bytes::from(packed.finish().unwrap());
        bucket
            .put(&key, bytes, &RawMetadata::default())
            .await
            .unwrap();
    }
    let ran = replay("s3://replayed-logs/cdn/", &variables);
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["counts"]["requests"], 4, "{ran:?}");
    assert_eq!(report["counts"]["unreadable"], 0);
    let ran = replay("s3://no-such-bucket/cdn/", &variables);
    assert_eq!(ran.status.code(), Some(10));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        said.contains("`s3://no-such-bucket/cdn/` cannot be read"),
        "{said}"
    );
}

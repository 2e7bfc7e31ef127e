//! S3 keeps every promise of an object store, with SeaweedFS as the witness.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use portcullis_aws::clients::Clients;
use portcullis_aws::config::AwsAccess;
use portcullis_aws::environment::Environment;
use portcullis_aws::testing::TestBucket;
use portcullis_origin::conformance::store;
use portcullis_site::Bucket;
use portcullis_system::SeaweedFs;

#[tokio::test]
async fn s3_keeps_every_promise_of_an_object_store() {
    let server = SeaweedFs::shared().unwrap();
    let environment = Environment::new(server.env(), "");
    let clients = Clients::new(&AwsAccess::read(&environment).unwrap());
    let bucket = Bucket::new("conformance").unwrap();
    let fixture = TestBucket::create(&clients, bucket).await.unwrap();
    store::run(&clients.objects(), &fixture).await;
}

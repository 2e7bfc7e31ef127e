//! Buckets and tables that a test makes in a stand-in and fills through the SDK: the fixtures of the ports' suites.
//!
//! Nothing a gateway or a control function runs is in here.

use crate::clients::Clients;
use crate::config::TableName;
use crate::dynamodb::from_json;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use portcullis_origin::conformance;
use portcullis_origin::object_path::ObjectKey;
use portcullis_origin::store::RawMetadata;
use portcullis_site::{Bucket, Name};
use std::collections::HashMap;
use std::time::Duration;

/// How long a stand-in may take for one write.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bucket that a test made.
#[derive(Debug)]
pub struct TestBucket {
    client: aws_sdk_s3::Client,
    bucket: Bucket,
}

impl TestBucket {
    /// Makes the bucket.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create(clients: &Clients, bucket: Bucket) -> Result<Self, String> {
        let config = clients
            .sdk()
            .0
            .config()
            .to_builder()
            .timeout_config(patient());
        let client = aws_sdk_s3::Client::from_conf(config.build());
        let sent = client.create_bucket().bucket(bucket.as_str()).send().await;
        sent.map_err(text)?;
        Ok(Self { client, bucket })
    }

    /// Puts an object in place, with its SHA-256, overwriting an earlier one.
    ///
    /// # Errors
    /// What the store says, or a metadata value that is no text.
    pub async fn put(&self, key: &str, bytes: Bytes, metadata: &RawMetadata) -> Result<(), String> {
        let value = |value: &Option<Vec<u8>>| {
            value
                .clone()
                .map(String::from_utf8)
                .transpose()
                .map_err(text)
        };
        let expires = value(&metadata.expires)?;
        let put = self
            .client
            .put_object()
            .bucket(self.bucket.as_str())
            .key(key)
            .body(bytes.into())
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_content_type(value(&metadata.content_type)?)
            .set_content_encoding(value(&metadata.content_encoding)?)
            .set_content_language(value(&metadata.content_language)?)
            .set_content_disposition(value(&metadata.content_disposition)?)
            .set_cache_control(value(&metadata.cache_control)?)
            .customize()
            // The SDK takes only dates for it; stores keep any text.
            .mutate_request(move |request| {
                if let Some(expires) = &expires {
                    drop(request.headers_mut().try_insert("expires", expires.clone()));
                }
            });
        put.send().await.map(drop).map_err(text)
    }

    /// The keys of at most 1,000 objects, as the store knows them.
    ///
    /// # Errors
    /// What the store says.
    pub async fn keys(&self) -> Result<Vec<String>, String> {
        let list = self.client.list_objects_v2().bucket(self.bucket.as_str());
        let listed = list.send().await.map_err(text)?;
        let key = |object: &aws_sdk_s3::types::Object| object.key().map(str::to_owned);
        Ok(listed.contents().iter().filter_map(key).collect())
    }
}

impl conformance::store::Fixture for TestBucket {
    fn bucket(&self) -> Bucket {
        self.bucket.clone()
    }

    async fn put(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        metadata: &RawMetadata,
    ) -> Result<(), String> {
        TestBucket::put(self, key.as_str(), bytes, metadata).await
    }
}

/// A state table that a test made, and the item of one site in it.
#[derive(Debug)]
pub struct TestTable {
    client: aws_sdk_dynamodb::Client,
    table: TableName,
    site: Name,
}

impl TestTable {
    /// Makes the table, without an item.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create(clients: &Clients, table: TableName, site: Name) -> Result<Self, String> {
        let config = clients
            .sdk()
            .1
            .config()
            .to_builder()
            .timeout_config(patient());
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        let attribute = AttributeDefinition::builder()
            .attribute_name("site")
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(text)?;
        let key = KeySchemaElement::builder()
            .attribute_name("site")
            .key_type(KeyType::Hash)
            .build()
            .map_err(text)?;
        let sent = client
            .create_table()
            .table_name(table.as_str())
            .attribute_definitions(attribute)
            .key_schema(key)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await;
        sent.map_err(text)?;
        Ok(Self {
            client,
            table,
            site,
        })
    }

    /// Puts an item in place of the site's: these attributes and the key.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put_item(&self, mut item: HashMap<String, AttributeValue>) -> Result<(), String> {
        item.insert("site".to_owned(), AttributeValue::S(self.site.to_string()));
        let put = self.client.put_item().table_name(self.table.as_str());
        put.set_item(Some(item))
            .send()
            .await
            .map(drop)
            .map_err(text)
    }
}

impl conformance::state::Fixture for TestTable {
    /// The members of a JSON object become the item's attributes. What is no object becomes one attribute of that text.
    async fn put(&self, json: &str) -> Result<(), String> {
        let item = match serde_json::from_str(json).ok().and_then(from_json) {
            Some(AttributeValue::M(item)) => item,
            _ => HashMap::from([("state".to_owned(), AttributeValue::S(json.to_owned()))]),
        };
        self.put_item(item).await
    }

    async fn remove(&self) -> Result<(), String> {
        let key = AttributeValue::S(self.site.to_string());
        let delete = self.client.delete_item().table_name(self.table.as_str());
        delete.key("site", key).send().await.map(drop).map_err(text)
    }
}

/// A stand-in on a loaded machine may take its time to make a bucket's first volume.
fn patient() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE)
        .operation_timeout(PATIENCE)
        .build()
}

fn text(error: impl std::error::Error) -> String {
    DisplayErrorContext(error).to_string()
}

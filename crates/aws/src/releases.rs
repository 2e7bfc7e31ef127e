//! A release store in S3 and its ledger in DynamoDB, for those who publish. No function publishes.
//!
//! **The bucket** holds objects under the keys of releases alone; an object is written once, on the condition that there is
//! none, with its metadata and its SHA-256, which S3 checks.
//!
//! **The table** is that of the site state. The ledger is an item of its own, `SITE/releases`, with its JSON form in the
//! attribute `ledger` and its version in `version`. One transaction writes it, on the condition of the version that was read,
//! and the part `release` of the state that gateways poll: they never say different things.
//!
//! **Permissions**: `s3:PutObject`, `s3:GetObject`, `s3:DeleteObject` and `s3:ListBucket`; `dynamodb:GetItem`,
//! `dynamodb:PutItem` and `dynamodb:UpdateItem` on the two items.

mod ledger;
mod objects;

pub use ledger::DynamoLedger;
pub use objects::{OBJECT_BYTES_MAX, S3ReleaseObjects};

use crate::clients::Clients;
use crate::config::TableName;
use crate::failure::Failure;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use portcullis_release::port::PortError;
use portcullis_site::{Bucket, Name};
use std::time::Duration;

/// How long one attempt to send or read an object may take: 5 GB at 5 MB a second, and some.
pub const OBJECT_TIME_MAX: Duration = Duration::from_secs(1_200);
/// How long S3 may take to answer once an object was sent.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// How often a call is tried.
pub const ATTEMPTS_MAX: u32 = 4;

impl Clients {
    /// The release objects of a bucket.
    #[must_use]
    pub fn release_objects(&self, bucket: Bucket) -> S3ReleaseObjects {
        let time = TimeoutConfig::builder()
            .connect_timeout(crate::clients::CONNECT_TIME_MAX)
            .read_timeout(ANSWER_TIME_MAX)
            .operation_attempt_timeout(OBJECT_TIME_MAX)
            .disable_operation_timeout()
            .build();
        let config = self.s3().config().to_builder();
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX);
        let config = config.timeout_config(time).retry_config(retry).build();
        S3ReleaseObjects::new(aws_sdk_s3::Client::from_conf(config), bucket)
    }

    /// The ledger of a site, whose state is in `table`.
    #[must_use]
    pub fn ledger(&self, table: TableName, site: Name) -> DynamoLedger {
        DynamoLedger::new(self.dynamodb().clone(), table, site)
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(text) => Self::Denied(text),
            Failure::Throttled(text) | Failure::Unavailable(text) => Self::Unavailable(text),
            Failure::TimedOut => Self::Unavailable("no answer in time".to_owned()),
            Failure::Malformed(text) => Self::Malformed(text),
        }
    }
}

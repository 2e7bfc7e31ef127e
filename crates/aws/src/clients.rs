//! The clients of AWS: one connection pool and one set of limits for all of them.
//!
//! Always holds: attempts, time limits and the TLS provider are those written here, whatever the SDK's defaults become
//! ([`BehaviorVersion`] is pinned); a client made from the same [`Clients`] shares its connections.
//!
//! Nothing is connected and no certificate parsed until the first call. A function makes it while it starts, by loading
//! the site state: the name look-up, the trust store, the handshake and the first signature then happen while Lambda
//! lends a starting function a whole processor.

use crate::config::{AccessKeys, AwsAccess, Endpoints, TableName};
use crate::dynamodb::{DynamoState, DynamoStateWriter};
use crate::s3::{KeepUnreadHeaders, S3Objects};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::checksum_config::ResponseChecksumValidation;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use portcullis_site::Name;
use std::time::Duration;

/// How long a connection may take to be made.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// How long the first byte of an answer may take, in each attempt.
pub const FIRST_BYTE_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a call may take with all its attempts, until its answer begins; below CloudFront's 30 s by far.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(8);
/// How often a call to DynamoDB is tried.
///
/// One to S3 is tried once: serving repeats reads itself, counts them and paces them, and what it is to make at most twice
/// more (fault drill F01) must not be doubled below it.
pub const STATE_ATTEMPTS_MAX: u32 = 2;
/// The upper end of the random wait before the second attempt.
pub const STATE_BACKOFF: Duration = Duration::from_millis(50);
/// How long nothing of a body may arrive while somebody waits for it.
pub const STALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. S3 is reported to close one after about 20 s, and a request that meets the
/// closing would be lost.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(15);

/// The clients of one process.
#[derive(Debug, Clone)]
pub struct Clients {
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Clients {
    /// Clients that reach AWS as `access` says.
    #[must_use]
    pub fn new(access: &AwsAccess) -> Self {
        let AccessKeys {
            id,
            secret,
            session_token,
        } = access.keys.clone();
        // Lambda ends an environment before its keys end.
        let keys = Credentials::new(id, secret, session_token, None, "environment");
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            .timeout_config(time_limits())
            .stalled_stream_protection(stall_limit())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .region(Region::new(access.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .build();
        Self::of(&shared, &access.endpoints)
    }

    /// Clients with the whole chain of credential sources and AWS's configuration files, for people's machines.
    #[cfg(feature = "chain")]
    pub async fn of_profile(profile: Option<&str>, endpoints: &Endpoints) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            .timeout_config(time_limits())
            .stalled_stream_protection(stall_limit())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        Self::of(&loader.load().await, endpoints)
    }

    fn of(shared: &SdkConfig, endpoints: &Endpoints) -> Self {
        let mut s3 = aws_sdk_s3::config::Builder::from(shared)
            .retry_config(RetryConfig::disabled())
            .interceptor(KeepUnreadHeaders);
        if let Some(endpoint) = &endpoints.s3 {
            // A stand-in has no host name for each bucket.
            s3 = s3.endpoint_url(endpoint).force_path_style(true);
        }
        let mut dynamodb =
            aws_sdk_dynamodb::config::Builder::from(shared).retry_config(state_attempts());
        dynamodb.set_endpoint_url(endpoints.dynamodb.clone());
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        }
    }

    /// The objects of every bucket that the credentials may read.
    #[must_use]
    pub fn objects(&self) -> S3Objects {
        S3Objects::new(self.s3.clone())
    }

    /// The state of `site` in `table`.
    #[must_use]
    pub fn state(&self, table: TableName, site: Name) -> DynamoState {
        DynamoState::new(self.dynamodb.clone(), table, site)
    }

    /// What writes the state of `site` in `table`.
    #[must_use]
    pub fn state_writer(&self, table: TableName, site: Name) -> DynamoStateWriter {
        DynamoStateWriter::new(self.dynamodb.clone(), table, site)
    }

    #[cfg(feature = "chain")]
    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    #[cfg(feature = "releases")]
    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    #[cfg(feature = "testing")]
    pub(crate) fn sdk(&self) -> (&aws_sdk_s3::Client, &aws_sdk_dynamodb::Client) {
        (&self.s3, &self.dynamodb)
    }
}

fn http_client() -> SharedHttpClient {
    HttpClient::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .pool_idle_timeout(IDLE_TIME_MAX)
        .build_https()
}

fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .read_timeout(FIRST_BYTE_TIME_MAX)
        .operation_timeout(CALL_TIME_MAX)
        .build()
}

fn state_attempts() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(STATE_ATTEMPTS_MAX)
        .with_initial_backoff(STATE_BACKOFF)
}

fn stall_limit() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled()
        .grace_period(STALL_TIME_MAX)
        .build()
}

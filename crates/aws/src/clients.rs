//! The clients of AWS: one connection pool and one set of limits for all of them.
//!
//! Always holds: retries, time limits and the TLS provider are those written here, whatever the SDK's defaults become
//! ([`BehaviorVersion`] is pinned); a client made from the same [`Clients`] shares its connections.
//!
//! Nothing is connected and no certificate parsed until the first call. A function makes it while it starts, by loading
//! the site state: the name look-up, the trust store, the handshake and the first signature then happen while Lambda
//! lends a starting function a whole processor.

use crate::config::{ConfigError, Reader, TableName, Variable, variables as v};
use crate::dynamodb::{DynamoState, DynamoStateWriter};
use crate::environment::Environment;
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
/// How often a call is tried.
pub const ATTEMPTS_MAX: u32 = 2;
/// The upper end of the random wait before the second attempt.
pub const BACKOFF: Duration = Duration::from_millis(50);
/// How long nothing of a body may arrive while somebody waits for it.
pub const STALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. S3 is reported to close one after about 20 s, and a request that meets the
/// closing would be lost.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(15);

/// The longest credential, in bytes; session tokens have some 1,500.
const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
/// The longest address of a service, in bytes.
const ENDPOINT_BYTES_MAX: usize = 1_024;

/// How AWS is reached: region, credentials and, for stand-ins, other addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAccess {
    region: Region,
    credentials: Credentials,
    s3_endpoint: Option<String>,
    dynamodb_endpoint: Option<String>,
}

impl AwsAccess {
    /// Reads the variables that Lambda sets, and the SDK's variables for other addresses.
    ///
    /// # Errors
    /// The first variable that is wrong or missing.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let read = Reader(environment);
        let every = read.optional(&v::AWS_ENDPOINT_URL, endpoint)?;
        let of = |variable: &'static Variable| {
            let own = read.optional(variable, endpoint)?;
            Ok(own.or_else(|| every.clone()))
        };
        let credentials = Credentials::new(
            read.required(&v::AWS_ACCESS_KEY_ID, credential)?,
            read.required(&v::AWS_SECRET_ACCESS_KEY, credential)?,
            read.optional(&v::AWS_SESSION_TOKEN, credential)?,
            // Lambda ends an environment before its credentials end.
            None,
            "environment",
        );
        Ok(Self {
            region: read.required(&v::AWS_REGION, region)?,
            credentials,
            s3_endpoint: of(&v::AWS_ENDPOINT_URL_S3)?,
            dynamodb_endpoint: of(&v::AWS_ENDPOINT_URL_DYNAMODB)?,
        })
    }
}

fn endpoint(value: &str) -> Option<String> {
    let rest = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"))?;
    let is_url = !rest.is_empty()
        && !rest.starts_with('/')
        && value.len() <= ENDPOINT_BYTES_MAX
        && value.bytes().all(|b| b.is_ascii_graphic());
    is_url.then(|| value.to_owned())
}

fn credential(value: &str) -> Option<String> {
    let is_credential = (1..=CREDENTIAL_BYTES_MAX).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_graphic());
    is_credential.then(|| value.to_owned())
}

fn region(value: &str) -> Option<Region> {
    let may_stand = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_region = (1..=32).contains(&value.len()) && value.bytes().all(may_stand);
    is_region.then(|| Region::new(value.to_owned()))
}

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
        let credentials = SharedCredentialsProvider::new(access.credentials.clone());
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            .timeout_config(time_limits())
            .retry_config(attempts())
            .stalled_stream_protection(stall_limit())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .region(access.region.clone())
            .credentials_provider(credentials)
            .build();
        Self::of(
            &shared,
            access.s3_endpoint.as_deref(),
            access.dynamodb_endpoint.as_deref(),
        )
    }

    /// Clients with the whole chain of credential sources and AWS's configuration files, for people's machines.
    #[cfg(feature = "chain")]
    pub async fn of_profile(
        environment: &Environment,
        profile: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let read = Reader(environment);
        let every = read.optional(&v::AWS_ENDPOINT_URL, endpoint)?;
        let s3 = read
            .optional(&v::AWS_ENDPOINT_URL_S3, endpoint)?
            .or_else(|| every.clone());
        let dynamodb = read
            .optional(&v::AWS_ENDPOINT_URL_DYNAMODB, endpoint)?
            .or(every);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client())
            .timeout_config(time_limits())
            .retry_config(attempts())
            .stalled_stream_protection(stall_limit())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        Ok(Self::of(
            &loader.load().await,
            s3.as_deref(),
            dynamodb.as_deref(),
        ))
    }

    fn of(shared: &SdkConfig, s3_endpoint: Option<&str>, dynamodb_endpoint: Option<&str>) -> Self {
        let mut s3 = aws_sdk_s3::config::Builder::from(shared).interceptor(KeepUnreadHeaders);
        if let Some(endpoint) = s3_endpoint {
            // A stand-in has no host name for each bucket.
            s3 = s3.endpoint_url(endpoint).force_path_style(true);
        }
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(shared);
        dynamodb.set_endpoint_url(dynamodb_endpoint.map(str::to_owned));
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

fn attempts() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS_MAX)
        .with_initial_backoff(BACKOFF)
}

fn stall_limit() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled()
        .grace_period(STALL_TIME_MAX)
        .build()
}

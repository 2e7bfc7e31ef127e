//! How AWS is reached: region, keys and, for stand-ins, other addresses. What Lambda sets, as it sets it.

use super::variables as v;
use super::{ConfigError, Reader, Variable};
use crate::environment::Environment;
use std::fmt;

/// The longest key or token, in bytes; session tokens have some 1,500.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// The longest address of a service, in bytes.
const ENDPOINT_BYTES_MAX: usize = 1_024;

/// The way to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAccess {
    /// The region of every bucket and table.
    pub region: String,
    /// Whose permissions count.
    pub keys: AccessKeys,
    /// Where services are instead of where AWS has them.
    pub endpoints: Endpoints,
}

/// Keys that sign requests. They do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    /// The access key's id.
    pub id: String,
    /// The secret key.
    pub secret: String,
    /// The session token of keys that end.
    pub session_token: Option<String>,
}

/// Other addresses of services, as `http://` or `https://` URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Of S3.
    pub s3: Option<String>,
    /// Of DynamoDB.
    pub dynamodb: Option<String>,
}

impl AwsAccess {
    /// Reads the variables that Lambda sets, and the SDK's variables for other addresses.
    ///
    /// # Errors
    /// The first variable that is wrong or missing.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let read = Reader(environment);
        Ok(Self {
            keys: AccessKeys {
                id: read.required(&v::AWS_ACCESS_KEY_ID, key)?,
                secret: read.required(&v::AWS_SECRET_ACCESS_KEY, key)?,
                session_token: read.optional(&v::AWS_SESSION_TOKEN, key)?,
            },
            region: read.required(&v::AWS_REGION, region)?,
            endpoints: Endpoints::read(environment)?,
        })
    }
}

impl Endpoints {
    /// Reads the SDK's variables for other addresses: a service's own before that of all.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let read = Reader(environment);
        let every = read.optional(&v::AWS_ENDPOINT_URL, endpoint)?;
        let of = |variable: &'static Variable| {
            let own = read.optional(variable, endpoint)?;
            Ok(own.or_else(|| every.clone()))
        };
        Ok(Self {
            s3: of(&v::AWS_ENDPOINT_URL_S3)?,
            dynamodb: of(&v::AWS_ENDPOINT_URL_DYNAMODB)?,
        })
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeys(..)")
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

fn key(value: &str) -> Option<String> {
    let is_key =
        (1..=KEY_BYTES_MAX).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
    is_key.then(|| value.to_owned())
}

fn region(value: &str) -> Option<String> {
    let may_stand = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_region = (1..=32).contains(&value.len()) && value.bytes().all(may_stand);
    is_region.then(|| value.to_owned())
}

//! The two ports over what a store is made of: a folder and a file, or S3 and DynamoDB in a program built with the feature
//! `aws`.

use crate::exit::Failure;
use bytes::Bytes;
#[cfg(feature = "aws")]
use portcullis_aws::releases::{DynamoLedger, S3ReleaseObjects};
use portcullis_release::directory::DirectoryObjects;
use portcullis_release::file::FileLedger;
use portcullis_release::key::VersionedKey;
use portcullis_release::ledger::Ledger;
use portcullis_release::port::{
    Description, LedgerPort, ObjectPort, Page, PortError, Put, Upload, Written,
};
use portcullis_site::Bucket;

/// Where objects are.
pub(crate) enum Objects {
    Directory(DirectoryObjects),
    #[cfg(feature = "aws")]
    S3(S3ReleaseObjects),
}

/// Where the ledger is.
pub(crate) enum Ledgers {
    File(FileLedger),
    #[cfg(feature = "aws")]
    DynamoDb(DynamoLedger),
}

/// The bucket in S3 and the ledger in a table.
#[cfg(feature = "aws")]
pub(super) fn in_account(
    bucket: &Bucket,
    table: &str,
    site: &str,
    profile: Option<&str>,
) -> Result<(Objects, Ledgers), Failure> {
    use portcullis_aws::clients::Clients;
    use portcullis_aws::config::{Endpoints, TableName};
    use portcullis_aws::environment::Environment;
    use portcullis_site::Name;
    let table = TableName::new(table)
        .ok_or_else(|| Failure::usage(format!("`{table}` is no name of a table")))?;
    let site = Name::new(site).map_err(Failure::usage)?;
    let endpoints = Endpoints::read(&Environment::of_process()).map_err(Failure::usage)?;
    let clients = crate::release::wait(Clients::of_profile(profile, &endpoints))?;
    Ok((
        Objects::S3(clients.release_objects(bucket.clone())),
        Ledgers::DynamoDb(clients.ledger(table, site)),
    ))
}

#[cfg(not(feature = "aws"))]
pub(super) fn in_account(
    _bucket: &Bucket,
    table: &str,
    site: &str,
    _profile: Option<&str>,
) -> Result<(Objects, Ledgers), Failure> {
    Err(Failure::usage(format!(
        "this program has no AWS, so `dynamodb:{table}/{site}` cannot be reached"
    ))
    .help("build it with `--features aws`"))
}

impl ObjectPort for Objects {
    async fn put_if_absent(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        match self {
            Self::Directory(store) => store.put_if_absent(key, upload).await,
            #[cfg(feature = "aws")]
            Self::S3(store) => store.put_if_absent(key, upload).await,
        }
    }

    async fn head(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        match self {
            Self::Directory(store) => store.head(key).await,
            #[cfg(feature = "aws")]
            Self::S3(store) => store.head(key).await,
        }
    }

    async fn get(&self, key: &VersionedKey, bytes_max: u64) -> Result<Option<Bytes>, PortError> {
        match self {
            Self::Directory(store) => store.get(key, bytes_max).await,
            #[cfg(feature = "aws")]
            Self::S3(store) => store.get(key, bytes_max).await,
        }
    }

    async fn list(&self, prefix: &str, from: Option<&str>) -> Result<Page, PortError> {
        match self {
            Self::Directory(store) => store.list(prefix, from).await,
            #[cfg(feature = "aws")]
            Self::S3(store) => store.list(prefix, from).await,
        }
    }

    async fn delete(&self, keys: &[VersionedKey]) -> Result<(), PortError> {
        match self {
            Self::Directory(store) => store.delete(keys).await,
            #[cfg(feature = "aws")]
            Self::S3(store) => store.delete(keys).await,
        }
    }
}

impl LedgerPort for Ledgers {
    async fn load(&self) -> Result<Ledger, PortError> {
        match self {
            Self::File(ledger) => ledger.load().await,
            #[cfg(feature = "aws")]
            Self::DynamoDb(ledger) => ledger.load().await,
        }
    }

    async fn store(&self, expected: u64, next: &Ledger) -> Result<Written, PortError> {
        match self {
            Self::File(ledger) => ledger.store(expected, next).await,
            #[cfg(feature = "aws")]
            Self::DynamoDb(ledger) => ledger.store(expected, next).await,
        }
    }
}

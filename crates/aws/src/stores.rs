//! The stores that a configuration names: one type for each port, whichever adapter is behind it.

use crate::clients::Clients;
use crate::config::{AwsAccess, GatewayConfig, ObjectsLocation, StateLocation};
use crate::dynamodb::DynamoState;
use crate::s3::S3Objects;
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::{SiteState, StateError, StateStore};
use portcullis_origin::store::directory::DirectoryStore;
use portcullis_origin::store::{Fetched, Metadata, ObjectRef, ObjectStore, StoreError, Want};

/// The stores of one gateway.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Its buckets.
    pub objects: Objects,
    /// Its site's state.
    pub state: State,
}

/// Where a gateway's buckets are.
#[derive(Debug, Clone)]
pub enum Objects {
    /// In S3.
    S3(S3Objects),
    /// In directories.
    Directory(DirectoryStore),
}

/// Where a site's state is kept.
#[derive(Debug, Clone)]
pub enum State {
    /// In a DynamoDB table.
    DynamoDb(DynamoState),
    /// In a file.
    File(FileState),
}

impl Stores {
    /// The stores that `config` names. Nothing is connected or opened yet; one set of clients is made, if any is needed.
    #[must_use]
    pub fn of(config: &GatewayConfig) -> Self {
        let mut made = None;
        let mut clients =
            |access: &AwsAccess| made.get_or_insert_with(|| Clients::new(access)).clone();
        let objects = match &config.objects {
            ObjectsLocation::S3(access) => Objects::S3(clients(access).objects()),
            ObjectsLocation::Directory(root) => Objects::Directory(DirectoryStore::new(root)),
        };
        let state = match &config.state {
            StateLocation::DynamoDb {
                access,
                table,
                site,
            } => State::DynamoDb(clients(access).state(table.clone(), site.clone())),
            StateLocation::File(path) => State::File(FileState::new(path)),
        };
        Self { objects, state }
    }
}

impl ObjectStore for Objects {
    async fn get(&self, object: &ObjectRef, want: &Want) -> Result<Fetched, StoreError> {
        match self {
            Self::S3(objects) => objects.get(object, want).await,
            Self::Directory(objects) => objects.get(object, want).await,
        }
    }

    async fn head(&self, object: &ObjectRef) -> Result<Option<Metadata>, StoreError> {
        match self {
            Self::S3(objects) => objects.head(object).await,
            Self::Directory(objects) => objects.head(object).await,
        }
    }
}

impl StateStore for State {
    async fn load(&self) -> Result<SiteState, StateError> {
        match self {
            Self::DynamoDb(state) => state.load().await,
            Self::File(state) => state.load().await,
        }
    }
}

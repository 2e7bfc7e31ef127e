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

#[cfg(test)]
mod tests {
    use super::{Objects, State, Stores};
    use crate::canned::{Canned, environment};
    use crate::config::GatewayConfig;
    use crate::environment::Environment;
    use portcullis_origin::object_path::ObjectPath;
    use portcullis_origin::state::{SiteState, StateError, StateStore as _};
    use portcullis_origin::store::{Fetched, ObjectRef, ObjectStore as _, Want};
    use portcullis_site::{Bucket, KeyPrefix};

    fn stores(environment: &Environment) -> Stores {
        Stores::of(&GatewayConfig::read(environment).unwrap())
    }

    fn object() -> ObjectRef {
        let path = ObjectPath::parse("/a.txt").unwrap();
        let bucket = Bucket::new("files").unwrap();
        let key = path.key(&KeyPrefix::new("").unwrap()).unwrap();
        ObjectRef { bucket, key }
    }

    #[tokio::test]
    async fn a_local_gateway_reads_a_directory_and_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let variables = [
            ("PORTCULLIS_STATE", format!("file:{}", path("state.json"))),
            (
                "PORTCULLIS_OBJECTS",
                format!("directory:{}", path("buckets")),
            ),
        ];
        let Stores { objects, state } = stores(&Environment::new(variables, ""));
        assert!(matches!(
            (&objects, &state),
            (Objects::Directory(_), State::File(_))
        ));
        assert_eq!(state.load().await, Err(StateError::Missing));
        std::fs::write(path("state.json"), "{}").unwrap();
        assert_eq!(state.load().await, Ok(SiteState::default()));

        assert_eq!(objects.head(&object()).await, Ok(None));
        std::fs::create_dir_all(path("buckets/files")).unwrap();
        std::fs::write(path("buckets/files/a.txt"), "text").unwrap();
        assert_eq!(objects.head(&object()).await.unwrap().unwrap().size, 4);
        let got = objects.get(&object(), &Want::default()).await;
        assert!(matches!(got, Ok(Fetched::Full(_))), "{got:?}");
    }

    #[tokio::test]
    async fn a_function_reads_s3_and_dynamodb() {
        let server = Canned::saying(
            "HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        )
        .await;
        let environment = environment(
            server.port(),
            &[("PORTCULLIS_STATE", "dynamodb:table/site")],
        );
        let Stores { objects, state } = stores(&environment);
        assert!(matches!(
            (&objects, &state),
            (Objects::S3(_), State::DynamoDb(_))
        ));
        assert_eq!(state.load().await, Err(StateError::Missing));
        assert_eq!(objects.head(&object()).await.unwrap().unwrap().size, 2);
        let got = objects.get(&object(), &Want::default()).await;
        assert!(matches!(got, Ok(Fetched::Full(_))), "{got:?}");
        let requests = server.requests();
        let first_words = requests
            .iter()
            .map(|request| request.split('?').next().unwrap_or_default());
        let first_words: Vec<_> = first_words
            .map(|line| line.split(" HTTP").next().unwrap_or_default())
            .collect();
        assert_eq!(
            first_words,
            ["POST /", "HEAD /files/a.txt", "GET /files/a.txt"]
        );
    }
}

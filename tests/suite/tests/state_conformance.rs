//! Every local state store keeps every promise of the port. DynamoDB runs the same suite in the system tests.

use portcullis_origin::conformance::state::{Fixture, run};
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::memory::MemoryState;
use portcullis_origin::state::{SiteState, StateError};
use std::path::PathBuf;

struct InFile(PathBuf);

impl Fixture for InFile {
    async fn put(&self, text: &str) -> Result<(), String> {
        std::fs::write(&self.0, text).map_err(|error| error.to_string())
    }

    async fn remove(&self) -> Result<(), String> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

struct InMemory(MemoryState);

impl Fixture for InMemory {
    async fn put(&self, text: &str) -> Result<(), String> {
        self.0.say(SiteState::from_json(text.as_bytes()));
        Ok(())
    }

    async fn remove(&self) -> Result<(), String> {
        self.0.say(Err(StateError::Missing));
        Ok(())
    }
}

#[tokio::test]
async fn a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    run(&FileState::new(&path), &InFile(path.clone())).await;
}

#[tokio::test]
async fn memory() {
    let store = MemoryState::new(Err(StateError::Missing));
    run(&store, &InMemory(store.clone())).await;
}

#[tokio::test]
#[should_panic(expected = "breaks")]
async fn a_store_that_keeps_none_is_refused() {
    let store = MemoryState::new(Ok(SiteState::default()));
    let another = MemoryState::new(Err(StateError::Missing));
    run(&store, &InMemory(another)).await;
}

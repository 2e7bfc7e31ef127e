//! Logs in S3: listed by their prefix, fetched one at a time into a file without a name.

use super::{FILES_MAX, S3};
use crate::exit::{Exit, Failure};
use portcullis_aws::clients::Clients;
use portcullis_aws::config::Endpoints;
use portcullis_aws::environment::Environment;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// The logs whose keys begin with what stands behind the bucket.
pub(super) fn objects(place: &str) -> Result<Vec<PathBuf>, Failure> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let keys = runtime()?.block_on(async {
        let listed = clients().await?.keys(bucket, prefix, FILES_MAX).await;
        listed.map_err(|why| failed(place, &why))
    })?;
    let paths = keys
        .iter()
        .map(|key| PathBuf::from(format!("{S3}{bucket}/{key}")));
    Ok(paths.collect())
}

/// A log, in a file that is gone when it is closed.
pub(super) fn fetched(place: &str) -> Result<File, Failure> {
    let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
    let mut file = tempfile::tempfile().map_err(Failure::failed)?;
    runtime()?.block_on(async {
        let take = |part: &[u8]| file.write_all(part);
        let fetched = clients().await?.fetch(bucket, key, take).await;
        fetched.map_err(|why| failed(place, &why))
    })?;
    file.rewind().map_err(Failure::failed)?;
    Ok(file)
}

fn failed(place: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Aws, format!("`{S3}{place}` cannot be read: {why}"))
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)
}

async fn clients() -> Result<Clients, Failure> {
    let endpoints = Endpoints::read(&Environment::of_process()).map_err(Failure::usage)?;
    Ok(Clients::of_profile(None, &endpoints).await)
}

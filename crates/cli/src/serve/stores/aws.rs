//! S3 and DynamoDB beside folders and a file, with AWS's own chain of credentials, profiles and endpoint variables.

use super::StatePlace;
use crate::args::Serve;
use crate::exit::Failure;
use crate::gateway::Folders;
use portcullis_aws::clients::Clients;
use portcullis_aws::config::{Endpoints, TableName};
use portcullis_aws::environment::Environment;
pub(crate) use portcullis_aws::stores::{Objects, State};
use portcullis_origin::state::file::FileState;
use portcullis_site::Name;

/// The stores that the arguments name. Nothing is connected yet.
pub(crate) async fn open(args: &Serve, folders: &Folders) -> Result<(Objects, State), Failure> {
    let objects = if args.s3 {
        Objects::S3(clients(args).await?.objects())
    } else {
        Objects::Directory(folders.store())
    };
    let state = match &args.state {
        StatePlace::File(path) => State::File(FileState::new(path)),
        StatePlace::DynamoDb { table, site } => {
            let table = TableName::new(table)
                .ok_or_else(|| Failure::usage(format!("`{table}` is no name of a table")))?;
            let site = Name::new(site.clone()).map_err(Failure::usage)?;
            State::DynamoDb(clients(args).await?.state(table, site))
        }
    };
    Ok((objects, state))
}

async fn clients(args: &Serve) -> Result<Clients, Failure> {
    let endpoints = Endpoints::read(&Environment::of_process()).map_err(Failure::usage)?;
    Ok(Clients::of_profile(args.profile.as_deref(), &endpoints).await)
}

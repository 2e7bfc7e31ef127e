//! Folders and a file, and no other place.

use super::StatePlace;
use crate::args::Serve;
use crate::exit::Failure;
use crate::gateway::Folders;
use portcullis_origin::state::file::FileState;
use portcullis_origin::store::directory::DirectoryStore;

pub(crate) type Objects = DirectoryStore;
pub(crate) type State = FileState;

/// The stores that the arguments name.
pub(crate) async fn open(args: &Serve, folders: &Folders) -> Result<(Objects, State), Failure> {
    match &args.state {
        StatePlace::File(path) if !args.s3 => Ok((folders.store(), FileState::new(path))),
        _ => Err(
            Failure::usage("this program was built without S3 and DynamoDB")
                .help("build it with `cargo build --release -p portcullis --features aws`"),
        ),
    }
}

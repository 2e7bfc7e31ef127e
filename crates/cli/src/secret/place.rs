//! Where the accepted secrets are: in the state file of a server, or in the item of a site in a program built with the feature
//! `aws`.

use crate::args::Secret;
use crate::exit::Failure;
use crate::serve::StatePlace;
use portcullis_origin::state::file::FileState;
use portcullis_origin::state::{Secrets, StateError, StateStore as _};
use tokio::runtime::Runtime;

/// A state.
pub(super) struct Place {
    runtime: Runtime,
    state: State,
}

enum State {
    File(FileState),
    #[cfg(feature = "aws")]
    DynamoDb(Box<aws::Item>),
}

impl Place {
    pub(super) fn open(args: &Secret) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        let state = match &args.state {
            None => {
                return Err(Failure::usage("`--state` is missing")
                    .help("it is dynamodb:TABLE/SITE, or the state file of a `portcullis serve`"));
            }
            Some(StatePlace::File(path)) => State::File(FileState::new(path)),
            #[cfg(feature = "aws")]
            Some(StatePlace::DynamoDb { table, site }) => {
                let item = aws::Item::open(&runtime, table, site, args.profile.as_deref())?;
                State::DynamoDb(Box::new(item))
            }
            #[cfg(not(feature = "aws"))]
            Some(place @ StatePlace::DynamoDb { .. }) => {
                return Err(Failure::usage(format!(
                    "this program has no AWS, so `{place}` cannot be reached"
                ))
                .help("build it with `--features aws`"));
            }
        };
        Ok(Self { runtime, state })
    }

    /// What is accepted; `None` where there is no state yet.
    pub(super) fn load(&self) -> Result<Option<Secrets>, Failure> {
        let loaded = self.runtime.block_on(async {
            match &self.state {
                State::File(state) => state.load().await,
                #[cfg(feature = "aws")]
                State::DynamoDb(item) => item.state.load().await,
            }
        });
        match loaded {
            Ok(state) => Ok(Some(state.secrets)),
            Err(StateError::Missing) => Ok(None),
            Err(why) => Err(Failure::failed(format!("the state: {why}"))),
        }
    }

    /// Replaces what was read.
    pub(super) fn store(&self, known: Option<&Secrets>, next: &Secrets) -> Result<(), Failure> {
        match &self.state {
            State::File(state) => {
                let mut same = true;
                let updated = state.update(|state| {
                    same = Some(&state.secrets) == known || state.secrets == Secrets::default();
                    if same {
                        state.secrets = next.clone();
                    }
                });
                updated.map_err(|why| Failure::failed(format!("the state: {why}")))?;
                if same { Ok(()) } else { Err(overtaken()) }
            }
            #[cfg(feature = "aws")]
            State::DynamoDb(item) => self.runtime.block_on(item.store(known, next)),
        }
    }
}

fn overtaken() -> Failure {
    Failure::failed("somebody else changed the secrets meanwhile; nothing was written")
        .help("`portcullis secret show` says what is accepted now")
}

#[cfg(feature = "aws")]
mod aws {
    use super::{Failure, Runtime, Secrets, overtaken};
    use portcullis_aws::clients::Clients;
    use portcullis_aws::config::{Endpoints, TableName};
    use portcullis_aws::dynamodb::{DynamoState, DynamoStateWriter, WriteError};
    use portcullis_aws::environment::Environment;
    use portcullis_origin::state::SiteState;
    use portcullis_site::Name;

    /// The item of a site.
    pub(super) struct Item {
        pub(super) state: DynamoState,
        writer: DynamoStateWriter,
    }

    impl Item {
        pub(super) fn open(
            runtime: &Runtime,
            table: &str,
            site: &str,
            profile: Option<&str>,
        ) -> Result<Self, Failure> {
            let table = TableName::new(table)
                .ok_or_else(|| Failure::usage(format!("`{table}` is no name of a table")))?;
            let site = Name::new(site).map_err(Failure::usage)?;
            let endpoints = Endpoints::read(&Environment::of_process()).map_err(Failure::usage)?;
            let clients = runtime.block_on(Clients::of_profile(profile, &endpoints));
            Ok(Self {
                state: clients.state(table.clone(), site.clone()),
                writer: clients.state_writer(table, site),
            })
        }

        /// The first value makes the state; later ones change that part of it.
        pub(super) async fn store(
            &self,
            known: Option<&Secrets>,
            next: &Secrets,
        ) -> Result<(), Failure> {
            let written = match known {
                Some(known) => self.writer.update_secrets(known.version, next).await,
                None => {
                    let state = SiteState {
                        secrets: next.clone(),
                        ..SiteState::default()
                    };
                    self.writer.create(&state).await
                }
            };
            written.map_err(|why| match why {
                WriteError::Conflict { .. } => overtaken(),
                why => Failure::failed(format!("the state: {why}")),
            })
        }
    }
}

//! Updates of a distribution through the control API: read and checked as the files were.

use super::origins::Places;
use super::read::{Encryption, encryption, unplayable};
use super::world::Elsewhere;
use crate::args::Edge as Arguments;
use crate::control::{Reading, Updates};
use arc_swap::ArcSwap;
use portcullis_control::ApiError;
use portcullis_distribution::value::Value;
use portcullis_distribution::{Fault, Resources, Rule, config};
use portcullis_edge::distribution::{Distribution, leave_out};
use portcullis_edge_functions::Runner;
use portcullis_edge_server::drive::Edge;
use std::sync::Arc;

/// What an update is read with.
pub(super) struct FromApi {
    pub(super) args: Arguments,
    pub(super) resources: Resources,
    pub(super) edge: Edge<Elsewhere>,
    pub(super) functions: Arc<ArcSwap<Runner>>,
    /// The ids of all distributions.
    pub(super) ids: Vec<String>,
}

impl Updates for FromApi {
    fn read<'a>(&'a self, id: &'a str, config: &'a Value) -> Reading<'a> {
        Box::pin(async move {
            let current = self.current();
            let domain = current.iter().find(|one| one.id == id);
            let domain = domain.map_or("", |one| one.domain.as_str()).to_owned();
            let read = config::read_update(config, &self.resources, id, &domain);
            let mut read = read.map_err(|faults| refused(&faults))?;
            let without = &self.args.described.without;
            without
                .iter()
                .for_each(|option| leave_out(&mut read, option));
            let mut all = current;
            all.retain(|one| one.id != id);
            all.push(read.clone());
            let encryption = self.checked(&all)?;
            let places = Places::of(&self.args, &all).await;
            let places = places.map_err(|why| ApiError::argument(why.to_string()))?;
            self.edge.world().replace(places, encryption);
            self.edge.forget_connectors();
            Ok(read)
        })
    }
}

impl FromApi {
    /// The newest versions that are played.
    fn current(&self) -> Vec<Distribution> {
        self.edge.with_network(|network| {
            let played = self.ids.iter().filter_map(|id| network.played(id, 0));
            played.map(|played| played.distribution.clone()).collect()
        })
    }

    fn checked(&self, all: &[Distribution]) -> Result<Encryption, ApiError> {
        if let Some(first) = unplayable(all).first() {
            return Err(ApiError::argument(format!("{first}")));
        }
        let runner = self.functions.load();
        let missing = all.iter().flat_map(|one| runner.missing(one)).next();
        if let Some((pattern, compute)) = missing {
            let message = format!("`{pattern}` runs {compute:?}, whose code is not here");
            return Err(ApiError::argument(message));
        }
        encryption(all, &self.resources).map_err(|why| ApiError::argument(why.to_string()))
    }
}

/// The first fault's code, where CloudFront has it, and all that is wrong.
fn refused(faults: &[Fault]) -> ApiError {
    let told: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.path, fault.message))
        .collect();
    let own = faults.first().map(|fault| fault.rule);
    ApiError {
        status: 400,
        code: own
            .filter(|rule| *rule >= Rule::InvalidArgument)
            .map_or("InvalidArgument", |rule| rule.name()),
        message: told.join("; "),
    }
}

//! Updates of a distribution through the control API: read and checked as the files were.

use super::read::{encryption, unplayable};
use super::world::Elsewhere;
use crate::args::Edge as Arguments;
use crate::control::Updates;
use crate::exit::Failure;
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
    pub(super) resources: Arc<ArcSwap<Resources>>,
    pub(super) edge: Edge<Elsewhere>,
    pub(super) functions: Arc<ArcSwap<Runner>>,
}

impl Updates for FromApi {
    fn read(&self, id: &str, domain: &str, config: &Value) -> Result<Distribution, ApiError> {
        let resources = self.resources.load();
        let read = config::read_update(config, &resources, id, domain);
        let mut read = read.map_err(|faults| refused(&faults))?;
        for option in &self.args.described.without {
            leave_out(&mut read, option);
        }
        let one = std::slice::from_ref(&read);
        if let Some(first) = unplayable(one).first() {
            return Err(ApiError::argument(format!("{first}")));
        }
        if let Some((pattern, compute)) = self.functions.load().missing(&read).into_iter().next() {
            let message = format!("`{pattern}` runs {compute:?}, whose code is not here");
            return Err(ApiError::argument(message));
        }
        let argument = |why: Failure| ApiError::argument(why.to_string());
        let encryption = encryption(one, &resources).map_err(argument)?;
        self.edge.world().add(&read, encryption).map_err(argument)?;
        self.edge.forget_connectors();
        Ok(read)
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

//! All functions of a laptop, by the names that distributions use: it answers the calls of the model.
//!
//! A run blocks its thread for as long as a function may take, so a driver that is asynchronous runs it on a thread that may
//! block (`Functions` of `portcullis-edge-server`; the test `driven` does so).

use crate::function::{EdgeFunction, Place, Ran};
use crate::lambda::LambdaFunction;
use portcullis_edge::compute::{ComputeCall, ComputeFailure};
use portcullis_edge::distribution::{Compute, Distribution};
use std::collections::HashMap;

/// The most functions of either kind (CloudFront's quota for an account).
pub const FUNCTIONS_MAX: usize = 100;

/// Functions by name, Lambda@Edge functions by ARN.
#[derive(Debug, Default)]
pub struct Runner {
    functions: HashMap<String, EdgeFunction>,
    lambdas: HashMap<String, LambdaFunction>,
}

/// There are as many as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account has at most {FUNCTIONS_MAX} functions")]
pub struct TooMany;

impl Runner {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a CloudFront Function, or puts it in the place of the one with its name.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn add(&mut self, function: EdgeFunction) -> Result<(), TooMany> {
        let name = function.name().to_owned();
        insert(&mut self.functions, name, function)
    }

    /// Adds a Lambda@Edge function, or puts it in the place of the one with its ARN, whose process ends.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn add_lambda(&mut self, function: LambdaFunction) -> Result<(), TooMany> {
        let arn = function.arn().to_owned();
        insert(&mut self.lambdas, arn, function)
    }

    /// Whether it can run this.
    #[must_use]
    pub fn has(&self, compute: &Compute) -> bool {
        match compute {
            Compute::Function(name) => self.functions.contains_key(name),
            Compute::Lambda { arn, .. } => self.lambdas.contains_key(arn),
        }
    }

    /// What a distribution asks for and is not here, each with the pattern of its behavior.
    #[must_use]
    pub fn missing<'a>(&self, distribution: &'a Distribution) -> Vec<(&'a str, &'a Compute)> {
        let mut missing = Vec::new();
        for (at, behavior) in distribution.all_behaviors().enumerate() {
            let own = &behavior.functions;
            let all = [
                &own.viewer_request,
                &own.origin_request,
                &own.origin_response,
                &own.viewer_response,
            ];
            let asked = all.into_iter().flatten();
            missing.extend(
                asked
                    .filter(|compute| !self.has(compute))
                    .map(|compute| (distribution.pattern(at), compute)),
            );
        }
        missing
    }

    /// Answers a call of the model. One for a function that is not here fails, as one that crashed.
    #[must_use]
    pub fn run(&self, call: ComputeCall, place: Place<'_>) -> Ran {
        match &call.compute {
            Compute::Function(name) => match self.functions.get(name) {
                Some(function) => function.run(call, place),
                None => absent(name),
            },
            Compute::Lambda { arn, .. } => match self.lambdas.get(arn) {
                Some(function) => function.run(call, place),
                None => absent(arn),
            },
        }
    }
}

fn insert<T>(all: &mut HashMap<String, T>, name: String, one: T) -> Result<(), TooMany> {
    if all.len() >= FUNCTIONS_MAX && !all.contains_key(&name) {
        return Err(TooMany);
    }
    all.insert(name, one);
    Ok(())
}

fn absent(name: &str) -> Ran {
    Ran {
        outcome: Err(ComputeFailure::Execution),
        log: vec![format!("the code of `{name}` is not here")],
        utilization: 0,
    }
}

//! What can be typed about the secret header.

use crate::serve::StatePlace;
use clap::{Args, Subcommand};

/// `secret`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis secret show --state dynamodb:state/handbook
  aws secretsmanager get-random-password --exclude-punctuation --query RandomPassword --output text > next.txt
  portcullis secret accept --state dynamodb:state/handbook < next.txt
  portcullis secret promote --state dynamodb:state/handbook --plan
  portcullis secret retire --state dynamodb:state/handbook

A rotation has four steps, and no request is refused on the way: accept the next value; when every gateway knows it, let the
distribution send it and wait until it is deployed; promote it; retire the value before when nobody sends it any more. The
first value is accepted in the same way, before the distribution is used. Only digests are stored.")]
pub(crate) struct Secret {
    #[command(subcommand)]
    pub(crate) step: SecretStep,
    /// The site state: `dynamodb:TABLE/SITE`, or the state file of a `portcullis serve`.
    #[arg(long, global = true, value_name = "WHERE", env = "PORTCULLIS_STATE")]
    pub(crate) state: Option<StatePlace>,
    /// The profile of AWS's configuration files.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Say what would change, and change nothing: exit code 4 if anything would.
    #[arg(long, global = true)]
    pub(crate) plan: bool,
    /// Print what is accepted as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A step of a rotation.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum SecretStep {
    /// Show which values are accepted, by the beginning of their digests
    Show,
    /// Accept the value on standard input too
    Accept,
    /// The accepted value is what the distribution sends now
    Promote,
    /// Accept the value before it no more
    Retire,
}

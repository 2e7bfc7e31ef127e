//! What can be typed about the secret header and about permissions.

use crate::serve::StatePlace;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

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

/// `decrypt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis decrypt --key private.pem --provider PAYMENTS --key-name payments-2026 < fields.txt

Each line of standard input is one field as the origin got it: base64, escaped as in a form or not. Each plaintext is a line of
standard output.")]
pub(crate) struct Decrypt {
    /// The RSA private key in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The provider of the profile.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: String,
    /// The name of the public key in CloudFront.
    #[arg(long, value_name = "NAME")]
    pub(crate) key_name: String,
    /// Print each plaintext as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `iam`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis iam gateway --table arn:aws:dynamodb:eu-central-1:111122223333:table/state
  portcullis iam publish --table arn:aws:dynamodb:eu-central-1:111122223333:table/state --manifest site.yaml

The template of `portcullis template` gives the gateway these permissions itself.")]
pub(crate) struct Iam {
    /// Who needs them.
    #[arg(value_enum)]
    pub(crate) who: Use,
    /// The ARN of the table with the site state.
    #[arg(long, value_name = "ARN")]
    pub(crate) table: String,
    /// The manifest, or the folder it is in.
    #[arg(short, long, default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
}

/// A use of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Use {
    /// The gateway.
    Gateway,
    /// `publish`, `rollback`, `promote`, `withdraw`, `gc`.
    Publish,
    /// `secret`.
    Secret,
}

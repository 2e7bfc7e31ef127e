//! What can be typed about releases.

use super::Buckets;
use crate::serve::StatePlace;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where the releases of a site are.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReleaseStore {
    /// The manifest, or the folder it is in.
    #[arg(short, long, global = true, default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    #[command(flatten)]
    pub(crate) buckets: Buckets,
    /// Where gateways poll what is live: `dynamodb:TABLE/SITE`, and then the store is the bucket in S3 and the ledger beside
    /// that state; or the state file of a `portcullis serve` over folders.
    #[arg(long, global = true, value_name = "WHERE")]
    pub(crate) state: Option<StatePlace>,
    /// The profile of AWS's configuration files.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print events and results as JSON, one on each line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// `publish`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis publish dist --plan              what would change; exit code 4 if anything would
  portcullis publish dist --yes               publish without being asked
  portcullis publish dist --preview pr-17     serve it under a preview alone
  portcullis publish dist --canary 5          give it to 5 % of the viewers, until `promote` or `withdraw`

Run it again after a failure: what is in the store already is not sent twice, and the live release was not touched.")]
pub(crate) struct Publish {
    /// The folder to publish.
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
    /// Stop after the plan: exit code 0 if nothing would change, 4 if something would.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Publish without being asked.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Serve it under this preview, and change nothing for others.
    #[arg(long, value_name = "NAME", conflicts_with = "canary")]
    pub(crate) preview: Option<String>,
    /// Give it to this percentage of the viewers.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) canary: Option<u8>,
    /// What to do about links that lead nowhere in the site.
    #[arg(long, value_enum, default_value_t = BrokenLinks::Warn, value_name = "WHAT")]
    pub(crate) broken_links: BrokenLinks,
    /// Who publishes; the same name after a crash goes on at once.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
}

/// What to do about links that lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BrokenLinks {
    /// Say so.
    Warn,
    /// Publish nothing.
    Refuse,
    /// Do not look.
    Ignore,
}

/// `releases`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis releases
  portcullis releases show live
  portcullis releases diff 3f2a91 live

An ID is the beginning of one that is long enough to mean one release, or `live`.")]
pub(crate) struct Releases {
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
    /// What to print; else the list.
    #[command(subcommand)]
    pub(crate) what: Option<Look>,
}

/// What to look at.
#[derive(Debug, Subcommand)]
pub(crate) enum Look {
    /// The files of one release
    Show {
        /// The release.
        id: String,
    },
    /// What one release changes over another
    Diff {
        /// The older one.
        old: String,
        /// The newer one.
        new: String,
    },
}

/// `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis rollback                         the release that was live before
  portcullis rollback 3f2a91")]
pub(crate) struct Rollback {
    /// The release; else the one that was live before.
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
}

/// `promote`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis promote")]
pub(crate) struct Promote {
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
}

/// `withdraw`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis withdraw
  portcullis withdraw --preview pr-17")]
pub(crate) struct Withdraw {
    /// End this preview, and no trial.
    #[arg(long, value_name = "NAME")]
    pub(crate) preview: Option<String>,
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
}

/// `gc`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis gc --plan                        what would be collected; exit code 4 if anything would
  portcullis gc                               the next phase: condemn, and after the grace time delete

What is live, previewed, on trial or kept by `releases.keep` of the manifest is never collected.")]
pub(crate) struct Gc {
    #[command(flatten)]
    pub(crate) store: ReleaseStore,
    /// Change nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Seconds between condemning and deleting: readers that have not yet heard may still ask.
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS")]
    pub(crate) grace: u64,
}

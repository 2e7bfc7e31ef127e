//! What can be typed to review rules: `check`, `test`, `replay`, `why`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis check template.yaml              any CloudFormation template, without a manifest
  portcullis check portcullis.yaml cdk.out/Web.template.json
  portcullis check cdk.out/*.template.json --format sarif > check.sarif
  aws cloudfront get-distribution-config --id E2EXAMPLE | portcullis check /dev/stdin

`portcullis help PC001` says what a rule is about. Files are told apart by what is in them. Exit code 3 if there are errors that are not waived; a waiver stands in the metadata
of a resource: `portcullis: { waive: [{ rule: PC023, case: allow-all, reason: ..., until: 2027-03-31 }] }`.")]
pub(crate) struct Check {
    /// Templates, what get-distribution-config prints, and the manifest if there is one.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The value of a template's parameter.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) parameter: Vec<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT")]
    pub(crate) format: CheckFormat,
    /// Play the template before the manifest, and write each order of requests that undoes the policy here, as a scenario for
    /// `portcullis test`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) orders: Option<PathBuf>,
    /// The country database for `--orders`; else the manifest's, else a demonstration.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_GEOIP")]
    pub(crate) geoip: Option<PathBuf>,
    /// Warnings fail too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// Leave notes out.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people, with the lines that findings are about.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, which code hosts show at a pull request.
    Sarif,
}

/// `test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis test
  portcullis test scenarios/europe.yaml --watch
  portcullis test scenarios --sockets --junit test-results.xml --deny-uncovered

A scenario is one YAML file: what is played, requests with what must come back, and what happens between them.
`portcullis init` writes some; docs/scenarios.md has every key. Exit code 3 if one comes out otherwise.")]
pub(crate) struct Test {
    /// Scenarios, or folders of them.
    #[arg(default_value = "scenarios", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Ask over real connections, not by calls in this process.
    #[arg(long)]
    pub(crate) sockets: bool,
    /// Play again whenever a file changes.
    #[arg(long, conflicts_with = "junit")]
    pub(crate) watch: bool,
    /// Fail if a statement or behavior of a manifest decided nothing.
    #[arg(long)]
    pub(crate) deny_uncovered: bool,
    /// Write a JUnit report too.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// The country database; else the manifest's, else a demonstration.
    #[arg(long, value_name = "FILE")]
    pub(crate) geoip: Option<PathBuf>,
    /// Print one JSON document on each line: `scenario` for each, `summary` at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis diff portcullis.yaml new.yaml
  git show main:portcullis.yaml > /tmp/old.yaml && portcullis diff /tmp/old.yaml portcullis.yaml --json

Every request whose verdict differs is in the answer: each pair of path patterns, every country, every address that networks
tell apart, with and without signatures. What is not exact says so. Exit code 4 if anything differs.")]
pub(crate) struct Diff {
    /// The manifest as it was, or its folder.
    pub(crate) old: PathBuf,
    /// The manifest as it is to be, or its folder.
    pub(crate) new: PathBuf,
    /// Logs to run through both, for the hit ratio of each: as `replay` takes them.
    #[arg(long, value_name = "LOG")]
    pub(crate) log: Vec<PathBuf>,
    /// Print the difference as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `replay`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  portcullis replay logs/ --manifest new.yaml --against portcullis.yaml
  aws s3 cp s3://my-logs/E2EXAMPLE.2026-03-01-12.abcd.gz - | portcullis replay - --json

A log is a standard access log of CloudFront (W3C, JSON or Parquet, gzip or not) or decision lines of the gateway; s3://BUCKET/PREFIX
in a program built with --features aws. Without --against
the rules are compared with what the log says happened: a decision where there is one, else a 403 is a refusal.
The cache is predicted from keys and default lifetimes, because a log has no headers of an origin. Exit code 4 if anybody
would newly be refused or admitted.")]
pub(crate) struct Replay {
    /// Logs, or folders of them; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// The manifest that is tried, or the folder it is in.
    #[arg(short, long, default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// The manifest it is compared with.
    #[arg(long, value_name = "MANIFEST")]
    pub(crate) against: Option<PathBuf>,
    /// A site state, for the snapshots of prefix lists.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// The country database; else the manifest's, else a demonstration.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_GEOIP")]
    pub(crate) geoip: Option<PathBuf>,
    /// How many names each list shows.
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    pub(crate) top: usize,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `why`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis why 5f0c8f1e9a --log decisions.json
  tail -1 decisions.json | portcullis why -
  portcullis why '{\"kind\":\"decision\", ...}' --manifest site.yaml --json

An id is the gateway's (x-portcullis-id of the answer) or CloudFront's (x-amz-cf-id). The manifest must be the one that
decided: its bundle has the digest that the line names. Exit code 5 if the request was refused.")]
pub(crate) struct Why {
    /// A decision line, `-` for one on standard input, or the id of a request.
    #[arg(value_name = "LINE|ID")]
    pub(crate) what: String,
    /// Where the line with the id is: logs or folders of them.
    #[arg(long, value_name = "LOG")]
    pub(crate) log: Vec<PathBuf>,
    /// The manifest, or the folder it is in.
    #[arg(short, long, default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// Explain by this manifest though another one decided.
    #[arg(long)]
    pub(crate) other_bundle: bool,
    /// Print the explanation as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

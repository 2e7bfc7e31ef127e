//! What can be typed: commands, options, defaults, examples.

mod geoip;
mod release;
mod review;
mod secret;

pub(crate) use release::{
    BrokenLinks, Gc, Look, Promote, Publish, ReleaseStore, Releases, Rollback, Withdraw,
};

pub(crate) use geoip::{Digest, Geoip, GeoipStep};
pub(crate) use review::{Check, CheckFormat, Diff, Replay, Test, Why};
pub(crate) use secret::{Decrypt, Iam, Secret, SecretStep, Use};

use crate::serve::StatePlace;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::Ipv4Net;
use portcullis_edge::switches::{CATALOGUE, Switches, UnknownSwitch};
use std::net::IpAddr;
use std::path::PathBuf;

/// Who may see what behind CloudFront: one manifest, decided, served and explained.
#[derive(Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
#[command(after_help = "\
Develop:  init, dev, edge, compile, check, test, explain, sign
Review:   diff, replay, why
Release:  publish, releases, rollback, promote, withdraw, gc
Deploy:   template, iam
Operate:  serve, secret, geoip
About:    help CODE, schema, completions

Example:
  portcullis init my-site && portcullis compile my-site")]
pub(crate) struct Arguments {
    /// When to use colours; NO_COLOR is honoured.
    #[command(flatten)]
    pub(crate) color: Color,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Debug, Args)]
pub(crate) struct Color {
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    color: When,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Applies the choice to everything that is printed.
    pub(crate) fn write_global(&self) {
        match self.color {
            When::Auto => {}
            When::Always => anstream::ColorChoice::Always.write_global(),
            When::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a new manifest, or one made from AWS Copilot's
    Init(Init),
    /// Run the whole system here: CloudFront, caches included, and the gateway
    Dev(Dev),
    /// Play any distribution here, from its configuration or a template
    Edge(Edge),
    /// Check a manifest and print its digest; with -o, write the bundle
    Compile(Compile),
    /// Prove that the cache cannot undo the policy, in any template
    Check(Check),
    /// Explain the decision about one request, step by step
    Explain(Explain),
    /// Sign a URL or cookies as CloudFront does
    Sign(Sign),
    /// Write the CloudFormation template of a site
    Template(Stack),
    /// Tell which requests another manifest answers otherwise
    Diff(Diff),
    /// Run logs through other rules: who is refused or admitted then
    Replay(Replay),
    /// Explain a past decision from its line
    Why(Why),
    /// Play scenarios: requests, what must come back, and what the cache may not undo
    Test(Test),
    /// Publish a folder as a release, which goes live in one step
    Publish(Publish),
    /// List the releases of a site, show one, or compare two
    Releases(Releases),
    /// Make an earlier release live again
    Rollback(Rollback),
    /// Make the release on trial live
    Promote(Promote),
    /// End the trial of a release, or a preview
    Withdraw(Withdraw),
    /// Collect what no kept release refers to
    Gc(Gc),
    /// Print the IAM policy that a use of the site needs
    Iam(Iam),
    /// Open fields that field-level encryption encrypted
    Decrypt(Decrypt),
    /// Rotate the secret header: show, accept, promote, retire
    Secret(Secret),
    /// Look into a country database, compare it with another, or compile it
    Geoip(Geoip),
    /// Serve the gateway as a plain HTTP/1.1 server
    Serve(Serve),
    /// Explain an error code, or list the exit codes
    Help(Help),
    /// Print the JSON Schema of the manifest
    Schema,
    /// Print completions for a shell
    Completions(Completions),
}

/// `compile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis compile                          check ./portcullis.yaml
  portcullis compile site.yaml -o bundle.json write the bundle that functions and CDK read")]
pub(crate) struct Compile {
    /// The manifest, or the folder it is in.
    #[arg(default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// Where to write the bundle; `-` is stdout (the digest then goes to stderr).
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis init my-site
  portcullis init --from-copilot copilot/environments/prod/manifest.yml")]
pub(crate) struct Init {
    /// The folder to write to; made if it is not there.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The site's name; else the folder's.
    #[arg(long, conflicts_with = "from_copilot")]
    pub(crate) site: Option<String>,
    /// Copilot's environment manifest to start from.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_copilot: Option<PathBuf>,
    /// Overwrite what is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which folders stand for buckets.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Buckets {
    /// The folder whose subfolders are the buckets; else `buckets` beside the manifest.
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// One bucket from another folder.
    #[arg(long, value_name = "NAME=DIR")]
    pub(crate) bucket: Vec<String>,
}

/// Where a gateway on this machine finds its objects and its country database.
#[derive(Debug, Clone, Args)]
pub(crate) struct Local {
    #[command(flatten)]
    pub(crate) buckets: Buckets,
    /// The country database (MMDB, or a table compiled from one); else the manifest's, else the built-in demonstration.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_GEOIP")]
    pub(crate) geoip: Option<PathBuf>,
}

/// `dev`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  portcullis dev                              the example site of this repository, or ./portcullis.yaml
  portcullis dev site.yaml --viewer 81.2.69.142
  curl -H 'x-portcullis-viewer: 198.51.100.7' http://localhost:8080/office/

http://localhost:8080/.portcullis/ is the inspector: live requests with their traces, the caches, and what would happen if.")]
pub(crate) struct Dev {
    /// The manifest, or the folder it is in.
    pub(crate) manifest: Option<PathBuf>,
    /// The port; 0 takes a free one. A port in use is passed over for a free one.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The address the viewer seems to come from.
    #[arg(long, default_value = "193.0.6.139", value_name = "ADDRESS")]
    pub(crate) viewer: IpAddr,
    /// The country CloudFront seems to see; else what the country database says of the viewer.
    #[arg(long, value_name = "CC")]
    pub(crate) country: Option<String>,
    /// What a managed prefix list holds here.
    #[arg(long, value_name = "ID=CIDR[,CIDR]")]
    pub(crate) prefix_list: Vec<String>,
    #[command(flatten)]
    pub(crate) control: Control,
    #[command(flatten)]
    pub(crate) open: Readings,
    #[command(flatten)]
    pub(crate) local: Local,
    /// Print events as JSON lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// CloudFront's control API for what is played.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Control {
    /// Serve CloudFront's control API on this loopback port, for `aws cloudfront --endpoint-url`; 0 takes a free one.
    #[arg(id = "control", long = "control", value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Seconds until a change made through it is deployed everywhere; each point of presence switches at its own time.
    #[arg(long, default_value_t = 0, value_name = "SECONDS", requires = "control", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) propagation: u32,
}

/// How the model answers what CloudFront's documentation leaves open.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Readings {
    /// Another reading of a question that CloudFront's documentation leaves open, as docs/SEMANTICS.md lists them.
    #[arg(long = "switch", value_name = "NAME=READING", value_parser = reading)]
    pub(crate) readings: Vec<Reading>,
}

/// The reading of one switch, both of which there are.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    name: String,
    reading: String,
}

impl Readings {
    pub(crate) fn switches(&self) -> Switches {
        let mut switches = Switches::default();
        for one in &self.readings {
            // They were tried when the arguments were read.
            let _known = switches.set(&one.name, &one.reading);
        }
        switches
    }
}

fn reading(written: &str) -> Result<Reading, String> {
    let (name, reading) = written.split_once('=').ok_or("it is not NAME=READING")?;
    let known = |names: Vec<&str>| names.join(", ");
    match Switches::default().set(name, reading) {
        Ok(()) => Ok(Reading {
            name: name.to_owned(),
            reading: reading.to_owned(),
        }),
        Err(UnknownSwitch::Name) => Err(format!(
            "no switch has this name; there are {}",
            known(CATALOGUE.iter().map(|entry| entry.name).collect())
        )),
        Err(UnknownSwitch::Reading) => {
            let entry = CATALOGUE.iter().find(|entry| entry.name == name);
            let readings = entry.map_or(&[][..], |entry| entry.readings);
            Err(format!(
                "`{name}` is read as {}",
                known(readings.iter().map(|(key, _)| *key).collect())
            ))
        }
    }
}

/// Files that describe distributions, and what they leave open.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Described {
    /// Files that describe the distribution and what it refers to.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The code of a CloudFront Function that no template holds.
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) function: Vec<String>,
    /// The handler of a Lambda@Edge function, by its name or ARN: edge/index.handler is `handler` of edge/index.js (.mjs,
    /// .cjs, .py). It runs in a process of `node` or `python3`.
    #[arg(long, value_name = "NAME=HANDLER")]
    pub(crate) lambda: Vec<String>,
    /// The pairs of a function's key value store: {"data": [{"key": ..., "value": ...}]}.
    #[arg(long, value_name = "FUNCTION=FILE")]
    pub(crate) store: Vec<String>,
    /// The value of a template's parameter.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) parameter: Vec<String>,
    /// Leave out an option that cannot be played, by the name that the refusal says.
    #[arg(long, value_name = "OPTION")]
    pub(crate) without: Vec<String>,
    /// Play only this distribution of a template, by its logical id.
    #[arg(long, value_name = "ID")]
    pub(crate) distribution: Option<String>,
}

/// `edge`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aws cloudfront get-distribution-config --id E2EXAMPLE > site.json
  portcullis edge site.json --origin app=http://127.0.0.1:3000 --origin assets=./public
  portcullis edge cdk.out/Web.template.json --parameter Stage=test --origin app=http://127.0.0.1:3000
  curl -i -H 'x-portcullis-country: DE' http://localhost:8080/
  portcullis edge site.json --control 8081 --propagation 5
  aws cloudfront create-invalidation --endpoint-url http://127.0.0.1:8081 --distribution-id E2EXAMPLE --paths '/*'

A file is one of: the JSON of get-distribution-config or get-distribution; the JSON of get-cache-policy,
get-origin-request-policy, get-response-headers-policy, get-key-group, get-public-key or get-origin-access-control that it
refers to; a CloudFormation template in JSON or YAML. Policies managed by AWS are known.
An origin without a PLACE is reached by its own name; a bucket or a function URL needs one.")]
pub(crate) struct Edge {
    #[command(flatten)]
    pub(crate) described: Described,
    /// Where an origin is: http://HOST:PORT, https://HOST:PORT, lambda:PROGRAM, or a folder that answers as S3 does.
    #[arg(long, value_name = "ID=PLACE")]
    pub(crate) origin: Vec<String>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) listen: IpAddr,
    /// The port of plain HTTP; 0 takes a free one. Without --tls-port plain HTTP stands for the viewer's HTTPS.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Serve TLS on this port too, with a certificate made at the start; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub(crate) tls_port: Option<u16>,
    /// Where to write the authority of that certificate (PEM), for clients to trust.
    #[arg(long, value_name = "FILE", requires = "tls_port")]
    pub(crate) authority: Option<PathBuf>,
    /// A point of presence: its name, the region of its regional cache, the countries that come to it.
    #[arg(long, value_name = "NAME[=REGION[:CC,CC]]")]
    pub(crate) pop: Vec<String>,
    /// The address viewers seem to come from; else their own.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) viewer: Option<IpAddr>,
    /// The country viewers seem to come from; else unknown.
    #[arg(long, value_name = "CC")]
    pub(crate) country: Option<String>,
    /// Write a standard access log here, as CloudFront does: W3C, or JSON if the name ends in .json. `portcullis replay` reads it.
    #[arg(long, value_name = "FILE")]
    pub(crate) access_log: Option<PathBuf>,
    /// Where the line of each answer goes: stderr, stdout, none or a file; else stdout with --json, stderr without.
    #[arg(long, value_name = "WHERE")]
    pub(crate) log: Option<Log>,
    #[command(flatten)]
    pub(crate) control: Control,
    #[command(flatten)]
    pub(crate) open: Readings,
    /// Mebibytes that all caches together may hold.
    #[arg(long, default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) cache: u32,
    /// Print events as JSON lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis serve site.yaml --state state.json --root /srv/buckets --listen 0.0.0.0:8080
  portcullis serve site.yaml --state dynamodb:portcullis/handbook --s3

The TCP peer is the edge address; access control is Lambda's, so set `guard.access_control: off` for this front.")]
pub(crate) struct Serve {
    /// The manifest, or the folder it is in.
    #[arg(default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub(crate) listen: std::net::SocketAddr,
    /// The site state: a JSON file, or with the feature `aws` also dynamodb:TABLE/SITE.
    #[arg(long, value_name = "PLACE", env = "PORTCULLIS_STATE")]
    pub(crate) state: StatePlace,
    /// Read objects from S3 (with the feature `aws`), from the buckets that the manifest names.
    #[arg(long, conflicts_with_all = ["root", "bucket"])]
    pub(crate) s3: bool,
    /// The profile in AWS's configuration files; else AWS's usual order of credentials.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) local: Local,
    /// Where decision lines go: `stderr`, `stdout`, `none`, or a file they are appended to.
    #[arg(long, default_value = "stderr", value_name = "WHERE")]
    pub(crate) log: Log,
}

/// Where decision lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Log {
    Stderr,
    Stdout,
    File(PathBuf),
    None,
}

impl From<&str> for Log {
    fn from(named: &str) -> Self {
        match named {
            "stderr" => Self::Stderr,
            "stdout" => Self::Stdout,
            "none" => Self::None,
            path => Self::File(path.into()),
        }
    }
}

/// `template`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis template > handbook.template.json
  portcullis template site.yaml -o site.template.json --arch x86_64 --memory 1024
  aws cloudformation deploy --template-file site.template.json --stack-name site \\
    --capabilities CAPABILITY_IAM --parameter-overrides CodeBucket=code CodeKey=gateway.zip

The template holds the distribution with its policies, functions and keys, the gateway with its role, the buckets, the table,
the secret, logs and alarms. What it names is kept when the stack is deleted.")]
pub(crate) struct Stack {
    /// The manifest, or the folder it is in.
    #[arg(default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// Where to write the template; else stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The processor of the function.
    #[arg(long, value_enum, default_value_t = Arch::Arm64, value_name = "ARCH")]
    pub(crate) arch: Arch,
    /// Its memory in MiB.
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u16).range(128..=10_240))]
    pub(crate) memory: u16,
    /// How many of it may run at once; else as many as the account has.
    #[arg(long, value_name = "COUNT")]
    pub(crate) reserved_concurrency: Option<u32>,
    /// For how many days logs are kept.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3_653))]
    pub(crate) log_days: u16,
    /// The ARN of a web ACL in us-east-1.
    #[arg(long, value_name = "ARN")]
    pub(crate) web_acl: Option<String>,
}

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// AWS Graviton.
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86,
}

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis explain https://handbook.example.com/guide --viewer 193.0.6.139
  portcullis explain /partners/x --viewer 198.51.100.7 --json
  portcullis explain /training/ --no-proof

Exit code: 0 admitted, 5 refused.")]
pub(crate) struct Explain {
    /// The URL or path, as the viewer sends it.
    pub(crate) url: String,
    /// The manifest, or the folder it is in.
    #[arg(short, long, default_value = "portcullis.yaml")]
    pub(crate) manifest: PathBuf,
    /// The viewer's address; left out it is unknown.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) viewer: Option<IpAddr>,
    /// The country in CloudFront's header; left out the header is missing.
    #[arg(long, value_name = "CC")]
    pub(crate) country: Option<String>,
    /// A request header.
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The method.
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// The time, in seconds since the epoch; left out it is now.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<u64>,
    /// The request does not come through the site's distribution.
    #[arg(long)]
    pub(crate) no_proof: bool,
    /// A site state, for the snapshots of prefix lists.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) local: Local,
    /// Print the explanation as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis sign https://handbook.example.com/training/a.pdf --key private.pem --key-id K2JCJMDEHXQW5F --expires 1h
  portcullis sign 'https://handbook.example.com/training/*' --key private.pem --expires 8h --cookies

The private key comes from a file or, with --key -, from stdin; never from the command line.")]
pub(crate) struct Sign {
    /// The URL to sign; with `*` or conditions it becomes a custom policy's resource.
    pub(crate) url: String,
    /// The private key, a PEM file; `-` is stdin.
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_SIGNING_KEY")]
    pub(crate) key: PathBuf,
    /// The key's id; else the one derived from the key, as the manifest derives it.
    #[arg(long, value_name = "ID")]
    pub(crate) key_id: Option<String>,
    /// How long the signature is valid: 90s, 10m, 12h, 30d.
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub(crate) expires: String,
    /// Not valid before this time, in seconds since the epoch.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) not_before: Option<u64>,
    /// Only from this network.
    #[arg(long, value_name = "CIDR")]
    pub(crate) ip: Option<Ipv4Net>,
    /// The resource a custom policy covers; else the URL.
    #[arg(long, value_name = "GLOB")]
    pub(crate) resource: Option<String>,
    /// The hash to sign with.
    #[arg(long, value_enum, default_value_t = HashName::Sha256)]
    pub(crate) hash: HashName,
    /// Print cookies instead of a URL.
    #[arg(long)]
    pub(crate) cookies: bool,
    /// Check the key against the key groups of this manifest.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Check it against this key group only.
    #[arg(long, value_name = "NAME", requires = "manifest")]
    pub(crate) key_group: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The hash of a signature.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HashName {
    /// SHA-256.
    Sha256,
    /// SHA-1, CloudFront's old default.
    Sha1,
}

/// `help`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis help PC1203
  portcullis help codes")]
pub(crate) struct Help {
    /// An error code, `codes` or `exit-codes`.
    pub(crate) topic: Option<String>,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

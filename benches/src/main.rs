//! `portcullis-bench gateway`: one table of what the gateway costs, against its bars. `cargo xtask bench gateway` builds
//! everything and starts it.
//!
//! Always holds: both sides of a row run in this run, in turn, on the same input, and their answers are compared before
//! they are timed; what cannot be measured is a row that failed, never a row left out; the exit status says whether every
//! bar holds.

mod rows;

use clap::{Parser, Subcommand};
use portcullis_bench::Failure;
use portcullis_bench::counting::Counting;
use portcullis_bench::inputs::Inputs;
use portcullis_bench::measure::Effort;
use portcullis_bench::table::Report;
use rows::{Bench, GROUPS, group};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What the gateway costs, against its bars
    Gateway(Options),
}

#[derive(clap::Args)]
struct Options {
    /// A short run: enough to see that nothing is broken, too little to publish
    #[arg(long)]
    quick: bool,
    /// Only these groups of rows
    #[arg(long, value_delimiter = ',', value_name = "GROUP", value_parser = GROUPS)]
    only: Vec<String>,
    /// As JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// As the table in docs/performance.md
    #[arg(long)]
    markdown: bool,
    /// What `cargo xtask bench` built; it fills these in
    #[command(flatten)]
    built: Built,
}

#[derive(clap::Args)]
struct Built {
    /// The gateway, as shipped
    #[arg(long, value_name = "FILE", hide = true)]
    gateway: PathBuf,
    /// The folder of this program
    #[arg(long, value_name = "DIR", hide = true)]
    optimised: PathBuf,
    /// The folder of the other functions and the instruction counter, as shipped
    #[arg(long, value_name = "DIR", hide = true)]
    shipped: PathBuf,
    /// The folder of `cargo xtask package`
    #[arg(long, value_name = "DIR", hide = true)]
    package: PathBuf,
    /// A folder to write to
    #[arg(long, value_name = "DIR", hide = true)]
    scratch: PathBuf,
}

fn main() -> ExitCode {
    let What::Gateway(options) = Arguments::parse().what;
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool, Failure> {
    let built = &options.built;
    let bench = Bench {
        effort: if options.quick {
            Effort::QUICK
        } else {
            Effort::FULL
        },
        inputs: Inputs::make(&built.scratch.join("inputs"))?,
        ir: [built.optimised.join("ir"), built.shipped.join("ir")],
        gateway: built.gateway.clone(),
        peers: built.shipped.clone(),
        package: built.package.clone(),
        scratch: built.scratch.clone(),
    };
    let asked =
        |name: &&str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut rows = Vec::new();
    for name in GROUPS.into_iter().filter(asked) {
        eprintln!("measuring {name}");
        rows.extend(group(name, &bench));
    }
    let report = Report {
        facts: facts(options),
        rows,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else if options.markdown {
        print!("{}", report.markdown());
    } else {
        print!("{}", report.text());
    }
    Ok(report.all_hold())
}

/// What a figure is worth nothing without.
fn facts(options: &Options) -> Vec<(&'static str, String)> {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.lines().next()?.trim().to_owned())
    };
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut repeat = "cargo xtask bench gateway".to_owned();
    if options.quick {
        repeat.push_str(" --quick");
    }
    if !options.only.is_empty() {
        repeat.push_str(&format!(" --only {}", options.only.join(",")));
    }
    vec![
        (
            "machine",
            format!(
                "{}, {cores} cores, Linux {}, load {} at the end",
                processor.map_or("unknown processor", |(_, name)| name),
                or_unknown(said("uname", &["-r"])),
                read("/proc/loadavg").split(' ').next().unwrap_or("unknown"),
            ),
        ),
        (
            "versions",
            format!(
                "{}, {}, maxminddb 0.32.0, iptrie 0.11.2, prefix-trie 0.10.1, lambda_http 1.3.2, lambda_runtime 1.5.0, ring 0.17.14",
                or_unknown(said("rustc", &["--version"])),
                or_unknown(said("valgrind", &["--version"])),
            ),
        ),
        (
            "build",
            "in one process: opt-level 3, thin LTO, both sides; functions and rows that say so: as shipped, profile `lambda`".to_owned(),
        ),
        (
            "medians",
            "of the rounds; the ratio is that of the medians, with the lowest and highest of any round".to_owned(),
        ),
        ("to repeat", repeat),
    ]
}

//! `cargo xtask bench check`: what `portcullis check` takes for a large template, and how many lines of a log a second
//! `portcullis replay` takes, in how much memory.
//!
//! The program is the one that is shipped, the log is made here and written to its standard input. Times are processor times
//! of the program, so that whoever writes the log is not measured.

use crate::command::Program;
use crate::steps::{Failure, Steps, say};
use crate::tree;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often the template is checked.
const ROUNDS: usize = 11;
/// What a check of the template may take, in milliseconds.
const CHECK_MS_MAX: u128 = 200;
/// Behaviors of the large template, for more than 5,000 lines.
const BEHAVIORS: usize = 70;
/// How many lines a second one core has to take.
const LINES_A_SECOND_MIN: u64 = 500_000;
/// The lines of a log that differ; it is written again and again.
const LINES: u64 = 200_000;
/// Ticks of a processor's time in a second, as Linux shows them.
const TICKS: u64 = 100;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many lines of a log are replayed, in millions
    #[arg(long, default_value_t = 10)]
    millions: u64,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("build the program as shipped", || {
        Program::cargo("build --locked --release --package portcullis").run()?;
        Ok(String::new())
    })?;
    let program = tree::target_dir().join("release/portcullis");
    steps.step("check", || large_template(&program))?;
    steps.step("replay", || long_log(&program, options.millions))
}

/// A template of one distribution with many behaviors, each with policies of its own, as `cdk synth` writes one.
fn template() -> String {
    let mut resources = serde_json::Map::new();
    let mut behaviors = Vec::new();
    for at in 0..BEHAVIORS {
        let key = json!({
            "EnableAcceptEncodingBrotli": true,
            "EnableAcceptEncodingGzip": true,
            "CookiesConfig": { "CookieBehavior": "none" },
            "HeadersConfig": { "HeaderBehavior": "whitelist", "Headers": ["CloudFront-Viewer-Country"] },
            "QueryStringsConfig": { "QueryStringBehavior": "whitelist", "QueryStrings": ["v", "page"] },
        });
        let policy = json!({ "CachePolicyConfig": {
            "Name": format!("policy-{at}"),
            "MinTTL": 0,
            "DefaultTTL": 300,
            "MaxTTL": 31_536_000,
            "ParametersInCacheKeyAndForwardedToOrigin": key,
        } });
        let function = json!({
            "Name": format!("function-{at}"),
            "AutoPublish": true,
            "FunctionConfig": { "Comment": "", "Runtime": "cloudfront-js-2.0" },
            "FunctionCode": "function handler(event) { return event.request; }",
        });
        let of = |kind: &str, properties: Value| json!({ "Type": kind, "Properties": properties });
        resources.insert(
            format!("Policy{at}"),
            of("AWS::CloudFront::CachePolicy", policy),
        );
        resources.insert(
            format!("Function{at}"),
            of("AWS::CloudFront::Function", function),
        );
        behaviors.push(json!({
            "PathPattern": format!("/area-{at}/*"),
            "TargetOriginId": "app",
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": ["GET", "HEAD", "OPTIONS"],
            "CachedMethods": ["GET", "HEAD"],
            "Compress": true,
            "CachePolicyId": { "Ref": format!("Policy{at}") },
            "FunctionAssociations": [{
                "EventType": "viewer-request",
                "FunctionARN": { "Fn::GetAtt": [format!("Function{at}"), "FunctionARN"] },
            }],
        }));
    }
    let origin = json!({
        "Id": "app",
        "DomainName": "app.example.com",
        "CustomOriginConfig": { "OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"] },
    });
    let config = json!({
        "Enabled": true,
        "Origins": [origin],
        "DefaultCacheBehavior": behaviors.first(),
        "CacheBehaviors": behaviors,
    });
    resources.insert(
        "Site".to_owned(),
        json!({ "Type": "AWS::CloudFront::Distribution", "Properties": { "DistributionConfig": config } }),
    );
    serde_json::to_string_pretty(&json!({ "Resources": resources })).unwrap_or_default()
}

fn large_template(program: &Path) -> Result<String, Failure> {
    let text = template();
    let path = scratch("bench-check.template.json");
    std::fs::write(&path, &text)
        .map_err(|why| Failure::new(format!("{}: {why}", path.display())))?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut command = Command::new(program);
        let ran = command
            .arg("check")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ran.map_err(|why| Failure::new(format!("{}: {why}", program.display())))?;
        times.push(began.elapsed().as_millis());
    }
    times.sort_unstable();
    let median = times.get(ROUNDS / 2).copied().unwrap_or(u128::MAX);
    let lines = text.lines().count();
    say(&format!(
        "check    {lines} lines in {median} ms (bar {CHECK_MS_MAX})"
    ));
    if median > CHECK_MS_MAX {
        return Err(Failure::new(format!(
            "{median} ms, and the bar is {CHECK_MS_MAX}"
        )));
    }
    Ok(format!("{lines} lines in {median} ms"))
}

fn scratch(name: &str) -> PathBuf {
    tree::target_dir().join(name)
}

/// Lines of a standard log: half of the addresses and paths come again and again.
fn log() -> String {
    let mut text = String::from(
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n",
    );
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for at in 0..LINES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [a, b, c, d, path, kind, ..] = state.to_le_bytes();
        let (second, page) = (at / 4_000, u16::from_le_bytes([path, c]));
        let path = match kind % 6 {
            0 => "/".to_owned(),
            1 => "/guide/the-gate".to_owned(),
            2 => "/downloads/opening-hours.pdf".to_owned(),
            3 => "/members/".to_owned(),
            4 => "/assets/gate.svg".to_owned(),
            _ => format!("/pages/{page}"),
        };
        let _in_memory = writeln!(
            text,
            "2026-03-01\t12:00:{second:02}\tFRA56-P1\t10450\t{}.{b}.{c}.{d}\tGET\td111111abcdef8.cloudfront.net\t{path}\t200\t-\tMozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)\t-\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\twww.example.com\thttps\t303\t0.001\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t1045\t-\t-",
            a.clamp(1, 222)
        );
    }
    text
}

fn long_log(program: &Path, millions: u64) -> Result<String, Failure> {
    let log = log();
    let failed = |why: std::io::Error| Failure::new(format!("replay: {why}"));
    let mut child = Command::new(program)
        .args(["replay", "-", "--manifest", "examples/handbook", "--json"])
        .current_dir(tree::root())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let times = (millions * 1_000_000).div_ceil(LINES);
    let mut input = child
        .stdin
        .take()
        .ok_or_else(|| Failure::new("replay: no input".to_owned()))?;
    for _ in 0..times {
        input.write_all(log.as_bytes()).map_err(failed)?;
    }
    let (ticks, memory_kib) = used(&child);
    drop(input);
    let status = child.wait().map_err(failed)?;
    if !matches!(status.code(), Some(0 | 4)) {
        return Err(Failure::new(format!("replay ended with {status}")));
    }
    let lines = times * LINES;
    let a_second = (lines * TICKS).checked_div(ticks).unwrap_or(0);
    say(&format!(
        "replay   {lines} lines, {a_second} a second of one core (bar {LINES_A_SECOND_MIN}), {} MiB at most",
        memory_kib / 1_024
    ));
    if a_second < LINES_A_SECOND_MIN {
        return Err(Failure::new(format!(
            "{a_second} lines a second, and the bar is {LINES_A_SECOND_MIN}"
        )));
    }
    Ok(format!(
        "{a_second} lines a second, {} MiB",
        memory_kib / 1_024
    ))
}

/// The processor time that a child took so far, in ticks, and the most memory it had, in KiB. What is still in the pipe is a
/// thousandth of all.
fn used(child: &Child) -> (u64, u64) {
    std::thread::sleep(Duration::from_millis(200));
    let read = |name: &str| {
        std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default()
    };
    let stat = read("stat");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // utime and stime are the fields 14 and 15, counted from 1 with the two before.
    let field = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let status = read("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.split_whitespace().next()?.parse().ok());
    (field(11) + field(12), peak.unwrap_or(0))
}

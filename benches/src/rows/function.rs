//! Whole functions under the stand-in for the Runtime API: invocations, connections, starts, memory.
//!
//! The stand-in runs on core 0 and the functions on core 1, one of them at a time; on one core both would measure the
//! scheduler. No time here is a Lambda figure.

use super::Bench;
use ipnet::IpNet;
use portcullis_bench::events::event;
use portcullis_bench::measure::{Samples, median, ratio};
use portcullis_bench::networks::apart;
use portcullis_bench::subject::{STANDARD, site, state_at};
use portcullis_bench::table::{Goal, Row};
use portcullis_bench::{Failure, random};
use portcullis_runtime_api::{FunctionConfig, Lambda, UrlAnswer};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const GROUP: &str = "function";
const STANDIN_CORE: usize = 0;
const FUNCTION_CORE: usize = 1;
/// Invocations of one function before the next has its turn.
const TURN: usize = 250;
const PAGE: &str = "/section-9/page.html";

/// The four functions.
struct Functions {
    gateway: FunctionConfig,
    plain: FunctionConfig,
    floor: FunctionConfig,
    bare: FunctionConfig,
}

/// What is asked: a refusal and a page.
struct Events {
    refused: Vec<u8>,
    page: Vec<u8>,
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    one.set(STANDIN_CORE);
    sched_setaffinity(None, &one)?;
    let rows = runtime.block_on(all(bench));
    sched_setaffinity(None, &before)?;
    rows
}

async fn all(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let (functions, events) = prepare(bench)?;
    let mut rows = invocations(bench, &functions, &events).await?;
    rows.push(starts(bench, &functions).await?);
    rows.extend(memory(&functions, &events).await?);
    Ok(rows)
}

/// Writes the site, its state and its one page, and names the functions that serve them.
fn prepare(bench: &Bench) -> Result<(Functions, Events), Failure> {
    let folder = std::path::absolute(bench.scratch.join("site"))?;
    // As Lambda unpacks a deployed function: what lies in its folder is mapped, anything else would be copied.
    let task = folder.join("task");
    std::fs::create_dir_all(&task)?;
    let bootstrap = task.join("bootstrap");
    std::fs::copy(&bench.gateway, &bootstrap).map_err(|error| format!("{}: {error}", bench.gateway.display()))?;
    std::fs::copy(bench.inputs.country_table(), task.join("country.table"))?;
    let mut denied = apart(STANDARD.networks - 1, 7);
    let allowed = denied.split_off(denied.len() / 2);
    let site = serde_json::from_value(site(STANDARD.behaviors, &denied, &allowed))?;
    std::fs::write(task.join("bundle.json"), portcullis_site::Bundle::new(site)?.bytes())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    std::fs::write(folder.join("state.json"), serde_json::to_vec(&state_at(now)?)?)?;
    let section = folder.join("objects/bench-files/section-9");
    std::fs::create_dir_all(&section)?;
    std::fs::write(section.join("page.html"), page())?;

    let deployed = |binary: &Path| {
        let mut config = FunctionConfig::new(binary)
            .with_env("PORTCULLIS_BUNDLE", task.join("bundle.json").display().to_string())
            .with_env("PORTCULLIS_STATE", format!("file:{}", folder.join("state.json").display()))
            .with_env("PORTCULLIS_GEOIP", task.join("country.table").display().to_string())
            .with_env("PORTCULLIS_OBJECTS", format!("directory:{}", folder.join("objects").display()));
        config.core = Some(FUNCTION_CORE);
        config
    };
    let peer = |name: &str| deployed(&bench.peers.join(name));
    let functions = Functions {
        gateway: deployed(&bootstrap),
        plain: peer("plain"),
        floor: peer("floor"),
        bare: peer("bare"),
    };
    let denied = denied.first().ok_or("no denied network")?;
    let denied = match denied {
        IpNet::V4(network) => format!("{}:40123", network.network()),
        IpNet::V6(network) => format!("{}:40123", network.network()),
    };
    let events = Events {
        refused: event(PAGE, &denied),
        page: event(PAGE, "8.8.8.8:40123"),
    };
    Ok((functions, events))
}

/// 1 KiB of text.
fn page() -> String {
    let mut random = random::Random::new(1);
    (0..1_024).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

async fn start(config: &FunctionConfig) -> Result<Lambda, Failure> {
    let lambda = Lambda::start(config.clone()).await?;
    let ready = lambda.ready().await;
    ready.map_err(|failure| {
        let said: Vec<String> = lambda.logs().iter().map(|line| line.text.clone()).collect();
        format!("{} does not start: {failure:?} {}", config.binary.display(), said.join(" "))
    })?;
    Ok(lambda)
}

/// Median microseconds from the event sent to the answer received, over `count` invocations, all with that status.
async fn turn(lambda: &Lambda, event: &[u8], status: u16, count: usize) -> Result<f64, Failure> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let invocation = lambda.invoke(event.to_vec()).await;
        let answer = UrlAnswer::of(&invocation.outcome);
        if answer.status != status {
            return Err(format!("answered {} and not {status}: {:?}", answer.status, invocation.outcome).into());
        }
        times.push(invocation.timings.total.as_secs_f64() * 1e6);
    }
    Ok(median(times))
}

async fn invocations(bench: &Bench, functions: &Functions, events: &Events) -> Result<Vec<Row>, Failure> {
    let gateway = start(&functions.gateway).await?;
    let plain = start(&functions.plain).await?;
    let floor = start(&functions.floor).await?;
    let turns = (bench.effort.invocations / TURN).max(1);
    let [mut ours, mut lambda_http, mut lowest] = [const { Samples(Vec::new()) }; 3];
    let [mut our_page, mut their_page] = [const { Samples(Vec::new()) }; 2];
    for lambda in [&gateway, &plain, &floor] {
        turn(lambda, &events.refused, 403, TURN / 5).await?;
    }
    for _ in 0..turns {
        ours.0.push(turn(&gateway, &events.refused, 403, TURN).await?);
        lambda_http.0.push(turn(&plain, &events.refused, 403, TURN).await?);
        lowest.0.push(turn(&floor, &events.refused, 403, TURN).await?);
    }
    let connections = gateway.stats().connections();
    let invoked = gateway.stats().invocations;
    for _ in 0..turns.div_ceil(4) {
        our_page.0.push(turn(&gateway, &events.page, 200, TURN).await?);
        their_page.0.push(turn(&plain, &events.page, 200, TURN).await?);
    }
    for lambda in [gateway, plain, floor] {
        lambda.stop().await;
    }
    let rounds = format!("{turns} turns of {TURN} invocations each, a refusal with its decision line");
    let compare = |name: &str, ours: &Samples, who: &str, theirs: &Samples, goal| {
        Row::compared(GROUP, name, ours.median(), "µs", (who, theirs.median()), goal).with_spread(ratio(ours, theirs))
    };
    let name = "warm invocation, decision included";
    Ok(vec![
        compare(name, &ours, "hand-written blocking loop", &lowest, Goal::at_most(2.0, Some(1.3))).with_rounds(&rounds),
        compare("the same", &ours, "the same logic on lambda_http", &lambda_http, Goal::at_most(0.8, Some(0.6))).with_rounds(&rounds),
        compare(
            "warm invocation, a page of 1 KiB from a local directory",
            &our_page,
            "the same logic on lambda_http",
            &their_page,
            Goal::at_most(0.8, Some(0.6)),
        )
        .with_rounds(format!("{} turns of {TURN} invocations each", turns.div_ceil(4)))
        .with_note("mostly file system and thread hand-over, which a bucket has not; no bar was asked for this row, it has that of the row above"),
        Row::figure(GROUP, "connections to the Runtime API", connections as f64, "connections", Goal::figure(1.0, Some(1.0)))
            .with_rounds(format!("{invoked} invocations")),
    ])
}

async fn starts(bench: &Bench, functions: &Functions) -> Result<Row, Failure> {
    let [mut ours, mut bare] = [const { Samples(Vec::new()) }; 2];
    // The first start of each reads its file into the page cache.
    for counted in [false, true] {
        for _ in 0..if counted { bench.effort.starts } else { 1 } {
            for (config, samples) in [(&functions.gateway, &mut ours), (&functions.bare, &mut bare)] {
                let lambda = start(config).await?;
                let stats = lambda.stats();
                let init = stats.environments.first().and_then(|environment| environment.init);
                let init = init.ok_or("no start was seen")?.as_secs_f64() * 1e3;
                lambda.stop().await;
                if counted {
                    samples.0.push(init);
                }
            }
        }
    }
    let row = Row::compared(
        GROUP,
        "start to the first /next: policy compiled, table mapped, state read",
        ours.median(),
        "ms",
        ("bare lambda_runtime", bare.median()),
        Goal::at_most(2.0, Some(1.3)),
    );
    Ok(row
        .with_spread(ratio(&ours, &bare))
        .with_rounds(format!("{} starts each in turn", bench.effort.starts))
        .with_note("state in a file and objects in a directory, so without a client of AWS; through `taskset`, whose own start is in both; not a Lambda cold start"))
}

async fn memory(functions: &Functions, events: &Events) -> Result<Vec<Row>, Failure> {
    let lambda = start(&functions.gateway).await?;
    let mut rows = Vec::new();
    for (count, after) in [(1, "1 request"), (999, "1,000 small requests")] {
        turn(&lambda, &events.page, 200, count).await?;
        let peak = lambda.stats().peak_memory_bytes().ok_or("no memory was seen")?;
        let name = format!("peak memory (VmHWM) after {after}");
        let row = Row::figure(GROUP, name, peak as f64 / 1e6, "MB", Goal::figure(12.0, Some(8.0)));
        rows.push(row.with_rounds("pages of 1 KiB from a local directory"));
    }
    lambda.stop().await;
    Ok(rows)
}

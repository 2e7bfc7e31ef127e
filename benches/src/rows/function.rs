//! Whole functions under the stand-in for the Runtime API: invocations, connections, starts, memory.
//!
//! The stand-in runs on core 0 and the functions on core 1, one of them at a time; on one core both would measure the
//! scheduler. No time here is a Lambda figure.

use super::Bench;
use ipnet::IpNet;
use portcullis_bench::events::event;
use portcullis_bench::measure::{Samples, median, ratio};
use portcullis_bench::networks::apart;
use portcullis_bench::standin::Standin;
use portcullis_bench::subject::{STANDARD, site, state_at};
use portcullis_bench::table::{Goal, Row};
use portcullis_bench::{Failure, random};
use portcullis_runtime_api::{FunctionConfig, Lambda, Outcome, UrlAnswer};
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
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
    let mut rows = invocations(bench, &functions, &events)?;
    rows.push(starts(bench, &functions).await?);
    rows.extend(counts(bench, &functions, &events).await?);
    Ok(rows)
}

/// Writes the site, its state and its one page, and names the functions that serve them.
fn prepare(bench: &Bench) -> Result<(Functions, Events), Failure> {
    let folder = std::path::absolute(bench.scratch.join("site"))?;
    // As Lambda unpacks a deployed function: what lies in its folder is mapped, anything else would be copied.
    let task = folder.join("task");
    std::fs::create_dir_all(&task)?;
    let bootstrap = task.join("bootstrap");
    std::fs::copy(&bench.gateway, &bootstrap)
        .map_err(|error| format!("{}: {error}", bench.gateway.display()))?;
    std::fs::copy(bench.inputs.country_table(), task.join("country.table"))?;
    let mut denied = apart(STANDARD.networks - 1, 7);
    let allowed = denied.split_off(denied.len() / 2);
    let site = serde_json::from_value(site(STANDARD.behaviors, &denied, &allowed))?;
    std::fs::write(
        task.join("bundle.json"),
        portcullis_site::Bundle::new(site)?.bytes(),
    )?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    std::fs::write(
        folder.join("state.json"),
        serde_json::to_vec(&state_at(now)?)?,
    )?;
    let section = folder.join("objects/bench-files/section-9");
    std::fs::create_dir_all(&section)?;
    std::fs::write(section.join("page.html"), page())?;

    let deployed = |binary: &Path| {
        let mut config = FunctionConfig::new(binary)
            .with_env(
                "PORTCULLIS_BUNDLE",
                task.join("bundle.json").display().to_string(),
            )
            .with_env(
                "PORTCULLIS_STATE",
                format!("file:{}", folder.join("state.json").display()),
            )
            .with_env(
                "PORTCULLIS_GEOIP",
                task.join("country.table").display().to_string(),
            )
            .with_env(
                "PORTCULLIS_OBJECTS",
                format!("directory:{}", folder.join("objects").display()),
            );
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
    (0..1_024)
        .map(|_| char::from(b'a' + random.below(26) as u8))
        .collect()
}

async fn start(config: &FunctionConfig) -> Result<Lambda, Failure> {
    let lambda = Lambda::start(config.clone()).await?;
    let ready = lambda.ready().await;
    ready.map_err(|failure| {
        let said: Vec<String> = lambda.logs().iter().map(|line| line.text.clone()).collect();
        format!(
            "{} does not start: {failure:?} {}",
            config.binary.display(),
            said.join(" ")
        )
    })?;
    Ok(lambda)
}

/// Median microseconds from the event sent to the answer received, over `count` invocations, all with that status.
fn turn(function: &mut Standin, event: &[u8], status: u16, count: usize) -> Result<f64, Failure> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let (took, document) = function.invoke(event)?;
        let answer = UrlAnswer::of(&Outcome::Buffered(document.into()));
        if answer.status != status {
            return Err(format!("answered {} and not {status}", answer.status).into());
        }
        times.push(took.as_secs_f64() * 1e6);
    }
    Ok(median(times))
}

/// One side: the samples of a function for one kind of event.
struct Side {
    function: Standin,
    samples: Samples,
}

impl Side {
    fn start(config: &FunctionConfig) -> Result<Self, Failure> {
        Ok(Self {
            function: Standin::start(config)?,
            samples: Samples::default(),
        })
    }
}

/// What a comparison came to: the samples of each side, and microseconds of processor time of one invocation.
struct Compared<const SIDES: usize> {
    samples: [Samples; SIDES],
    processor: [f64; SIDES],
}

fn compare<const SIDES: usize>(
    configs: [&FunctionConfig; SIDES],
    event: &[u8],
    status: u16,
    turns: usize,
) -> Result<Compared<SIDES>, Failure> {
    let mut sides = Vec::with_capacity(SIDES);
    for config in configs {
        let mut side = Side::start(config)?;
        turn(&mut side.function, event, status, TURN)?;
        sides.push((side.function.processor_time()?, side));
    }
    for _ in 0..turns {
        for (_, side) in &mut sides {
            side.samples
                .0
                .push(turn(&mut side.function, event, status, TURN)?);
        }
    }
    let invocations = (turns * TURN) as f64;
    let mut compared = Compared {
        samples: [const { Samples(Vec::new()) }; SIDES],
        processor: [0.0; SIDES],
    };
    for (at, (before, side)) in sides.into_iter().enumerate() {
        let used = side.function.processor_time()?.saturating_sub(before);
        compared.processor[at] = used.as_secs_f64() * 1e6 / invocations;
        compared.samples[at] = side.samples;
    }
    Ok(compared)
}

fn invocations(bench: &Bench, functions: &Functions, events: &Events) -> Result<Vec<Row>, Failure> {
    let turns = (bench.effort.invocations / TURN).max(1);
    let three = [&functions.gateway, &functions.plain, &functions.floor];
    let refused = compare(three, &events.refused, 403, turns)?;
    let two = [&functions.gateway, &functions.plain];
    let page = compare(two, &events.page, 200, turns.div_ceil(4))?;

    let row = |name: &str, ours: &Samples, who: &str, theirs: &Samples, goal| {
        Row::compared(
            GROUP,
            name,
            ours.median(),
            "µs",
            (who, theirs.median()),
            goal,
        )
        .with_spread(ratio(ours, theirs))
    };
    let rounds =
        format!("{turns} turns of {TURN} invocations each, a refusal with its decision line");
    let [ours, plain, floor] = &refused.samples;
    let used = |processor: &[f64]| {
        let used: Vec<String> = processor.iter().map(|used| format!("{used:.1}")).collect();
        format!(
            "processor time of the function for one invocation, in µs: {}",
            used.join(", ")
        )
    };
    let name = "warm invocation, decision included";
    let lambda_http = "the same logic on lambda_http";
    Ok(vec![
        row(name, ours, "hand-written blocking loop", floor, Goal::at_most(2.0, Some(1.3)))
            .with_rounds(&rounds)
            .with_note(used(&refused.processor) + " (gateway, lambda_http, loop); the loop does not even read the event"),
        row("the same", ours, lambda_http, plain, Goal::at_most(0.8, Some(0.6))).with_rounds(&rounds),
        row(
            "warm invocation, a page of 1 KiB from a local directory",
            &page.samples[0],
            lambda_http,
            &page.samples[1],
            Goal::at_most(1.0, Some(0.8)),
        )
        .with_rounds(format!("{} turns of {TURN} invocations each", turns.div_ceil(4)))
        .with_note(used(&page.processor) + "; mostly file system and thread hand-over, which a bucket has not, and the same on both sides: so the bar is only that it costs no more"),
    ])
}

/// Connections and memory, under the stand-in that holds a function to Lambda's rules.
async fn counts(
    bench: &Bench,
    functions: &Functions,
    events: &Events,
) -> Result<Vec<Row>, Failure> {
    let lambda = start(&functions.gateway).await?;
    let mut rows = Vec::new();
    for (count, after) in [(1, "1 request"), (999, "1,000 small requests")] {
        ask(&lambda, &events.page, 200, count).await?;
        let peak = lambda
            .stats()
            .peak_memory_bytes()
            .ok_or("no memory was seen")?;
        let name = format!("peak memory (VmHWM) after {after}");
        let row = Row::figure(
            GROUP,
            name,
            peak as f64 / 1e6,
            "MB",
            Goal::figure(12.0, Some(8.0)),
        );
        rows.push(row.with_rounds("pages of 1 KiB from a local directory"));
    }
    ask(&lambda, &events.refused, 403, bench.effort.invocations).await?;
    let stats = lambda.stats();
    let goal = Goal::figure(1.0, Some(1.0));
    let name = "connections to the Runtime API";
    let row = Row::figure(GROUP, name, stats.connections() as f64, "connections", goal);
    rows.insert(
        0,
        row.with_rounds(format!("{} invocations", stats.invocations)),
    );
    lambda.stop().await;
    Ok(rows)
}

async fn ask(lambda: &Lambda, event: &[u8], status: u16, count: usize) -> Result<(), Failure> {
    for _ in 0..count {
        let invocation = lambda.invoke(event.to_vec()).await;
        let answer = UrlAnswer::of(&invocation.outcome);
        if answer.status != status {
            return Err(format!(
                "answered {} and not {status}: {:?}",
                answer.status, invocation.outcome
            )
            .into());
        }
    }
    Ok(())
}

async fn starts(bench: &Bench, functions: &Functions) -> Result<Row, Failure> {
    let [mut ours, mut bare] = [const { Samples(Vec::new()) }; 2];
    // The first start of each reads its file into the page cache.
    for counted in [false, true] {
        for _ in 0..if counted { bench.effort.starts } else { 1 } {
            for (config, samples) in [
                (&functions.gateway, &mut ours),
                (&functions.bare, &mut bare),
            ] {
                let lambda = start(config).await?;
                let stats = lambda.stats();
                let init = stats
                    .environments
                    .first()
                    .and_then(|environment| environment.init);
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

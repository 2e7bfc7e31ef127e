//! The engine: one runtime for one run, on a thread of its own, with limits on memory, steps and time.
//!
//! Always holds: whoever runs a function has an answer within [`Limits::wall`], also where the engine is in a loop of its own
//! that it does not leave when asked; such threads are counted, and beyond [`STUCK_MAX`] nothing more is run. Code is compiled
//! for each run: the engine's compiled form is only read by unsafe code.

use crate::function::{Limits, Version};
use crate::host::{Left, host};
use crate::store::Store;
use rquickjs::context::intrinsic::{
    Date, Eval, Json, Promise, RegExp, RegExpCompiler, TypedArrays,
};
use rquickjs::loader::{BuiltinLoader, BuiltinResolver};
use rquickjs::{
    CatchResultExt as _, CaughtError, Context, Ctx, Function, Module, Object, Runtime, Value,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The depth of the engine's stack, in bytes.
const STACK_MAX: usize = 256 << 10;
/// The stack of a run's thread, in bytes.
const THREAD_STACK: usize = 2 << 20;
/// How many branches and calls pass between two times that the engine asks whether to go on.
pub const STEPS_PER_ASK: u64 = 10_000;
/// The most runs that do not stop though their time is over.
pub const STUCK_MAX: usize = 4;
/// The most bytes of an answer as JSON.
const ANSWER_BYTES_MAX: usize = 2 << 20;

static STUCK: AtomicUsize = AtomicUsize::new(0);

const PRELUDE: &str = include_str!("js/prelude.js");
/// Modules by name, each a function expression of the host, `require` and the version.
const MODULES: [(&str, &str); 5] = [
    ("buffer", include_str!("js/buffer.js")),
    ("cloudfront", include_str!("js/cloudfront.js")),
    ("crypto", include_str!("js/crypto.js")),
    ("querystring", include_str!("js/querystring.js")),
    // Not to be asked for by name: globals that are made from it.
    ("text", include_str!("js/text.js")),
];

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failed {
    /// It does not compile, or has no handler.
    #[error("{0}")]
    Code(String),
    /// It threw, or answered nothing.
    #[error("{0}")]
    Threw(String),
    /// It took more steps or time than it may.
    #[error("the function took longer than it may")]
    Time,
    /// It took more memory than it may.
    #[error("the function took more memory than it may")]
    Memory,
    /// The engine itself could not be made.
    #[error("the engine did not start: {0}")]
    Engine(String),
}

/// What is run, and on what.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) code: Arc<str>,
    pub(crate) version: Version,
    pub(crate) store: Option<Arc<Store>>,
    pub(crate) limits: Limits,
    /// The event as JSON; without one the code is only compiled and looked at.
    pub(crate) event: Option<String>,
    /// Whether an origin may be chosen.
    pub(crate) may_choose: bool,
    /// The time it is for the function, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) now_ms: u64,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The answer as JSON; empty where there was no event.
    pub(crate) answer: Result<String, Failed>,
    pub(crate) log: Vec<String>,
    pub(crate) chosen: Option<String>,
    /// How many times it was asked whether to go on.
    pub(crate) asks: u64,
}

impl Ended {
    fn failed(why: Failed) -> Self {
        Self {
            answer: Err(why),
            log: Vec::new(),
            chosen: None,
            asks: 0,
        }
    }
}

/// Runs a job and waits for it as long as it may take.
pub(crate) fn run(job: Job) -> Ended {
    if STUCK.load(Ordering::Relaxed) >= STUCK_MAX {
        return Ended::failed(Failed::Engine("too many runs do not stop".to_owned()));
    }
    let wall = job.limits.wall;
    let (sender, receiver) = sync_channel(1);
    let named = thread::Builder::new()
        .name("edge-function".to_owned())
        .stack_size(THREAD_STACK);
    let started = named.spawn(move || {
        // Whoever waited may have gone.
        let _gone = sender.send(run_here(&job));
    });
    let running = match started {
        Ok(running) => running,
        Err(why) => return Ended::failed(Failed::Engine(why.to_string())),
    };
    // The engine ends itself at `wall`; the rest is for one that is not asked.
    match receiver.recv_timeout(wall + wall / 2) {
        Ok(ended) => ended,
        Err(RecvTimeoutError::Timeout) => {
            STUCK.fetch_add(1, Ordering::Relaxed);
            let watched = thread::Builder::new().spawn(move || {
                let _ended = running.join();
                STUCK.fetch_sub(1, Ordering::Relaxed);
            });
            drop(watched);
            Ended::failed(Failed::Time)
        }
        Err(RecvTimeoutError::Disconnected) => {
            Ended::failed(Failed::Engine("its thread ended".to_owned()))
        }
    }
}

fn run_here(job: &Job) -> Ended {
    let left = Rc::new(RefCell::new(Left::default()));
    let watch = Rc::new(Watch::new(&job.limits));
    let answer = within(job, &left, &watch);
    let left = left.take();
    Ended {
        answer: answer.map_err(|failed| {
            if watch.is_over() {
                Failed::Time
            } else {
                failed
            }
        }),
        log: left.log,
        chosen: left.chosen,
        asks: watch.asks.get(),
    }
}

/// Counts steps and time.
struct Watch {
    asks: Cell<u64>,
    asks_max: u64,
    started: Instant,
    wall: Duration,
    over: Cell<bool>,
}

impl Watch {
    fn new(limits: &Limits) -> Self {
        Self {
            asks: Cell::new(0),
            asks_max: limits.steps.div_ceil(STEPS_PER_ASK),
            started: Instant::now(),
            wall: limits.wall,
            over: Cell::new(false),
        }
    }

    fn ask(&self) -> bool {
        let asks = self.asks.get() + 1;
        self.asks.set(asks);
        let over = asks > self.asks_max || self.started.elapsed() > self.wall;
        self.over.set(self.over.get() || over);
        over
    }

    fn is_over(&self) -> bool {
        self.over.get()
    }
}

type Intrinsics = (
    Date,
    Eval,
    RegExpCompiler,
    RegExp,
    Json,
    TypedArrays,
    Promise,
);

fn within(job: &Job, left: &Rc<RefCell<Left>>, watch: &Rc<Watch>) -> Result<String, Failed> {
    let engine = |why: rquickjs::Error| Failed::Engine(why.to_string());
    let runtime = Runtime::new().map_err(engine)?;
    runtime.set_max_stack_size(STACK_MAX);
    let asked = Rc::clone(watch);
    runtime.set_interrupt_handler(Some(Box::new(move || asked.ask())));
    if job.version == Version::V2 {
        let (mut resolver, mut loader) = (BuiltinResolver::default(), BuiltinLoader::default());
        for (name, _) in MODULES.into_iter().filter(|(name, _)| *name != "text") {
            resolver.add_module(name);
            // An import is evaluated before the function's own code, so `require` is still the runtime's.
            loader.add_module(name, format!("export default require('{name}');"));
        }
        runtime.set_loader(resolver, loader);
    }
    let context = Context::custom::<Intrinsics>(&runtime).map_err(engine)?;
    context.with(|ctx| prepare(&ctx, job, left))?;
    // The runtime's own share is not the function's.
    let own = usize::try_from(runtime.memory_usage().malloc_size).unwrap_or_default();
    runtime.set_memory_limit(own + job.limits.memory);
    context.with(|ctx| {
        let handler = handler(&ctx, job)?;
        match &job.event {
            Some(event) => answer(&ctx, &handler, event),
            None => Ok(String::new()),
        }
    })
}

/// Puts what the runtime has into the context, and takes away what it has not.
fn prepare<'js>(ctx: &Ctx<'js>, job: &Job, left: &Rc<RefCell<Left>>) -> Result<(), Failed> {
    let start = || -> rquickjs::Result<()> {
        let host: Object<'js> = host(ctx, job.store.clone(), job.may_choose, left)?;
        let source = Function::new(ctx.clone(), module)?;
        let prelude: Function<'_> = ctx.eval(PRELUDE)?;
        let version = match job.version {
            Version::V1 => 1,
            Version::V2 => 2,
        };
        // Exact for the next 280,000 years.
        #[allow(clippy::cast_precision_loss, reason = "JavaScript counts time so")]
        let now = job.now_ms as f64;
        prelude.call((host, source, version, now))
    };
    start().catch(ctx).map_err(|why| Failed::Engine(said(&why)))
}

/// A module's function.
#[allow(clippy::needless_pass_by_value, reason = "the engine calls it so")]
fn module<'js>(ctx: Ctx<'js>, name: String) -> rquickjs::Result<Value<'js>> {
    let module = MODULES.iter().find(|(own, _)| *own == name);
    let (_, text) = module.ok_or(rquickjs::Error::Unknown)?;
    ctx.eval(*text)
}

fn handler<'js>(ctx: &Ctx<'js>, job: &Job) -> Result<Function<'js>, Failed> {
    // On the last line, so that lines of messages are the function's own.
    let source = format!("{}\n;export {{ handler as default }};", job.code);
    let module = Module::declare(ctx.clone(), "function.js", source);
    let module = module.catch(ctx).map_err(|why| code(&why))?;
    let (module, evaluated) = module.eval().catch(ctx).map_err(|why| failure(&why))?;
    let evaluated = evaluated.finish::<()>();
    evaluated.catch(ctx).map_err(|why| failure(&why))?;
    let handler = module.get::<_, Function<'_>>("default");
    handler
        .catch(ctx)
        .map_err(|_| Failed::Code("`handler` is no function".to_owned()))
}

fn answer<'js>(ctx: &Ctx<'js>, handler: &Function<'js>, event: &str) -> Result<String, Failed> {
    let event: Value<'_> = ctx
        .json_parse(event)
        .catch(ctx)
        .map_err(|why| failure(&why))?;
    let answer: Value<'_> = handler
        .call((event,))
        .catch(ctx)
        .map_err(|why| failure(&why))?;
    // An asynchronous handler gives a promise.
    let answer: Value<'_> = match answer.as_promise() {
        Some(promise) => promise.finish().catch(ctx).map_err(|why| failure(&why))?,
        None => answer,
    };
    let text = ctx
        .json_stringify(answer)
        .catch(ctx)
        .map_err(|why| failure(&why))?;
    let text = text.ok_or_else(|| Failed::Threw("it answered nothing".to_owned()))?;
    let text = text.to_string().catch(ctx).map_err(|why| failure(&why))?;
    if text.len() > ANSWER_BYTES_MAX {
        return Err(Failed::Memory);
    }
    Ok(text)
}

fn code(error: &CaughtError<'_>) -> Failed {
    match failure(error) {
        Failed::Threw(why) => Failed::Code(why),
        other => other,
    }
}

fn failure(error: &CaughtError<'_>) -> Failed {
    match error {
        // Where no memory is left, none is left for an exception either, and the engine throws null.
        CaughtError::Value(value) if value.is_null() => Failed::Memory,
        CaughtError::Exception(exception)
            if exception.message().as_deref() == Some("out of memory") =>
        {
            Failed::Memory
        }
        CaughtError::Error(rquickjs::Error::WouldBlock) => {
            Failed::Threw("it waits for what never comes".to_owned())
        }
        other => Failed::Threw(said(other)),
    }
}

fn said(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            let what = exception.message().unwrap_or_default();
            let name: Option<String> = exception.as_object().get("name").ok();
            let line = exception.stack().as_deref().and_then(line_of);
            let name = name.unwrap_or_else(|| "Error".to_owned());
            match line {
                Some(line) => format!("{name}: {what} (line {line})"),
                None => format!("{name}: {what}"),
            }
        }
        CaughtError::Value(value) => format!("threw {value:?}"),
        CaughtError::Error(error) => error.to_string(),
    }
}

/// The line of the function's own code that is nearest to where it happened.
fn line_of(stack: &str) -> Option<u32> {
    let (_, behind) = stack.split_once("function.js:")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

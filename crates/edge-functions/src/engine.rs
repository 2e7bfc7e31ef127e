//! The engine: one runtime for one run, with limits on memory and time.

use crate::modules::{CLOUDFRONT, CRYPTO, PRELUDE, digest, hmac};
use crate::{MEMORY_MAX, Store, TIME_MAX};
use rquickjs::loader::{BuiltinLoader, BuiltinResolver};
use rquickjs::{CatchResultExt as _, CaughtError, Context, Ctx, Function, Module, Runtime, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// The most lines that one run may log; more are left out.
const LOG_LINES_MAX: usize = 100;
/// The depth of the engine's stack, in bytes.
const STACK_MAX: usize = 256 << 10;

type Log = Rc<RefCell<Vec<String>>>;

/// Whether the code compiles and has a handler.
pub(crate) fn compiles(code: &str, store: Option<Arc<Store>>) -> Result<(), String> {
    within(code, store, &Log::default(), |_, _| Ok(()))
}

/// The answer to an event, as JSON, and what was logged.
pub(crate) fn run(
    code: &str,
    store: Option<Arc<Store>>,
    event: &str,
) -> (Result<String, String>, Vec<String>) {
    let log = Log::default();
    let answer = within(code, store, &log, |ctx, handler| {
        let event: Value<'_> = ctx.json_parse(event).catch(ctx).map_err(|why| said(&why))?;
        let answer: Value<'_> = handler
            .call((event,))
            .catch(ctx)
            .map_err(|why| said(&why))?;
        // An asynchronous handler gives a promise.
        let answer: Value<'_> = match answer.as_promise() {
            Some(promise) => promise.finish().catch(ctx).map_err(|why| said(&why))?,
            None => answer,
        };
        let text = ctx
            .json_stringify(answer)
            .catch(ctx)
            .map_err(|why| said(&why))?;
        let text = text.ok_or_else(|| "it answered nothing".to_owned())?;
        text.to_string().map_err(|why| why.to_string())
    });
    let log = log.borrow().clone();
    (answer, log)
}

fn within<T>(
    code: &str,
    store: Option<Arc<Store>>,
    log: &Log,
    act: impl for<'js> FnOnce(&Ctx<'js>, &Function<'js>) -> Result<T, String>,
) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|why| why.to_string())?;
    runtime.set_memory_limit(MEMORY_MAX);
    runtime.set_max_stack_size(STACK_MAX);
    let started = Instant::now();
    runtime.set_interrupt_handler(Some(Box::new(move || started.elapsed() > TIME_MAX)));
    let resolver = BuiltinResolver::default()
        .with_module("cloudfront")
        .with_module("crypto");
    let loader = BuiltinLoader::default()
        .with_module("cloudfront", CLOUDFRONT)
        .with_module("crypto", CRYPTO);
    runtime.set_loader(resolver, loader);
    let context = Context::full(&runtime).map_err(|why| why.to_string())?;
    context.with(|ctx| {
        give(&ctx, store, log).map_err(|why| why.to_string())?;
        ctx.eval::<(), _>(PRELUDE)
            .catch(&ctx)
            .map_err(|why| said(&why))?;
        let source = format!("{code}\n;globalThis.__handler = handler;");
        let evaluated = Module::evaluate(ctx.clone(), "function.js", source);
        let evaluated = evaluated.catch(&ctx).map_err(|why| said(&why))?;
        evaluated
            .finish::<()>()
            .catch(&ctx)
            .map_err(|why| said(&why))?;
        let handler: Function<'_> = ctx
            .globals()
            .get("__handler")
            .map_err(|_| "`handler` is no function".to_owned())?;
        act(&ctx, &handler)
    })
}

/// What the modules of the runtime are made of.
fn give(ctx: &Ctx<'_>, store: Option<Arc<Store>>, log: &Log) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    let lines = Rc::clone(log);
    globals.set(
        "__log",
        Function::new(ctx.clone(), move |line: String| {
            let mut lines = lines.borrow_mut();
            if lines.len() < LOG_LINES_MAX {
                lines.push(line);
            }
        })?,
    )?;
    let has_store = store.is_some();
    globals.set("__hasStore", has_store)?;
    globals.set(
        "__get",
        Function::new(ctx.clone(), move |key: String| {
            store.as_ref().and_then(|store| store.get(&key).cloned())
        })?,
    )?;
    globals.set(
        "__digest",
        Function::new(ctx.clone(), |name: String, text: String| {
            digest(&name, &text)
        })?,
    )?;
    globals.set(
        "__hmac",
        Function::new(ctx.clone(), |name: String, key: String, text: String| {
            hmac(&name, &key, &text)
        })?,
    )
}

fn said(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => exception
            .message()
            .unwrap_or_else(|| "an error without a message".to_owned()),
        // Where no memory is left, none is left for an exception either, and the engine throws null.
        CaughtError::Value(value) if value.is_null() => "threw null: no memory is left".to_owned(),
        CaughtError::Value(value) => format!("threw {value:?}"),
        CaughtError::Error(error) => error.to_string(),
    }
}

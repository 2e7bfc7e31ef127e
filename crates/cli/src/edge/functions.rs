//! The functions of a distribution: CloudFront Functions in the engine, Lambda@Edge in processes.

use crate::args::Described;
use crate::exit::{Exit, Failure};
use crate::log::Sink;
use arc_swap::ArcSwap;
use portcullis_distribution::template::{FunctionSource, Runtime as Declared};
use portcullis_edge::distribution::{Compute, Distribution};
use portcullis_edge_functions::lambda::{Runtime, Settings};
use portcullis_edge_functions::{
    EdgeFunction, LambdaFunction, LambdaLimits, Limits, Runner, Source, Store, Version,
};
use portcullis_play::functions::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// The functions that the distributions ask for: from templates, and those whose code is named.
pub(super) fn functions(
    args: &Described,
    sources: &[FunctionSource],
    distributions: &[Distribution],
) -> Result<Runner, Failure> {
    let mut runner = Runner::new();
    for function in cloudfront_functions(args, sources)? {
        runner.add(function).map_err(Failure::usage)?;
    }
    for lambda in lambdas(args, distributions)? {
        runner.add_lambda(lambda).map_err(Failure::usage)?;
    }
    let missing = distributions.iter().flat_map(|one| runner.missing(one));
    match missing.into_iter().next() {
        Some((pattern, compute)) => Err(absent(pattern, compute)),
        None => Ok(runner),
    }
}

fn absent(pattern: &str, compute: &Compute) -> Failure {
    let (what, name, option, without) = match compute {
        Compute::Function(name) => ("function", name, "--function", "FunctionAssociations"),
        Compute::Lambda { arn, .. } => ("Lambda", arn, "--lambda", "LambdaFunctionAssociations"),
    };
    let place = match compute {
        Compute::Function(_) => "FILE",
        Compute::Lambda { .. } => "HANDLER",
    };
    Failure::usage(format!(
        "`{pattern}` runs {what} `{name}`, whose code is not here"
    ))
    .help(format!(
        "`{option} {name}={place}` gives it, `--without {without}` plays without such functions"
    ))
}

fn cloudfront_functions(
    args: &Described,
    sources: &[FunctionSource],
) -> Result<Vec<EdgeFunction>, Failure> {
    let mut codes: BTreeMap<String, (String, Version)> = BTreeMap::new();
    for source in sources {
        let version = match source.runtime {
            Declared::Js1 => Version::V1,
            Declared::Js2 => Version::V2,
        };
        codes.insert(source.name.clone(), (source.code.clone(), version));
    }
    for pair in &args.function {
        let (name, file) = split(pair, "NAME=FILE")?;
        let version = codes.get(name).map_or(Version::V2, |(_, version)| *version);
        codes.insert(name.to_owned(), (read(Path::new(file))?, version));
    }
    let mut stores: HashMap<String, Store> = HashMap::new();
    for pair in &args.store {
        let (name, file) = split(pair, "FUNCTION=FILE")?;
        if !codes.contains_key(name) {
            return Err(Failure::usage(format!("no function has the name `{name}`")));
        }
        stores.insert(name.to_owned(), store(file)?);
    }
    let functions = codes.iter().map(|(name, (code, version))| {
        let source = Source {
            name,
            code,
            version: *version,
            store: stores.remove(name),
        };
        EdgeFunction::compile(source, Limits::default())
            .map_err(|why| Failure::new(Exit::Findings, why))
    });
    functions.collect()
}

/// One function for each ARN that a distribution names, where its handler was named.
fn lambdas(
    args: &Described,
    distributions: &[Distribution],
) -> Result<Vec<LambdaFunction>, Failure> {
    let mut arns: Vec<&str> = distributions.iter().flat_map(lambda_arns).collect();
    arns.sort_unstable();
    arns.dedup();
    let mut found = Vec::new();
    for pair in &args.lambda {
        let (name, handler) = pair
            .rsplit_once('=')
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not NAME=HANDLER")))?;
        let meant: Vec<&&str> = arns.iter().filter(|arn| is_named(arn, name)).collect();
        if meant.is_empty() {
            return Err(
                Failure::usage(format!("no behavior runs a Lambda named `{name}`"))
                    .help(format!("there are: {}", arns.join(", "))),
            );
        }
        for arn in meant {
            found.push(lambda(arn, handler)?);
        }
    }
    Ok(found)
}

fn lambda_arns(one: &Distribution) -> impl Iterator<Item = &str> {
    let behaviors = one.all_behaviors();
    let computes = behaviors.flat_map(|behavior| {
        let own = &behavior.functions;
        [
            &own.viewer_request,
            &own.origin_request,
            &own.origin_response,
            &own.viewer_response,
        ]
    });
    computes.flatten().filter_map(|compute| match compute {
        Compute::Lambda { arn, .. } => Some(arn.as_str()),
        Compute::Function(_) => None,
    })
}

/// Whether a name is the ARN, or the function's name in it.
fn is_named(arn: &str, name: &str) -> bool {
    arn == name || arn.split(':').nth(6) == Some(name)
}

/// Files that a handler may be in, with their languages.
const LANGUAGES: [(&str, Runtime); 4] = [
    ("js", Runtime::Node),
    ("mjs", Runtime::Node),
    ("cjs", Runtime::Node),
    ("py", Runtime::Python),
];

fn lambda(arn: &str, handler: &str) -> Result<LambdaFunction, Failure> {
    let path = std::path::absolute(handler).map_err(Failure::failed)?;
    let language = LANGUAGES
        .iter()
        .find(|(extension, _)| path.with_extension(extension).is_file());
    let (Some((_, runtime)), Some(folder), Some(name)) = (
        language,
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Failure::usage(format!(
            "`{handler}` is no handler: there is no such file with .js, .mjs, .cjs or .py"
        ))
        .help("`edge/index.handler` is the function `handler` in edge/index.js"));
    };
    let settings = Settings {
        arn: arn.to_owned(),
        runtime: *runtime,
        program: runtime.program().into(),
        folder: folder.to_owned(),
        handler: name.to_owned(),
        environment: std::env::vars()
            .filter(|(name, _)| name == "PATH")
            .collect(),
    };
    Ok(LambdaFunction::new(settings, LambdaLimits::default()))
}

fn split<'a>(pair: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    pair.split_once('=')
        .ok_or_else(|| Failure::usage(format!("`{pair}` is not {form}")))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|why| Failure::failed(format!("`{}` cannot be read: {why}", path.display())))
}

/// Pairs as CloudFront imports them.
fn store(file: &str) -> Result<Store, Failure> {
    let bad = || {
        Failure::failed(format!("`{file}` is no file of pairs"))
            .help("it is {\"data\": [{\"key\": \"a\", \"value\": \"b\"}]}")
    };
    let text = read(Path::new(file))?;
    let value: Value = serde_json::from_str(&text).map_err(|_| bad())?;
    let pairs = value
        .get("data")
        .and_then(Value::as_array)
        .ok_or_else(bad)?;
    let pairs = pairs.iter().map(|pair| {
        let text = |key: &str| pair.get(key).and_then(Value::as_str).map(str::to_owned);
        text("key").zip(text("value")).ok_or_else(bad)
    });
    pairs.collect()
}

/// What runs the functions and shows what they print.
pub(super) fn engine(
    runner: Arc<ArcSwap<Runner>>,
    domains: HashMap<String, String>,
    log: Sink,
    json: bool,
) -> Engine {
    let tell = move |name: &str, line: &str| {
        if json {
            let event = json!({ "event": "function", "name": name, "line": line });
            log.line(&event.to_string());
        } else {
            log.line(&format!("{name}: {line}"));
        }
    };
    Engine {
        runner,
        domains,
        told: Box::new(move |name, _, ran| ran.log.iter().for_each(|line| tell(name, line))),
    }
}

//! `help`, `schema`, `completions`: what the program says about itself.

use crate::args::{Arguments, Completions, Help};
use crate::exit::{Exit, Failure, Outcome, TABLE};
use crate::out;
use clap::CommandFactory as _;
use portcullis_check::catalogue::Case;
use portcullis_manifest::{Code, codes, schema::json_schema};
use serde_json::json;

pub(crate) fn run(args: &Help) -> Outcome {
    match args.topic.as_deref() {
        None => out::text(Arguments::command().render_long_help().ansi())?,
        Some("exit-codes") => out::text(TABLE)?,
        Some("codes") if args.json => out::json(&codes())?,
        Some("codes") => {
            let lines = codes()
                .iter()
                .map(|info| format!("{}  {}\n", info.code, info.title));
            out::text(lines.collect::<String>())?;
        }
        Some(code) => explain(code, args.json)?,
    }
    Ok(Exit::Done.into())
}

fn explain(code: &str, as_json: bool) -> Result<(), Failure> {
    let unknown = || {
        Failure::usage(format!("there is no code `{code}`"))
            .help("`portcullis help codes` lists them")
    };
    if Case::of_rule(code).next().is_some() {
        return rule(code, as_json);
    }
    let info = Code::find(code).ok_or_else(unknown)?;
    if as_json {
        return out::json(info);
    }
    out::line(format_args!(
        "{}: {}\n\n{}",
        info.code, info.title, info.explanation
    ))
}

/// A rule of `check`, with its cases.
fn rule(rule: &str, as_json: bool) -> Result<(), Failure> {
    let cases = Case::of_rule(rule);
    if as_json {
        let cases: Vec<_> = cases
            .map(|case| json!({ "case": case.name(), "severity": case.severity(), "means": case.means(), "fix": case.fix() }))
            .collect();
        return out::json(&json!({ "rule": rule, "cases": cases }));
    }
    let title = Case::of_rule(rule).next().map_or("", Case::title);
    let mut text = format!("{rule}: {title}\n");
    for case in cases {
        text.push_str(&format!(
            "\n{}  ({})\n  {}\n  What to do: {}\n",
            case.slug(),
            case.severity().name(),
            case.means(),
            case.fix()
        ));
    }
    out::text(text)
}

pub(crate) fn schema() -> Outcome {
    out::text(json_schema())?;
    Ok(Exit::Done.into())
}

pub(crate) fn completions(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    let command = &mut Arguments::command();
    clap_complete::generate(args.shell, command, "portcullis", &mut script);
    out::text(String::from_utf8_lossy(&script))?;
    Ok(Exit::Done.into())
}

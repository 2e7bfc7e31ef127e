//! `help`, `schema`, `completions`: what the program says about itself.

use crate::args::{Arguments, Completions, Help};
use crate::exit::{Exit, Failure, Outcome, TABLE};
use crate::out;
use clap::CommandFactory as _;
use portcullis_manifest::{Code, codes, schema::json_schema};

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
    let info = Code::find(code).ok_or_else(unknown)?;
    if as_json {
        return out::json(info);
    }
    out::line(format_args!(
        "{}: {}\n\n{}",
        info.code, info.title, info.explanation
    ))
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

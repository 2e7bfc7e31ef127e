//! `help`, `schema`, `completions`: what the program says about itself.

use crate::args::{Arguments, Completions, Help};
use crate::exit::{Exit, Failure, Outcome, TABLE};
use anstream::{print, println};
use clap::CommandFactory as _;
use portcullis_manifest::{Code, codes, schema::json_schema};

pub(crate) fn run(args: &Help) -> Outcome {
    match args.topic.as_deref() {
        None => Arguments::command()
            .print_long_help()
            .map_err(Failure::failed)?,
        Some("exit-codes") => print!("{TABLE}"),
        Some("codes") if args.json => {
            println!("{}", serde_json::to_string(codes()).unwrap_or_default());
        }
        Some("codes") => codes()
            .iter()
            .for_each(|info| println!("{}  {}", info.code, info.title)),
        Some(code) => {
            let unknown = || {
                Failure::usage(format!("there is no code `{code}`"))
                    .help("`portcullis help codes` lists them")
            };
            let info = Code::find(code).ok_or_else(unknown)?;
            if args.json {
                println!("{}", serde_json::to_string(info).unwrap_or_default());
            } else {
                println!("{}: {}\n\n{}", info.code, info.title, info.explanation);
            }
        }
    }
    Ok(Exit::Done.into())
}

pub(crate) fn schema() -> Outcome {
    print!("{}", json_schema());
    Ok(Exit::Done.into())
}

pub(crate) fn completions(args: &Completions) -> Outcome {
    clap_complete::generate(
        args.shell,
        &mut Arguments::command(),
        "portcullis",
        &mut std::io::stdout(),
    );
    Ok(Exit::Done.into())
}

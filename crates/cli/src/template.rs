//! `template`: a site as CloudFormation.

use crate::args::{Arch, Stack};
use crate::exit::{Exit, Failure, Outcome};
use crate::load::load;
use crate::out;
use portcullis_stack::{Architecture, Options, template};

pub(crate) fn run(args: &Stack) -> Outcome {
    let manifest = load(&args.manifest)?;
    let options = Options {
        architecture: match args.arch {
            Arch::Arm64 => Architecture::Arm,
            Arch::X86 => Architecture::X86,
        },
        memory_mb: args.memory,
        reserved_concurrency: args.reserved_concurrency,
        log_days: args.log_days,
        web_acl: args.web_acl.clone(),
    };
    let template = template(manifest.compiled.bundle.site(), &options)
        .map_err(|why| Failure::new(Exit::Findings, why))?;
    let text = serde_json::to_string_pretty(&template).map_err(Failure::failed)? + "\n";
    match &args.output {
        None => out::text(text)?,
        Some(path) => std::fs::write(path, text).map_err(|why| {
            Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
        })?,
    }
    Ok(Exit::Done.into())
}

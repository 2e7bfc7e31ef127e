//! `iam`: the permissions that a use of the site needs.

use crate::args::{Iam, Use};
use crate::exit::{Exit, Failure, Outcome};
use crate::load::quietly;
use crate::out;
use portcullis_stack::iam::{Who, policy};

pub(crate) fn run(args: &Iam) -> Outcome {
    let table = &args.table;
    let parts: Vec<&str> = table.split(':').collect();
    let is_table =
        matches!(parts[..], ["arn", _, "dynamodb", _, _, name] if name.starts_with("table/"));
    if !is_table {
        return Err(
            Failure::usage(format!("`{table}` is no ARN of a DynamoDB table"))
                .help("it is arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"),
        );
    }
    let manifest = quietly(&args.manifest)?;
    let who = match args.who {
        Use::Gateway => Who::Gateway,
        Use::Publish => Who::Publisher,
        Use::Secret => Who::Rotator,
    };
    let policy = policy(manifest.compiled.bundle.site(), who, table);
    let text = serde_json::to_string_pretty(&policy).map_err(Failure::failed)?;
    out::line(text)?;
    Ok(Exit::Done.into())
}

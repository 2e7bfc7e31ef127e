//! The size of what is deployed, without the country database.

use super::Bench;
use miniz_oxide::deflate::compress_to_vec;
use portcullis_bench::Failure;
use portcullis_bench::table::{Goal, Row};

const GROUP: &str = "package";
/// The level of `cargo xtask package`, whose archives use the same encoder.
const LEVEL: u8 = 10;
/// The headers of one file of a zip archive, without its name, which comes twice; and the end of the archive.
const FILE_BYTES: usize = 30 + 46;
const END_BYTES: usize = 22;

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let packaged = bench.package.join("portcullis-gateway/bootstrap");
    let bundle = bench.package.join("bundle.json");
    let (program, from) = if packaged.is_file() && bundle.is_file() {
        (
            packaged,
            "as `cargo xtask package` left it, linked against an old glibc",
        )
    } else {
        (
            bench.gateway.clone(),
            "built here with the profile `lambda`, because `cargo xtask package` has not run",
        )
    };
    let mut size = END_BYTES;
    let program =
        std::fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    let mut files = vec![("bootstrap", program)];
    if let Ok(bundle) = std::fs::read(&bundle) {
        files.push(("bundle.json", bundle));
    }
    for (name, contents) in &files {
        size += compress_to_vec(contents, LEVEL).len() + FILE_BYTES + 2 * name.len();
    }
    let unpacked = files[0].1.len() as f64 / 1e6;
    let goal = Goal::figure(4.0, Some(2.0));
    let name = "zip of the gateway without the country database";
    let row = Row::figure(GROUP, name, size as f64 / 1e6, "MB", goal);
    Ok(vec![row.with_rounds(format!(
        "program of {unpacked:.2} MB, {from}"
    ))])
}

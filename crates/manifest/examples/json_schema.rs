//! Prints the manifest's JSON Schema: `cargo run -p portcullis-manifest --example json_schema > schema/portcullis.schema.json`.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

fn main() {
    print!("{}", portcullis_manifest::schema::json_schema());
}

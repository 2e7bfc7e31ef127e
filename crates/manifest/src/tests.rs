//! The crate's own tests: single rules and tables. Scenarios over whole files stand in the suite.

use crate::{Folder, compile};

#[test]
fn the_example_compiles() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../example");
    let source = std::fs::read_to_string(format!("{root}/portcullis.yaml")).unwrap();
    let compiled =
        compile(&source, "portcullis.yaml", &Folder(root.into())).unwrap_or_else(|d| panic!("{d}"));
    assert_eq!(compiled.warnings, []);
    println!("{}", compiled.bundle.digest());
    println!(
        "{}",
        serde_json::to_string_pretty(compiled.bundle.site()).unwrap()
    );
}

//! The inspector of `portcullis dev` in a real browser. What is looked at and done there is in `tests/browser/inspect.mjs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[test]
fn a_person_sees_why_and_what_if_and_changes_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let browser = root.join("tests/browser");
    assert!(
        browser.join("node_modules/playwright-core").is_dir(),
        "the browser's driver is missing: run `cargo xtask setup`"
    );
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root.join("examples/handbook/."))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let handbook = folder.path();
    // The same site with one country more.
    let other = handbook.join("other-of-the-inspector-test.yaml");
    let manifest = std::fs::read_to_string(handbook.join("portcullis.yaml")).unwrap();
    let changed = manifest.replace("neighbours: [CH, \"NO\"]", "neighbours: [CH, \"NO\", US]");
    assert_ne!(changed, manifest);
    std::fs::write(&other, changed).unwrap();

    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis-with-aws"))
        .current_dir(handbook)
        .args(["dev", "portcullis.yaml", "--port", "0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let dev = Dev(child);
    // Its other lines are read, so that it never waits for a reader.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    let output = Command::new("node")
        .current_dir(&browser)
        .args([
            "inspect.mjs",
            ready["url"].as_str().unwrap(),
            "portcullis.yaml",
        ])
        .arg(other.file_name().unwrap())
        .output()
        .unwrap();
    drop(dev);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "after\n{out}\n{err}");
}

//! The manifest: any text compiles to a bundle that a gateway can use, or to mistakes that stand in the text.
//!
//! An input is the text of a manifest; there are no files beside it. The same text is read as an environment manifest of
//! AWS Copilot's, whose import must compile.

use portcullis_manifest::copilot::from_environment_manifest;
use portcullis_manifest::{Code, Compiled, DIAGNOSTICS_MAX, Diagnostic, Diagnostics, compile};
use portcullis_site::{Bundle, Engine};
use std::collections::BTreeMap;

/// The name of the file in diagnostics.
const FILE: &str = "fuzz.yaml";

/// Holds for any input.
pub fn hold(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match compile(text, FILE, &BTreeMap::new()) {
        Ok(compiled) => usable(&compiled, text),
        Err(mistakes) => refused(&mistakes, text),
    }
    copilot(text);
}

fn copilot(text: &str) {
    match from_environment_manifest(text, FILE) {
        Ok(import) => {
            for note in &import.notes {
                assert!(note.place.line >= 1 && note.place.column >= 1);
            }
            let compiled = compile(&import.manifest, FILE, &BTreeMap::new());
            match compiled {
                Ok(compiled) => usable(&compiled, &import.manifest),
                Err(mistakes) => panic!("the import does not compile: {mistakes}"),
            }
        }
        Err(mistakes) => refused(&mistakes, text),
    }
}

/// The bundle reads back to the same bytes, and its policies become an engine.
fn usable(compiled: &Compiled, text: &str) {
    let bundle = &compiled.bundle;
    match Bundle::read(bundle.bytes()) {
        Ok(read) => {
            assert_eq!(read.digest(), bundle.digest());
            assert_eq!(read.site(), bundle.site(), "reading changed the site");
        }
        Err(error) => panic!("the bundle does not read back: {error}"),
    }
    // Keys come from files, so what an engine may still refuse cannot be here.
    if let Err(error) = Engine::new(bundle.site()) {
        panic!("a validated site has no engine: {error}");
    }
    for warning in &compiled.warnings {
        placed(warning, text);
    }
}

fn refused(mistakes: &Diagnostics, text: &str) {
    assert_eq!(mistakes.file, FILE);
    assert!((1..=DIAGNOSTICS_MAX).contains(&mistakes.diagnostics.len()));
    for mistake in &mistakes.diagnostics {
        placed(mistake, text);
    }
    let shown = mistakes.render(false);
    let moves = |c: char| c.is_control() && c != '\n';
    assert!(!shown.chars().any(moves), "a terminal is moved: {shown:?}");
}

/// A diagnostic has a code that `portcullis help` explains and a place in the text, or just behind it.
fn placed(diagnostic: &Diagnostic, text: &str) {
    let code = diagnostic.code.to_string();
    let known = Code::find(&code).map(|info| info.code);
    assert_eq!(known, Some(diagnostic.code), "{code} is not explained");
    let place = diagnostic.place;
    assert!(place.line >= 1 && place.column >= 1 && diagnostic.width >= 1);
    let lines = text.matches(['\n', '\r']).count() + 2;
    assert!(
        usize::try_from(place.line).is_ok_and(|line| line <= lines),
        "{code} stands on line {} of {lines}",
        place.line
    );
}

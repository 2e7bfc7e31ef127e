//! The manifest: `portcullis.yaml` becomes a [`portcullis_site::Site`] and its canonical bundle, or a list of everything
//! that is wrong with it.
//!
//! Text becomes a tree of spanned values (`yaml`), the tree is checked against the declared shapes (`keys`, `check`), what
//! passed is converted (`read`), and the site's own rules are placed in the file (`faults`). Always holds: every key has an
//! effect or is refused by name; one run reports every mistake with line, column and the nearest right word; the same
//! manifest gives the same bytes on every machine. Deliberately absent: a clock, the environment, and any file but those
//! the manifest names, which come through [`Files`].

mod check;
mod codes;
pub mod copilot;
mod diagnostic;
mod faults;
mod files;
mod keys;
mod nearest;
mod node;
mod read;
mod render;
pub mod schema;
mod shape;
mod source_map;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod view;
mod warnings;
mod yaml;

pub use codes::{Code, CodeInfo, codes};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Place, Severity};
pub use files::{Files, Folder};
pub use render::render;
pub use source_map::SourceMap;
pub use template::{init_scenario, init_template};
pub use yaml::{DEPTH_MAX, MANIFEST_BYTES_MAX, NODES_MAX};

use diagnostic::Sink;
use portcullis_site::{Bundle, BundleError};
use read::Reading;
use view::View;

/// A compiled manifest.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The site with the bytes and the digest that name it.
    pub bundle: Bundle,
    /// Where each part of it stands in the file.
    pub source_map: SourceMap,
    /// What compiles and is probably not meant, sorted by place.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles a manifest. `file_name` is only shown in diagnostics; `files` are those beside the manifest.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(source: &str, file_name: &str, files: &dyn Files) -> Result<Compiled, Diagnostics> {
    let mut sink = Sink::new(source);
    let compiled = read(source, files, &mut sink);
    let warnings = sink.finish(file_name)?;
    // Without a diagnostic there is a bundle; if not, saying so beats guessing.
    let (bundle, source_map) = compiled.ok_or_else(|| Diagnostics::unreadable(file_name))?;
    Ok(Compiled {
        bundle,
        source_map,
        warnings,
    })
}

fn read(source: &str, files: &dyn Files, sink: &mut Sink) -> Option<(Bundle, SourceMap)> {
    let mut root = yaml::parse(source, sink)?;
    check::check(&mut root, &keys::MANIFEST, sink);
    let site = Reading { sink, files }.site(View::of(&root));
    let map = SourceMap::new(root);
    faults::report(&site, &map, sink);
    if !sink.has_errors() {
        warnings::report(&site, &map, sink);
    }
    match Bundle::new(site) {
        Ok(bundle) => Some((bundle, map)),
        Err(BundleError::Invalid(_)) => None,
        Err(error) => {
            sink.error(codes::SITE, node::Span::START, error.to_string());
            None
        }
    }
}

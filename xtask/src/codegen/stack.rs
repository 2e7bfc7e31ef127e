//! `infra/example.template.json`: the CloudFormation template of the example manifest, for those without Node, and what the
//! tests of the CDK construct deploy.

use crate::tree;
use portcullis_manifest::{Folder, compile};
use portcullis_stack::{Options, template};

/// The template; a text that is none where the example does not compile, which its own tests explain.
pub(super) fn page() -> String {
    let folder = tree::root().join("example");
    let source = std::fs::read_to_string(folder.join("portcullis.yaml")).unwrap_or_default();
    let Ok(compiled) = compile(&source, "portcullis.yaml", &Folder(folder)) else {
        return "the example does not compile\n".to_owned();
    };
    let made = template(compiled.bundle.site(), &Options::default());
    let text = made.map(|made| serde_json::to_string_pretty(&made));
    match text {
        Ok(Ok(text)) => text + "\n",
        Ok(Err(why)) => format!("{why}\n"),
        Err(why) => format!("{why}\n"),
    }
}

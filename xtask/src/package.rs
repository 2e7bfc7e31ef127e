//! `cargo xtask package`: what is deployed of the gateway, as one zip.
//!
//! In it are the program (`bootstrap`), the site's compiled bundle (`bundle.json`) and the country database, under the
//! path the manifest gives it. The same input gives the same archive. The program is linked through zig against an old
//! glibc, because the host's is newer than the one on Amazon Linux 2023.
//!
//! Nothing is ever installed on the way: a target that is missing is an error with one clear line.

use crate::command::Program;
use crate::setup;
use crate::steps::{Failure, Steps, say};
use crate::toolchain_shim;
use crate::tree;
use crate::zip::{Entry, archive};
use clap::ValueEnum;
use serde_json::Value;
use std::path::{Path, PathBuf};

const GATEWAY: &str = "portcullis-gateway";
const EXAMPLE: &str = "examples/handbook/portcullis.yaml";
const DEMONSTRATION: &str = "infra/geoip/demonstration-country.mmdb";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The site's manifest; left out, the example, with the demonstration database
    manifest: Option<PathBuf>,
    /// A country database to package instead of the manifest's
    #[arg(long, value_name = "FILE")]
    geoip: Option<PathBuf>,
    /// The processor of the function
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
}

#[derive(Clone, Copy, ValueEnum)]
enum Arch {
    #[value(name = "x86_64")]
    X86,
    Arm64,
}

impl Arch {
    fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// A country database and the path it has in the archive.
struct Database {
    name: String,
    contents: Vec<u8>,
}

pub(crate) fn run(options: &Options, steps: &mut Steps) -> Result<(), Failure> {
    require_target(options.arch.target())?;
    setup::for_tests(steps)?;
    let folder = tree::target_dir().join("package");
    let bundle = folder.join("bundle.json");
    steps.step("compile the manifest", || compile(options, &bundle))?;
    steps.step("build the gateway", || build(options.arch, &folder))?;
    steps.step("zip", || pack(options, &folder))
}

fn compile(options: &Options, bundle: &Path) -> Result<String, Failure> {
    tree::write(bundle, b"")?;
    Program::cargo("run --locked --quiet --package portcullis -- compile")
        .arg(manifest(options))
        .arg("--output")
        .arg(bundle)
        .run()?;
    Ok(String::new())
}

fn manifest(options: &Options) -> PathBuf {
    let given = options.manifest.clone();
    given.unwrap_or_else(|| tree::root().join(EXAMPLE))
}

fn build(arch: Arch, folder: &Path) -> Result<String, Failure> {
    let target = arch.target();
    Program::new(setup::tool("cargo-lambda"))
        .args(["lambda", "build", "--locked", "--profile", "lambda"])
        .args(["--package", GATEWAY, "--target", target])
        .args([
            "--skip-target-check",
            "--output-format",
            "binary",
            "--lambda-dir",
        ])
        .arg(folder)
        // zig is found through the same environment that brought cargo-lambda.
        .path_first(&[toolchain_shim::folder()?, setup::tools()])?
        .run()?;
    Ok(target.to_owned())
}

fn require_target(target: &str) -> Result<(), Failure> {
    let asked = Program::new("rustc").args(["--print", "target-libdir", "--target", target]);
    let folder = asked.output()?;
    if Path::new(String::from_utf8_lossy(&folder).trim()).is_dir() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the Rust target `{target}` is not installed, and packaging installs nothing"
    )))
}

fn pack(options: &Options, folder: &Path) -> Result<String, Failure> {
    let bootstrap = read(&folder.join(GATEWAY).join("bootstrap"))?;
    let bundle = read(&folder.join("bundle.json"))?;
    let database = database(options, &bundle)?;
    let mut entries = vec![
        Entry {
            name: "bootstrap",
            mode: 0o755,
            contents: &bootstrap,
        },
        Entry {
            name: "bundle.json",
            mode: 0o644,
            contents: &bundle,
        },
    ];
    let without = archive(&entries)?.len();
    if let Some(database) = &database {
        entries.push(Entry {
            name: &database.name,
            mode: 0o644,
            contents: &database.contents,
        });
    }
    let zip = archive(&entries)?;
    let path = folder.join("gateway.zip");
    tree::write(&path, &zip)?;
    for entry in &entries {
        say(&format!("{:>10}  {}", entry.contents.len(), entry.name));
    }
    say(&format!("{without:>10}  zip without the country database"));
    say(&format!("{:>10}  {}", zip.len(), path.display()));
    Ok(format!(
        "{} bytes, {without} without the country database",
        zip.len()
    ))
}

/// The database the bundle names, from where the options say; none if the site asks for none.
fn database(options: &Options, bundle: &[u8]) -> Result<Option<Database>, Failure> {
    let Some(name) = database_name(bundle)? else {
        return Ok(None);
    };
    let beside_manifest = || manifest(options).with_file_name(&name);
    let file = match (&options.geoip, &options.manifest) {
        (Some(file), _) => file.clone(),
        (None, Some(_)) => beside_manifest(),
        (None, None) => tree::root().join(DEMONSTRATION),
    };
    let contents = read(&file)?;
    Ok(Some(Database { name, contents }))
}

fn database_name(bundle: &[u8]) -> Result<Option<String>, Failure> {
    let bundle: Value = serde_json::from_slice(bundle)
        .map_err(|error| Failure::new(format!("the compiled bundle: {error}")))?;
    let site = bundle
        .get("site")
        .ok_or_else(|| Failure::new("the compiled bundle holds no `site`"))?;
    let Some(name) = site.pointer("/geo/database/file").and_then(Value::as_str) else {
        return Ok(None);
    };
    // The archive is unpacked under the function's own folder, where nothing may climb out.
    let inside = !name.starts_with('/') && !name.split('/').any(|part| part == "..");
    if inside && name.is_ascii() {
        return Ok(Some(name.to_owned()));
    }
    Err(Failure::new(format!(
        "the database `{name}` cannot be packaged: its path leaves the site's folder"
    )))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(Failure::io(path.display()))
}

#[cfg(test)]
mod tests {
    use super::database_name;

    #[test]
    fn the_bundle_names_the_database() {
        let named = |file| format!(r#"{{"site":{{"geo":{{"database":{{"file":"{file}"}}}}}}}}"#);
        let name = |bundle: &str| database_name(bundle.as_bytes());
        assert_eq!(
            name(&named("geoip/country.mmdb")).unwrap().as_deref(),
            Some("geoip/country.mmdb")
        );
        assert_eq!(name(r#"{"site":{"geo":{"database":null}}}"#).unwrap(), None);
        assert!(name(&named("../country.mmdb")).is_err());
        assert!(name(&named("/etc/country.mmdb")).is_err());
        assert!(name("{}").is_err());
    }
}

//! `init`: a new manifest, from nothing or from AWS Copilot's. What is there stays, unless it is told otherwise.

use crate::args::Init;
use crate::exit::{Exit, Failure, Outcome};
use crate::load::{LoadError, MANIFEST};
use crate::out;
use anstream::eprintln;
use portcullis_manifest::schema::{SCHEMA_FILE, json_schema};
use portcullis_manifest::{copilot, init_scenario, init_template};
use portcullis_site::Name;
use std::path::Path;

/// The folder of scenarios.
const SCENARIOS: &str = "scenarios";

pub(crate) fn run(args: &Init) -> Outcome {
    let manifest = match &args.from_copilot {
        Some(file) => from_copilot(file)?,
        None => init_template(&site_name(args)?),
    };
    if args.dry_run {
        out::text(manifest)?;
        return Ok(Exit::Done.into());
    }
    std::fs::create_dir_all(&args.folder).map_err(|e| cannot_write(&args.folder, &e))?;
    let path = args.folder.join(MANIFEST);
    if path.exists() && !args.force {
        return Err(
            Failure::failed(format!("`{}` is there already", path.display()))
                .help("use --force to overwrite it, or name another folder"),
        );
    }
    std::fs::write(&path, manifest).map_err(|e| cannot_write(&path, &e))?;
    let schema = args.folder.join(SCHEMA_FILE);
    std::fs::write(&schema, json_schema()).map_err(|e| cannot_write(&schema, &e))?;
    if args.from_copilot.is_none() {
        scenario(args)?;
    }
    out::line(path.display())?;
    eprintln!("next: portcullis compile {}", args.folder.display());
    Ok(Exit::Done.into())
}

/// Writes a first scenario where there are none.
fn scenario(args: &Init) -> Result<(), Failure> {
    let folder = args.folder.join(SCENARIOS);
    if folder.exists() {
        return Ok(());
    }
    std::fs::create_dir(&folder).map_err(|e| cannot_write(&folder, &e))?;
    let path = folder.join("everyone.yaml");
    let text = init_scenario(&site_name(args)?);
    std::fs::write(&path, text).map_err(|e| cannot_write(&path, &e))
}

fn cannot_write(path: &Path, why: &std::io::Error) -> Failure {
    Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
}

fn site_name(args: &Init) -> Result<Name, Failure> {
    let folder = std::path::absolute(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let folder = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = args.site.clone().or(folder).unwrap_or_default();
    Name::new(name).map_err(|why| Failure::usage(why).help("give the site a name with --site"))
}

fn from_copilot(file: &Path) -> Result<String, Failure> {
    let name = file.display().to_string();
    let source = std::fs::read_to_string(file)
        .map_err(|why| Failure::failed(format!("`{name}` cannot be read: {why}")))?;
    let import = copilot::from_environment_manifest(&source, &name).map_err(LoadError::Mistakes)?;
    for note in &import.notes {
        eprintln!(
            "{name}:{}:{}: `{}`: {}",
            note.place.line, note.place.column, note.key, note.text
        );
    }
    Ok(import.manifest)
}

//! From files to distributions: what each file is, what it says, and whether all of it can be played.

use super::functions::functions;
use crate::args::Described as Arguments;
use crate::exit::{Exit, Failure};
use anstream::eprintln;
use portcullis_distribution::template::{FunctionSource, Surroundings, Template};
use portcullis_distribution::value::Value;
use portcullis_distribution::{Fault, Resources, config, template};
use portcullis_edge::distribution::{Distribution, Unsupported, leave_out, unsupported};
use portcullis_edge_functions::Runner;
use portcullis_field_encryption::Configuration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What a file is, by its first member.
enum Kind {
    Config,
    Resource,
    Template,
}

/// The members by which the answers of CloudFront's API are known.
const RESOURCES: [&str; 8] = [
    "CachePolicy",
    "OriginRequestPolicy",
    "ResponseHeadersPolicy",
    "KeyGroup",
    "PublicKey",
    "OriginAccessControl",
    "FieldLevelEncryption",
    "FieldLevelEncryptionProfile",
];

/// What the files describe: distributions, at least one, and the functions they need.
pub(crate) struct Described {
    pub(crate) distributions: Vec<Distribution>,
    pub(crate) functions: Runner,
    pub(crate) encryption: Encryption,
    /// Configurations as the API has them, by the id of their distributions; what a template describes has none.
    pub(crate) configs: BTreeMap<String, Value>,
    /// What the distributions refer to.
    pub(crate) resources: Resources,
}

/// The configurations of field-level encryption that behaviors name.
pub(crate) type Encryption = BTreeMap<String, Arc<Configuration>>;

impl Described {
    /// For scenarios, which have no field-level encryption: what they would show of a body is not what an origin gets.
    pub(crate) fn in_scenarios(self) -> Result<Self, Failure> {
        match self.encryption.keys().next() {
            None => Ok(self),
            Some(id) => Err(Failure::failed(format!(
                "scenarios do not play field-level encryption, which a behavior has (`{id}`)"
            ))
            .help("`portcullis edge` plays it")),
        }
    }
}

/// Reads the files. All that they describe can be played.
pub(crate) fn described(args: &Arguments) -> Result<Described, Failure> {
    let files = args.files.iter().map(|path| Ok((path, read(path)?)));
    let files = files.collect::<Result<Vec<(&PathBuf, Vec<u8>)>, Failure>>()?;
    let mut resources = Resources::default();
    for (path, bytes) in &files {
        if matches!(kind(bytes), Kind::Resource) {
            resources
                .add(bytes)
                .map_err(|faults| faulty(path, &faults))?;
        }
    }
    let (mut found, mut configs) = (Vec::new(), BTreeMap::new());
    for (path, bytes) in &files {
        if matches!(kind(bytes), Kind::Config) {
            let one = config::read(bytes, &resources).map_err(|faults| faulty(path, &faults))?;
            configs.extend(config::config_of(bytes).map(|config| (one.id.clone(), config)));
            found.push(one);
        }
    }
    let (in_templates, sources) = of_templates(args, &files, resources.clone())?;
    found.extend(in_templates);
    if found.is_empty() {
        return Err(Failure::usage("no file describes a distribution")
            .help("`aws cloudfront get-distribution-config --id ID > site.json` makes one"));
    }
    found.iter_mut().for_each(|one| {
        args.without
            .iter()
            .for_each(|option| leave_out(one, option));
    });
    let encryption = encryption(&found, &resources)?;
    refuse_unplayable(&found)?;
    let functions = functions(args, &sources, &found)?;
    Ok(Described {
        distributions: found,
        functions,
        encryption,
        configs,
        resources,
    })
}

/// What the behaviors name, with all that it names.
pub(super) fn encryption(
    found: &[Distribution],
    resources: &Resources,
) -> Result<Encryption, Failure> {
    let behaviors = found.iter().flat_map(Distribution::all_behaviors);
    let named = behaviors.filter_map(|behavior| behavior.field_encryption.as_ref());
    let configurations = named.map(|id| {
        let configuration = resources.field_encryption(id).map_err(|why| {
            Failure::usage(why).help(
                "`aws cloudfront get-field-level-encryption`, `get-field-level-encryption-profile` and \
                 `get-public-key` print what is needed; give their files too. \
                 `--without FieldLevelEncryptionId` plays without it",
            )
        })?;
        Ok((id.clone(), Arc::new(configuration)))
    });
    configurations.collect()
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::failed(format!("`{}` cannot be read: {why}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(|why| failed(&why))?.len();
    if length > FILE_BYTES_MAX {
        return Err(failed(&format!(
            "{length} bytes are more than {FILE_BYTES_MAX}"
        )));
    }
    std::fs::read(path).map_err(|why| failed(&why))
}

/// A template unless it is one of CloudFront's answers; what is neither, the reader of templates says.
fn kind(bytes: &[u8]) -> Kind {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(bytes) else {
        return Kind::Template;
    };
    let has = |name: &str| members.contains_key(name);
    if has("Resources") {
        Kind::Template
    } else if RESOURCES.iter().any(|name| has(name)) {
        Kind::Resource
    } else {
        Kind::Config
    }
}

fn of_templates(
    args: &Arguments,
    files: &[(&PathBuf, Vec<u8>)],
    resources: Resources,
) -> Result<(Vec<Distribution>, Vec<FunctionSource>), Failure> {
    let parameters = parameters(&args.parameter)?;
    let names: Vec<String> = files
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    let templates: Vec<Template<'_>> = files
        .iter()
        .zip(&names)
        .filter(|((_, bytes), _)| matches!(kind(bytes), Kind::Template))
        .map(|((_, bytes), name)| Template {
            name,
            bytes,
            parameters: &parameters,
        })
        .collect();
    if templates.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let surroundings = Surroundings {
        resources,
        ..Surroundings::default()
    };
    let first = Path::new(templates.first().map_or("", |one| one.name));
    let document =
        template::read(&templates, &surroundings).map_err(|faults| faulty(first, &faults))?;
    let wanted = |id: &str| args.distribution.as_deref().is_none_or(|named| named == id);
    let known: Vec<String> = document
        .distributions
        .iter()
        .map(|one| one.logical_id.clone())
        .collect();
    let chosen = document
        .distributions
        .into_iter()
        .filter(|one| wanted(&one.logical_id));
    let (mut distributions, mut sources) = (Vec::new(), Vec::new());
    for one in chosen {
        distributions.push(one.distribution);
        sources.extend(one.functions);
    }
    match &args.distribution {
        Some(named) if distributions.is_empty() => Err(Failure::usage(format!(
            "no distribution has the logical id `{named}`"
        ))
        .help(format!("there are: {}", known.join(", ")))),
        _ => Ok((distributions, sources)),
    }
}

fn parameters(written: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pairs = written.iter().map(|pair| {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{pair}` is not NAME=VALUE")))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

fn faulty(path: &Path, faults: &[Fault]) -> Failure {
    faults
        .iter()
        .for_each(|fault| eprintln!("{}: {fault}", path.display()));
    let count = faults.len();
    let mistakes = if count == 1 { "mistake" } else { "mistakes" };
    Failure::new(
        Exit::Findings,
        format!("`{}` has {count} {mistakes}", path.display()),
    )
}

/// What cannot be played.
pub(super) fn unplayable(found: &[Distribution]) -> Vec<Unsupported> {
    let refused = found.iter().flat_map(unsupported);
    // Its configurations are read by `encryption`.
    let refused = refused.filter(|one| one.option != "FieldLevelEncryptionId");
    refused.collect()
}

fn refuse_unplayable(found: &[Distribution]) -> Result<(), Failure> {
    let refused = unplayable(found);
    if refused.is_empty() {
        return Ok(());
    }
    refused.iter().for_each(|one| eprintln!("{one}"));
    let first = refused.first().map_or("", |one| one.option);
    Err(
        Failure::failed("the distribution asks for what cannot be played here").help(format!(
            "`--without {first}` plays it without that, and shows what viewers would get then"
        )),
    )
}

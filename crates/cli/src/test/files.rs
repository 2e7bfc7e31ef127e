//! Scenarios on disk, and what they refer to: manifests, descriptions of distributions, folders of objects.

use crate::args::{Buckets, Described, Local, Test};
use crate::edge::read::{self, described};
use crate::exit::Failure;
use crate::gateway::countries;
use crate::load::{LoadError, MANIFEST, Manifest, path_of, quietly};
use crate::machine;
use portcullis_edge::distribution::Distribution;
use portcullis_edge_functions::Runner;
use portcullis_origin::countries::Countries;
use portcullis_play::scenario::{self, Fault, Scenario};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The most scenarios of one run.
const SCENARIOS_MAX: usize = 10_000;
/// The largest scenario, in bytes.
const SCENARIO_BYTES_MAX: u64 = 1 << 20;
/// The deepest folder below the one that is named.
const DEPTH_MAX: usize = 16;
/// How many folders above a scenario its manifest may be.
const ABOVE_MAX: usize = 8;
/// The most objects of a folder, and their bytes together.
const OBJECTS_MAX: usize = 10_000;
const OBJECT_BYTES_MAX: usize = 64 << 20;
/// The names of scenarios end with one of these.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A scenario that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its file, as it is shown.
    pub(super) path: PathBuf,
}

/// Finds scenarios, in the order of their names.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, DEPTH_MAX, &mut |file| {
                let extension = file.extension().and_then(|e| e.to_str());
                if extension.is_some_and(|e| EXTENSIONS.contains(&e)) {
                    found.push(Found { path: file });
                }
                found.len() <= SCENARIOS_MAX
            })
            .map_err(Failure::failed)?;
        } else if path.exists() {
            found.push(Found { path: path.clone() });
        } else {
            return Err(
                Failure::usage(format!("there are no scenarios at `{}`", path.display()))
                    .help("name a file or a folder; `portcullis init` writes some"),
            );
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if found.is_empty() || found.len() > SCENARIOS_MAX {
        let count = found.len();
        return Err(Failure::usage(format!(
            "there are {count} scenarios; one run plays 1 to {SCENARIOS_MAX}"
        )));
    }
    Ok(found)
}

/// Visits the files below a folder in the order of their names, until `visit` says no.
fn walk(
    folder: &Path,
    depth: usize,
    visit: &mut impl FnMut(PathBuf) -> bool,
) -> Result<bool, String> {
    let unreadable = |why| format!("`{}` cannot be read: {why}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort();
    for path in paths {
        let goes_on = match path.is_dir() {
            true if depth == 0 => return Err(format!("`{}` is too deep", path.display())),
            true => walk(&path, depth - 1, visit)?,
            false => visit(path),
        };
        if !goes_on {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Found {
    fn folder(&self) -> PathBuf {
        let parent = self.path.parent().unwrap_or(Path::new(""));
        if parent.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            parent.to_owned()
        }
    }

    /// What it says.
    pub(super) fn scenario(&self) -> Result<Scenario, Vec<Fault>> {
        let unreadable = |message: String| {
            vec![Fault {
                path: String::new(),
                line: 1,
                column: 1,
                rule: portcullis_distribution::Rule::Limit,
                message,
            }]
        };
        let size = std::fs::metadata(&self.path).map(|data| data.len());
        if size.is_ok_and(|size| size > SCENARIO_BYTES_MAX) {
            let message = format!("a scenario has at most {SCENARIO_BYTES_MAX} bytes");
            return Err(unreadable(message));
        }
        let bytes = std::fs::read(&self.path);
        let bytes = bytes.map_err(|why| unreadable(format!("it cannot be read: {why}")))?;
        scenario::read(&bytes)
    }

    /// The manifest that it plays: beside it, or above it under the name that manifests have.
    pub(super) fn manifest(&self, named: &Path) -> PathBuf {
        let own = self.folder();
        let beside = path_of(&own.join(named));
        if beside.exists() || named != Path::new(MANIFEST) {
            return beside;
        }
        let absolute = std::path::absolute(&own).unwrap_or_default();
        // As it was named, where that goes far enough.
        let near = own.ancestors().skip(1);
        let far = absolute.ancestors().skip(1).take(ABOVE_MAX);
        near.chain(far)
            .find_map(|folder| Some(folder.join(MANIFEST)).filter(|path| path.exists()))
            .unwrap_or(beside)
    }

    /// The objects of its folder: bucket, key, bytes.
    pub(super) fn objects(
        &self,
        scenario: &Scenario,
    ) -> Result<Vec<(String, String, Vec<u8>)>, String> {
        let Some(folder) = &scenario.folder else {
            return Ok(Vec::new());
        };
        let root = self.folder().join(folder);
        let mut files = Vec::new();
        walk(&root, DEPTH_MAX, &mut |file| {
            files.push(file);
            files.len() <= OBJECTS_MAX
        })?;
        let (mut objects, mut bytes) = (Vec::new(), 0);
        for file in files {
            let name = file.strip_prefix(&root).ok().and_then(Path::to_str);
            let Some((bucket, key)) = name.and_then(|name| name.split_once('/')) else {
                continue;
            };
            let content = std::fs::read(&file)
                .map_err(|why| format!("`{}` cannot be read: {why}", file.display()))?;
            bytes += content.len();
            if bytes > OBJECT_BYTES_MAX || objects.len() == OBJECTS_MAX {
                return Err(format!(
                    "`{}` has more than {OBJECTS_MAX} objects or {OBJECT_BYTES_MAX} bytes",
                    root.display()
                ));
            }
            objects.push((bucket.to_owned(), key.to_owned(), content));
        }
        Ok(objects)
    }

    /// The one distribution that files describe, if there are any.
    pub(super) fn deployed(
        &self,
        files: &[PathBuf],
        parameters: &BTreeMap<String, String>,
    ) -> Result<Option<(Distribution, Runner)>, String> {
        if files.is_empty() {
            return Ok(None);
        }
        let described = self.described(files, parameters)?;
        match <[Distribution; 1]>::try_from(described.distributions) {
            Ok([distribution]) => Ok(Some((distribution, described.functions))),
            Err(several) => Err(format!(
                "`deployed` describes {} distributions, and one stands before a site",
                several.len()
            )),
        }
    }

    /// The distributions that files describe.
    pub(super) fn described(
        &self,
        files: &[PathBuf],
        parameters: &BTreeMap<String, String>,
    ) -> Result<read::Described, String> {
        let folder = self.folder();
        let pairs = parameters.iter();
        let arguments = Described {
            files: files.iter().map(|file| folder.join(file)).collect(),
            parameter: pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            ..Described::default()
        };
        described(&arguments)
            .and_then(read::Described::in_scenarios)
            .map_err(|why| why.to_string())
    }
}

/// The manifests of a run, each compiled once. The mistakes of one are told once.
#[derive(Default)]
pub(super) struct Sites(BTreeMap<PathBuf, Option<Manifest>>);

impl Sites {
    pub(super) fn of(&mut self, path: &Path) -> Result<&Manifest, String> {
        if !self.0.contains_key(path) {
            let manifest = quietly(path);
            let (manifest, mistakes) = match manifest {
                Ok(manifest) => (Some(manifest), None),
                Err(LoadError::Unreadable(why)) => (None, Some(why.to_string())),
                Err(LoadError::Mistakes(found)) => (None, Some(found.render(false))),
            };
            self.0.insert(path.to_owned(), manifest);
            mistakes.map_or(Ok(()), Err)?;
        }
        let known = self.0.get(path).and_then(Option::as_ref);
        known.ok_or_else(|| format!("the mistakes of `{}` were told above", path.display()))
    }

    /// Each manifest, with its path.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Path, &Manifest)> {
        let known = self.0.iter();
        known.filter_map(|(path, manifest)| Some((path.as_path(), manifest.as_ref()?)))
    }
}

/// The country database of a site at a time of a scenario, whose clock may be behind the machine's: a database of today is
/// none of the future.
pub(super) fn countries_of(args: &Test, site: &Manifest, now: u64) -> Result<Countries, String> {
    let local = Local {
        buckets: Buckets::default(),
        geoip: args.geoip.clone(),
    };
    let now = now.max(machine::now_ms() / 1_000);
    let found = countries(&local, site.compiled.bundle.site(), &site.folder, now);
    found
        .map(|found| found.countries)
        .map_err(|why| why.to_string())
}

/// Waits until a scenario, or a file beside one, is another.
pub(super) fn wait_for_change(paths: &[PathBuf], found: &[Found], every: Duration) {
    let stamp = || -> Vec<(PathBuf, Option<SystemTime>)> {
        let mut files: Vec<PathBuf> = found.iter().map(|one| one.path.clone()).collect();
        files.extend(found.iter().map(|one| one.manifest(Path::new(MANIFEST))));
        for path in paths.iter().filter(|path| path.is_dir()) {
            let _what_can_be_seen = walk(path, DEPTH_MAX, &mut |file| {
                files.push(file);
                files.len() <= SCENARIOS_MAX
            });
        }
        let stamped = files.into_iter().map(|file| {
            let time = std::fs::metadata(&file).and_then(|data| data.modified());
            (file, time.ok())
        });
        stamped.collect()
    };
    let before = stamp();
    while stamp() == before {
        std::thread::sleep(every);
    }
}

//! What a deployed gateway is told by its environment: every variable, declared once, read into a typed configuration.
//!
//! Always holds: a [`GatewayConfig`] exists only if every variable that is set has a value that is understood, every one
//! that is needed is set, and no variable begins with `PORTCULLIS_` that is not declared here. Nothing left out switches a
//! check off. Whatever is wrong is one line that names the variable, its value and what was expected, for the start to
//! stop with.
//!
//! Deliberately absent: policy. Who may see what is in the bundle; here is only where things are.

mod access;
mod reference;
mod variables;

pub use access::{AccessKeys, AwsAccess, Endpoints};
pub use reference::environment_reference;
pub use variables::{VARIABLES, Variable};

use crate::environment::Environment;
use portcullis_site::Name;
use std::fmt;
use std::path::PathBuf;
use variables as v;

/// How much of a wrong value is shown, in characters.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// The prefix that is ours: a variable with it and another name is a spelling mistake.
const PREFIX: &str = "PORTCULLIS_";

/// How alike two names are, from 0 to 1, for one to be suggested for the other.
const ALIKE_MIN: f64 = 0.8;

/// Where a gateway finds what it works with.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The compiled bundle packaged with the gateway.
    pub bundle: PathBuf,
    /// Where the site state is kept.
    pub state: StateLocation,
    /// The country database, or the table compiled from one.
    pub geoip: Option<PathBuf>,
    /// The key that signs hand-off URLs.
    pub handoff_key: Option<HandoffKey>,
    /// How the function's URL takes answers.
    pub invoke_mode: InvokeMode,
    /// Where buckets are.
    pub objects: ObjectsLocation,
}

/// Where a site's state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    /// In a file.
    File(PathBuf),
    /// In an item of a DynamoDB table.
    DynamoDb {
        /// The way there.
        access: AwsAccess,
        /// The table's name.
        table: TableName,
        /// The site: the item's key.
        site: Name,
    },
}

/// Where buckets are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectsLocation {
    /// In S3, and the way there.
    S3(AwsAccess),
    /// Below a directory: `DIRECTORY/BUCKET/KEY`.
    Directory(PathBuf),
}

/// How the function's URL takes answers: set together with the URL's own mode, since each delivers the other's garbled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeMode {
    /// Whole answers of at most 6 MB.
    Buffered,
    /// A prelude, then bytes as they come.
    Stream,
}

/// A private key whose public key is in a key group of the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffKey {
    /// The private key, PEM.
    pub file: PathBuf,
    /// CloudFront's id of the public key.
    pub id: String,
}

/// The name of a DynamoDB table.
///
/// - 3 to 255 characters from `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(String);

impl TableName {
    /// Parses a name; `None` if no table can have it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let may_stand = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        ((3..=255).contains(&name.len()) && name.bytes().all(may_stand)).then_some(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a process cannot start with its environment. Displayed, it is one line.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigError {
    /// There is no such variable.
    Unknown {
        /// The name that is set.
        name: String,
        /// The declared name most like it.
        nearest: Option<&'static str>,
    },
    /// The value is not understood.
    Wrong {
        /// The variable.
        variable: &'static Variable,
        /// Its value.
        value: String,
    },
    /// It is needed and not set.
    Missing {
        /// The variable.
        variable: &'static Variable,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, nearest } => {
                write!(f, "{} is no variable of the gateway", shown(name))?;
                nearest.map_or(Ok(()), |name| write!(f, "; did you mean {name}?"))
            }
            Self::Wrong { variable, .. } if variable.secret => {
                write!(
                    f,
                    "{} has a wrong value (not shown): expected {}",
                    variable.name, variable.expected
                )
            }
            Self::Wrong { variable, value } => {
                write!(
                    f,
                    "{} is `{}`: expected {}",
                    variable.name,
                    shown(value),
                    variable.expected
                )
            }
            Self::Missing { variable } => {
                write!(
                    f,
                    "{} is not set: expected {}",
                    variable.name, variable.expected
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

fn shown(text: &str) -> String {
    text.escape_debug().take(SHOWN_CHARACTERS_MAX).collect()
}

impl GatewayConfig {
    /// Reads the configuration of a gateway.
    ///
    /// # Errors
    /// The first variable that is unknown, wrong or missing.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        refuse_unknown(environment)?;
        let read = Reader(environment);
        Ok(Self {
            bundle: read
                .optional(&v::BUNDLE, path)?
                .unwrap_or_else(|| packaged_bundle(environment)),
            state: state_location(&read)?,
            geoip: read.optional(&v::GEOIP, path)?,
            handoff_key: handoff_key(&read)?,
            invoke_mode: read
                .optional(&v::INVOKE_MODE, invoke_mode)?
                .unwrap_or(InvokeMode::Buffered),
            objects: objects_location(&read)?,
        })
    }
}

/// Reads declared variables.
struct Reader<'a>(&'a Environment);

impl Reader<'_> {
    /// The value of `variable`, if it is set.
    fn optional<T>(
        &self,
        variable: &'static Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let parsed = |value: &str| {
            let wrong = || ConfigError::Wrong {
                variable,
                value: value.to_owned(),
            };
            parse(value).ok_or_else(wrong)
        };
        self.0.get(variable.name).map(parsed).transpose()
    }

    /// The value of `variable`.
    fn required<T>(
        &self,
        variable: &'static Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.optional(variable, parse)?
            .ok_or(ConfigError::Missing { variable })
    }
}

fn refuse_unknown(environment: &Environment) -> Result<(), ConfigError> {
    let declared = |name: &str| VARIABLES.iter().any(|variable| variable.name == name);
    match environment
        .names()
        .find(|name| name.starts_with(PREFIX) && !declared(name))
    {
        None => Ok(()),
        Some(name) => Err(ConfigError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name),
        }),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let ours = VARIABLES
        .iter()
        .map(|variable| variable.name)
        .filter(|name| name.starts_with(PREFIX));
    ours.map(|ours| (strsim::jaro_winkler(rest(name), rest(ours)), ours))
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

fn rest(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

fn path(value: &str) -> Option<PathBuf> {
    (!value.is_empty()).then(|| PathBuf::from(value))
}

fn packaged_bundle(environment: &Environment) -> PathBuf {
    let folder = environment.get(v::LAMBDA_TASK_ROOT.name).map(PathBuf::from);
    folder
        .unwrap_or_else(|| environment.program_folder().to_owned())
        .join("bundle.json")
}

fn state_location(read: &Reader<'_>) -> Result<StateLocation, ConfigError> {
    enum Place {
        File(PathBuf),
        Item(TableName, Name),
    }
    let place = read.required(&v::STATE, |value| {
        if let Some(file) = value.strip_prefix("file:") {
            return path(file).map(Place::File);
        }
        let (table, site) = value.strip_prefix("dynamodb:")?.split_once('/')?;
        Some(Place::Item(TableName::new(table)?, Name::new(site).ok()?))
    })?;
    Ok(match place {
        Place::File(file) => StateLocation::File(file),
        Place::Item(table, site) => {
            let access = AwsAccess::read(read.0)?;
            StateLocation::DynamoDb {
                access,
                table,
                site,
            }
        }
    })
}

fn objects_location(read: &Reader<'_>) -> Result<ObjectsLocation, ConfigError> {
    let directory = read.optional(&v::OBJECTS, |value| match value {
        "s3" => Some(None),
        _ => path(value.strip_prefix("directory:")?).map(Some),
    })?;
    match directory.flatten() {
        Some(directory) => Ok(ObjectsLocation::Directory(directory)),
        None => AwsAccess::read(read.0).map(ObjectsLocation::S3),
    }
}

fn invoke_mode(value: &str) -> Option<InvokeMode> {
    match value {
        "buffered" => Some(InvokeMode::Buffered),
        "stream" => Some(InvokeMode::Stream),
        _ => None,
    }
}

fn handoff_key(read: &Reader<'_>) -> Result<Option<HandoffKey>, ConfigError> {
    let file = read.optional(&v::HANDOFF_KEY, |value| path(value.strip_prefix("file:")?))?;
    let id = read.optional(&v::HANDOFF_KEY_ID, key_id)?;
    match (file, id) {
        (None, None) => Ok(None),
        (Some(file), Some(id)) => Ok(Some(HandoffKey { file, id })),
        (Some(_), None) => Err(ConfigError::Missing {
            variable: &v::HANDOFF_KEY_ID,
        }),
        (None, Some(_)) => Err(ConfigError::Missing {
            variable: &v::HANDOFF_KEY,
        }),
    }
}

fn key_id(value: &str) -> Option<String> {
    let is_id = (1..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric());
    is_id.then(|| value.to_owned())
}

#[cfg(test)]
mod tests;

//! The environment of a process as a value: the one place that reads it, and what tests make up in its stead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The variables of a process, and the folder its program lies in.
///
/// It does not print: some variables are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    program_folder: PathBuf,
}

impl Environment {
    /// The environment of this process.
    ///
    /// A value that is not UTF-8 is read with a replacement character in the place of each byte that is not, so that
    /// whoever expects something else of it says what.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let program = std::env::current_exe().unwrap_or_default();
        Self::new(variables, program.parent().unwrap_or(Path::new("")))
    }

    /// An environment with these variables and no others.
    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
        program_folder: impl Into<PathBuf>,
    ) -> Self {
        let variables = variables.into_iter();
        Self {
            variables: variables.map(|(n, v)| (n.into(), v.into())).collect(),
            program_folder: program_folder.into(),
        }
    }

    /// The value of a variable, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The names of all variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The folder the program lies in; empty if the system does not say.
    #[must_use]
    pub fn program_folder(&self) -> &Path {
        &self.program_folder
    }
}

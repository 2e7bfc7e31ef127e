//! What is measured on, from the project's own data: the country database and its table, and the address lists.

use crate::Failure;
use portcullis_viewer::database::{CountryDatabase, DatabaseRules};
use portcullis_viewer::table;
use std::path::{Path, PathBuf};

/// The moment of every measurement, in seconds since the epoch.
pub const NOW: u64 = 1_790_000_000;

/// The project's root.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The demonstration database, the one country database that comes with the project.
#[must_use]
pub fn database_file() -> PathBuf {
    root().join("infra/geoip/demonstration-country.mmdb")
}

/// A folder with what is made of the project's data.
#[derive(Debug, Clone)]
pub struct Inputs {
    folder: PathBuf,
}

impl Inputs {
    /// The folder as another process filled it.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Fills the folder.
    ///
    /// # Errors
    /// The data cannot be read or the folder not written.
    pub fn make(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let inputs = Self::of(folder);
        let bytes = std::fs::read(database_file())?;
        let database = CountryDatabase::open(bytes, &DatabaseRules::default(), NOW)?;
        std::fs::write(inputs.country_table(), table::compile(&database)?)?;
        Ok(inputs)
    }

    /// The table compiled from [`database_file`].
    #[must_use]
    pub fn country_table(&self) -> PathBuf {
        self.folder.join("country.table")
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

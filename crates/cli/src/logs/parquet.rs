//! Logs in Parquet, as version 2 of CloudFront's standard logs writes them to S3: each row becomes a line of a JSON log.

use crate::exit::Failure;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use portcullis_access_log::read::field_names;
use serde_json::{Map, Value};
use std::fs::File;
use std::path::Path;

/// What a Parquet file begins with.
pub(super) const MAGIC: [u8; 4] = *b"PAR1";

/// Gives each row, as a line of JSON and with its number, until `take` says no.
pub(super) fn rows(
    path: &Path,
    file: File,
    mut take: impl FnMut(&[u8], u64) -> bool,
) -> Result<(), Failure> {
    let failed = |why| {
        Failure::failed(format!(
            "`{}` is no Parquet that can be read: {why}",
            path.display()
        ))
    };
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    for (number, row) in (1..).zip(reader.get_row_iter(None).map_err(failed)?) {
        let line = line(&row.map_err(failed)?).to_string();
        if !take(line.as_bytes(), number) {
            break;
        }
    }
    Ok(())
}

/// The fields of a row that are read. The names of columns have underscores where those of fields have other characters.
fn line(row: &Row) -> Value {
    let columns = row.get_column_iter();
    let known = columns.filter_map(|(column, value)| {
        let plain = plain(column);
        let name = field_names().find(|name| self::plain(name) == plain)?;
        Some((name.to_owned(), Value::from(text(value)?)))
    });
    Value::Object(known.collect::<Map<_, _>>())
}

/// A name with letters, digits and single underscores alone.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_ascii_lowercase()
}

fn text(value: &Field) -> Option<String> {
    match value {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

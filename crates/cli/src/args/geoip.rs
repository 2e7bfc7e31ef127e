//! What can be typed about country databases.

use clap::{Args, Subcommand};
use portcullis_viewer::country::Country;
use std::net::IpAddr;
use std::path::PathBuf;

/// `geoip`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis geoip lookup GeoLite2-Country.mmdb 193.0.6.139 2001:67c:2e8::1
  portcullis geoip diff in-use.mmdb downloaded.mmdb
  portcullis geoip compile downloaded.mmdb --previous in-use.mmdb --canary 193.0.6.139=NL -o countries.table")]
pub(crate) struct Geoip {
    #[command(subcommand)]
    pub(crate) step: GeoipStep,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What is done with a database.
#[derive(Debug, Subcommand)]
pub(crate) enum GeoipStep {
    /// Tell the country of addresses, from a database or a compiled table
    Lookup {
        /// The database (MMDB), or the table.
        file: PathBuf,
        /// The addresses.
        #[arg(required = true)]
        address: Vec<IpAddr>,
    },
    /// Tell which addresses another database answers otherwise, and whether it may take the place of this one
    Diff {
        /// The database in use.
        old: PathBuf,
        /// The other one.
        new: PathBuf,
    },
    /// Check a database and compile it into the look-up table
    Compile {
        /// The database (MMDB).
        file: PathBuf,
        /// Where to write the table.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// The database in use: an older one, or one with too many changes, does not take its place.
        #[arg(long, value_name = "FILE")]
        previous: Option<PathBuf>,
        /// An address and the country it must have.
        #[arg(long, value_name = "ADDRESS=CC", value_parser = canary)]
        canary: Vec<(IpAddr, Country)>,
        /// The SHA-256 that was announced for the file, in hexadecimal.
        #[arg(long, value_name = "HEX", value_parser = digest)]
        sha256: Option<Digest>,
        /// Write nothing; exit code 4 if the table would be another than is there.
        #[arg(long)]
        plan: bool,
    },
}

/// A SHA-256.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

fn canary(written: &str) -> Result<(IpAddr, Country), String> {
    let (address, country) = written.split_once('=').ok_or("it is not ADDRESS=CC")?;
    let address = address
        .parse()
        .map_err(|_| format!("`{address}` is no address"))?;
    let country = country
        .parse()
        .map_err(|_| format!("`{country}` is no country code"))?;
    Ok((address, country))
}

fn digest(written: &str) -> Result<Digest, String> {
    let mut digest = [0; 32];
    let bytes = written.as_bytes();
    if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
        return Err("a SHA-256 is 64 hexadecimal digits".to_owned());
    }
    for (place, pair) in digest.iter_mut().zip(bytes.as_chunks::<2>().0) {
        let pair = std::str::from_utf8(pair).map_err(|why| why.to_string())?;
        *place = u8::from_str_radix(pair, 16).map_err(|why| why.to_string())?;
    }
    Ok(Digest(digest))
}

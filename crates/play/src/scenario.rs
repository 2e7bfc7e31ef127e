//! A scenario: one readable file for one behavior of a system.
//!
//! Always holds: what was read can be played; every mistake is found in one run, with its line and column.

mod read;

pub use portcullis_distribution::{Fault, Place};
pub use read::read;

use portcullis_viewer::country::Country;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// The most steps of a scenario.
pub const STEPS_MAX: usize = 1_000;
/// When a scenario begins unless it says so, in seconds since 1970-01-01T00:00:00Z: the first second of 2026.
pub const BEGINS: u64 = 1_767_225_600;

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub title: String,
    /// What is played.
    pub plays: Plays,
    /// When it begins, in seconds since 1970-01-01T00:00:00Z.
    pub begins: u64,
    /// Names of points of presence; empty for one.
    pub pops: Vec<String>,
    /// The folder that has a folder of objects for each bucket.
    pub folder: Option<PathBuf>,
    /// Objects, each in its bucket, beside those of the folder.
    pub objects: Vec<(String, String, Object)>,
    /// Written answers of origins that are no buckets, by origin.
    pub origins: BTreeMap<String, Vec<Answering>>,
    /// Whether each step is played alone, on a stage of its own.
    pub alone: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

/// What is played. Paths are relative to the scenario's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plays {
    /// The site of a manifest.
    Site {
        /// The manifest.
        manifest: PathBuf,
        /// The files that describe the distribution in front of it; without any it is the one that the manifest stands for.
        deployed: Vec<PathBuf>,
        /// Values of a template's parameters.
        parameters: BTreeMap<String, String>,
    },
    /// A distribution of no site of ours.
    Distribution {
        /// The files that describe it.
        files: Vec<PathBuf>,
        /// Values of a template's parameters.
        parameters: BTreeMap<String, String>,
    },
}

/// An object of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub body: String,
    /// Its `Content-Type`; else the one of its name.
    pub content_type: Option<String>,
    /// Its `Cache-Control`.
    pub cache_control: Option<String>,
}

/// An answer of an origin, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// The path, without query. One that ends with `*` stands for all that begin so.
    pub path: String,
    /// Headers that the request must have, by lower-case name.
    pub when: BTreeMap<String, String>,
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub at: Place,
    /// What happens.
    pub act: Act,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A viewer asks.
    Ask(Box<Asked>, Box<Expected>),
    /// Time passes, in seconds.
    Wait(u64),
    /// An object is put into a bucket.
    Put(String, String, Object),
    /// An object is deleted from a bucket.
    Delete(String, String),
    /// Paths are invalidated.
    Invalidate(Vec<String>),
    /// An origin fails from now on, or no more.
    Down(String, bool),
}

/// A viewer's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Whether over plain HTTP.
    pub plain: bool,
    /// The host; else the site's or the distribution's own.
    pub host: Option<String>,
    /// The viewer.
    pub from: AskedFrom,
    /// The point of presence; else the one of the viewer's country.
    pub pop: Option<String>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The key group whose key signs the URL, and for how many seconds.
    pub signed: Option<(String, i64)>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFrom {
    /// The address; else one where the country is.
    pub address: Option<IpAddr>,
    /// The country that CloudFront sees; else the one of the address.
    pub country: Option<Country>,
}

/// What must come back. What is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The status.
    pub status: Option<u16>,
    /// The result, as `x-edge-detailed-result-type` names it: `Hit`, `Miss`, `RefreshHit`, `Error`, …
    pub result: Option<String>,
    /// The whole body.
    pub body: Option<String>,
    /// Text in the body.
    pub contains: Option<String>,
    /// Headers by lower-case name: `None` for one that must not be there.
    pub headers: BTreeMap<String, Option<String>>,
    /// How often an origin was asked.
    pub origin_requests: Option<u8>,
    /// The verdict of the policy: `admitted`, `reported`, `refused`, `rejected`.
    pub verdict: Option<String>,
    /// The reason's code.
    pub reason: Option<String>,
    /// The policy that decides.
    pub policy: Option<String>,
    /// The statement that decides, counted from 1.
    pub statement: Option<usize>,
}

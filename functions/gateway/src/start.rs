//! The start: from the environment to a function that answers, or one line that says why there is none.
//!
//! Always holds: what is wrong is found before the first event is asked for; every file is read within a limit; a country
//! database is used only if it passes the rules of the site, and a demonstration database only where the site allows one
//! in so many words. A state that cannot be read does not stop the start: the copy packaged beside the bundle serves.

mod countries;
mod files;

pub use countries::GeoError;
pub use files::FileError;

use crate::answer::Mode;
use crate::function::GatewayFunction;
use crate::handoff::{HandOffError, HandOffSigner};
use crate::log::{StandardOutput, trouble};
use crate::runtime::{self, RuntimeError};
use portcullis_aws::config::{ConfigError, GatewayConfig, InvokeMode};
use portcullis_aws::environment::Environment;
use portcullis_aws::stores::{Objects, State, Stores};
use portcullis_origin::clock::{Clock as _, SystemClock};
use portcullis_origin::handle::Gateway;
use portcullis_origin::judge::Judge;
use portcullis_origin::serve::Ports;
use portcullis_origin::state::poll::{Freshness, LiveState};
use portcullis_origin::state::{STATE_BYTES_MAX, SiteState, StateError};
use portcullis_origin::upstream::client::HttpClient;
use portcullis_site::{BUNDLE_BYTES_MAX, Bundle, BundleError, EngineError, Site};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

/// The copy of the state that is packaged beside the bundle.
const PACKAGED_STATE: &str = "state.json";

/// The longest private key that is read, in bytes of PEM.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// Why the function does not start. Displayed, it is one line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Lambda is not there.
    #[error("AWS_LAMBDA_RUNTIME_API is not set: this program is a Lambda function")]
    NotInLambda,
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bundle is refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Something in the site cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The country database is missing or refused.
    #[error(transparent)]
    Geo(#[from] GeoError),
    /// The packaged copy of the state is damaged.
    #[error("the packaged state: {0}")]
    State(StateError),
    /// The hand-off key is missing or refused.
    #[error(transparent)]
    HandOff(#[from] HandOffError),
    /// The Runtime API failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// The gateway as it is deployed.
pub type DeployedGateway = Gateway<DeployedPorts, State, SystemClock>;

/// What the deployed gateway serves from.
#[derive(Debug)]
pub struct DeployedPorts {
    objects: Arc<Objects>,
    upstream: HttpClient,
    signer: HandOffSigner,
}

impl Ports for DeployedPorts {
    type Objects = Objects;
    type Upstream = HttpClient;
    type Signer = HandOffSigner;

    fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    fn upstream(&self) -> &HttpClient {
        &self.upstream
    }

    fn signer(&self) -> &HandOffSigner {
        &self.signer
    }
}

/// Starts as `environment` says and answers events for as long as there are any.
///
/// # Errors
/// [`StartError`]: nothing was asked for yet, or the Runtime API cannot be used any more.
pub async fn run(environment: &Environment) -> Result<Infallible, StartError> {
    let address = environment
        .get("AWS_LAMBDA_RUNTIME_API")
        .ok_or(StartError::NotInLambda)?;
    let config = GatewayConfig::read(environment)?;
    let mode = match config.invoke_mode {
        InvokeMode::Buffered => Mode::Buffered,
        InvokeMode::Stream => Mode::Streamed,
    };
    let gateway = gateway(&config, environment)?;
    // DNS, TLS and signing are warm before the first event, while Lambda lends the start its processors.
    gateway.live().before_decision().await;
    if let Some(error) = gateway.live().failure() {
        trouble(&format!("the packaged state is used for now: {error}"));
    }
    let function = GatewayFunction::new(gateway, mode, StandardOutput);
    Ok(runtime::run(address, workers(environment), function).await?)
}

/// How many events Lambda sends at once: one, but for managed instances.
fn workers(environment: &Environment) -> usize {
    let configured = environment.get("AWS_LAMBDA_MAX_CONCURRENCY");
    configured.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The gateway that `config` describes. Nothing is asked of any store yet.
///
/// # Errors
/// [`StartError`], for the first thing that is wrong.
pub fn gateway(
    config: &GatewayConfig,
    environment: &Environment,
) -> Result<DeployedGateway, StartError> {
    let clock = SystemClock::start();
    let bundle = Bundle::read(&files::read(&config.bundle, BUNDLE_BYTES_MAX)?)?;
    let countries = countries::open(config, bundle.site(), environment, clock.now().wall)?;
    let signer = signer(config, bundle.site())?;
    let fallback = packaged_state(&config.bundle.with_file_name(PACKAGED_STATE))?;
    let Stores { objects, state } = Stores::of(config);
    let ports = DeployedPorts {
        objects: Arc::new(objects),
        upstream: HttpClient::new(),
        signer,
    };
    let live = LiveState::new(state, clock, freshness(), fallback);
    Ok(Gateway::new(
        Judge::new(bundle, countries)?,
        live,
        clock,
        ports,
    ))
}

fn signer(config: &GatewayConfig, site: &Site) -> Result<HandOffSigner, StartError> {
    let Some(key) = &config.handoff_key else {
        return Ok(HandOffSigner::new(site, None)?);
    };
    let pem = files::read(&key.file, KEY_BYTES_MAX)?;
    let pem = String::from_utf8_lossy(&pem);
    Ok(HandOffSigner::new(site, Some((&pem, key.id.as_str())))?)
}

/// The packaged copy; without one a gateway knows nothing, and so refuses everything, until a read succeeds.
fn packaged_state(path: &Path) -> Result<SiteState, StartError> {
    match files::read(path, STATE_BYTES_MAX) {
        Ok(text) => SiteState::from_json(&text).map_err(StartError::State),
        Err(error) if error.is_missing() => Ok(SiteState::default()),
        Err(error) => Err(error.into()),
    }
}

/// Between events a function is frozen, so nothing polls; the state is read again before a decision that finds it old. Each
/// environment has an age of its own for that, so that those that started together do not all read at once.
fn freshness() -> Freshness {
    let freshness = Freshness::default();
    let mut random = [0; 2];
    let steps = match getrandom::fill(&mut random) {
        Ok(()) => u32::from(u16::from_ne_bytes(random)) % 401,
        Err(_) => 200,
    };
    // From three to five fifths.
    let stale_after = freshness.stale_after * (600 + steps) / 1_000;
    Freshness {
        stale_after,
        ..freshness
    }
}

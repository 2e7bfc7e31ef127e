//! `test`: scenarios, played where they say and told where they came out otherwise.
//!
//! Always holds: a scenario that cannot be read or played fails, and the others are played all the same.

mod files;
mod report;

use crate::args::Test;
use crate::exit::{Exit, Failure, Outcome};
use files::{Found, Sites};
use portcullis_play::play::{Covered, Played, Setting, play};
use portcullis_play::scenario::{Plays, Scenario, Step};
use portcullis_play::stage::{NoStage, Rules, SiteStage, Stage, site::in_process};
use report::{Report, Told};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often files are looked at for a change.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// What the scenarios of one manifest decided by.
pub(crate) type CoveredBy = BTreeMap<PathBuf, Covered>;

pub(crate) fn run(args: &Test) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    loop {
        let found = files::find(&args.paths)?;
        let failed = runtime.block_on(all(args, &found))?;
        if !args.watch {
            return Ok(if failed {
                Exit::Findings.into()
            } else {
                Exit::Done.into()
            });
        }
        files::wait_for_change(&args.paths, &found, WATCH_EVERY);
    }
}

/// Plays all scenarios; whether one failed.
async fn all(args: &Test, found: &[Found]) -> Result<bool, Failure> {
    let mut report = Report::new(args);
    let mut sites = Sites::default();
    let mut covered = CoveredBy::new();
    for file in found {
        let told = one(args, file, &mut sites, &mut covered).await;
        report.add(told)?;
    }
    report.end(&sites, &covered)
}

async fn one(args: &Test, file: &Found, sites: &mut Sites, covered: &mut CoveredBy) -> Told {
    let scenario = match file.scenario() {
        Ok(scenario) => scenario,
        Err(faults) => return Told::unreadable(file, &faults),
    };
    match played(args, file, &scenario, sites).await {
        Ok(played) => {
            if let Plays::Site { manifest, .. } = &scenario.plays {
                let manifest = file.manifest(manifest);
                covered
                    .entry(manifest)
                    .or_default()
                    .add(played.covered.clone());
            }
            Told::of(file, &scenario, &played)
        }
        Err(why) => Told::unplayable(file, &scenario, &why),
    }
}

async fn played(
    args: &Test,
    file: &Found,
    scenario: &Scenario,
    sites: &mut Sites,
) -> Result<Played, String> {
    if !scenario.alone {
        let setting = setting(args, file, scenario, sites)?;
        return on_stage(args, scenario, &scenario.steps, setting).await;
    }
    let mut all = Played::default();
    for step in &scenario.steps {
        let setting = setting(args, file, scenario, sites)?;
        let step: &[Step] = std::slice::from_ref(step);
        let played = on_stage(args, scenario, step, setting).await?;
        all.requests += played.requests;
        all.failures.extend(played.failures);
        all.covered.add(played.covered);
    }
    Ok(all)
}

async fn on_stage(
    args: &Test,
    scenario: &Scenario,
    steps: &[Step],
    setting: Setting,
) -> Result<Played, String> {
    if !args.sockets {
        return Ok(play(scenario, steps, &setting, None).await);
    }
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(local)
        .await
        .map_err(|why| why.to_string())?;
    let address = listener.local_addr().map_err(|why| why.to_string())?;
    let (stop, stopped) = watch::channel(false);
    let setting = Arc::new(setting);
    let serving = {
        let setting = Arc::clone(&setting);
        tokio::spawn(async move { setting.stage().listen(listener, stopped).await })
    };
    let played = play(scenario, steps, &setting, Some(address)).await;
    let _it_is_gone_already = stop.send(true);
    serving.await.map_err(|why| why.to_string())?;
    Ok(played)
}

fn setting(
    args: &Test,
    file: &Found,
    scenario: &Scenario,
    sites: &mut Sites,
) -> Result<Setting, String> {
    let folder = file.objects(scenario)?;
    match &scenario.plays {
        Plays::Site {
            manifest,
            deployed,
            parameters,
        } => {
            let site = sites.of(&file.manifest(manifest))?;
            let rules = Rules {
                site: site.compiled.bundle.site().clone(),
                countries: &|now| files::countries_of(args, site, now),
                deployed: file.deployed(deployed, parameters)?,
            };
            let stage = SiteStage::new(scenario, rules, &folder, &in_process);
            let stage = stage.map_err(|why: NoStage| why.to_string())?;
            Ok(Setting::Site(Box::new(stage)))
        }
        Plays::Distribution { files, parameters } => {
            let described = file.described(files, parameters)?;
            let host = described
                .distributions
                .first()
                .map(|one| one.aliases.first().unwrap_or(&one.domain).clone());
            let stage = Stage::of_distributions(
                scenario,
                described.distributions,
                described.functions,
                &folder,
            );
            let stage = stage.map_err(|why| why.to_string())?;
            Ok(Setting::Distribution(
                Box::new(stage),
                host.unwrap_or_default(),
            ))
        }
    }
}

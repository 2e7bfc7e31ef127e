//! `check --orders`: the template before the manifest, played, and every order of requests that undoes the policy written down.

use crate::args::{Buckets, Check, Described, Local};
use crate::edge::read::described;
use crate::exit::Failure;
use crate::gateway::countries;
use crate::load::quietly;
use crate::machine;
use anstream::eprintln;
use portcullis_check::Input;
use portcullis_edge::distribution::Distribution;
use portcullis_play::orders::{Order, Undone, search};
use portcullis_play::stage::{Rules, SiteStage, site::in_process};
use std::path::{Path, PathBuf};

/// Writes the orders into a folder; how many there are.
pub(super) fn written(args: &Check, input: &Input, folder: &Path) -> Result<usize, Failure> {
    let Some(manifest) = &input.manifest else {
        return Err(Failure::usage(
            "`--orders` needs the manifest beside the template",
        ));
    };
    let templates: Vec<PathBuf> = input
        .templates
        .iter()
        .map(|one| PathBuf::from(&one.file))
        .collect();
    let orders = found(args, Path::new(&manifest.file), &templates)?;
    let failed = |path: &Path, why: &std::io::Error| {
        Failure::failed(format!("`{}` cannot be written: {why}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|why| failed(folder, &why))?;
    let template = templates
        .first()
        .map(|path| absolute(path))
        .unwrap_or_default();
    for (at, order) in orders.iter().enumerate() {
        let path = folder.join(format!("order-{}.yaml", at + 1));
        let text = order.scenario(&absolute(Path::new(&manifest.file)), &template);
        std::fs::write(&path, text).map_err(|why| failed(&path, &why))?;
        eprintln!("{}", told(order, &path));
    }
    if orders.is_empty() {
        eprintln!("no order of requests was found that undoes the policy");
    }
    Ok(orders.len())
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.display().to_string()
}

fn told(order: &Order, path: &Path) -> String {
    let (last, others) = match order.requests.split_last() {
        Some((last, others)) => (last, others.len()),
        None => return String::new(),
    };
    let who = last.from.country.map(|country| format!(" from {country}"));
    let behind = if others > 0 {
        ", after somebody else's request,"
    } else {
        ""
    };
    let what = match order.undone {
        Undone::Leaked => "is refused and gets",
        Undone::LockedOut => "is admitted and does not get",
    };
    let (status, result) = &order.answer;
    format!(
        "{}: a viewer{}{behind} {what} {} ({status}, {result})",
        path.display(),
        who.unwrap_or_default(),
        last.target
    )
}

fn found(args: &Check, manifest: &Path, templates: &[PathBuf]) -> Result<Vec<Order>, Failure> {
    let manifest = quietly(manifest)?;
    let site = manifest.compiled.bundle.site().clone();
    let described = described(&Described {
        files: templates.to_vec(),
        parameter: args.parameter.clone(),
        ..Described::default()
    })?
    .in_scenarios()?;
    let [distribution] =
        <[Distribution; 1]>::try_from(described.distributions).map_err(|several| {
            let count = several.len();
            Failure::usage(format!(
                "{count} distributions are described, and one stands before a site"
            ))
        })?;
    let local = Local {
        buckets: Buckets::default(),
        geoip: args.geoip.clone(),
    };
    let now = machine::now_ms() / 1_000;
    let open = |at: u64| {
        let found = countries(&local, &site, &manifest.folder, now.max(at));
        found
            .map(|found| found.countries)
            .map_err(|why| why.to_string())
    };
    let rules = Rules {
        site: site.clone(),
        countries: &open,
        deployed: Some((distribution.clone(), described.functions)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let searching = search(&site, &distribution, |scenario| {
        SiteStage::new(scenario, rules, &[], &in_process)
    });
    runtime.block_on(searching).map_err(Failure::failed)
}

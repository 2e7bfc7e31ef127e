//! PC001, PC002, PC004, PC005, PC018, PC019: what is decided, what is keyed, and what a hit gives to whom.

use super::{Judged, Site};
use crate::catalogue::Case;
use crate::distribution::{Caching, lists};
use crate::intent::{Enforcement, GeoSource, Intent};
use crate::report::Report;
use portcullis_edge::distribution::HeaderSelection;
use portcullis_edge::selection::Names;

const ADDRESS: &str = "CloudFront-Viewer-Address";
const COUNTRY: &str = "CloudFront-Viewer-Country";
/// Headers about where a viewer is.
const LOCATION: [&str; 9] = [
    ADDRESS,
    COUNTRY,
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Longitude",
];
/// Headers that no cache policy takes.
const NOT_KEYABLE: [&str; 5] = [
    ADDRESS,
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-TLS",
    "CloudFront-Viewer-JA3-Fingerprint",
    "CloudFront-Viewer-JA4-Fingerprint",
];
/// The largest function, in bytes.
const FUNCTION_BYTES_MAX: usize = 10_240;
/// A Min TTL that counts as forced, in seconds.
const FORCED: u64 = 3_600;

pub(super) fn check(site: &Site<'_>, report: &mut Report) {
    for one in &site.behaviors {
        inputs(site, one, report);
        minimum(site, one, report);
        edge(site, one, report);
        arrival(site, one, report);
        credentials(site, one, report);
    }
}

fn inputs(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let behavior = one.behavior;
    if !behavior.caches() {
        return;
    }
    let path = one.path();
    let Some((intent, planned)) = site.intent.zip(one.planned) else {
        if site.intent.is_none() {
            forwarded(site, one, report);
        }
        return;
    };
    if planned.enforcement != Enforcement::Origin || !site.reaches_gateway(one) {
        return;
    }
    let wants = one.inputs();
    let mut add = |case: Case, message: String| {
        report.push(site.finding(case, one, "CachePolicyId", message));
    };
    if wants.address {
        add(
            Case::Address,
            format!(
                "`{path}` is decided by viewer address but cached: the first allowed viewer's answer is served to every denied one"
            ),
        );
    }
    if wants.signature {
        add(
            Case::Signature,
            format!(
                "`{path}` is opened by a signature the gateway verifies, but cached: after one signed request the object is open to all"
            ),
        );
    }
    if !wants.country {
        return;
    }
    if intent.geo == GeoSource::Database {
        add(
            Case::Database,
            format!(
                "`{path}` is decided by the GeoIP database, but the key holds CloudFront's country: viewers on whom the two differ share an answer"
            ),
        );
    } else if !behavior.keys_header(COUNTRY) {
        let apart = one
            .policy
            .as_ref()
            .and_then(super::super::strictness::Policy::countries_apart);
        let (allowed, denied) = apart.map_or_else(
            || ("an allowed viewer".to_owned(), "a denied one".to_owned()),
            |(allowed, denied)| (format!("a viewer in {allowed}"), format!("one in {denied}")),
        );
        let message = format!(
            "`{path}` is decided by country, but the country is not in the cache key: {allowed} fetches it, {denied} gets it"
        );
        let finding = site.finding(Case::Country, one, "CachePolicyId", message);
        report.push(finding.witnessed(format!("{allowed}, then {denied}")));
    } else if intent.geo == GeoSource::Both {
        add(
            Case::Both,
            format!(
                "on hits of `{path}` only CloudFront's country decides; a disagreement is caught on misses"
            ),
        );
    }
}

/// Without a manifest: headers about the viewer that are sent and not keyed.
fn forwarded(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let by_code = site
        .cdn
        .origins_of(one.behavior)
        .any(super::super::distribution::Origin::is_served_by_code);
    let Some(HeaderSelection::Listed(names) | HeaderSelection::AllViewerAnd(names)) =
        one.behavior.sends.as_ref().map(|sends| &sends.headers)
    else {
        return;
    };
    for header in LOCATION {
        let listed = names.iter().any(|name| name.eq_ignore_ascii_case(header));
        if by_code && listed && !one.behavior.keys_header(header) {
            let message = format!(
                "`{}` sends {header} to the origin but does not key on it: if the origin uses it, its answer reaches the wrong viewers",
                one.path()
            );
            report.push(site.finding(
                Case::ForwardedUnkeyed,
                one,
                "OriginRequestPolicyId",
                message,
            ));
        }
    }
}

fn minimum(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let Some(Caching {
        ttls: (min, ..), ..
    }) = one
        .behavior
        .caching
        .as_ref()
        .filter(|_| one.behavior.caches())
    else {
        return;
    };
    if *min == 0 {
        return;
    }
    let path = one.path();
    let by_code = site
        .cdn
        .origins_of(one.behavior)
        .any(super::super::distribution::Origin::is_served_by_code);
    let by_origin = one
        .planned
        .is_some_and(|planned| planned.enforcement == Enforcement::Origin);
    let mut add = |case: Case, message: String| {
        report.push(site.finding(case, one, "CachePolicyId", message));
    };
    if by_code && by_origin && one.inputs().any() {
        add(
            Case::Private,
            format!(
                "`{path}` is restricted, yet Min TTL is {min} s: CloudFront keeps `no-store` and `private` answers that long"
            ),
        );
    } else if by_code {
        add(
            Case::NoStore,
            format!(
                "`{path}` is served by code, and Min TTL {min} s overrides its `no-store` (fallback pages, previews, errors)"
            ),
        );
    }
    if *min >= FORCED {
        add(
            Case::Forced,
            format!(
                "Min TTL of `{path}` is {min}: no origin header can shorten it, only an invalidation"
            ),
        );
    }
}

fn edge(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    size(site, one, report);
    let Some((intent, planned)) = site.intent.zip(one.planned) else {
        return;
    };
    let (path, policy, wants) = (one.path(), &planned.policy, one.inputs());
    let by_edge = planned.enforcement == Enforcement::Edge;
    let runs = one.behavior.viewer_request().is_some();
    let signed_natively = one.behavior.is_signed();
    let mut add = |case: Case, message: String| {
        report.push(site.finding(case, one, "FunctionAssociations", message));
    };
    // A signature is CloudFront's to check on a bucket: PC029 asks whether anybody does.
    let left = wants.country || wants.address;
    let bucket = site.reaches_bucket(one) && !site.reaches_gateway(one);
    if by_edge && wants.signature && !signed_natively && !bucket {
        add(
            Case::SignatureAtEdge,
            format!(
                "an edge function cannot verify the signature policy `{policy}` asks for on `{path}`"
            ),
        );
    }
    if by_edge && wants.country && intent.geo == GeoSource::Database {
        add(
            Case::DatabaseAtEdge,
            format!(
                "an edge function has no GeoIP database, but `geo.source` is `database`, and `{path}` is decided at the edge"
            ),
        );
    }
    if by_edge && left && !runs {
        add(
            Case::EdgeMissing,
            format!(
                "the manifest says `{path}` is decided at the edge, but no viewer-request function runs there: hits are served to everybody"
            ),
        );
    }
    if bucket && left && !by_edge {
        add(
            Case::Bypass,
            format!(
                "`{path}` reads its bucket directly, past the gateway, and nothing at the edge enforces policy `{policy}`"
            ),
        );
    }
}

fn size(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let function = one.behavior.viewer_request().and_then(|node| {
        let id = node
            .get("FunctionARN")
            .resource()
            .or_else(|| node.get("FunctionArn").resource())?;
        site.world.resources.get(id)
    });
    let Some(function) = function else { return };
    let bytes = function
        .properties
        .get("FunctionCode")
        .literal()
        .map_or(0, str::len);
    if bytes > FUNCTION_BYTES_MAX {
        let message = format!(
            "the edge function of `{}` has {bytes} bytes; CloudFront accepts {FUNCTION_BYTES_MAX}",
            one.path()
        );
        report.push(site.finding(Case::FunctionSize, one, "FunctionAssociations", message));
    }
}

fn arrival(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let behavior = one.behavior;
    if let Some(Names::Only(keyed)) = behavior.caching.as_ref().map(|caching| &caching.headers) {
        for name in keyed {
            if NOT_KEYABLE
                .iter()
                .any(|header| header.eq_ignore_ascii_case(name))
            {
                let message = format!(
                    "{name} is not allowed in a cache policy; the deployment of `{}` fails",
                    one.path()
                );
                report.push(site.finding(Case::NotKeyable, one, "CachePolicyId", message));
            }
        }
    }
    let Some((intent, planned)) = site.intent.zip(one.planned) else {
        return;
    };
    if !site.reaches_gateway(one) || behavior.sends.is_none() || behavior.caching.is_none() {
        return;
    }
    declared(site, (intent, one, &planned.policy), report);
    let wholesale = match behavior.sends.as_ref().map(|sends| &sends.headers) {
        Some(HeaderSelection::AllViewer | HeaderSelection::AllExcept(_)) => true,
        Some(HeaderSelection::AllViewerAnd(names)) => ![ADDRESS, COUNTRY]
            .iter()
            .all(|header| names.iter().any(|name| name.eq_ignore_ascii_case(header))),
        _ => false,
    };
    if wholesale {
        let message = format!(
            "`{}` forwards viewer headers wholesale; a viewer's own `CloudFront-Viewer-*` may arrive as if CloudFront had written it",
            one.path()
        );
        report.push(site.finding(Case::Spoofable, one, "OriginRequestPolicyId", message));
    }
}

fn declared(
    site: &Site<'_>,
    (intent, one, policy): (&Intent, &Judged<'_>, &str),
    report: &mut Report,
) {
    let (behavior, wants, path) = (one.behavior, one.inputs(), one.path());
    let by_database = wants.country && intent.geo != GeoSource::CloudFront;
    let by_header = wants.country && intent.geo != GeoSource::Database;
    let mut add = |case: Case, message: String| {
        report.push(site.finding(case, one, "OriginRequestPolicyId", message));
    };
    if (wants.address || by_database) && !behavior.declares(ADDRESS) {
        add(
            Case::UndeclaredAddress,
            format!(
                "policy `{policy}` of `{path}` needs the viewer's address, but no policy lists `{ADDRESS}`: everybody is denied"
            ),
        );
    }
    if by_header && !behavior.declares(COUNTRY) {
        add(
            Case::UndeclaredCountry,
            format!(
                "policy `{policy}` of `{path}` needs the viewer's country, but no policy lists `{COUNTRY}`: everybody is denied"
            ),
        );
    }
    if wants.signature && !behavior.is_signed() && !forwards_signature(one) {
        add(
            Case::UndeclaredSignature,
            format!(
                "neither signing parameters nor `CloudFront-*` cookies of `{path}` reach the gateway: every signed request is denied"
            ),
        );
    }
}

fn forwards_signature(one: &Judged<'_>) -> bool {
    let (Some(caching), Some(sends)) = (&one.behavior.caching, &one.behavior.sends) else {
        return true;
    };
    let query = |name: &str| lists(&caching.query, name) || lists(&sends.query, name);
    let cookie = |name: &str| {
        let name = format!("CloudFront-{name}");
        lists(&caching.cookies, &name) || lists(&sends.cookies, &name)
    };
    let whole = |has: &dyn Fn(&str) -> bool| {
        (has("Policy") || has("Expires")) && has("Signature") && has("Key-Pair-Id")
    };
    whole(&query) || whole(&cookie)
}

fn credentials(site: &Site<'_>, one: &Judged<'_>, report: &mut Report) {
    let behavior = one.behavior;
    let custom = site
        .cdn
        .origins_of(behavior)
        .any(|origin| origin.kind == crate::distribution::OriginKind::Custom);
    let (Some(caching), Some(sends)) = (&behavior.caching, &behavior.sends) else {
        return;
    };
    if !custom || !behavior.caches() {
        return;
    }
    let path = one.path();
    let mut add = |case: Case, message: String| {
        report.push(site.finding(case, one, "OriginRequestPolicyId", message));
    };
    let authorization = match &sends.headers {
        HeaderSelection::AllViewer | HeaderSelection::AllViewerAnd(_) => true,
        HeaderSelection::AllExcept(names) => !names
            .iter()
            .any(|name| name.eq_ignore_ascii_case("authorization")),
        HeaderSelection::None | HeaderSelection::Listed(_) => false,
    };
    if authorization && !behavior.keys_header("authorization") {
        add(
            Case::AuthorizationUnkeyed,
            format!(
                "`{path}` forwards `Authorization` but does not key on it: one user's answer is served to all"
            ),
        );
    }
    if is_beyond(&sends.cookies, &caching.cookies) {
        add(
            Case::CookiesUnkeyed,
            format!(
                "`{path}` forwards cookies that it does not key on: one user's answer is served to all"
            ),
        );
    }
    if is_beyond(&sends.query, &caching.query) {
        add(
            Case::QueryUnkeyed,
            format!(
                "`{path}` forwards query strings it does not key on: whoever comes first decides what is stored"
            ),
        );
    }
    let cookies = caching.cookies != Names::Nothing || sends.cookies != Names::Nothing;
    if cookies && !removes_set_cookie(site, one) {
        add(
            Case::SetCookieReplay,
            format!(
                "`{path}` caches and forwards cookies: a `Set-Cookie` of `{}` reaches later viewers with the same key",
                behavior.target
            ),
        );
    }
}

/// Whether something is sent that is not keyed.
fn is_beyond(sent: &Names, keyed: &Names) -> bool {
    match (sent, keyed) {
        (Names::Nothing, _) | (_, Names::All) => false,
        (Names::Only(sent), keyed) => sent.iter().any(|name| !lists(keyed, name)),
        (Names::All | Names::Except(_), _) => true,
    }
}

fn removes_set_cookie(site: &Site<'_>, one: &Judged<'_>) -> bool {
    let id = one.behavior.node.get("ResponseHeadersPolicyId").resource();
    let policy = id.and_then(|id| site.world.resources.get(id));
    policy.is_some_and(|policy| {
        let config = policy.properties.get("ResponseHeadersPolicyConfig");
        let removed = config.path(&["RemoveHeadersConfig", "Items"]).items();
        let mut removed = removed
            .iter()
            .filter_map(|item| item.get("Header").literal());
        removed.any(|name| name.eq_ignore_ascii_case("set-cookie"))
    })
}

//! Copilot's own rules, and what each setting becomes.

use super::{Environment, Note, StaticAssets};
use crate::check::one_of;
use crate::codes;
use crate::diagnostic::{Sink, printable};
use crate::nearest::nearest;
use crate::node::Node;
use crate::text::CERTIFICATE;
use crate::view::View;
use ipnet::IpNet;
use portcullis_site::{Bucket, Host, Name, PathPattern};

/// Where settings end that have no counterpart, and why.
const WITHOUT_COUNTERPART: &[(&str, &str)] = &[
    (
        "network",
        "networks and subnets belong to the deployment, not to the manifest",
    ),
    (
        "observability",
        "the gateway logs one line for each decision and its metrics; nothing has to be switched on",
    ),
    (
        "http.private",
        "an internal load balancer stands behind no distribution; keep it with the service that uses it",
    ),
    (
        "http.public.certificates",
        "they are the load balancer's own; it keeps them",
    ),
    (
        "http.public.ssl_policy",
        "it is the load balancer's; for viewers there is `viewer_tls`",
    ),
    (
        "http.public.access_logs",
        "it is the load balancer's; the distribution's log is set up by the deployment",
    ),
];

pub(super) fn environment(root: &Node, sink: &mut Sink) -> (Environment, Vec<Note>) {
    let mut reader = Reader {
        sink,
        notes: Vec::new(),
    };
    let environment = reader.environment(View::of(root));
    let notes = reader.notes;
    (environment, notes)
}

struct Reader<'s, 'd> {
    sink: &'d mut Sink<'s>,
    notes: Vec<Note>,
}

impl Reader<'_, '_> {
    fn environment(&mut self, root: View) -> Environment {
        if !root.is_map() {
            self.refuse(
                root,
                "an environment manifest is a map with keys such as `name`, `cdn` and `http`",
                "",
            );
        }
        self.known(
            root,
            "",
            &["name", "type", "cdn", "http", "network", "observability"],
        );
        if root
            .get("type")
            .text()
            .is_some_and(|kind| kind != "Environment")
        {
            self.refuse(
                root.get("type"),
                "this is not the manifest of an environment",
                "name the file `copilot/environments/NAME/manifest.yml`",
            );
        }
        self.without_counterpart(root);
        let (cdn, http) = (root.get("cdn"), root.get("http"));
        self.known(http, "http", &["public", "private"]);
        let public = http.get("public");
        let mut environment = self.cdn(cdn);
        environment.name = root
            .get("name")
            .text()
            .filter(|name| Name::new(*name).is_ok())
            .map(str::to_owned);
        environment.source_ips = self.public(public, environment.cdn);
        self.certificates(cdn, public, &environment);
        environment
    }

    fn without_counterpart(&mut self, root: View) {
        for (key, why) in WITHOUT_COUNTERPART {
            let value = key.split('.').fold(root, View::get);
            if value.is_present() {
                self.note(value, key, why);
            }
        }
    }

    fn cdn(&mut self, cdn: View) -> Environment {
        const KEYS: [&str; 3] = ["certificate", "terminate_tls", "static_assets"];
        let mut environment = Environment {
            cdn: cdn.flag().unwrap_or(cdn.is_map()),
            ..Environment::default()
        };
        if !cdn.is_map() {
            if cdn.is_present() && cdn.flag().is_none() {
                self.refuse(cdn, "`cdn` is `true`, `false` or a map", "");
            }
            if !environment.cdn {
                self.note(
                    cdn,
                    "cdn",
                    "Copilot puts no distribution in front; ours always does",
                );
            }
            return environment;
        }
        if !KEYS.iter().any(|key| cdn.get(key).is_present()) {
            let help = if cdn.get("tls_termination").is_present() {
                "`tls_termination` was a mistake in Copilot's documentation; the key is `terminate_tls`"
            } else {
                "write `cdn: true`, or a map with `certificate`, `terminate_tls` or `static_assets`"
            };
            self.refuse(cdn, "the map under `cdn` has none of Copilot's keys, so Copilot refuses it as not a bool", help);
            return environment;
        }
        let alias = cdn.get("tls_termination");
        if alias.is_present() {
            self.note(alias, "cdn.tls_termination", "a mistake in Copilot's documentation, which Copilot ignores; read as `terminate_tls`");
        }
        self.known(cdn, "cdn", &[KEYS[0], KEYS[1], KEYS[2], "tls_termination"]);
        environment.terminate_tls = self.flag(cdn.get("terminate_tls")) || self.flag(alias);
        environment.certificate = self.certificate(cdn.get("certificate"));
        environment.static_assets = self.static_assets(cdn.get("static_assets"));
        environment
    }

    fn certificate(&mut self, view: View) -> Option<String> {
        let arn = view.text()?;
        if (CERTIFICATE.check)(arn).is_err() {
            self.refuse(
                view,
                &format!("`{arn}` is not the ARN of an ACM certificate in us-east-1"),
                "CloudFront takes viewer certificates from us-east-1 only, as `arn:aws:acm:us-east-1:ACCOUNT:certificate/ID`",
            );
        }
        Some(arn.to_owned())
    }

    /// Copilot's conditions between the certificates of the distribution and of the load balancer.
    fn certificates(&mut self, cdn: View, public: View, environment: &Environment) {
        let regional = public.get("certificates").items().len() > 0;
        if regional && environment.cdn && environment.certificate.is_none() {
            self.refuse(
                cdn,
                "`http.public.certificates` beside `cdn` needs `cdn.certificate`",
                "add the ARN of a certificate in us-east-1 under `cdn.certificate`",
            );
        }
        if environment.certificate.is_some() && !regional && !environment.terminate_tls {
            self.refuse(
                cdn.get("certificate"),
                "`cdn.certificate` without `http.public.certificates` needs `cdn.terminate_tls: true`",
                "add `terminate_tls: true`, or import a certificate for the load balancer too",
            );
        }
    }

    fn static_assets(&mut self, view: View) -> Option<StaticAssets> {
        const KEYS: [&str; 3] = ["location", "alias", "path"];
        if !view.is_present() {
            return None;
        }
        self.known(view, "cdn.static_assets", &KEYS);
        let missing: Vec<&str> = KEYS
            .into_iter()
            .filter(|key| view.get(key).text().is_none_or(str::is_empty))
            .collect();
        if !missing.is_empty() {
            let missing = missing
                .iter()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(" and ");
            self.refuse(
                view,
                &format!("`static_assets` lacks {missing}"),
                "`location`, `alias` and `path` are all needed",
            );
            return None;
        }
        let (location, alias, path) = (view.get("location"), view.get("alias"), view.get("path"));
        let pattern = path
            .parse(PathPattern::new)
            .filter(|pattern| !pattern.covers(&PathPattern::default_behavior()));
        let host = alias.parse(Host::new);
        if pattern.is_none() {
            self.refuse(
                path,
                "this is no path pattern beside the default behavior",
                "write it like `static/*`",
            );
        }
        if host.is_none() {
            self.refuse(
                alias,
                "this is not a domain name in lower case",
                "write it like `assets.example.com`",
            );
        }
        let name = location
            .text()
            .and_then(|l| l.split(".s3").next())
            .unwrap_or_default();
        let bucket = Bucket::new(name).ok();
        if bucket.is_none() {
            self.note(
                location,
                "cdn.static_assets.location",
                &format!(
                    "`{name}` is not the name of a bucket; write the right one under `origins`"
                ),
            );
        }
        self.note(
            path,
            "cdn.static_assets.path",
            "Copilot lets all seven methods through to the bucket; ours only GET and HEAD",
        );
        Some(StaticAssets {
            bucket,
            alias: host?,
            path: pattern?,
        })
    }

    fn public(&mut self, public: View, cdn: bool) -> Vec<IpNet> {
        self.known(
            public,
            "http.public",
            &[
                "certificates",
                "ssl_policy",
                "access_logs",
                "ingress",
                "security_groups",
            ],
        );
        let ingress = public.get("ingress");
        self.known(ingress, "http.public.ingress", &["cdn", "source_ips"]);
        let legacy = ["security_groups", "ingress", "restrict_to", "cdn"]
            .into_iter()
            .fold(public, View::get);
        if legacy.is_present() {
            let key = "http.public.security_groups.ingress.restrict_to.cdn";
            self.note(
                legacy,
                key,
                "the old name of `http.public.ingress.cdn`, read as that",
            );
        } else if public.get("security_groups").is_present() {
            self.note(
                public.get("security_groups"),
                "http.public.security_groups",
                "security groups belong to the deployment",
            );
        }
        for restricted in [ingress.get("cdn"), legacy] {
            if self.flag(restricted) && !cdn {
                self.refuse(restricted, "`ingress.cdn` needs `cdn`", "add `cdn: true`");
            } else if restricted.is_present() {
                let text = "the guard proves more than the address: which distribution, which configuration of it, and some CloudFront edge";
                self.note(restricted, "http.public.ingress.cdn", text);
            }
        }
        self.source_ips(ingress.get("source_ips"))
    }

    fn source_ips(&mut self, list: View) -> Vec<IpNet> {
        if list.is_present() {
            let text = "Copilot looks at the peer of the load balancer; the policy made of it looks at the viewer's address";
            self.note(list, "http.public.ingress.source_ips", text);
        }
        let mut networks = Vec::new();
        for item in list.items() {
            match item.parse(str::parse::<IpNet>) {
                Some(network) => networks.push(network.trunc()),
                None => self.refuse(
                    item,
                    "this is not an address range",
                    "write it like `192.0.2.0/24`",
                ),
            }
        }
        networks
    }

    fn flag(&mut self, view: View) -> bool {
        if view.is_present() && view.flag().is_none() {
            self.refuse(view, "expected `true` or `false`", "");
        }
        view.flag().unwrap_or(false)
    }

    /// Notes the keys that Copilot does not know either; it ignores them.
    fn known(&mut self, view: View, at: &str, keys: &[&str]) {
        for (key, value) in view.entries().filter(|(key, _)| !keys.contains(key)) {
            let near =
                nearest(key, keys.iter().copied()).map(|word| format!("; did you mean `{word}`?"));
            let path = if at.is_empty() {
                key.to_owned()
            } else {
                format!("{at}.{key}")
            };
            let text = format!(
                "Copilot has no such key and ignores it{} It has {}",
                near.unwrap_or_else(|| ".".to_owned()),
                one_of(keys)
            );
            self.note(value, &path, &text);
        }
    }

    fn note(&mut self, view: View, key: &str, text: &str) {
        self.notes.push(Note {
            place: view.span().place,
            key: printable(key),
            text: printable(text),
        });
    }

    fn refuse(&mut self, view: View, message: &str, help: &str) {
        let diagnostic = self.sink.error(codes::COPILOT, view.span(), message);
        if !help.is_empty() {
            diagnostic.help(help);
        }
    }
}

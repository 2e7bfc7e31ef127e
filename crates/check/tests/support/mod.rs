//! Sketches: changes to one manifest and one template, in a notation of their own.
//!
//! `X = value` sets, `X -` removes, `&` joins. `Cdn.` is inside `DistributionConfig`; `b[p]` is the behavior with pattern p,
//! `o[id]` an origin, `e[code]` a custom error response; `m[p]` a behavior of the manifest, `M.` the manifest, `M -` none;
//! `R.files` a release. A policy takes the short fields `headers`, `cookies`, `query`, `gzip`, `br`. `Managed-Name` is a
//! managed policy's id, a bare logical id its `Ref`, `Id.Attr` its `GetAtt`. `+ Id = {…}` adds a resource, `+ Id like Other` a
//! copy, `o+ {…}` an origin, `bm+N p like q` a behavior in both, `b+N` in the template only.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "a test that cannot go on must fail"
)]

use portcullis_check::{Input, Report, Source, check};
use portcullis_distribution::value::{self, Kind};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const REWRITES: &str = "function handler(event) { event.request.uri = '/' + event.request.uri; return event.request; }";

const MANAGED: [(&str, &str); 5] = [
    ("CachingDisabled", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"),
    ("CachingOptimized", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    ("Amplify", "2e54312d-136d-493c-8eb9-b001f22f67d2"),
    ("AllViewer", "216adef6-5c7f-47e4-b989-5492eafa07d3"),
    (
        "AllViewerExceptHostHeader",
        "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    ),
];

/// A manifest and a template that change.
pub struct World {
    pub manifest: Option<Value>,
    pub template: Value,
    pub files: BTreeMap<String, u64>,
}

impl World {
    pub fn base() -> Self {
        Self {
            manifest: Some(parsed(include_str!("../sketches/manifest.yaml"))),
            template: parsed(include_str!("../sketches/template.yaml")),
            files: BTreeMap::new(),
        }
    }

    /// The base with the changes of a sketch.
    pub fn sketched(changes: &str) -> Self {
        let mut world = Self::base();
        for change in changes
            .split(" & ")
            .map(str::trim)
            .filter(|change| *change != "base")
        {
            world.change(change);
        }
        world
    }

    fn change(&mut self, change: &str) {
        if change == "M -" {
            self.manifest = None;
        } else if let Some(param) = change.strip_prefix("+ param ") {
            let (name, text) = param.split_once(" = ").unwrap();
            let given = self.value(text, false);
            object(&mut self.template)
                .entry("Parameters")
                .or_insert_with(|| json!({}))[name] = given;
        } else if let Some(added) = change.strip_prefix("+ ") {
            self.add(added);
        } else if let Some(origin) = change.strip_prefix("o+ ") {
            let origin = self.value(origin, true);
            self.config()["Origins"]
                .as_array_mut()
                .unwrap()
                .push(origin);
        } else if let Some(clone) = change.strip_prefix("bm+") {
            self.clone_behavior(clone, true);
        } else if let Some(clone) = change.strip_prefix("b+") {
            self.clone_behavior(clone, false);
        } else if let Some(target) = change.strip_suffix(" -") {
            match target.contains(['.', '[']) {
                true => self.edit(target, None),
                false => drop(object(&mut self.template["Resources"]).remove(target)),
            }
        } else {
            let (target, text) = change
                .split_once(" = ")
                .unwrap_or_else(|| panic!("{change}"));
            let in_manifest =
                target.starts_with("M.") || target.starts_with("m[") || target.starts_with("R.");
            let value = match self.short(target, text) {
                Some(value) => value,
                None => self.value(text, !in_manifest),
            };
            self.edit(target, Some(value));
        }
    }

    fn add(&mut self, added: &str) {
        let (id, resource) = match added.split_once(" like ") {
            Some((id, other)) => (id, self.template["Resources"][other].clone()),
            None => {
                let (id, text) = added.split_once(" = ").unwrap();
                (id, self.value(text, true))
            }
        };
        self.template["Resources"][id] = resource;
    }

    fn config(&mut self) -> &mut Value {
        &mut self.template["Resources"]["Cdn"]["Properties"]["DistributionConfig"]
    }

    fn clone_behavior(&mut self, clone: &str, in_manifest: bool) {
        let (at, rest) = clone.split_once(' ').unwrap();
        let (pattern, like) = rest.split_once(" like ").unwrap();
        let at: usize = at.parse().unwrap();
        let listed = self.config()["CacheBehaviors"].as_array_mut().unwrap();
        let mut behavior = listed
            .iter()
            .find(|one| one["PathPattern"] == like)
            .unwrap()
            .clone();
        behavior["PathPattern"] = pattern.into();
        let before: Vec<Value> = listed[..at]
            .iter()
            .map(|one| one["PathPattern"].clone())
            .collect();
        listed.insert(at, behavior);
        if !in_manifest {
            return;
        }
        let planned = self.manifest.as_mut().unwrap()["behaviors"]
            .as_array_mut()
            .unwrap();
        let mut behavior = planned
            .iter()
            .find(|one| one["path"] == like)
            .unwrap()
            .clone();
        behavior["path"] = pattern.into();
        let place = planned
            .iter()
            .filter(|one| before.contains(&one["path"]))
            .count();
        planned.insert(place, behavior);
    }

    /// Sets or removes what a target names.
    fn edit(&mut self, target: &str, value: Option<Value>) {
        if target == "R.files" {
            let files = value.unwrap();
            let files = files.as_object().unwrap().iter();
            self.files = files
                .map(|(path, size)| (path.clone(), size.as_str().unwrap().parse().unwrap()))
                .collect();
            return;
        }
        let (root, keys) = self.rooted(target);
        set(root, &keys, value);
    }

    /// The value that a target begins at, and the keys from there.
    fn rooted(&mut self, target: &str) -> (&mut Value, Vec<String>) {
        if let Some(rest) = target.strip_prefix("M.") {
            return (self.manifest.as_mut().unwrap(), keys(rest));
        }
        if let Some(rest) = target.strip_prefix("Cdn.") {
            return (self.config(), keys(rest));
        }
        if target.as_bytes().get(1) == Some(&b'[') {
            let (named, rest) = target.get(2..).unwrap().split_once(']').unwrap();
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            let (list, key) = match target.get(..1).unwrap() {
                "m" => (&mut self.manifest.as_mut().unwrap()["behaviors"], "path"),
                "b" if named == "*" => {
                    return (&mut self.config()["DefaultCacheBehavior"], keys(rest));
                }
                "b" => (&mut self.config()["CacheBehaviors"], "PathPattern"),
                "o" => (&mut self.config()["Origins"], "Id"),
                "e" => (&mut self.config()["CustomErrorResponses"], "ErrorCode"),
                other => panic!("{other}"),
            };
            let at = list
                .as_array()
                .unwrap()
                .iter()
                .position(|one| one[key] == named);
            let at = at.unwrap_or_else(|| panic!("nothing is {target}"));
            let first = std::iter::once(at.to_string());
            return (list, first.chain(keys(rest)).collect());
        }
        let (id, field) = target.split_once('.').unwrap_or_else(|| panic!("{target}"));
        let resource = &mut self.template["Resources"][id];
        let kind = resource["Type"]
            .as_str()
            .unwrap_or_else(|| panic!("{target}"));
        let within: &[&str] = match kind {
            "AWS::CloudFront::CachePolicy" => &["CachePolicyConfig"],
            "AWS::CloudFront::OriginRequestPolicy" => &["OriginRequestPolicyConfig"],
            "AWS::CloudFront::OriginAccessControl" => &["OriginAccessControlConfig"],
            _ => &[],
        };
        let key = ["ParametersInCacheKeyAndForwardedToOrigin"];
        let in_key: &[&str] = match (within, field) {
            (["CachePolicyConfig"], "headers" | "cookies" | "query" | "gzip" | "br") => &key,
            _ => &[],
        };
        let field = match field {
            "headers" => "HeadersConfig",
            "cookies" => "CookiesConfig",
            "query" => "QueryStringsConfig",
            "gzip" => "EnableAcceptEncodingGzip",
            "br" => "EnableAcceptEncodingBrotli",
            other => other,
        };
        let path = within.iter().chain(in_key).map(|part| (*part).to_owned());
        let path = path.chain(keys(field)).collect();
        (&mut resource["Properties"], path)
    }

    /// The value of a policy's short field.
    fn short(&self, target: &str, text: &str) -> Option<Value> {
        let (id, field) = target.split_once('.')?;
        let kind = self.template["Resources"][id]["Type"].as_str()?;
        if !kind.ends_with("Policy") || kind == "AWS::S3::BucketPolicy" {
            return None;
        }
        let (behavior, items) = match field {
            "headers" => ("HeaderBehavior", "Headers"),
            "cookies" => ("CookieBehavior", "Cookies"),
            "query" => ("QueryStringBehavior", "QueryStrings"),
            _ => return None,
        };
        let (mode, list) = match text.split_once(' ') {
            Some((mode, list)) if !text.starts_with('[') => (mode, Some(list)),
            _ if text.starts_with('[') => ("whitelist", Some(text)),
            _ => (text, None),
        };
        let mut config = json!({ behavior: mode });
        if let Some(list) = list {
            config[items] = self.value(list, false);
        }
        Some(config)
    }

    /// A value as it is written; in a template logical ids are references.
    fn value(&self, text: &str, refers: bool) -> Value {
        if let Some(arguments) = text.strip_prefix("GROUP(") {
            return group(arguments.strip_suffix(')').unwrap());
        }
        let value = parsed(text);
        self.resolved(value, refers)
    }

    fn resolved(&self, value: Value, refers: bool) -> Value {
        match value {
            Value::String(text) => self.scalar(text, refers),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.resolved(item, refers))
                .collect(),
            Value::Object(members) => {
                let is_function = members
                    .keys()
                    .any(|key| key.starts_with("Fn::") || key == "Ref");
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key, self.resolved(value, refers && !is_function)));
                Value::Object(members.collect())
            }
            other => other,
        }
    }

    fn scalar(&self, text: String, refers: bool) -> Value {
        if text == "REWRITES" {
            return REWRITES.into();
        }
        if let Some(length) = text
            .strip_prefix("LONG")
            .and_then(|n| n.parse::<usize>().ok())
        {
            return "x".repeat(length).into();
        }
        if let Some(name) = text.strip_prefix("Managed-") {
            let found = MANAGED.iter().find(|(managed, _)| *managed == name);
            return found.unwrap_or_else(|| panic!("{name}")).1.into();
        }
        let known = |id: &str| {
            self.template["Resources"].get(id).is_some()
                || self.template["Parameters"].get(id).is_some()
        };
        match text.split_once('.') {
            _ if !refers => text.into(),
            Some((id, attribute)) if known(id) => json!({ "Fn::GetAtt": [id, attribute] }),
            None if known(&text) => json!({ "Ref": text }),
            _ => text.into(),
        }
    }

    /// What is found in the JSON form.
    pub fn check_json(&self) -> Report {
        self.checked(
            "template.json",
            &serde_json::to_string_pretty(&self.template).unwrap(),
        )
    }

    /// What is found in the YAML form, with short tags.
    pub fn check_yaml(&self) -> Report {
        self.checked("template.yaml", &yaml(&self.template))
    }

    fn checked(&self, file: &str, text: &str) -> Report {
        let source = |file: &str, text: &str| Source {
            file: file.to_owned(),
            value: value::read(text.as_bytes())
                .unwrap_or_else(|faults| panic!("{faults:?}\n{text}")),
        };
        let manifest = self
            .manifest
            .as_ref()
            .map(|manifest| source("portcullis.yaml", &manifest.to_string()));
        check(&Input {
            manifest,
            templates: vec![source(file, text)],
            files: self.files.clone(),
            parameters: BTreeMap::new(),
            today: "2026-11-25".to_owned(),
        })
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// The names of `a.b[0].c`.
fn keys(text: &str) -> Vec<String> {
    let text = text.replace('[', ".").replace(']', "");
    text.split('.')
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
}

fn set(root: &mut Value, keys: &[String], value: Option<Value>) {
    let Some((key, rest)) = keys.split_first() else {
        *root = value.unwrap();
        return;
    };
    match root {
        Value::Array(items) => {
            let at: usize = key.parse().unwrap();
            match (value, rest) {
                (None, []) => {
                    items.remove(at);
                }
                (Some(value), []) if at == items.len() => items.push(value),
                (value, rest) => set(&mut items[at], rest, value),
            }
        }
        root => {
            if !root.is_object() {
                *root = json!({});
            }
            let members = object(root);
            match (value, rest) {
                (None, []) => {
                    members.remove(key);
                }
                (value, rest) => set(
                    members.entry(key.clone()).or_insert(Value::Null),
                    rest,
                    value,
                ),
            }
        }
    }
}

fn group(arguments: &str) -> Value {
    let (members, codes) = arguments.split_once(", [").unwrap();
    let members = members.split(", ").map(|id| json!({ "OriginId": id }));
    let codes: Vec<&str> = codes.trim_end_matches(']').split(", ").collect();
    json!({ "Quantity": 1, "Items": [{
        "Id": "ha",
        "Members": { "Quantity": 2, "Items": members.collect::<Vec<_>>() },
        "FailoverCriteria": { "StatusCodes": { "Quantity": codes.len(), "Items": codes } } }] })
}

/// A text as JSON; scalars stay texts.
fn parsed(text: &str) -> Value {
    fn plain(value: &value::Value) -> Value {
        match &value.kind {
            _ if value.is_null() => Value::Null,
            Kind::Text { text, .. } => text.clone().into(),
            Kind::List(items) => items.iter().map(plain).collect(),
            Kind::Map(members) => {
                let members = members
                    .iter()
                    .map(|member| (member.key.clone(), plain(&member.value)));
                Value::Object(members.collect())
            }
            Kind::Unresolved => panic!("unresolved"),
        }
    }
    plain(&value::read(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}")))
}

/// The same as YAML in flow style, with short tags.
fn yaml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(yaml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            if let Some((name, argument)) = members.iter().next().filter(|_| members.len() == 1) {
                match (name.as_str(), argument) {
                    ("Ref", argument) => return format!("!Ref {}", yaml(argument)),
                    ("Fn::GetAtt", Value::Array(parts))
                        if parts.len() == 2 && parts.iter().all(Value::is_string) =>
                    {
                        return format!(
                            "!GetAtt {}.{}",
                            parts[0].as_str().unwrap(),
                            parts[1].as_str().unwrap()
                        );
                    }
                    (name, argument) => {
                        if let Some(short) =
                            name.strip_prefix("Fn::").filter(|name| *name != "GetAtt")
                        {
                            return format!("!{short} {}", yaml(argument));
                        }
                    }
                }
            }
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", json!(key), yaml(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

//! The simulated API server answers as a real one does: the same requests go to both.

use anyhow::{Context, Result, ensure};
use capstan_kit::{ControlPlane, ControlPlaneSpec, KitDir, Part, Parts};
use capstan_sim::{Chance, Shared};
use http::Request;
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NAMESPACE: &str = "apps";
const WIDGETS: &str = "/apis/sim.capstan.dev/v1/namespaces/apps/widgets";
const MAPS: &str = "/api/v1/namespaces/apps/configmaps";

/// A server, and what it said last of each object.
struct Server {
    client: Client,
    seen: BTreeMap<String, Value>,
}

/// What is asked of both.
#[derive(Clone, Debug)]
struct Asking {
    method: &'static str,
    path: String,
    query: String,
    content: &'static str,
    body: Value,
}

impl Server {
    async fn send(&self, asking: &Asking, body: &Value) -> Result<(u16, Value)> {
        let uri = format!("{}?{}", asking.path, asking.query);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(asking.method)
            .uri(uri)
            .header("content-type", asking.content)
            .header("accept", "application/json")
            .body(Body::from(body))?;
        let answer = self.client.send(request).await?;
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect().await?.to_bytes();
        Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    /// Asks, and gives what must be the same everywhere.
    async fn ask(&mut self, asking: &Asking) -> Result<Value> {
        let path = asking.path.trim_end_matches("/status").to_owned();
        let last = self.seen.get(&path).cloned().unwrap_or_default();
        let (code, answer) = self.send(asking, &filled(&asking.body, &last)).await?;
        if answer["kind"] == "Status" {
            let what =
                json!({"code": code, "reason": answer["reason"], "status": answer["status"]});
            return Ok(what);
        }
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        let is_new = version(&last) != version(&answer);
        let told = json!({"code": code, "is_new": is_new, "object": comparable(&answer)});
        if !asking.query.contains("dryRun") {
            self.seen.insert(path, answer);
        }
        Ok(told)
    }

    /// What a watch tells of all objects of a kind since a version.
    async fn watched(&self, path: &str, version: &str) -> Result<Vec<Value>> {
        let asking = Asking {
            method: "GET",
            path: path.to_owned(),
            query: format!("watch=true&timeoutSeconds=2&resourceVersion={version}&labelSelector=a"),
            content: "application/json",
            body: Value::Null,
        };
        let uri = format!("{}?{}", asking.path, asking.query);
        let answer = self.client.send(Request::get(uri).body(Body::empty())?).await?;
        let bytes = answer.into_body().collect().await?.to_bytes();
        let lines = String::from_utf8_lossy(&bytes).into_owned();
        let lines = lines.lines().map(serde_json::from_str::<Value>);
        let events: Vec<Value> = lines.collect::<Result<_, _>>()?;
        Ok(events.iter().map(|e| json!([e["type"], comparable(&e["object"])])).collect())
    }
}

/// Puts uid and version of the object, as this server has them, into what is asked.
fn filled(body: &Value, last: &Value) -> Value {
    let text = body.to_string();
    let of = |field: &str| last["metadata"][field].as_str().unwrap_or("0").to_owned();
    let text = text.replace("$uid", &of("uid")).replace("$version", &of("resourceVersion"));
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// An object without what each server makes up.
fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    let owners = owners(&object);
    // What is left of a map depends on who owns the map itself.
    let is_left = |value: &Value| value.as_object().is_none_or(|map| !map.is_empty());
    if let Some(map) = object.as_object_mut() {
        map.retain(|_, value| !value.is_null() && is_left(value));
    }
    let Some(metadata) = object["metadata"].as_object_mut() else { return object };
    let goes = metadata.contains_key("deletionTimestamp");
    for field in
        ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "managedFields"]
    {
        metadata.remove(field);
    }
    metadata.insert("goes".to_owned(), goes.into());
    metadata.insert("owners".to_owned(), owners);
    object
}

/// Who owns which leaves.
fn owners(object: &Value) -> Value {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
        let name = format!("{} {} {}", entry["manager"], entry["operation"], entry["subresource"]);
        leaves(&entry["fieldsV1"], "", owners.entry(name).or_default());
    }
    owners.retain(|_, leaves| !leaves.is_empty());
    json!(owners)
}

fn leaves(fields: &Value, path: &str, found: &mut BTreeSet<String>) {
    let inner = fields.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("f:"));
    let mut is_leaf = true;
    for (key, fields) in inner {
        is_leaf = false;
        leaves(fields, &format!("{path}.{}", &key[2..]), found);
    }
    // Who owns a map itself is not compared.
    let is_map = [".data", ".spec", ".status", ".metadata.labels", ".metadata"].contains(&path);
    if is_leaf && !path.is_empty() && !is_map {
        found.insert(path.to_owned());
    }
}

/// Something that may be asked, by chance.
fn asking(chance: &mut Chance) -> Asking {
    let is_widget = chance.one_in(2);
    let (collection, kind, api_version, field) = if is_widget {
        (WIDGETS, "Widget", "sim.capstan.dev/v1", "spec")
    } else {
        (MAPS, "ConfigMap", "v1", "data")
    };
    let name = *chance.pick(&["one", "two"]);
    let manager = *chance.pick(&["we", "they"]);
    let path = format!("{collection}/{name}");
    let mut object = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE}});
    for key in ["x", "y", "z"] {
        if chance.one_in(2) {
            object[field][key] = (*chance.pick(&["1", "2"])).into();
        }
    }
    if chance.one_in(2) {
        object["metadata"]["labels"]["a"] = (*chance.pick(&["1", "2"])).into();
    }
    if chance.one_in(8) {
        object["metadata"]["finalizers"] = json!(["sim.capstan.dev/held"]);
    }
    let by = format!("fieldManager={manager}");
    let patch = |query: String, content, body| Asking {
        method: "PATCH",
        path: path.clone(),
        query,
        content,
        body,
    };
    let (apply, merge) = ("application/apply-patch+yaml", "application/merge-patch+json");
    match chance.below(12) {
        0..=3 => patch(format!("{by}&force=true"), apply, object),
        4 if chance.one_in(2) => {
            // Whoever is not there has no version, and is made all the same.
            object["metadata"]["resourceVersion"] = (*chance.pick(&["1", "$version"])).into();
            patch(format!("{by}&force=true"), apply, object)
        }
        4 => patch(by, apply, object),
        5 => patch(format!("{by}&force=true&dryRun=All"), apply, object),
        6 => {
            let mut body = json!({ field: object[field] });
            body[field][*chance.pick(&["x", "y", "z"])] = Value::Null;
            patch(by, merge, body)
        }
        7 => patch(
            by,
            merge,
            json!({"metadata": {"finalizers": null, "resourceVersion": "$version"}}),
        ),
        8 if is_widget => {
            let status = json!({"status": {"seen": *chance.pick(&["1", "2"])}});
            Asking { path: format!("{path}/status"), ..patch(by, merge, status) }
        }
        8 | 9 => {
            let asks = json!({"kind": "DeleteOptions", "apiVersion": "v1",
                "preconditions": {"uid": *chance.pick(&["$uid", "other"]), "resourceVersion": "$version"}});
            Asking {
                method: "DELETE",
                path,
                query: String::new(),
                content: "application/json",
                body: asks,
            }
        }
        10 => Asking {
            method: "POST",
            path: collection.to_owned(),
            query: by,
            content: "application/json",
            body: object,
        },
        _ => Asking {
            method: "GET",
            path,
            query: String::new(),
            content: "application/json",
            body: Value::Null,
        },
    }
}

fn definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.sim.capstan.dev"},
        "spec": {"group": "sim.capstan.dev", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]}})
}

/// A real API server with what the simulated one has.
async fn real(plane: &ControlPlane) -> Result<Server> {
    let server = Server { client: plane.client(), seen: BTreeMap::new() };
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    for (path, object) in [
        ("/api/v1/namespaces", namespace),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition()),
    ] {
        let asking = Asking {
            method: "POST",
            path: path.to_owned(),
            query: String::new(),
            content: "application/json",
            body: object,
        };
        let (code, answer) = server.send(&asking, &asking.body).await?;
        ensure!(code == 201, "{code} {answer}");
    }
    let list = Asking {
        method: "GET",
        path: WIDGETS.to_owned(),
        query: String::new(),
        content: "application/json",
        body: Value::Null,
    };
    let time = std::time::Duration::from_secs(60);
    capstan_kit::wait_until("widgets to be served", time, || async {
        let (code, _) =
            server.send(&list, &Value::Null).await.map_err(|error| error.to_string())?;
        if code == 200 { Ok(()) } else { Err(format!("{code}")) }
    })
    .await?;
    Ok(server)
}

async fn version(server: &Server, path: &str) -> Result<String> {
    let asking = Asking {
        method: "GET",
        path: path.to_owned(),
        query: String::new(),
        content: "application/json",
        body: Value::Null,
    };
    let (_, list) = server.send(&asking, &Value::Null).await?;
    let version = list["metadata"]["resourceVersion"].as_str().context("no version")?;
    Ok(version.to_owned())
}

#[tokio::test]
async fn a_real_api_server_answers_the_same() -> Result<()> {
    let parts = Parts::get(&[Part::Etcd, Part::KubeApiserver, Part::KubeControllerManager]).await?;
    let dir = KitDir::new()?;
    let spec = ControlPlaneSpec {
        name: "differential".to_owned(),
        issuer: "https://differential.example.org".to_owned(),
        bare: true,
        ..ControlPlaneSpec::default()
    };
    let plane = ControlPlane::start(&dir.sub("plane")?, &parts, spec).await?;
    let mut real = real(&plane).await?;
    let simulated = Shared::quiet();
    let mut sim = Server { client: simulated.client(), seen: BTreeMap::new() };
    let begin = [
        (version(&real, MAPS).await?, version(&sim, MAPS).await?, MAPS),
        (version(&real, WIDGETS).await?, version(&sim, WIDGETS).await?, WIDGETS),
    ];
    let mut chance = Chance::of(1, "differential");
    for number in 0..400 {
        let asking = asking(&mut chance);
        let (theirs, ours) = (real.ask(&asking).await?, sim.ask(&asking).await?);
        ensure!(theirs == ours, "request {number} {asking:?}\nreal {theirs}\nsimulated {ours}");
    }
    for (theirs, ours, path) in begin {
        let (theirs, ours) = (real.watched(path, &theirs).await?, sim.watched(path, &ours).await?);
        ensure!(theirs.len() > 20, "only {} events", theirs.len());
        for (number, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
            ensure!(theirs == ours, "event {number} of {path}\nreal {theirs}\nsimulated {ours}");
        }
        ensure!(theirs.len() == ours.len(), "{} events, not {}", ours.len(), theirs.len());
    }
    plane.stop().await;
    dir.finished();
    Ok(())
}

//! What a table shows of an object. Pure: data in, cells out.

use jiff::Timestamp;
use serde_json::Value;

use crate::age;
use crate::discovery::Kind;

/// Objects that share a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Sources of every kind.
    Sources,
    GitRepositories,
    Kustomizations,
    HelmReleases,
    Composites,
    Claims,
    Managed,
    Spokes,
}

impl Family {
    /// In the order in which a change travels.
    pub(crate) const ALL: [Self; 7] = [
        Self::Sources,
        Self::Kustomizations,
        Self::HelmReleases,
        Self::Spokes,
        Self::Claims,
        Self::Composites,
        Self::Managed,
    ];

    /// In messages.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Sources => "source",
            Self::GitRepositories => "GitRepository",
            Self::Kustomizations => "Kustomization",
            Self::HelmReleases => "HelmRelease",
            Self::Composites => "composite resource",
            Self::Claims => "claim",
            Self::Managed => "managed resource",
            Self::Spokes => "Spoke",
        }
    }

    /// Do its objects live in namespaces?
    pub(crate) const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Composites | Self::Managed | Self::Spokes)
    }

    /// Are its kinds made by definitions, so that a cluster may have none?
    pub(crate) const fn is_defined_by_users(self) -> bool {
        matches!(self, Self::Composites | Self::Claims)
    }

    /// Column names; the last ones only with `-o wide`.
    pub(crate) fn header(self, wide: bool) -> Vec<&'static str> {
        let (always, more): (&[&str], &[&str]) = match self {
            Self::Sources | Self::GitRepositories => {
                (&["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"], &["URL", "AGE"])
            }
            Self::HelmReleases => {
                (&["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"], &["CHART", "AGE"])
            }
            Self::Kustomizations => (
                &["NAME", "REVISION", "SUSPENDED", "READY", "MESSAGE"],
                &["SOURCE", "PATH", "OBJECTS", "AGE"],
            ),
            Self::Composites => (&["NAME", "SYNCED", "READY", "COMPOSITION", "AGE"], &["MESSAGE"]),
            Self::Claims => {
                (&["NAME", "SYNCED", "READY", "CONNECTION-SECRET", "AGE"], &["MESSAGE"])
            }
            Self::Managed => {
                (&["NAME", "READY", "SYNCED", "EXTERNAL-NAME", "AGE", "MESSAGE"], &["PROVIDER"])
            }
            Self::Spokes => (
                &["NAME", "READY", "CONNECTED", "AGENT", "REVISION", "UNITS", "MESSAGE"],
                &["CLUSTER", "HEARTBEAT", "AGE"],
            ),
        };
        let more = if wide { more } else { &[] };
        always.iter().chain(more).copied().collect()
    }

    /// The cells under [`Family::header`].
    pub(crate) fn row(
        self,
        kind: &Kind,
        object: &Value,
        wide: bool,
        now: Timestamp,
    ) -> Vec<String> {
        let text = |pointer: &str| text_at(object, pointer).to_owned();
        let age = age::since(text_at(object, "/metadata/creationTimestamp"), now);
        let (name, full_name) = (text("/metadata/name"), full_name(kind, object));
        let ready = status(object, "Ready");
        let synced = status(object, "Synced");
        let mut cells = match self {
            Self::Sources | Self::GitRepositories | Self::Kustomizations | Self::HelmReleases => {
                let revision = match self {
                    Self::Kustomizations => text("/status/lastAppliedRevision"),
                    Self::HelmReleases => text("/status/history/0/chartVersion"),
                    _ => text("/status/artifact/revision"),
                };
                let name = match self {
                    Self::Sources => format!("{}/{name}", kind.kind.to_lowercase()),
                    _ => name,
                };
                let (revision, message) = if wide {
                    (revision, message(object))
                } else {
                    (short_hashes(&revision), short_hashes(&message(object)))
                };
                vec![name, revision, suspended(object), ready, message]
            }
            Self::Composites => {
                vec![full_name, synced, ready, text("/spec/compositionRef/name"), age.clone()]
            }
            Self::Claims => {
                let secret = text("/spec/writeConnectionSecretToRef/name");
                vec![full_name, synced, ready, secret, age.clone()]
            }
            Self::Managed => {
                let external = external_name(object);
                vec![full_name, ready, synced, external, age.clone(), trouble(object)]
            }
            Self::Spokes => vec![
                name,
                ready,
                status(object, "AgentConnected"),
                text("/status/agent/version"),
                short_hashes(&text("/status/agent/revision")),
                units(object),
                trouble(object),
            ],
        };
        if wide {
            cells.extend(match self {
                Self::Sources | Self::GitRepositories => vec![text("/spec/url"), age],
                Self::HelmReleases => vec![chart(object), age],
                Self::Kustomizations => {
                    vec![source(object), text("/spec/path"), inventory_size(object), age]
                }
                Self::Composites | Self::Claims => vec![trouble(object)],
                Self::Managed => vec![text("/spec/providerConfigRef/name")],
                Self::Spokes => {
                    let heartbeat = text_at(object, "/status/agent/lastHeartbeatTime");
                    vec![text("/status/clusterName"), age::since(heartbeat, now), age]
                }
            });
        }
        cells
    }
}

/// A string; empty when it is absent.
fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `role.iam.aws.crossplane.io/name`, since a table mixes kinds.
fn full_name(kind: &Kind, object: &Value) -> String {
    format!("{}/{}", kind.singular(), text_at(object, "/metadata/name"))
}

/// A condition of `status.conditions`.
pub(crate) fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|c| c["type"] == type_)
}

fn status(object: &Value, type_: &str) -> String {
    let found = condition(object, type_).and_then(|c| c["status"].as_str());
    found.unwrap_or("Unknown").to_owned()
}

fn message(object: &Value) -> String {
    match condition(object, "Ready").and_then(|c| c["message"].as_str()) {
        Some(message) => message.to_owned(),
        None => "waiting to be reconciled".to_owned(),
    }
}

/// What keeps the object from being ready: the message of the first condition that does not hold.
fn trouble(object: &Value) -> String {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let mut failing: Vec<&Value> =
        conditions.into_iter().flatten().filter(|c| c["status"] != "True").collect();
    // The cause stands in the others; Ready only sums them up.
    failing.sort_by_key(|c| c["type"] == "Ready");
    let words = failing.first().map(|c| (text_at(c, "/reason"), text_at(c, "/message")));
    match words {
        None => String::new(),
        Some((reason, "")) => reason.to_owned(),
        Some((_, message)) => message.to_owned(),
    }
}

fn suspended(object: &Value) -> String {
    let suspended = object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false);
    if suspended { "True" } else { "False" }.to_owned()
}

fn external_name(object: &Value) -> String {
    let name = object.pointer("/metadata/annotations/crossplane.io~1external-name");
    name.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn source(object: &Value) -> String {
    let kind = text_at(object, "/spec/sourceRef/kind");
    let name = text_at(object, "/spec/sourceRef/name");
    match text_at(object, "/spec/sourceRef/namespace") {
        "" => format!("{kind}/{name}"),
        namespace => format!("{kind}/{namespace}/{name}"),
    }
}

/// The chart that a HelmRelease names, or the object that holds it.
fn chart(object: &Value) -> String {
    match text_at(object, "/spec/chart/spec/chart") {
        "" => {
            let reference = |key: &str| text_at(object, &format!("/spec/chartRef/{key}"));
            format!("{}/{}", reference("kind"), reference("name"))
        }
        chart => chart.to_owned(),
    }
}

fn inventory_size(object: &Value) -> String {
    let entries = object.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.map_or(0, Vec::len).to_string()
}

fn units(object: &Value) -> String {
    let number = |field: &str| object.pointer(&format!("/status/agent/units/{field}"))?.as_u64();
    match (number("ready"), number("total")) {
        (Some(ready), Some(total)) => format!("{ready}/{total}"),
        _ => String::new(),
    }
}

/// Shortens every hash of 40 or 64 digits to eight, as flux does.
fn short_hashes(text: &str) -> String {
    let is_hex = |c: char| c.is_ascii_hexdigit();
    let mut short = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let hex = rest.find(|c| !is_hex(c)).unwrap_or(rest.len());
        let kept = if matches!(hex, 40 | 64) { 8 } else { hex };
        short.push_str(&rest[..kept]);
        rest = &rest[hex..];
        let plain = rest.find(is_hex).unwrap_or(rest.len());
        short.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{Family, short_hashes};
    use crate::discovery::Kind;
    use serde_json::{Value, json};

    fn kind(group: &str, kind: &str) -> Kind {
        Kind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
            namespaced: true,
            categories: Vec::new(),
        }
    }

    fn row(family: Family, kind: &Kind, object: &Value, wide: bool) -> Vec<String> {
        let cells = family.row(kind, object, wide, "2024-01-01T01:00:00Z".parse().expect("a time"));
        assert_eq!(cells.len(), family.header(wide).len(), "a cell a column");
        cells
    }

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_kustomization_shows_what_flux_shows() {
        let object = json!({
            "metadata": {"name": "apps", "creationTimestamp": "2024-01-01T00:00:00Z"},
            "spec": {"path": "./apps", "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
            "status": {"lastAppliedRevision": format!("main@sha1:{COMMIT}"),
                "inventory": {"entries": [{}, {}]},
                "conditions": [{"type": "Ready", "status": "True",
                    "message": format!("Applied revision: main@sha1:{COMMIT}")}]}});
        let kind = kind("kustomize.toolkit.fluxcd.io", "Kustomization");
        let short = "main@sha1:01234567";
        let message = format!("Applied revision: {short}");
        assert_eq!(
            row(Family::Kustomizations, &kind, &object, false),
            ["apps", short, "False", "True", &message]
        );
        let wide = row(Family::Kustomizations, &kind, &object, true);
        assert_eq!(wide[1], format!("main@sha1:{COMMIT}"));
        assert_eq!(wide[5..], ["GitRepository/fleet", "./apps", "2", "60m"]);
    }

    #[test]
    fn a_source_shows_its_kind_where_kinds_are_mixed() {
        let object = json!({"metadata": {"name": "charts"}, "spec": {"url": "https://e.org"}});
        let kind = kind("source.toolkit.fluxcd.io", "HelmRepository");
        assert_eq!(row(Family::Sources, &kind, &object, false)[0], "helmrepository/charts");
        assert_eq!(row(Family::GitRepositories, &kind, &object, false)[0], "charts");
    }

    #[test]
    fn a_managed_resource_names_its_trouble() {
        let object = json!({
            "metadata": {"name": "r", "creationTimestamp": "2024-01-01T00:59:00Z",
                "annotations": {"crossplane.io/external-name": "role-r"}},
            "status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "Creating"},
                {"type": "Synced", "status": "False", "reason": "ReconcileError",
                    "message": "create failed: AccessDenied"}]}});
        let kind = kind("iam.aws.crossplane.io", "Role");
        assert_eq!(
            row(Family::Managed, &kind, &object, false),
            [
                "role.iam.aws.crossplane.io/r",
                "False",
                "False",
                "role-r",
                "60s",
                "create failed: AccessDenied"
            ]
        );
    }

    #[test]
    fn a_spoke_shows_its_agent() {
        let object = json!({
            "metadata": {"name": "staging", "creationTimestamp": "2024-01-01T00:00:00Z"},
            "status": {"clusterName": "staging-x", "agent": {"version": "v0.1.0",
                "lastHeartbeatTime": "2024-01-01T00:59:55Z",
                "revision": "main@sha1:abc", "units": {"ready": 3, "total": 4}},
                "conditions": [{"type": "Ready", "status": "True"},
                    {"type": "AgentConnected", "status": "True"}]}});
        let kind = kind("fleet.capstan.dev", "Spoke");
        let cells = row(Family::Spokes, &kind, &object, true);
        assert_eq!(
            cells,
            [
                "staging",
                "True",
                "True",
                "v0.1.0",
                "main@sha1:abc",
                "3/4",
                "",
                "staging-x",
                "5s",
                "60m"
            ]
        );
    }

    #[test]
    fn an_object_without_status_is_unknown() {
        for family in Family::ALL {
            for wide in [false, true] {
                let cells = row(family, &kind("g", "K"), &json!({"metadata": {"name": "x"}}), wide);
                assert!(cells.iter().any(|cell| cell == "Unknown"), "{family:?} {cells:?}");
            }
        }
    }

    #[test]
    fn only_whole_hashes_are_shortened() {
        let digest = "a".repeat(64);
        for (text, short) in [
            (format!("v1@sha1:{COMMIT}!"), "v1@sha1:01234567!".to_owned()),
            (format!("sha256:{digest}"), "sha256:aaaaaaaa".to_owned()),
            ("deadbeef".to_owned(), "deadbeef".to_owned()),
            ("é facade".to_owned(), "é facade".to_owned()),
        ] {
            assert_eq!(short_hashes(&text), short);
        }
    }
}

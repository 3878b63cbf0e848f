use std::collections::HashSet;

use jiff::Timestamp;
use kube::Client;
use kube::api::ListParams;
use serde_json::Value;

use crate::args::{Cluster, Get, Output, SourceKind, What};
use crate::connect;
use crate::discovery::{self, Kind};
use crate::failure::Failure;
use crate::format;
use crate::out;
use crate::rows::Family;
use crate::table::Table;

/// Objects of one kind.
struct Found {
    kind: Kind,
    objects: Vec<Value>,
}

/// Prints tables or documents of what is asked for.
pub(crate) async fn run(cluster: &Cluster, args: &Get) -> Result<(), Failure> {
    let (families, name) = wanted(&args.what);
    let client = connect::client(cluster).await?;
    let kinds = discovery::kinds(&client).await?;
    let defined = Defined::read(&client, &kinds).await?;
    let mut found: Vec<(Family, Vec<Found>)> = Vec::new();
    for family in families {
        let served: Vec<&Kind> = kinds.iter().filter(|kind| defined.is_of(kind, family)).collect();
        let mut of_family = Vec::new();
        for kind in served {
            let objects = list(&client, kind, cluster, args, name).await?;
            of_family.push(Found { kind: kind.clone(), objects });
        }
        found.push((family, of_family));
    }
    if found.iter().all(|(_, all)| all.iter().all(|found| found.objects.is_empty())) {
        return nothing(found, cluster, args, name);
    }
    print(found, args, name)
}

fn wanted(what: &What) -> (Vec<Family>, Option<&str>) {
    match what {
        What::Sources { kind: Some(SourceKind::Git { name }) } => {
            (vec![Family::GitRepositories], name.as_deref())
        }
        What::Sources { .. } => (vec![Family::Sources], None),
        What::Kustomizations { name } => (vec![Family::Kustomizations], name.as_deref()),
        What::Helmreleases { name } => (vec![Family::HelmReleases], name.as_deref()),
        What::Managed { name } => (vec![Family::Managed], name.as_deref()),
        What::Composites { name } => (vec![Family::Composites], name.as_deref()),
        What::Claims { name } => (vec![Family::Claims], name.as_deref()),
        What::Spokes { name } => (vec![Family::Spokes], name.as_deref()),
        What::All => (Family::ALL.to_vec(), None),
    }
}

/// Kinds that XRDs define, by group and kind; a CRD's category might be missing.
#[derive(Default)]
struct Defined {
    composites: HashSet<(String, String)>,
    claims: HashSet<(String, String)>,
}

impl Defined {
    async fn read(client: &Client, kinds: &[Kind]) -> Result<Self, Failure> {
        let is_definition = |kind: &&Kind| {
            kind.group == "apiextensions.crossplane.io"
                && kind.kind == "CompositeResourceDefinition"
        };
        let Some(definitions) = kinds.iter().find(is_definition) else {
            return Ok(Self::default());
        };
        let listed = connect::api(client, definitions, None).list(&ListParams::default()).await;
        let listed = match listed {
            Ok(listed) => listed,
            // Who may not read definitions still sees what carries the category.
            Err(kube::Error::Api(status)) if status.code == 403 => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let mut defined = Self::default();
        for definition in listed {
            let text = |pointer: &str| {
                definition
                    .data
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let group = text("/spec/group");
            defined.composites.insert((group.clone(), text("/spec/names/kind")));
            defined.claims.insert((group, text("/spec/claimNames/kind")));
        }
        Ok(defined)
    }

    fn is_of(&self, kind: &Kind, family: Family) -> bool {
        let id = (kind.group.clone(), kind.kind.clone());
        match family {
            Family::Sources => kind.group == "source.toolkit.fluxcd.io",
            Family::GitRepositories => {
                kind.group == "source.toolkit.fluxcd.io" && kind.kind == "GitRepository"
            }
            Family::HelmReleases => {
                kind.group == "helm.toolkit.fluxcd.io" && kind.kind == "HelmRelease"
            }
            Family::Kustomizations => {
                kind.group == "kustomize.toolkit.fluxcd.io" && kind.kind == "Kustomization"
            }
            Family::Composites => kind.has_category("composite") || self.composites.contains(&id),
            Family::Claims => kind.has_category("claim") || self.claims.contains(&id),
            Family::Managed => is_managed(kind),
            Family::Spokes => kind.group == "fleet.capstan.dev" && kind.kind == "Spoke",
        }
    }
}

fn is_managed(kind: &Kind) -> bool {
    let provider =
        kind.group.ends_with(".aws.crossplane.io") || kind.group == "kubernetes.crossplane.io";
    kind.has_category("managed") || (provider && !kind.kind.starts_with("ProviderConfig"))
}

async fn list(
    client: &Client,
    kind: &Kind,
    cluster: &Cluster,
    args: &Get,
    name: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    let namespace = (!args.all_namespaces).then_some(cluster.namespace.as_str());
    let parameters = ListParams {
        label_selector: args.selector.clone(),
        field_selector: name.map(|name| format!("metadata.name={name}")),
        ..ListParams::default()
    };
    let listed = connect::api(client, kind, namespace)
        .list(&parameters)
        .await
        .map_err(|error| Failure::from(error).during(&format!("failed to list {}", kind.plural)))?;
    Ok(listed.into_iter().map(|object| with_type(kind, object)).collect())
}

/// Items of a list do not say what they are.
fn with_type(kind: &Kind, object: kube::core::DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).expect("because it was read from JSON");
    value["apiVersion"] = kind.api_version().into();
    value["kind"] = kind.kind.clone().into();
    value
}

/// kubectl's way: an empty list is no failure, and a document all the same; a name that is not there is a failure.
fn nothing(
    found: Vec<(Family, Vec<Found>)>,
    cluster: &Cluster,
    args: &Get,
    name: Option<&str>,
) -> Result<(), Failure> {
    let said = match &*found {
        [(family, kinds)] => {
            let noun = family.noun();
            if kinds.is_empty() && !family.is_defined_by_users() {
                return Err(Failure::new(format!("this cluster has no kind of {noun}"))
                    .hint("is Capstan installed here? check the cluster with --context"));
            }
            let place = if args.all_namespaces || !family.is_namespaced() {
                String::new()
            } else {
                format!(" in {} namespace", cluster.namespace)
            };
            if let Some(name) = name {
                let failure = Failure::new(format!("no {noun} \"{name}\" found{place}"));
                return Err(if place.is_empty() {
                    failure
                } else {
                    failure.hint("look in all namespaces with -A, or in another with -n")
                });
            }
            format!("no {noun} found{place}")
        }
        _ => "nothing found".to_owned(),
    };
    out::say("►", &said);
    print(found, args, name)
}

/// Prints what was found as it is asked for.
fn print(found: Vec<(Family, Vec<Found>)>, args: &Get, name: Option<&str>) -> Result<(), Failure> {
    match args.output {
        None => out::data(&tables(&found, args, false)),
        Some(Output::Wide) => out::data(&tables(&found, args, true)),
        Some(Output::Name) => out::data(&names(&found)),
        Some(Output::Json) => out::data(&format::pretty(&document(found, name))),
        Some(Output::Yaml) => out::data(&capstan_yaml::emit(&document(found, name))),
    }
}

fn tables(found: &[(Family, Vec<Found>)], args: &Get, wide: bool) -> String {
    let now = Timestamp::now();
    let tables: Vec<String> = found
        .iter()
        .map(|(family, kinds)| table(*family, kinds, args, wide, now))
        .filter(|table| !table.is_empty())
        .map(|table| table.render(!args.no_header))
        .collect();
    tables.join("\n")
}

fn table(family: Family, kinds: &[Found], args: &Get, wide: bool, now: Timestamp) -> Table {
    let with_namespace = args.all_namespaces && family.is_namespaced();
    let mut header = family.header(wide);
    if with_namespace {
        header.insert(0, "NAMESPACE");
    }
    let mut table = Table::new(header);
    for Found { kind, objects } in kinds {
        for object in objects {
            let mut row = family.row(kind, object, wide, now);
            if with_namespace {
                let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
                row.insert(0, namespace.unwrap_or_default().to_owned());
            }
            table.push(row);
        }
    }
    table
}

fn names(found: &[(Family, Vec<Found>)]) -> String {
    let mut text = String::new();
    for Found { kind, objects } in found.iter().flat_map(|(_, kinds)| kinds) {
        for object in objects {
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            text.push_str(&format!("{}/{name}\n", kind.singular()));
        }
    }
    text
}

fn document(found: Vec<(Family, Vec<Found>)>, name: Option<&str>) -> Value {
    let kinds = found.into_iter().flat_map(|(_, kinds)| kinds);
    format::document(kinds.flat_map(|found| found.objects).collect(), name.is_some())
}

#[cfg(test)]
mod tests {
    use super::{Defined, is_managed};
    use crate::discovery::Kind;
    use crate::rows::Family;

    fn kind(group: &str, kind: &str, categories: &[&str]) -> Kind {
        Kind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: String::new(),
            namespaced: false,
            categories: categories.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn managed_resources_are_known_by_category_or_group() {
        assert!(is_managed(&kind("iam.aws.crossplane.io", "Role", &[])));
        assert!(is_managed(&kind("kubernetes.crossplane.io", "Object", &[])));
        assert!(is_managed(&kind("example.org", "Thing", &["managed"])));
        assert!(!is_managed(&kind("kubernetes.crossplane.io", "ProviderConfig", &[])));
        assert!(!is_managed(&kind("aws.crossplane.io", "ProviderConfig", &[])));
    }

    #[test]
    fn composites_and_claims_are_known_by_definition_too() {
        let id = |kind: &str| ("fleet.example".to_owned(), kind.to_owned());
        let defined =
            Defined { composites: [id("XCluster")].into(), claims: [id("Cluster")].into() };
        let composite = kind("fleet.example", "XCluster", &[]);
        let claim = kind("fleet.example", "Cluster", &[]);
        assert!(defined.is_of(&composite, Family::Composites));
        assert!(!defined.is_of(&composite, Family::Claims));
        assert!(defined.is_of(&claim, Family::Claims));
        assert!(Defined::default().is_of(&kind("g", "K", &["claim"]), Family::Claims));
    }
}

//! `capstan build kustomization`: what `flux build kustomization` prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use capstan_api::flux::{CommonMetadata, CrossNamespaceSource, KUSTOMIZE_GROUP, PostBuild};
use capstan_build::{Options, Overlay, build_with};
use capstan_model::{Advice, Chain, Manifest};
use capstan_plan::Owner;
use capstan_tree::Ignore;
use capstan_yaml::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::live::Live;
use super::source::Source;
use super::{remote, sops, variables};
use crate::args::{BuildKustomization, Cluster};
use crate::failure::Failure;

/// Builds a Kustomization, and with `--recursive` those that it brings; each document ends with `---`.
pub(super) async fn build(cluster: &Cluster, args: &BuildKustomization) -> Result<String, Failure> {
    if args.dry_run && args.kustomization_file.is_none() {
        return Err(Failure::new("dry-run mode requires a kustomization file")
            .hint("name it with --kustomization-file, or leave --dry-run out to use the cluster"));
    }
    let build = Build { args, live: Live::new(cluster) };
    let unit = build.unit(&cluster.namespace).await?;
    let mut objects = Vec::new();
    build.add(&unit, &args.path, &mut Vec::new(), &mut objects).await?;
    let document = |object: &Manifest| format!("{}---\n", capstan_yaml::emit(object.value()));
    Ok(objects.iter().map(document).collect())
}

struct Build<'a> {
    args: &'a BuildKustomization,
    live: Live<'a>,
}

impl Build<'_> {
    /// The Kustomization of the command line: from its file, else from the cluster.
    async fn unit(&self, namespace: &str) -> Result<Value, Failure> {
        let name = &self.args.name;
        let found = match &self.args.kustomization_file {
            Some(file) => in_file(file, namespace, name)?,
            None => self.live.kustomization(namespace, name).await?,
        };
        found.ok_or_else(|| {
            let place = match &self.args.kustomization_file {
                Some(file) => format!("`{}`", file.display()),
                None => "the cluster".to_owned(),
            };
            Failure::new(format!(
                "failed to find kustomization with name '{name}' and namespace '{namespace}' in {place}"
            ))
            .hint("choose the namespace with --namespace, and a file with --kustomization-file")
        })
    }

    /// Adds the objects of a unit, and of the units among them.
    async fn add(
        &self,
        unit: &Value,
        directory: &Path,
        above: &mut Vec<[String; 2]>,
        into: &mut Vec<Manifest>,
    ) -> Result<(), Failure> {
        let id =
            [text(unit, "/metadata/namespace"), text(unit, "/metadata/name")].map(str::to_owned);
        above.push(id);
        let objects = self.objects(unit, directory).await?;
        let nested: Vec<Value> =
            objects.iter().filter(|o| is_unit(o)).map(|o| o.value().clone()).collect();
        into.extend(objects);
        for unit in nested.iter().filter(|_| self.args.recursive) {
            let id = [text(unit, "/metadata/namespace"), text(unit, "/metadata/name")];
            if above.iter().any(|above| *above == id) {
                continue;
            }
            let directory = self.directory(unit)?;
            let live = match self.args.kustomization_file {
                Some(_) => None,
                None => self.live.kustomization(id[0], id[1]).await?,
            };
            let unit = live.as_ref().unwrap_or(unit);
            Box::pin(self.add(unit, &directory, above, into)).await?;
        }
        above.pop();
        Ok(())
    }

    /// What one unit builds to, as it would be applied.
    async fn objects(&self, unit: &Value, directory: &Path) -> Result<Vec<Manifest>, Failure> {
        let post_build: Option<PostBuild> = part(unit, "postBuild")?;
        let values = match &post_build {
            None => BTreeMap::new(),
            Some(post_build) => {
                let live = Some(&self.live).filter(|_| !self.args.dry_run);
                variables::read(live, post_build, text(unit, "/metadata/namespace")).await?
            }
        };
        let always = post_build.is_some_and(|p| p.substitute_strategy.as_deref() == Some("Always"));
        let expand = |manifest: Manifest| {
            if values.is_empty() && !always {
                return Ok(manifest);
            }
            capstan_subst::expand_manifest_always(&manifest, &values, self.args.strict_substitute)
                .map_err(|error| Failure::new(Advice(&error).to_string()))
        };
        let common: CommonMetadata = part(unit, "commonMetadata")?.unwrap_or_default();
        let finish = |manifest: Manifest| {
            let mut manifest = expand(manifest)?;
            let of_owner = owner(unit).labels();
            let of_owner = of_owner.iter().map(|(key, value)| (key, value));
            for (key, value) in of_owner.chain(&common.labels) {
                manifest.set_label(key, value);
            }
            for (key, value) in &common.annotations {
                manifest.set_annotation(key, value);
            }
            sops::mask(manifest)
        };
        self.built(unit, directory)?.into_iter().map(finish).collect()
    }

    fn built(&self, unit: &Value, directory: &Path) -> Result<Vec<Manifest>, Failure> {
        let source = Source::open(directory, self.args.root.as_deref())?;
        let lines = self.args.ignore_paths.iter().map(String::as_str);
        let ignore = Ignore::of_directory(&source.tree, &source.path, lines)
            .map_err(|error| Failure::new(Chain(&error).to_string()))?;
        let overlay = Overlay::of_spec(&unit["spec"]).map_err(|error| source.failure(&error))?;
        let overlay = Overlay { ignore: Some(ignore), ..overlay };
        let built = remote::run(&source, self.args.no_remote_bases, |remotes| {
            build_with(&source.tree, &source.path, &overlay, Options::FLUX, remotes)
        });
        built.map_err(|failure| failure.during("kustomize build failed"))
    }

    /// Where the files of a nested unit are on this machine.
    fn directory(&self, unit: &Value) -> Result<PathBuf, Failure> {
        let source: CrossNamespaceSource = part(unit, "sourceRef")?.unwrap_or_default();
        let namespace = source.namespace.as_deref().unwrap_or(text(unit, "/metadata/namespace"));
        let key = format!("{}/{namespace}/{}", source.kind, source.name);
        let local = self.args.local_sources.iter().find(|(source, _)| *source == key);
        let Some((_, folder)) = local else {
            let name = text(unit, "/metadata/name");
            return Err(Failure::new(format!(
                "cannot get local path for {key} of kustomization {name}"
            ))
            .hint(format!("say where it is: --local-sources {key}=DIR")));
        };
        Ok(folder.join(text(unit, "/spec/path").trim_start_matches('/')))
    }
}

/// The Kustomization of a name in a file of many documents; one without a namespace counts as of any.
fn in_file(file: &Path, namespace: &str, name: &str) -> Result<Option<Value>, Failure> {
    let shown = file.display();
    let unreadable =
        |why: String| Failure::new(format!("invalid kustomization file `{shown}`: {why}"));
    let content = fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let documents = capstan_yaml::read_documents(&content, &shown.to_string(), Schema::Config)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut units = documents.into_iter().map(|document| document.value);
    Ok(units.find(|unit| {
        let of = text(unit, "/metadata/namespace");
        is_unit_value(unit)
            && text(unit, "/metadata/name") == name
            && (of == namespace || of.is_empty())
    }))
}

fn is_unit(manifest: &Manifest) -> bool {
    is_unit_value(manifest.value())
}

fn is_unit_value(value: &Value) -> bool {
    let group = text(value, "/apiVersion").split('/').next();
    group == Some(KUSTOMIZE_GROUP) && text(value, "/kind") == "Kustomization"
}

fn owner(unit: &Value) -> Owner {
    Owner {
        group: KUSTOMIZE_GROUP.to_owned(),
        name: text(unit, "/metadata/name").to_owned(),
        namespace: text(unit, "/metadata/namespace").to_owned(),
    }
}

/// A field of the spec, if it is there.
fn part<T: DeserializeOwned>(unit: &Value, field: &str) -> Result<Option<T>, Failure> {
    let Some(value) = unit.pointer(&format!("/spec/{field}")).filter(|value| !value.is_null())
    else {
        return Ok(None);
    };
    T::deserialize(value).map(Some).map_err(|error| {
        Failure::new(format!(
            "invalid spec.{field} of kustomization {}: {error}",
            text(unit, "/metadata/name")
        ))
    })
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

//! `buildMetadata`: notes on the objects that say where they come from and what changed them.

use std::sync::Arc;

use capstan_tree::parent;

use serde_json::{Value, json};

use crate::kustomization::Kustomization;
use crate::remote::{Mount, Remote, Remotes, RepoSpec, shown, split};
use crate::resource::Resource;
use crate::resources::Resources;

/// The annotation that says where an object comes from.
const ORIGIN: &str = "config.kubernetes.io/origin";
/// The annotation that lists what changed an object.
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
/// The label that says who built it.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.1");

/// What stands for the root of a repository, as kustomize prints it.
const ROOT: &str = "notCloned";

/// A path, and the repository that it is in when that is not the one that is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
}

impl Source {
    /// The directory of a remote base. Where kustomize prints a password, this does not.
    pub(crate) fn of(spec: &RepoSpec) -> Self {
        let path = capstan_tree::normalise(spec.root.trim_start_matches('/')).unwrap_or_default();
        Self {
            path: if path.is_empty() { ROOT.to_owned() } else { path },
            repo: shown(&spec.url()),
            reference: spec.reference.clone(),
        }
    }

    /// Is it the root of its repository?
    pub(crate) fn is_root(&self) -> bool {
        self.path == ROOT
    }

    /// The place of a path, for the annotation.
    fn at(path: &str, root: &str, remotes: &Remotes) -> Self {
        let (mount, inside) = split(path);
        let Some(Mount { index, at_root }) = mount else {
            return Self { path: relative(root, path), ..Self::default() };
        };
        let path = if at_root { format!("{ROOT}/{inside}") } else { inside.to_owned() };
        match remotes.get(index) {
            Some((Remote::Repository(repository), _)) => {
                Self { path, repo: shown(&repository.url), reference: repository.reference.clone() }
            }
            _ => Self { path, ..Self::default() },
        }
    }

    /// What something is called that this place names.
    pub(crate) fn append(&self, path: &str) -> Self {
        match RepoSpec::parse(path) {
            Ok(spec) => Self::of(&spec),
            Err(_) => Self { path: relative("", &format!("{}/{path}", self.path)), ..self.clone() },
        }
    }

    /// As YAML, with the path under a key of its own.
    pub(crate) fn lines(&self, key: Option<&str>) -> Vec<String> {
        let all = [(key, &self.path), (Some("repo"), &self.repo), (Some("ref"), &self.reference)];
        let line = |(key, value): (Option<&str>, &String)| {
            let text = capstan_yaml::emit(&json!({ (key?): value }));
            (!value.is_empty()).then(|| text.trim_end().to_owned())
        };
        all.into_iter().filter_map(line).collect()
    }
}

/// Where an object comes from, or what changed it; paths from the built directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file of `resources`.
    File(String),
    /// A URL of `resources`.
    Elsewhere(Source),
    /// A generator or transformer.
    Plugin {
        configured_in: String,
        api_version: String,
        kind: String,
        name: String,
        namespace: String,
    },
}

impl Origin {
    /// What a field of a kustomization makes or changes.
    pub(crate) fn builtin(layer: &Kustomization, kind: &str) -> Self {
        Self::Plugin {
            configured_in: layer.file.clone(),
            api_version: "builtin".to_owned(),
            kind: kind.to_owned(),
            name: String::new(),
            namespace: String::new(),
        }
    }

    /// What a plugin makes or changes that an object configures.
    pub(crate) fn plugin(config: &Resource) -> Self {
        Self::Plugin {
            configured_in: config.place.file.clone(),
            api_version: config.text("/apiVersion").to_owned(),
            kind: config.text("/kind").to_owned(),
            name: config.name().to_owned(),
            namespace: config.namespace().to_owned(),
        }
    }

    /// As YAML, with paths from the built directory.
    fn lines(&self, root: &str, remotes: &Remotes) -> Vec<String> {
        match self {
            Self::File(path) => Source::at(path, root, remotes).lines(Some("path")),
            Self::Elsewhere(source) => source.lines(Some("path")),
            Self::Plugin { configured_in, api_version, kind, name, namespace } => {
                let source = Source::at(configured_in, root, remotes);
                let mut lines = source.lines(None);
                lines.extend([
                    format!("configuredIn: {}", source.path),
                    "configuredBy:".to_owned(),
                    format!("  apiVersion: {api_version}"),
                    format!("  kind: {kind}"),
                ]);
                for (key, value) in [("name", name), ("namespace", namespace)] {
                    if !value.is_empty() {
                        let value = capstan_yaml::emit(&Value::from(value.as_str()));
                        lines.push(format!("  {key}: {}", value.trim_end()));
                    }
                }
                lines
            }
        }
    }
}

/// The path of a file as seen from a directory.
fn relative(root: &str, file: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (root, directory) = (parts(root), parts(parent(file)));
    let shared = root.iter().zip(&directory).take_while(|(a, b)| a == b).count();
    let up = root[shared..].iter().map(|_| "..".to_owned());
    let name = file.rsplit('/').next().unwrap_or(file).to_owned();
    let path = up.chain(directory[shared..].iter().cloned()).chain([name]);
    path.collect::<Vec<_>>().join("/")
}

/// Notes at every object what the fields of a layer did.
pub(crate) fn note_layer(layer: &Kustomization, resources: &mut Resources) {
    let once = |kind: &'static str, does: bool| (kind, usize::from(does));
    let labels = layer.labels.len();
    let has_labels = labels > 0 || !layer.common_labels.is_empty();
    let done = [
        once("PatchStrategicMergeTransformer", !layer.patches_strategic_merge.is_empty()),
        ("PatchTransformer", layer.patches.len()),
        once("NamespaceTransformer", !layer.namespace.is_empty()),
        once("PrefixTransformer", !layer.name_prefix.is_empty()),
        once("SuffixTransformer", !layer.name_suffix.is_empty()),
        ("LabelTransformer", labels + usize::from(has_labels)),
        once("AnnotationsTransformer", !layer.common_annotations.is_empty()),
        ("PatchJson6902Transformer", layer.patches_json6902.len()),
        ("ReplicaCountTransformer", layer.replicas.len()),
        ("ImageTagTransformer", layer.images.len()),
        once("ReplacementTransformer", !layer.replacements.is_empty()),
    ];
    for (kind, times) in done {
        for _ in 0..times {
            note(&Origin::builtin(layer, kind), resources);
        }
    }
}

/// Notes at every object what changed it.
pub(crate) fn note(by: &Origin, resources: &mut Resources) {
    let by = Arc::new(by.clone());
    for resource in resources.iter_mut() {
        resource.transformations.push(Arc::clone(&by));
    }
}

/// Writes the annotations and labels that the kustomization asks for.
pub(crate) fn write(
    kustomization: &Kustomization,
    root: &str,
    remotes: &Remotes,
    resources: &mut Resources,
) {
    let asks = |option: &str| kustomization.build_metadata.iter().any(|it| it.value == option);
    let (origins, transformations) = (asks("originAnnotations"), asks("transformerAnnotations"));
    for resource in resources.iter_mut() {
        if let Some(origin) = resource.origin.as_ref().filter(|_| origins) {
            let text = origin.lines(root, remotes).join("\n") + "\n";
            resource.set_metadata("annotations", ORIGIN, &text);
        }
        if transformations && !resource.transformations.is_empty() {
            let one = |by: &Arc<Origin>| {
                format!(
                    "- {}
",
                    by.lines(root, remotes).join(
                        "
  "
                    )
                )
            };
            let text: String = resource.transformations.iter().map(one).collect();
            resource.set_metadata("annotations", TRANSFORMATIONS, &text);
        }
        if asks("managedByLabel") {
            resource.set_metadata("labels", MANAGED_BY.0, MANAGED_BY.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(relative("overlay/a", "base/r.yaml"), "../../base/r.yaml");
        assert_eq!(relative("overlay", "overlay/r.yaml"), "r.yaml");
        assert_eq!(relative("", "base/r.yaml"), "base/r.yaml");
    }
}

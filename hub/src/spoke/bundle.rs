//! What is installed in a spoke: CRDs, the agent as `deploy/agent` has it, and the root of its Git folder.

use capstan_api::fleet::{AgentSpec, Source};
use capstan_build::{BuildError, Options, Overlay, build};
use capstan_model::{Manifest, Secret};
use capstan_tree::MemTree;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The manifests of the agent, as they are in `deploy/agent`.
const AGENT: &[(&str, &str)] = &[
    ("kustomization.yaml", include_str!("../../../deploy/agent/kustomization.yaml")),
    ("namespaces.yaml", include_str!("../../../deploy/agent/namespaces.yaml")),
    ("service-accounts.yaml", include_str!("../../../deploy/agent/service-accounts.yaml")),
    ("rbac.yaml", include_str!("../../../deploy/agent/rbac.yaml")),
    ("services.yaml", include_str!("../../../deploy/agent/services.yaml")),
    ("network-policies.yaml", include_str!("../../../deploy/agent/network-policies.yaml")),
    ("deployment.yaml", include_str!("../../../deploy/agent/deployment.yaml")),
];

/// The image in `deploy/agent`.
pub(crate) const AGENT_IMAGE: &str = "ghcr.io/capstan-dev/capstan-agent";
/// Namespace of everything that Flux's command line expects in one.
pub(crate) const FLUX_NAMESPACE: &str = "flux-system";
/// Name of the root GitRepository and Kustomization.
pub(crate) const ROOT: &str = "flux-system";

/// The version of the agent that this hub installs when a Spoke names none.
pub(crate) fn own_version() -> String {
    format!("v{}", env!("CARGO_PKG_VERSION"))
}

/// The CRDs of a spoke: Flux's kinds and the managed resources. They are applied and served before anything else is.
pub(crate) fn crds() -> Vec<Manifest> {
    let all = capstan_api::flux::crds().into_iter().chain(capstan_kinds::crds());
    let manifest = |crd| {
        let mut value = serde_json::to_value(crd).expect("a CRD is serialisable");
        value["apiVersion"] = "apiextensions.k8s.io/v1".into();
        value["kind"] = "CustomResourceDefinition".into();
        Manifest::try_from(value).expect("a CRD has a name")
    };
    all.map(manifest).collect()
}

/// The agent's own objects, with the image and version that the Spoke asks for.
pub(crate) fn agent(spec: &AgentSpec) -> Result<Vec<Manifest>, BuildError> {
    let mut image = json!({
        "name": AGENT_IMAGE,
        "newTag": spec.version.clone().unwrap_or_else(own_version),
    });
    if let Some(name) = &spec.image {
        image["newName"] = name.as_str().into();
    }
    let overlay = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../agent"],
        "images": [image],
    });
    let file = |(name, text): &(&str, &str)| (format!("agent/{name}"), text.as_bytes().to_vec());
    let mut tree: MemTree = AGENT.iter().map(file).collect();
    tree.insert("spoke/kustomization.yaml", capstan_yaml::emit(&overlay).into_bytes())
        .expect("the path is inside the tree");
    build(&tree, "spoke", &Overlay::default(), Options::FLUX)
}

/// The root GitRepository and Kustomization.
pub(crate) fn root(source: &Source) -> [Manifest; 2] {
    let meta = json!({"name": ROOT, "namespace": FLUX_NAMESPACE});
    let mut repository = json!({
        "url": source.url,
        "interval": source.interval.as_deref().unwrap_or("1m0s"),
        "ref": {"branch": source.branch.as_deref().unwrap_or("main")},
    });
    if let Some(secret) = &source.secret_ref {
        repository["secretRef"] = json!({"name": secret.name});
    }
    let kustomization = json!({
        "interval": "10m0s",
        "path": source.path.as_deref().unwrap_or("./"),
        "prune": true,
        // When the spoke drains, the root is the last to go.
        "deletionPolicy": "WaitForTermination",
        "sourceRef": {"kind": "GitRepository", "name": ROOT},
    });
    let object = |api_version: &str, kind: &str, spec: Value| {
        let value =
            json!({"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec});
        Manifest::try_from(value).expect("an object of ours is complete")
    };
    [
        object("source.toolkit.fluxcd.io/v1", "GitRepository", repository),
        object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", kustomization),
    ]
}

/// The credentials as they go into the spoke: same name, keys and type.
pub(crate) fn credentials(secret: &Manifest) -> Manifest {
    let mut value = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret.name(), "namespace": FLUX_NAMESPACE},
    });
    for field in ["data", "type"] {
        if let Some(found) = secret.value().get(field) {
            value[field] = found.clone();
        }
    }
    Manifest::try_from(value).expect("an object of ours is complete")
}

/// A digest of everything that is installed. The credentials enter it too, so that a rotation is an update.
pub(crate) fn digest(objects: &[Manifest]) -> String {
    let mut digest = Sha256::new();
    for object in objects {
        digest.update(Secret::new(object.digest()).expose());
    }
    let bytes = digest.finalize();
    // 64 bits tell apart what one spoke ever gets.
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{AGENT, agent, crds, credentials, digest, root};
    use capstan_api::fleet::{AgentSpec, SecretName, Source};
    use capstan_model::Manifest;
    use serde_json::json;

    #[test]
    fn every_file_of_the_kustomization_is_embedded() {
        let (_, kustomization) = AGENT[0];
        let named = kustomization.lines().filter_map(|line| line.strip_prefix("- "));
        let embedded: Vec<_> = AGENT.iter().map(|(name, _)| *name).collect();
        for name in named {
            assert!(embedded.contains(&name), "{name} is not embedded");
        }
    }

    #[test]
    fn the_agent_has_the_image_that_the_spoke_asks_for() {
        let image = |spec: &AgentSpec| {
            let objects = agent(spec).expect("deploy/agent builds");
            let deployment = objects.iter().find(|object| object.kind() == "Deployment");
            let value = deployment.expect("there is one").value().clone();
            let image = value.pointer("/spec/template/spec/containers/0/image");
            image.expect("an image").as_str().expect("text").to_owned()
        };
        let spec = AgentSpec::default();
        assert_eq!(image(&spec), "ghcr.io/capstan-dev/capstan-agent:v0.1.0");
        let spec = AgentSpec {
            image: Some("registry.example.com/agent".to_owned()),
            version: Some("v9".to_owned()),
            requires: Vec::new(),
        };
        assert_eq!(image(&spec), "registry.example.com/agent:v9");
    }

    #[test]
    fn the_root_names_branch_path_and_secret() {
        let source = Source {
            url: "https://git.example.com/a".to_owned(),
            path: Some("./clusters/a".to_owned()),
            secret_ref: Some(SecretName { name: "s".to_owned(), namespace: "n".to_owned() }),
            ..Default::default()
        };
        let [repository, kustomization] = root(&source);
        let spec = &repository.value()["spec"];
        assert_eq!(spec["ref"], json!({"branch": "main"}));
        assert_eq!(spec["secretRef"], json!({"name": "s"}));
        assert_eq!(kustomization.value()["spec"]["path"], "./clusters/a");
    }

    #[test]
    fn credentials_are_copied_without_their_metadata() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "s", "namespace": "n", "uid": "1", "ownerReferences": []},
            "data": {"username": "YQ=="}});
        let copy = credentials(&Manifest::try_from(secret).expect("valid"));
        let expected = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "s", "namespace": "flux-system"}, "data": {"username": "YQ=="}});
        assert_eq!(*copy.value(), expected);
    }

    #[test]
    fn a_digest_follows_the_content() {
        let all = crds();
        assert!(all.len() > 3);
        assert_eq!(digest(&all), digest(&crds()));
        assert_ne!(digest(&all), digest(&all[1..]));
    }
}

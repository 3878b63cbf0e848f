//! Builds the kustomizations of a real repository and checks the objects.
//!
//! The repository is looked for in the folder that `CAPSTAN_SHARED` names, or beside the workspace;
//! without it the tests say so and pass.
#![expect(clippy::print_stdout, reason = "a skipped test says why")]

use std::fs;
use std::path::{Path, PathBuf};

use capstan_build::{Options, Overlay, build};
use capstan_model::Manifest;
use capstan_tree::MemTree;

fn repositories() -> Option<PathBuf> {
    let shared = std::env::var_os("CAPSTAN_SHARED")
        .map_or_else(|| PathBuf::from("../../../shared"), PathBuf::from);
    let found = shared.join("reference/multi-cluster-gitops/repos");
    if !found.is_dir() {
        println!("SKIPPED reference builds: {} is not there", found.display());
        return None;
    }
    Some(found)
}

fn tree(root: &Path) -> MemTree {
    fn collect(root: &Path, below: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(below).expect("a readable directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy();
                files.push((name.replace('\\', "/"), fs::read(&path).expect("a readable file")));
            }
        }
    }
    let mut files = Vec::new();
    collect(root, root, &mut files);
    files.into_iter().collect()
}

fn built(tree: &MemTree, path: &str) -> Vec<Manifest> {
    build(tree, path, &Overlay::default(), Options::FLUX).unwrap_or_else(|error| panic!("{error}"))
}

fn find<'a>(manifests: &'a [Manifest], kind: &str) -> &'a Manifest {
    manifests.iter().find(|m| m.kind() == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn a_plain_list_of_files() {
    let Some(root) = repositories() else { return };
    let path = "tools-config/crossplane-eks-composition";
    let manifests = built(&tree(&root.join("gitops-system")), path);
    let kinds: Vec<&str> = manifests.iter().map(Manifest::kind).collect();
    assert_eq!(kinds[..2], ["CompositeResourceDefinition", "Composition"]);
    let source = fs::read_to_string(root.join("gitops-system").join(path).join("roles.yaml"))
        .expect("a readable file");
    let roles: Vec<&Manifest> = manifests.iter().filter(|m| m.kind() == "Role").collect();
    assert!(!roles.is_empty());
    for role in roles {
        let document = role.value()["spec"]["forProvider"]["assumeRolePolicyDocument"]
            .as_str()
            .expect("a document");
        // The block is indented by eight spaces in the file and kept byte for byte.
        let indented: String = document.lines().map(|line| format!("        {line}\n")).collect();
        assert!(document.ends_with("}\n") && source.contains(indented.trim_end()), "{document}");
        let json: serde_json::Value = serde_json::from_str(document).expect("valid JSON");
        assert!(json["Statement"].is_array());
    }
}

#[test]
fn the_first_version_in_staging() {
    let Some(root) = repositories() else { return };
    let tree = tree(&root.join("apps-manifests/product-catalog-api-manifests/v1"));
    let manifests = built(&tree, "kubernetes/overlays/staging");
    assert_eq!(manifests.len(), 2);
    for manifest in &manifests {
        assert_eq!(manifest.namespace(), "product-catalog-api");
        assert_eq!(manifest.name(), "product-catalog-api-staging");
    }
    let deployment = find(&manifests, "Deployment").value();
    assert_eq!(deployment["spec"]["replicas"], 2);
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array();
    let containers = containers.expect("a list");
    assert_eq!(containers.len(), 1);
    let image = containers[0]["image"].as_str().expect("an image");
    assert!(image.ends_with("product-catalog-api:v1"), "{image}");
}

#[test]
fn the_second_version_brings_its_table() {
    let Some(root) = repositories() else { return };
    let manifests = root.join("apps-manifests/product-catalog-api-manifests");
    let mut merged = tree(&manifests.join("v1"));
    for (path, content) in tree(&manifests.join("v2-staging")).files() {
        merged.insert(path, content.to_vec()).expect("inside");
    }
    let manifests = built(&merged, "kubernetes/overlays/staging");
    let table = find(&manifests, "Table");
    assert_eq!((table.namespace(), table.name()), ("product-catalog-api", "products-staging"));
    assert_eq!(table.value()["spec"]["forProvider"]["region"], "${AWS_REGION}");
    let deployment = find(&manifests, "Deployment").value();
    assert_eq!(deployment["spec"]["replicas"], 2);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert!(container["image"].as_str().is_some_and(|image| image.ends_with(":v2")));
    let env = container["env"].as_array().expect("a list");
    assert!(
        env.iter().any(|e| e["name"] == "PRODUCTS_TABLE_NAME" && e["value"] == "products-staging")
    );
}

//! Flux's layer over kustomize: the fields of a Kustomization, and postBuild.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_build::{Options, Overlay, build};
use capstan_model::Manifest;
use capstan_subst::{expand_manifest, expand_manifest_always};
use capstan_tree::{Ignore, MemTree, Tree, filtered};
use serde_json::Value;

use crate::case::{Verdict, expects_error, flag, is_expected_error, text, tree};
use crate::kustomize::same_text;

type Variables = BTreeMap<String, String>;

pub(crate) fn judge(case: &Value) -> Verdict {
    let built = match run(case) {
        Ok(_) if expects_error(case) => {
            return Verdict::Failed(format!("built, and should say {:?}", text(case, "error")));
        }
        Ok(built) => built,
        Err(error) if expects_error(case) => return is_expected_error(case, &error),
        Err(error) => return Verdict::Failed(error),
    };
    let ours = capstan_yaml::emit_all(built.iter().map(Manifest::value));
    let wanted = case["mustContain"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for wanted in wanted {
        if !ours.contains(wanted) {
            return Verdict::Failed(format!("{wanted:?} is not in\n{ours}"));
        }
    }
    same_text(&ours, text(case, "expected"))
}

fn run(case: &Value) -> Result<Vec<Manifest>, String> {
    let unit = capstan_yaml::read(text(case, "kustomization"), "kustomization")
        .map_err(|error| error.to_string())?
        .remove(0);
    let overlay = match flag(case, "generate") {
        true => Overlay::of_spec(&unit["spec"]).map_err(|error| error.to_string())?,
        false => Overlay::default(),
    };
    let source = source(case)?;
    let built = build(&source, text(case, "path"), &overlay, Options::FLUX)
        .map_err(|error| error.to_string())?;
    if !flag(case, "substitute") {
        return Ok(built);
    }
    let variables = variables(case, &unit["spec"]["postBuild"])?;
    substitute(case, &built, &variables)
}

/// The files, without what is ignored where the case says so.
fn source(case: &Value) -> Result<impl Tree + use<>, String> {
    let tree: MemTree = tree(case, "/__ROOT__");
    let ignore = match flag(case, "useIgnore") {
        true => Ignore::of_source(&tree, case["ignore"].as_str()),
        false => Ok(Ignore::default()),
    };
    Ok(filtered(tree, ignore.map_err(|error| error.to_string())?))
}

/// The variables of `substituteFrom` in their order, and those of `substitute` over them.
fn variables(case: &Value, post_build: &Value) -> Result<Variables, String> {
    let mut objects = Vec::new();
    for yaml in case["objects"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        objects.extend(capstan_yaml::read(yaml, "objects").map_err(|error| error.to_string())?);
    }
    let mut variables = Variables::new();
    for reference in post_build["substituteFrom"].as_array().into_iter().flatten() {
        let is_meant = |object: &&Value| {
            object["kind"] == reference["kind"] && object["metadata"]["name"] == reference["name"]
        };
        match objects.iter().find(is_meant) {
            Some(object) => variables.extend(data(object)),
            None if reference["optional"] == true => {}
            None => return Err(format!("{} not found", reference["name"])),
        }
    }
    variables.extend(entries(&post_build["substitute"]));
    Ok(variables)
}

fn entries(map: &Value) -> impl Iterator<Item = (String, String)> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
}

/// The data of a ConfigMap or Secret as texts.
fn data(object: &Value) -> Variables {
    if object["kind"] != "Secret" {
        return entries(&object["data"]).collect();
    }
    let decoded = entries(&object["data"]).map(|(key, text)| {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        (key, String::from_utf8_lossy(&bytes).into_owned())
    });
    decoded.chain(entries(&object["stringData"])).collect()
}

fn substitute(
    case: &Value,
    built: &[Manifest],
    variables: &Variables,
) -> Result<Vec<Manifest>, String> {
    let (strict, always) = (flag(case, "strict"), flag(case, "always"));
    if variables.is_empty() && !always {
        return Ok(built.to_vec());
    }
    let expand = |manifest: &Manifest| match always {
        true => expand_manifest_always(manifest, variables, strict),
        false => expand_manifest(manifest, variables, strict),
    };
    built.iter().map(|manifest| expand(manifest).map_err(|error| error.to_string())).collect()
}

use regex::Regex;
use serde_json::Value;

use crate::error::BuildError;
use crate::kustomization::Image;
use crate::resources::Resources;

/// Changes the image in every container of every object, wherever a pod spec hides in it.
pub(super) fn set(image: &Image, resources: &mut Resources) -> Result<(), BuildError> {
    // The name is a pattern: kustomize puts it into one unescaped.
    let pattern =
        format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@[a-zA-Z0-9]+:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
    let pattern = Regex::new(&pattern)
        .map_err(|error| BuildError::new(format!("`{}` names no image: {error}", image.name)))?;
    for resource in resources.iter_mut() {
        if resource.text("/kind") != "CustomResourceDefinition" {
            walk(&mut resource.value, &|text| pattern.is_match(text).then(|| change(text, image)));
        }
    }
    Ok(())
}

fn walk(value: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                if matches!(key.as_str(), "containers" | "initContainers")
                    && let Value::Array(containers) = child
                {
                    containers.iter_mut().for_each(|container| container_image(container, change));
                } else {
                    walk(child, change);
                }
            }
        }
        _ => {}
    }
}

fn container_image(container: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    if let Some(Value::String(text)) = container.get_mut("image")
        && let Some(changed) = change(text)
    {
        *text = changed;
    }
}

fn change(text: &str, image: &Image) -> String {
    let (mut name, mut tag, mut digest) = split(text);
    if !image.new_name.is_empty() {
        name = &image.new_name;
    }
    let suffixed = format!("{tag}{}", image.tag_suffix);
    match (image.new_tag.as_str(), image.digest.as_str()) {
        ("", "") if image.tag_suffix.is_empty() => {}
        ("", "") => (tag, digest) = (&suffixed, ""),
        (new_tag, new_digest) => (tag, digest) = (new_tag, new_digest),
    }
    let tag = if tag.is_empty() { String::new() } else { format!(":{tag}") };
    let digest = if digest.is_empty() { String::new() } else { format!("@{digest}") };
    format!("{name}{tag}{digest}")
}

/// Name, tag and digest; a colon before the last slash belongs to a port.
fn split(text: &str) -> (&str, &str, &str) {
    let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
    let start = rest.rfind('/').map_or(0, |at| at + 1);
    match rest[start..].split_once(':') {
        Some((name, tag)) => (&rest[..start + name.len()], tag, digest),
        None => (rest, "", digest),
    }
}

#[cfg(test)]
mod tests {
    use super::{change, split};
    use crate::kustomization::Image;

    #[test]
    fn parts_of_an_image() {
        assert_eq!(split("host:5000/a/b:1@sha256:x"), ("host:5000/a/b", "1", "sha256:x"));
        assert_eq!(split("host:5000/a"), ("host:5000/a", "", ""));
    }

    #[test]
    fn a_tag_or_a_digest_replaces_both() {
        let image = |tag: &str, digest: &str| Image {
            new_tag: tag.to_owned(),
            digest: digest.to_owned(),
            ..Image::default()
        };
        assert_eq!(change("a:1@sha256:x", &image("2", "")), "a:2");
        assert_eq!(change("a:1", &image("", "sha256:y")), "a@sha256:y");
        let renamed = Image { new_name: "b".to_owned(), ..Image::default() };
        assert_eq!(change("a:1", &renamed), "b:1");
    }
}

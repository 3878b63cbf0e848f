use std::sync::LazyLock;

use capstan_yaml::{Scalar, Value, set_scalar};
use regex::Regex;

use crate::error::BuildError;
use crate::fields::{Field, Made};
use crate::kustomization::Image;
use crate::resources::Resources;

/// Changes an image in every container of every object, wherever a pod spec hides in it, and then at the fields.
///
/// As in kustomize, the fields see what the first pass made.
pub(crate) fn set(
    image: &Image,
    fields: &[Field],
    resources: &mut Resources,
) -> Result<(), BuildError> {
    let named = Named::new(&image.name)?;
    let change = |text: &str| named.matches(text).then(|| change(text, image));
    let walked: Vec<bool> = resources
        .iter_mut()
        .map(|resource| resource.text("/kind") != "CustomResourceDefinition")
        .collect();
    for (resource, _) in resources.iter_mut().zip(&walked).filter(|(_, walked)| **walked) {
        walk(&mut resource.value, &change).map_err(BuildError::new)?;
    }
    let fields: Vec<Field> = fields.iter().map(|field| field.clone().existing()).collect();
    for (resource, _) in resources.iter_mut().zip(&walked).filter(|(_, walked)| **walked) {
        let gvk = resource.gvk();
        for field in fields.iter().filter(|field| field.admits(&gvk)) {
            field
                .visit(&mut resource.value, Made::Nothing, &mut |value| set_value(value, &change))
                .map_err(|error| field.fault(resource, &error))?;
        }
    }
    Ok(())
}

/// What may follow the name of an image.
const VERSION: &str =
    "(:[a-zA-Z0-9_.{}-]*)?(@[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[a-zA-Z0-9_.{}-]*)?$";

static AFTER_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("^{VERSION}")).expect("a fixed pattern"));

/// The images that a name means. The name is a pattern: kustomize puts it into one unescaped.
pub(crate) enum Named<'a> {
    /// Most names have but dots in them, which stand for any character. To make a pattern of one takes longer than a build.
    Dotted(&'a str),
    Pattern(Box<Regex>),
}

impl<'a> Named<'a> {
    pub(crate) fn new(name: &'a str) -> Result<Self, BuildError> {
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"./-_:".contains(&b)) {
            return Ok(Self::Dotted(name));
        }
        let pattern = Regex::new(&format!("^{name}{VERSION}"))
            .map_err(|error| BuildError::new(format!("`{name}` names no image: {error}")))?;
        Ok(Self::Pattern(Box::new(pattern)))
    }

    pub(crate) fn matches(&self, image: &str) -> bool {
        let name = match self {
            Self::Pattern(pattern) => return pattern.is_match(image),
            Self::Dotted(name) => name,
        };
        let mut rest = image.chars();
        let is_named = name.chars().all(|wanted| match rest.next() {
            Some(found) => found == wanted || (wanted == '.' && found != '\n'),
            None => false,
        });
        is_named && AFTER_NAME.is_match(rest.as_str())
    }
}

type Change<'a> = &'a dyn Fn(&str) -> Option<String>;

fn walk(value: &mut Value, change: Change<'_>) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(item, change)),
        Value::Object(map) => map.iter_mut().try_for_each(|(key, child)| {
            walk(child, change)?;
            if matches!(key.as_str(), "containers" | "initContainers")
                && let Value::Array(containers) = child
            {
                return containers
                    .iter_mut()
                    .try_for_each(|container| in_container(container, change));
            }
            Ok(())
        }),
        Value::Scalar(_) => Ok(()),
    }
}

fn in_container(container: &mut Value, change: Change<'_>) -> Result<(), String> {
    match container {
        Value::Object(map) => match map.get_mut("image") {
            Some(image) => set_value(image, change),
            None => Ok(()),
        },
        null if null.is_null() => Ok(()),
        _ => Err("wrong node kind: expected a map".to_owned()),
    }
}

fn set_value(value: &mut Value, change: Change<'_>) -> Result<(), String> {
    let Some(text) = value.written() else {
        return Err("wrong node kind: expected a scalar".to_owned());
    };
    if let Some(changed) = change(text) {
        set_scalar(value, Scalar::bare(changed));
    }
    Ok(())
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

/// Name, tag and digest. What comes before the first slash is a host, whose port is no tag.
pub(crate) fn split(text: &str) -> (&str, &str, &str) {
    let start = text.find('/').unwrap_or(0);
    let colon = text[start..].find(':').map(|at| at + start);
    let at = text[start..].find('@').map(|at| at + start);
    match (colon, at) {
        (None, None) => (text, "", ""),
        (Some(colon), Some(at)) if colon < at => {
            (&text[..colon], &text[colon + 1..at], &text[at + 1..])
        }
        (_, Some(at)) => (&text[..at], "", &text[at + 1..]),
        (Some(colon), None) => (&text[..colon], &text[colon + 1..], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, change, split};
    use crate::kustomization::Image;

    #[test]
    fn parts_of_an_image() {
        assert_eq!(split("host:5000/a/b:1@sha256:x"), ("host:5000/a/b", "1", "sha256:x"));
        assert_eq!(split("host:5000/a"), ("host:5000/a", "", ""));
        assert_eq!(split("a@sha256:x"), ("a", "", "sha256:x"));
    }

    #[test]
    fn a_name_is_a_pattern() {
        let is_named = |name, image| Named::new(name).expect("a pattern").matches(image);
        for name in ["a.b/c", "a[.]b/c", "a.b/(c)"] {
            for image in ["a.b/c", "a.b/c:1", "a.b/c@sha256:x", "a.b/c:1@sha256:x", "a.b/c:"] {
                assert!(is_named(name, image), "{name} {image}");
            }
            for image in ["a.b/cd", "xa.b/c", "a.b/", "a.b/c:1:2", "a.b/c:1@", ""] {
                assert!(!is_named(name, image), "{name} {image}");
            }
        }
        assert!(is_named("a.b", "axb") && is_named("a.b", "aéb:1") && !is_named("a[.]b", "axb"));
        assert!(Named::new("a(").is_err());
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

//! Objects of files: documents and lists of objects.

use std::collections::VecDeque;

use capstan_yaml::{Schema, Style, Value, read_spelled};

use crate::error::{BuildError, Place};
use crate::load::Loader;
use crate::notes;
use crate::resource::Resource;

/// The objects of a file's text.
pub(crate) fn of_text(
    loader: &Loader<'_>,
    text: &str,
    file: &str,
) -> Result<Vec<Resource>, BuildError> {
    let documents = read_spelled(text, file, Schema::Objects)?;
    let placed = documents.into_iter().map(|document| Unread {
        place: Place { file: file.to_owned(), line: document.start.line },
        value: document.value,
    });
    let mut unread: VecDeque<Unread> = placed.collect();
    if let [only] = unread.make_contiguous()
        && is_plain_list(&only.value)
        && capstan_yaml::is_one_part(text)
    {
        unread = unwrapped(only).into();
    }
    let mut objects = Vec::new();
    while let Some(next) = unread.pop_front() {
        let next = match items(next)? {
            Items::Of(items) => {
                // They come after all else of the file, as in kustomize.
                unread.extend(items);
                continue;
            }
            Items::None(next) => next,
        };
        let mut object = object(next.value, &next.place)?;
        notes::adopt(&mut object)?;
        loader.bounds.add_object().map_err(|error| error.at(&object.place))?;
        objects.push(object);
    }
    Ok(objects)
}

/// What a file holds and nobody has looked at.
struct Unread {
    value: Value,
    place: Place,
}

/// `kind: List`, whose items are taken as they are written when the file holds nothing else.
fn is_plain_list(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::text).unwrap_or_default();
    matches!(kind, "List" | "ResourceList")
        && (value.get("items").is_some() || value.get("functionConfig").is_some())
}

fn unwrapped(list: &mut Unread) -> Vec<Unread> {
    let items = list.value.get_mut("items").map(std::mem::take);
    let items = match items {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    items.into_iter().map(|value| Unread { value, place: list.place.clone() }).collect()
}

/// A list of objects, or something else.
enum Items {
    Of(Vec<Unread>),
    None(Unread),
}

/// A kind that ends in `List` stands for its items.
fn items(mut of: Unread) -> Result<Items, BuildError> {
    let kind = of.value.get("kind").and_then(Value::text).unwrap_or_default();
    if !kind.ends_with("List") {
        return Ok(Items::None(of));
    }
    let kind = kind.to_owned();
    match of.value.get_mut("items").map(std::mem::take) {
        None => Ok(Items::None(of)),
        Some(items) if items.is_null() => Ok(Items::Of(Vec::new())),
        Some(Value::Array(items)) => {
            let unread = |mut value: Value| {
                unstyle(&mut value);
                let json = value.to_json().map_err(|why| BuildError::new(why).at(&of.place))?;
                Ok(Unread { value: Value::in_json(json), place: of.place.clone() })
            };
            Ok(Items::Of(items.into_iter().map(unread).collect::<Result<_, BuildError>>()?))
        }
        Some(_) => Err(BuildError::new(format!("expected array in {kind}/items"))
            .at(&of.place)
            .hint("`items` of a list is a list of objects")),
    }
}

/// Takes away the styles that only count when a value is written.
fn unstyle(value: &mut Value) {
    match value {
        Value::Scalar(scalar) if scalar.style == Style::Folded => scalar.style = Style::Literal,
        Value::Scalar(_) => {}
        Value::Array(items) => items.iter_mut().for_each(unstyle),
        Value::Object(map) => {
            map.is_flow = false;
            map.values_mut().for_each(unstyle);
        }
    }
}

/// What is said of a document that is no map.
pub(crate) fn no_object() -> BuildError {
    BuildError::new("the document is no Kubernetes object: it must be a map")
        .hint("every object needs apiVersion, kind and metadata.name")
}

/// Checks that a document is an object: it has a kind and a name.
pub(crate) fn object(value: Value, place: &Place) -> Result<Resource, BuildError> {
    let fault = |message: &str| {
        BuildError::new(message)
            .at(place)
            .hint("every object needs apiVersion, kind and metadata.name")
    };
    if !value.is_object() {
        return Err(no_object().at(place));
    }
    let resource = Resource::new(value, place.clone());
    if resource.text("/kind").is_empty() {
        return Err(fault("the object has no kind"));
    }
    if resource.name().is_empty() && !resource.text("/kind").ends_with("List") {
        return Err(fault("the object has no metadata.name"));
    }
    Ok(resource)
}

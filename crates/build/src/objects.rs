//! Objects of files: documents and lists of objects.

use std::collections::{BTreeMap, VecDeque};

use capstan_yaml::Schema;
use serde_json::Value;

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
    let documents = capstan_yaml::read_documents(text, file, Schema::Objects)?;
    let placed = documents.into_iter().map(|document| Unread {
        place: Place { file: file.to_owned(), line: document.start.line },
        value: document.value,
        empty: document.empty,
        spelled: document.texts,
    });
    let mut unread: VecDeque<Unread> = placed.collect();
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
        object.empty = next.empty;
        object.spelled = next.spelled;
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
    empty: Vec<String>,
    spelled: BTreeMap<String, String>,
}

/// A list of objects, or something else.
enum Items {
    Of(Vec<Unread>),
    None(Unread),
}

/// A kind that ends in `List` stands for its items.
fn items(mut of: Unread) -> Result<Items, BuildError> {
    let kind = of.value.get("kind").and_then(Value::as_str).unwrap_or_default();
    if !kind.ends_with("List") {
        return Ok(Items::None(of));
    }
    let kind = kind.to_owned();
    match of.value.get_mut("items").map(Value::take) {
        None => Ok(Items::None(of)),
        Some(Value::Null) => Ok(Items::Of(Vec::new())),
        Some(Value::Array(items)) => {
            let unread = |value| Unread {
                value,
                place: of.place.clone(),
                empty: Vec::new(),
                spelled: BTreeMap::new(),
            };
            Ok(Items::Of(items.into_iter().map(unread).collect()))
        }
        Some(_) => Err(BuildError::new(format!("expected array in {kind}/items"))
            .at(&of.place)
            .hint("`items` of a list is a list of objects")),
    }
}

/// Checks that a document is an object: it has a kind and a name.
pub(crate) fn object(value: Value, place: &Place) -> Result<Resource, BuildError> {
    let fault = |message: &str| {
        BuildError::new(message)
            .at(place)
            .hint("every object needs apiVersion, kind and metadata.name")
    };
    if !value.is_object() {
        return Err(fault("the document is no Kubernetes object: it must be a map"));
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

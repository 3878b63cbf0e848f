//! `vars`: `$(NAME)` in some fields stands for a field of another object.

use std::sync::LazyLock;

use capstan_yaml::{Scalar, Style, Tag, Value};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Number, Value as Json};

use crate::config::Config;
use crate::error::BuildError;
use crate::fields::Made;
use crate::kustomization::Placed;
use crate::path::Path;
use crate::resource::Id;
use crate::resources::Resources;

/// `name[0]`, which a path writes `name.0`.
static INDEX: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([^.\[])\[(\d+)\]").expect("a fixed pattern"));

/// `vars[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Var {
    pub(crate) name: String,
    objref: ObjRef,
    fieldref: FieldRef,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjRef {
    api_version: String,
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FieldRef {
    field_path: String,
}

impl ObjRef {
    fn id(&self) -> Id {
        let (group, version) = match self.api_version.split('/').collect::<Vec<_>>().as_slice() {
            [""] => (self.group.as_str(), self.version.as_str()),
            [version] => (self.group.as_str(), *version),
            [group, version] => (*group, *version),
            _ => (self.group.as_str(), self.version.as_str()),
        };
        Id {
            gvk: capstan_model::GroupVersionKind::new(group, version, &*self.kind),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// The vars of a layer and of those below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vars(Vec<Var>);

impl Vars {
    /// Adds the vars of a layer, and notes at the objects that they name which var means them.
    pub(crate) fn add(
        &mut self,
        vars: &[Placed<Var>],
        resources: &mut Resources,
    ) -> Result<(), BuildError> {
        for Placed { value: var, place } in vars {
            note(var, resources).map_err(|error| error.at(place))?;
        }
        for Placed { value: var, place } in vars {
            self.push(var.clone()).map_err(|error| error.at(place))?;
        }
        Ok(())
    }

    /// Adds the vars of a base.
    pub(crate) fn extend(&mut self, other: Self) -> Result<(), BuildError> {
        other.0.into_iter().try_for_each(|var| self.push(var))
    }

    fn push(&mut self, var: Var) -> Result<(), BuildError> {
        if self.0.iter().any(|known| known.name == var.name) {
            return Err(BuildError::new(format!("var '{}' already encountered", var.name))
                .hint("a var may be declared once in all layers"));
        }
        self.0.push(var);
        Ok(())
    }

    /// Replaces what stands for the vars in the fields that may hold them.
    pub(crate) fn resolve(
        &self,
        config: &Config,
        resources: &mut Resources,
    ) -> Result<(), BuildError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut values: Vec<(&str, Json)> = Vec::new();
        for var in &self.0 {
            values.push((&var.name, value(var, resources)?));
        }
        let expand = Expand(values);
        for resource in resources.iter_mut() {
            let (gvk, id) = (resource.gvk(), resource.id());
            for field in config.var_reference.iter().filter(|field| field.admits(&gvk)) {
                let expanded = field
                    .visit(&mut resource.value, Made::Nothing, &mut |found| expand.value(found));
                expanded.map_err(|error| {
                    let message = format!("considering field '{}' of {id}: {error}", field.path);
                    BuildError::new(message)
                })?;
            }
        }
        Ok(())
    }
}

fn note(var: &Var, resources: &mut Resources) -> Result<(), BuildError> {
    let id = var.objref.id();
    // Of a namespace that is given, nobody asks whether the kind lies in one.
    let admits =
        |other: &Id| id.namespace.is_empty() || id.namespace == other.effective_namespace();
    let means = |other: &Id| id.gvk == other.gvk && id.name == other.name && admits(other);
    let mut found = resources.iter_mut().filter(|resource| resource.any_id(means));
    let Some(first) = found.next() else { return Ok(()) };
    let more = found.count();
    if more > 0 {
        let message = format!(
            "found {} resId matches for var {} (unable to disambiguate)",
            more + 1,
            var.name
        );
        return Err(BuildError::new(message).hint("give `objref.namespace`"));
    }
    first.var_names.push(var.name.clone());
    Ok(())
}

fn value(var: &Var, resources: &Resources) -> Result<Json, BuildError> {
    let path = Some(&var.fieldref.field_path).filter(|path| !path.is_empty());
    let path = path.map_or("metadata.name", String::as_str);
    let Some(source) = resources.iter().find(|r| r.var_names.contains(&var.name)) else {
        let message =
            format!("var '{}' cannot be mapped to a field in the set of known resources", var.name);
        return Err(BuildError::new(message).hint("check `objref`: no object of the build is it"));
    };
    let path = INDEX.replace_all(path, "$1.$2");
    let found = Path::parse(&path).map_err(BuildError::new)?;
    found.get(&source.value).and_then(var_value).ok_or_else(|| {
        let message =
            format!("field specified in var '{}' not found in corresponding resource", var.name);
        BuildError::new(message).hint(format!("{} has no `{path}`", source.id()))
    })
}

/// What a var stands for: numbers and booleans as Go's own readers read them, which know fewer spellings than YAML has.
fn var_value(value: &Value) -> Option<Json> {
    let Value::Scalar(scalar) = value else { return value.to_json().ok() };
    let text = scalar.text.as_str();
    match scalar.tag {
        Tag::Int => text.parse::<i64>().ok().map(Json::from),
        Tag::Float => {
            let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
            Number::from_f64(float).map(Json::Number)
        }
        Tag::Bool => Some(text.eq_ignore_ascii_case("true").into()),
        _ => Some(text.into()),
    }
}

/// A text with the vars of these values replaced.
pub(crate) fn expand(text: &str, values: &[(&str, Json)]) -> Json {
    Expand(values.to_vec()).text(text)
}

/// The values of the vars.
struct Expand<'a>(Vec<(&'a str, Json)>);

impl Expand<'_> {
    fn value(&self, found: &mut Value) -> Result<(), String> {
        match found {
            Value::Scalar(scalar) => self.scalar(scalar),
            Value::Object(map) => {
                for value in map.values_mut() {
                    if let Value::Scalar(scalar) = value {
                        self.scalar(scalar);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::Scalar(scalar) if scalar.is_text() => self.scalar(scalar),
                        _ => return Err("invalid value type expect a string".to_owned()),
                    }
                }
            }
        }
        Ok(())
    }

    /// Replaces what stands in a text, which says from then on that it is one.
    fn scalar(&self, scalar: &mut Scalar) {
        if !scalar.is_text() {
            return;
        }
        let (text, tag) = match self.text(&scalar.text) {
            Json::String(text) => (text, Tag::Text),
            Json::Bool(flag) => (flag.to_string(), Tag::Bool),
            Json::Number(number) if number.is_f64() => {
                (number.as_f64().unwrap_or_default().to_string(), Tag::Float)
            }
            other => (other.to_string(), Tag::Int),
        };
        *scalar = Scalar { text, tag, style: Style::Plain, is_tagged: false };
    }

    /// A text that is one var becomes its value with its type; `$$` stands for a dollar.
    fn text(&self, text: &str) -> Json {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let Some(next) = after.chars().next() else {
                out.push('$');
                return out.into();
            };
            rest = match next {
                '$' => {
                    out.push('$');
                    &after[1..]
                }
                '(' => match after.find(')') {
                    Some(end) => {
                        let name = &after[1..end];
                        let found = self.get(name);
                        if text.len() == end + 2
                            && let Some(value) = found
                        {
                            return value.clone();
                        }
                        match found {
                            Some(Json::String(value)) => out.push_str(value),
                            Some(Json::Number(value)) if value.is_f64() => {
                                let float = value.as_f64().unwrap_or_default();
                                out.push_str(&capstan_yaml::shortest(float));
                            }
                            Some(value) => out.push_str(&value.to_string()),
                            None => out.push_str(&rest[at..at + end + 2]),
                        }
                        &after[end + 1..]
                    }
                    None => {
                        out.push_str("$(");
                        &after[1..]
                    }
                },
                other => {
                    out.push('$');
                    out.push(other);
                    &after[other.len_utf8()..]
                }
            };
        }
        out.push_str(rest);
        out.into()
    }

    /// The value of a var; maps and lists fit nowhere.
    fn get(&self, name: &str) -> Option<&Json> {
        let found = self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        found.filter(|value| !value.is_object() && !value.is_array() && !value.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::Expand;
    use capstan_yaml::Value;
    use serde_json::json;

    #[test]
    fn vars_stand_in_texts_and_for_whole_values() {
        let expand = Expand(vec![("A", json!("x")), ("N", json!(80))]);
        for (text, expected) in [
            ("$(A)", json!("x")),
            ("$(N)", json!(80)),
            ("a$(A)b$(N)", json!("axb80")),
            ("$$(A) $(B) $(", json!("$(A) $(B) $(")),
            ("$", json!("$")),
            ("$x", json!("$x")),
        ] {
            assert_eq!(expand.text(text), expected, "{text}");
        }
        assert!(expand.value(&mut Value::from(json!([1]))).is_err());
    }
}

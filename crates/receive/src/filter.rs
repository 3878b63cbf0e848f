use capstan_api::flux::ReceiverSpec;
use capstan_health::cel::{CelError, Expression, Output};
use capstan_model::Manifest;
use serde_json::{Map, Value};

use crate::{Accepted, payload};

/// The filters of a Receiver, ready to be asked.
#[derive(Debug)]
pub struct Filters {
    all: Option<Expression>,
    each: Vec<Option<Expression>>,
}

/// What filters see beside the resource.
#[derive(Clone, Debug, Default)]
pub struct Facts(Map<String, Value>);

/// Why filters cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The body says that it is JSON and is not an object.
    #[error("failed to parse request body as JSON: {0}")]
    Body(#[from] serde_json::Error),
    /// A filter is no CEL, or fails.
    #[error(transparent)]
    Cel(#[from] CelError),
}

impl Filters {
    /// Reads `spec.resourceFilter` and the filter of each entry of `spec.resources`.
    ///
    /// # Errors
    /// When one is not CEL that gives a boolean; with the field that holds it.
    pub fn read(spec: &ReceiverSpec) -> Result<Self, (String, CelError)> {
        let variables: &[&str] =
            if spec.type_ == "generic-oidc" { &["res", "req", "claims"] } else { &["res", "req"] };
        let read = |text: &Option<String>, field: &dyn Fn() -> String| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            let compile = |text| Expression::compile(text, variables, Some(Output::Bool));
            text.map(compile).transpose().map_err(|error| (field(), error))
        };
        let all = read(&spec.resource_filter, &|| "spec.resourceFilter".to_owned())?;
        let resources = spec.resources.iter().enumerate();
        let each = resources
            .map(|(at, resource)| {
                read(&resource.filter, &|| format!("spec.resources[{at}].filter"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { all, each })
    }

    fn are_none(&self) -> bool {
        self.all.is_none() && self.each.iter().all(Option::is_none)
    }

    /// Do the filters admit an object that entry `at` of `spec.resources` means?
    ///
    /// # Errors
    /// When a filter fails on these facts.
    pub fn admit(&self, at: usize, object: &Manifest, facts: &Facts) -> Result<bool, FilterError> {
        let own = self.each.get(at).and_then(Option::as_ref);
        let mut data = facts.0.clone();
        data.insert("res".to_owned(), metadata(object));
        for filter in self.all.iter().chain(own) {
            if !filter.evaluate_bool(&data)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What filters see of an object: its type and its metadata.
fn metadata(object: &Manifest) -> Value {
    let part = |key: &str| Some((key.to_owned(), object.value().get(key)?.clone()));
    ["apiVersion", "kind", "metadata"].into_iter().filter_map(part).collect()
}

impl Facts {
    /// The body, if it is JSON, and the claims of the sender's token. Without filters nothing is read.
    ///
    /// # Errors
    /// When the body says that it is JSON and is not an object.
    pub fn read(filters: &Filters, accepted: &Accepted<'_>) -> Result<Self, FilterError> {
        let mut facts = Map::new();
        if filters.are_none() {
            return Ok(Self(facts));
        }
        let body: Map<String, Value> =
            if accepted.is_json { payload::first(&accepted.body)? } else { Map::new() };
        facts.insert("req".to_owned(), Value::Object(body));
        if let Some(claims) = &accepted.claims {
            facts.insert("claims".to_owned(), Value::Object(claims.clone()));
        }
        Ok(Self(facts))
    }
}

use serde::Serialize;
use serde_json::Value;

use crate::kind::Drift;

/// Collects what differs, field by field. What the user did not write is not compared.
#[derive(Debug, Default)]
pub struct Drifts(Vec<Drift>);

impl Drifts {
    /// Nothing compared yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Compares a field that the service can change.
    pub fn field<T: Serialize + PartialEq>(
        &mut self,
        field: &str,
        wanted: Option<&T>,
        found: Option<&T>,
    ) {
        self.compare(field, wanted, found, false);
    }

    /// Compares a field that the service cannot change.
    pub fn immutable<T: Serialize + PartialEq>(
        &mut self,
        field: &str,
        wanted: Option<&T>,
        found: Option<&T>,
    ) {
        self.compare(field, wanted, found, true);
    }

    /// Compares lists whose order has no meaning.
    pub fn set<T: Serialize + Ord + Clone>(
        &mut self,
        field: &str,
        wanted: Option<&[T]>,
        found: &[T],
    ) {
        let sorted = |list: &[T]| {
            let mut list = list.to_vec();
            list.sort();
            list.dedup();
            list
        };
        self.compare(field, wanted.map(sorted).as_ref(), Some(&sorted(found)), false);
    }

    /// Adds a difference that was found another way.
    pub fn push(
        &mut self,
        field: &str,
        wanted: impl Serialize,
        found: impl Serialize,
        immutable: bool,
    ) {
        self.0.push(Drift {
            field: field.to_owned(),
            wanted: value(&wanted),
            found: value(&found),
            immutable,
        });
    }

    /// Adds a difference where there is one.
    pub fn extend(&mut self, drift: Option<Drift>) {
        self.0.extend(drift);
    }

    /// What differs.
    pub fn into_vec(self) -> Vec<Drift> {
        self.0
    }

    fn compare<T: Serialize + PartialEq>(
        &mut self,
        field: &str,
        wanted: Option<&T>,
        found: Option<&T>,
        immutable: bool,
    ) {
        if let Some(wanted) = wanted
            && Some(wanted) != found
        {
            self.push(field, wanted, found, immutable);
        }
    }
}

fn value(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::Drifts;
    use serde_json::json;

    #[test]
    fn only_what_the_user_wrote_is_compared() {
        let mut drifts = Drifts::new();
        drifts.field("description", None, Some(&"default"));
        drifts.field("maxSessionDuration", Some(&3600), Some(&7200));
        drifts.immutable("path", Some(&"/a/"), Some(&"/"));
        drifts.set("clientIDList", Some(&["b", "a"][..]), &["a", "b"]);
        let drifts = drifts.into_vec();
        assert_eq!(drifts.len(), 2);
        assert_eq!((&drifts[0].wanted, &drifts[0].found), (&json!(3600), &json!(7200)));
        assert!(drifts[1].immutable);
    }
}

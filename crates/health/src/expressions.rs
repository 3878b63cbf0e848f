use serde_json::Value;
use thiserror::Error;

use crate::cel::{CelError, Expression};
use crate::types::{Health, Status};

/// The health of a kind as its users define it, in CEL over the fields of the object.
#[derive(Debug)]
pub struct HealthExpressions {
    /// In the order in which they are asked.
    expressions: Vec<(Status, Expression)>,
}

/// Why the health of a kind cannot be told from what is written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HealthExpressionsError {
    /// Nothing says when an object is current.
    #[error("expression Current not specified")]
    NoCurrent,
    /// One of them cannot be read.
    #[error("failed to parse the expression {field}: {error}")]
    Unreadable {
        /// Which: Current, Failed or InProgress.
        field: &'static str,
        /// Why.
        #[source]
        error: CelError,
    },
}

impl HealthExpressions {
    /// Reads the expressions; an empty one counts as absent.
    ///
    /// # Errors
    /// When `current` is empty, or one is no CEL.
    pub fn new(
        current: &str,
        failed: &str,
        in_progress: &str,
    ) -> Result<Self, HealthExpressionsError> {
        if current.is_empty() {
            return Err(HealthExpressionsError::NoCurrent);
        }
        let read = |field, status, text: &str| match Expression::parse(text) {
            Ok(expression) => Ok((status, expression)),
            Err(error) => Err(HealthExpressionsError::Unreadable { field, error }),
        };
        let current = read("Current", Status::Current, current)?;
        let mut expressions = Vec::new();
        if !in_progress.is_empty() {
            expressions.push(read("InProgress", Status::InProgress, in_progress)?);
        }
        if !failed.is_empty() {
            expressions.push(read("Failed", Status::Failed, failed)?);
        }
        expressions.push(current);
        Ok(Self { expressions })
    }

    /// The health of an object, by the order of Flux's RFC 9: a generation that nobody has observed yet is in progress; then the
    /// first expression that holds decides; none means in progress.
    ///
    /// # Errors
    /// When an expression fails on this object, or gives something else than a boolean.
    pub fn assess(&self, object: &Value) -> Result<Health, CelError> {
        let number = |path: &str| object.pointer(path).and_then(Value::as_i64);
        let generation = number("/metadata/generation");
        if let (Some(generation), Some(observed)) =
            (generation, number("/status/observedGeneration"))
            && generation != observed
        {
            return Ok(Health::in_progress("", ""));
        }
        let nothing = serde_json::Map::new();
        let fields = object.as_object().unwrap_or(&nothing);
        for (status, expression) in &self.expressions {
            if expression.evaluate_bool(fields)? {
                return Ok(Health::new(*status, "", ""));
            }
        }
        Ok(Health::in_progress("", ""))
    }
}

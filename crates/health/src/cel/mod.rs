//! CEL expressions over objects, with the libraries that Flux turns on: strings, sets, encoders, optionals.
//!
//! An expression is parsed once and evaluated often. Either is a function of its input: no clock, no I/O. The errors are worded as
//! those of cel-go, which users know from Flux's conditions.

mod error;
mod library;
mod limits;
mod missing;
mod strict;
mod value;

use cel_core::{Ast, CelType, CompileError, Env, MapActivation, Program, Value as CelValue};
use serde_json::{Map, Value};

pub use error::CelError;

/// What a compiled expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `true` or `false`.
    Bool,
    /// A text.
    String,
}

/// An expression that is ready to be evaluated.
#[derive(Debug)]
pub struct Expression {
    /// As it was written.
    ast: Ast,
    program: Program,
}

impl Expression {
    /// Reads an expression whose variables are known only when it is evaluated.
    ///
    /// # Errors
    /// When it is no CEL, or larger or deeper than any expression in use.
    pub fn parse(text: &str) -> Result<Self, CelError> {
        Self::read(text, |env| env.parse_only(text), &[])
    }

    /// Reads an expression, and checks its types: each variable is an object with string keys.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and for an unknown variable or function, and for another output.
    pub fn compile(
        text: &str,
        variables: &[&str],
        output: Option<Output>,
    ) -> Result<Self, CelError> {
        let expression = Self::read(text, |env| env.compile(text), variables)?;
        let found = expression.ast.result_type();
        let wanted = output.map(|output| match output {
            Output::Bool => CelType::Bool,
            Output::String => CelType::String,
        });
        match (wanted, found) {
            (Some(wanted), Some(found)) if wanted != *found => {
                Err(CelError::Output { expected: wanted.to_string(), found: found.to_string() })
            }
            _ => Ok(expression),
        }
    }

    fn read(
        text: &str,
        read: impl FnOnce(&Env) -> Result<Ast, CompileError>,
        variables: &[&str],
    ) -> Result<Self, CelError> {
        limits::check(text)?;
        let object = || CelType::map(CelType::String, CelType::Dyn);
        let env =
            variables.iter().fold(library::env(), |env, name| env.with_variable(*name, object()));
        let read = limits::deep(|| {
            let ast = read(&env)?;
            limits::check_shape(ast.expr())?;
            let mut strict = ast.expr().clone();
            strict::strict_has(&mut strict);
            let program = env.program(&Ast::new_unchecked(strict, text))?;
            Ok(Self { ast, program })
        });
        read.map_err(|error: error::Unreadable| error.of(text))
    }

    /// The result as JSON: bytes in base64, times as text, an optional without a value as null.
    ///
    /// # Errors
    /// When a variable or key is missing, or an operation does not fit its values.
    pub fn evaluate(&self, data: &Map<String, Value>) -> Result<Value, CelError> {
        self.run(data).map(|value| value::to_json(&value))
    }

    /// The result, which must be `true` or `false`.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and for a result of another type.
    pub fn evaluate_bool(&self, data: &Map<String, Value>) -> Result<bool, CelError> {
        match self.run(data)? {
            CelValue::Bool(value) => Ok(value),
            _ => Err(CelError::NotBoolean(self.text())),
        }
    }

    /// The result, which must be a text.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and for a result of another type.
    pub fn evaluate_string(&self, data: &Map<String, Value>) -> Result<String, CelError> {
        match self.run(data)? {
            CelValue::String(value) => Ok((*value).to_owned()),
            _ => Err(CelError::NotString(self.text())),
        }
    }

    /// The result, which must be a list of texts.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and for a result of another type.
    pub fn evaluate_strings(&self, data: &Map<String, Value>) -> Result<Vec<String>, CelError> {
        let value = self.run(data)?;
        let error = |found: &CelValue| CelError::NotStrings {
            text: self.text(),
            found: found.cel_type().to_string(),
        };
        let CelValue::List(items) = &value else { return Err(error(&value)) };
        let text = |item: &CelValue| match item {
            CelValue::String(text) => Ok((**text).to_owned()),
            other => Err(error(other)),
        };
        items.iter().map(text).collect()
    }

    fn text(&self) -> String {
        self.ast.source().to_owned()
    }

    fn run(&self, data: &Map<String, Value>) -> Result<CelValue, CelError> {
        let mut activation = MapActivation::new();
        for (name, value) in data {
            activation.insert(name, value::of_json(value));
        }
        match limits::deep(|| self.program.eval(&activation)) {
            CelValue::Error(error) => Err(error::failed(&error, &self.ast)),
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests;

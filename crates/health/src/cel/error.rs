use cel_core::{Ast, CheckError, CheckErrorKind, CompileError, EvalError, EvalErrorKind, Span};
use thiserror::Error;

use super::missing;

/// Why an expression gives nothing. The words are those of cel-go and of Flux.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CelError {
    /// It is no CEL, or speaks of what is not declared.
    #[error("failed to parse the CEL expression '{text}': {why}")]
    Parse {
        /// The expression.
        text: String,
        /// Each error with its line, its column and the line itself.
        why: String,
    },
    /// It is larger than any expression in use.
    #[error("the CEL expression is too {0}")]
    TooLarge(String),
    /// It would give another type.
    #[error("CEL expression output type mismatch: expected {expected}, got {found}")]
    Output {
        /// What is needed.
        expected: String,
        /// What it gives.
        found: String,
    },
    /// It failed on these values.
    #[error("failed to evaluate the CEL expression '{text}': {why}")]
    Evaluate {
        /// The expression.
        text: String,
        /// What is wrong with the values.
        why: String,
    },
    /// It gave something that is not a boolean.
    #[error("failed to evaluate CEL expression as boolean: '{0}'")]
    NotBoolean(String),
    /// It gave something that is not a text.
    #[error("failed to evaluate CEL expression as string: '{0}'")]
    NotString(String),
    /// It gave something that is not a list of texts.
    #[error(
        "failed to evaluate CEL expression '{text}' as []string: unsupported native conversion from {found} to '[]string'"
    )]
    NotStrings {
        /// The expression.
        text: String,
        /// The type of what it gave.
        found: String,
    },
}

/// Why an expression could not be read: by the library, or by our limits.
pub(super) enum Unreadable {
    Library(CompileError),
    Limit(CelError),
}

impl From<CompileError> for Unreadable {
    fn from(error: CompileError) -> Self {
        Self::Library(error)
    }
}

impl From<CelError> for Unreadable {
    fn from(error: CelError) -> Self {
        Self::Limit(error)
    }
}

impl Unreadable {
    pub(super) fn of(self, text: &str) -> CelError {
        let places: Vec<String> = match self {
            Self::Limit(error) => return error,
            Self::Library(CompileError::Parse(errors)) => {
                errors.iter().map(|error| placed(text, &error.span, &syntax(text, error))).collect()
            }
            Self::Library(CompileError::Check(errors)) => errors
                .iter()
                .filter(|error| !follows_another(error))
                .map(|error| placed(text, &error.span, &checked(error)))
                .collect(),
            Self::Library(error @ CompileError::NoAst) => vec![error.to_string()],
        };
        CelError::Parse { text: text.to_owned(), why: places.join("\n") }
    }
}

fn syntax(text: &str, error: &cel_core::ParseError) -> String {
    let before = text.get(..error.span.start).unwrap_or(text);
    if before.ends_with('.') {
        return "Syntax error: no viable alternative at input '.'".to_owned();
    }
    format!("Syntax error: {}", error.message)
}

/// A field of what could not be resolved itself.
fn follows_another(error: &CheckError) -> bool {
    matches!(&error.kind, CheckErrorKind::UndefinedField { type_name, .. } if type_name == "error")
}

fn checked(error: &CheckError) -> String {
    match &error.kind {
        CheckErrorKind::UndeclaredReference { name, container } => {
            format!("undeclared reference to '{name}' (in container '{container}')")
        }
        CheckErrorKind::NoMatchingOverload { function, arg_types } => {
            let types: Vec<String> = arg_types.iter().map(ToString::to_string).collect();
            format!(
                "found no matching overload for '{function}' applied to '({})'",
                types.join(", ")
            )
        }
        _ => error.message(),
    }
}

/// An error with its place, and the line with a caret under it.
fn placed(text: &str, span: &Span, message: &str) -> String {
    let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let before = &text[..start.unwrap_or(0)];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let shown = text.split('\n').nth(line).unwrap_or_default();
    let dots = ".".repeat(column);
    format!("ERROR: <input>:{}:{}: {message}\n | {shown}\n | {dots}^", line + 1, column + 1)
}

pub(super) fn failed(error: &EvalError, ast: &Ast) -> CelError {
    let after_colon = |message: &str| message.split_once(": ").map(|(_, name)| name.to_owned());
    let name = after_colon(&error.message).unwrap_or_default();
    let why = match error.kind {
        EvalErrorKind::UnknownIdentifier => {
            let path = missing::path(ast.expr(), &name).unwrap_or(name);
            format!("no such attribute(s): {path}")
        }
        EvalErrorKind::KeyNotFound | EvalErrorKind::FieldNotFound => format!("no such key: {name}"),
        EvalErrorKind::NoMatchingOverload | EvalErrorKind::TypeMismatch => {
            format!("no such overload: {}", error.message)
        }
        EvalErrorKind::ModuloByZero => "modulus by zero".to_owned(),
        _ => error.message.clone(),
    };
    CelError::Evaluate { text: ast.source().to_owned(), why }
}

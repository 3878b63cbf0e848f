//! What every suite needs: verdicts, fields of cases, and errors that are expected.

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_tree::MemTree;
use regex::Regex;
use serde_json::Value;

use crate::Judge;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Not as expected, and how.
    Failed(String),
    /// Left out: its data says that the reference does not do so any more.
    Skipped,
}

impl Verdict {
    /// Passed when both are equal, else failed with both.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(ours: &T, expected: &T) -> Self {
        Self::of(ours == expected, || format!("gave {ours:?}\nexpected {expected:?}"))
    }

    /// Passed when it holds, else failed with this reason.
    pub(crate) fn of(holds: bool, why: impl FnOnce() -> String) -> Self {
        if holds { Self::Passed } else { Self::Failed(why()) }
    }
}

/// Judges a case; a panic is a failure like any other.
pub(crate) fn judged(judge: Judge, case: &Value) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| judge(case))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Verdict::Failed(format!("it panicked: {}", said.unwrap_or("without a word")))
    })
}

/// A text of a case; empty when it has none.
pub(crate) fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_default()
}

/// A flag of a case.
pub(crate) fn flag(case: &Value, field: &str) -> bool {
    case[field].as_bool().unwrap_or_default()
}

/// The files of a case, with its absolute folder named by `root`.
pub(crate) fn tree(case: &Value, root: &str) -> MemTree {
    let texts = case["files"].as_object().into_iter().flatten();
    let texts = texts.map(|(path, content)| {
        let content = content.as_str().unwrap_or_default().replace("/__ROOT__", root);
        (path.clone(), content.into_bytes())
    });
    let binary = case["filesBase64"].as_object().into_iter().flatten();
    let binary = binary.map(|(path, content)| {
        let content = STANDARD.decode(content.as_str().unwrap_or_default());
        (path.clone(), content.expect("a case holds base64"))
    });
    texts.chain(binary).collect()
}

/// Does a case expect an error?
pub(crate) fn expects_error(case: &Value) -> bool {
    !case["error"].is_null() || case["panic"] == true
}

/// Is this the error that the case expects? `any` stands for every text.
pub(crate) fn is_expected_error(case: &Value, said: &str) -> Verdict {
    let expected = text(case, "error");
    let also = case["errorAlso"].as_str().is_none_or(|also| said.contains(also));
    let exact = case["errorExact"].as_str().is_none_or(|exact| said == exact);
    let pattern = case["errorRegex"].as_str();
    let pattern = pattern.is_none_or(|it| Regex::new(it).is_ok_and(|it| it.is_match(said)));
    let any = expected == "any" || case["panic"] == true;
    let right = any || (said.contains(expected) && also && exact && pattern);
    Verdict::of(right, || format!("said {said:?}\nexpected the error {expected:?}"))
}

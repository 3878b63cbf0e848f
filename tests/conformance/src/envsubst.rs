//! postBuild's expansion of variables.

use capstan_subst::expand;
use serde_json::Value;

use crate::case::{Verdict, expects_error, flag, is_expected_error, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    let lookup = |name: &str| case["env"].get(name)?.as_str().map(str::to_owned);
    match expand(text(case, "input"), &lookup, flag(case, "strict")) {
        Ok(ours) if expects_error(case) => Verdict::Failed(format!("gave {ours:?}, not an error")),
        Ok(ours) => Verdict::equal(&ours.as_str(), &text(case, "expected")),
        Err(error) if expects_error(case) => is_expected_error(case, &error.to_string()),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

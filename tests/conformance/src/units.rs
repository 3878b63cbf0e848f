//! Small tables: name hashes, image names, paths, selectors.

use serde_json::Value;

use crate::case::{Verdict, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    Verdict::Failed(format!("nothing runs cases of kind `{}`", text(case, "kind")))
}

pub(crate) fn judge_flux(case: &Value) -> Verdict {
    Verdict::Failed(format!("nothing runs cases of kind `{}`", text(case, "kind")))
}

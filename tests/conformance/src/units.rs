//! Small tables: name hashes, image names, paths, selectors.

use capstan_build::is_local;
use serde_json::Value;

use crate::case::{Verdict, flag, text};

pub(crate) fn judge(case: &Value) -> Verdict {
    Verdict::Failed(format!("nothing runs cases of kind `{}`", text(case, "kind")))
}

pub(crate) fn judge_flux(case: &Value) -> Verdict {
    match text(case, "kind") {
        "local-relative-path" => {
            Verdict::equal(&is_local(text(case, "value")), &flag(case, "expected"))
        }
        other => Verdict::Failed(format!("nothing runs cases of kind `{other}`")),
    }
}

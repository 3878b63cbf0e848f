use serde_json::Value;

use crate::case::Verdict;

pub(crate) fn judge(_case: &Value) -> Verdict {
    Verdict::Failed("nothing runs these cases".to_owned())
}

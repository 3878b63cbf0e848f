use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::case::Verdict;

/// What came of a suite.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The name of its file, without the ending.
    pub suite: String,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were left out, as their own data says.
    pub skipped: usize,
    /// Those that failed.
    #[serde(skip)]
    pub failures: Vec<Failure>,
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its name.
    pub name: String,
    /// What is wrong, in one or many lines.
    pub why: String,
}

impl Report {
    pub(crate) fn new(suite: &str) -> Self {
        Self { suite: suite.to_owned(), ..Self::default() }
    }

    pub(crate) fn add(&mut self, case: &Value, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Skipped => self.skipped += 1,
            Verdict::Failed(why) => {
                self.failed += 1;
                let name = case["name"].as_str().unwrap_or("a case without a name").to_owned();
                self.failures.push(Failure { name, why });
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, passed, failed, skipped, .. } = self;
        write!(f, "{suite}: {passed} passed, {failed} failed, {skipped} skipped")
    }
}

//! What a command line said, without what is another at every run: times, ages, generated names, addresses.

use anyhow::Result;
use capstan_e2e::run::Said;
use regex::Regex;

use crate::differences::Difference;

/// What is another at every run, and what stands for it.
const PASSING: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3,4})?", "<time>"),
    (r"127\.\d+\.\d+\.\d+(:\d+)?", "<address>"),
    // Durations that were measured; those that somebody chose have no fraction.
    (r"\b(\d+[hm])*\d+\.\d+(ms|µs|s)\b|\b\d+(ms|µs)\b", "<duration>"),
    (r"\b(after|within) (\d+[hm])*\d+s\b", "$1 <duration>"),
    (r"\b(finished in|lastReconciledDuration:|passed in) [^ ,]+", "$1 <duration>"),
    (r"\btotalReconciliations: \d+", "totalReconciliations: <count>"),
    (r"/tmp/[A-Za-z0-9./_-]*", "<folder>"),
    (r"\b([a-z-]+)-[0-9a-f]{8,10}-[a-z0-9]{5}\b", "$1-<pod>"),
    // Two archives of the same files.
    (r"\b\d+(\.\d+)? (B|KiB)\b", "<size>"),
    // Where a deadline caught the command line.
    (
        r"(client rate limiter Wait returned an error: |unexpected error when reading response body.* Original error: )",
        "",
    ),
    (r"^err E\d{4} .*", "err"),
    (r"[ \t]+", " "),
];

/// Command lines that print what happened, or conditions, in the order in which they came; two engines have another order.
const UNORDERED: [&str; 3] = ["events", "logs", "debug"];

/// The lines of what was said, to be compared.
pub(crate) struct Told {
    pub(crate) lines: Vec<String>,
    is_ordered: bool,
}

impl Told {
    /// Reads what was said of a command line.
    pub(crate) fn read(said: &Said, home: &str, line: &str) -> Result<Self> {
        let unordered = UNORDERED.iter().find(|verb| line.starts_with(**verb)).copied();
        let mut lines = vec![format!("exit {}", said.code.unwrap_or(-1))];
        for (stream, text) in [("out", &said.out), ("err", &said.err)] {
            let text = text.replace(home, "~");
            let told = text.lines().filter_map(|text| match unordered {
                Some("events") => Some(without_age(text)),
                Some("logs") if stream == "out" => of_whom(text),
                _ => Some(text.to_owned()),
            });
            lines.extend(told.map(|text| format!("{stream} {text}")));
        }
        for (pattern, stands) in PASSING {
            let pattern = Regex::new(pattern)?;
            for line in &mut lines {
                *line = pattern.replace_all(line, *stands).trim_end().to_owned();
            }
        }
        // Messages of several lines end with an empty one, or do not.
        lines.retain(|line| line != "out" && line != "err");
        let mut told = Self { lines, is_ordered: unordered.is_none() };
        told.arrange();
        Ok(told)
    }

    /// Without an order that says nothing.
    fn arrange(&mut self) {
        if !self.is_ordered {
            self.lines.sort();
            self.lines.dedup();
        }
    }

    /// Takes an allowed difference out; says whether there was one.
    pub(crate) fn allow(&mut self, pattern: &str, difference: &Difference) -> Result<bool> {
        let pattern = Regex::new(pattern)?;
        let mut found = false;
        for line in &mut self.lines {
            if pattern.is_match(line) {
                found = true;
                *line = pattern.replace_all(line, difference.stands()).into_owned();
            }
        }
        self.lines.retain(|line| !line.is_empty());
        self.arrange();
        Ok(found)
    }
}

/// An event's line without the column that says how long ago it was.
fn without_age(line: &str) -> String {
    let age = r"^(\S+ *\t)?(<invalid>|\d+[a-z0-9]*)( \(x\d+ over [^)]*\))? *\t";
    Regex::new(age).map_or_else(|_| line.to_owned(), |age| age.replace(line, "$1").into_owned())
}

/// Level and object of a line of a log: what it says is its engine's own. A line that only goes on has none, and the advice
/// that the API server gives a controller is nobody's work.
fn of_whom(line: &str) -> Option<String> {
    let (whom, said) = line.split_once(" - ")?;
    let begins = whom.starts_with(|first: char| first.is_ascii_digit());
    (begins && !said.starts_with("metadata.finalizers:")).then(|| whom.to_owned())
}

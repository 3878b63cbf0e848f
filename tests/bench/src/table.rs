//! Measurements beside those of peers, as a table in Markdown.

use std::fmt::Write as _;
use std::fs;
use std::thread;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds, of the wall or of a processor.
    Time,
    /// Kibibytes.
    Memory,
    /// Millionths of a core.
    Cores,
}

/// What ours should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most so many times what a peer, by its place, needs.
    Of(usize, f64),
    /// At most so much.
    Bound(u64),
}

/// One measurement. What was not measured is absent.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    unit: Unit,
    peers: Vec<Option<u64>>,
    ours: Option<u64>,
    targets: Vec<Target>,
}

impl Row {
    /// A row without a target.
    pub fn new(
        name: impl Into<String>,
        unit: Unit,
        peers: impl Into<Vec<Option<u64>>>,
        ours: Option<u64>,
    ) -> Self {
        Self { name: name.into(), unit, peers: peers.into(), ours, targets: Vec::new() }
    }

    /// The same with a target more.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    fn peer(&self, place: usize) -> Option<u64> {
        self.peers.get(place).copied().flatten()
    }

    fn is_met(&self, target: Target) -> Option<bool> {
        let ours = self.ours?;
        match target {
            Target::Of(place, most) => Some(float(ours) <= most * float(self.peer(place)?)),
            Target::Bound(most) => Some(ours <= most),
        }
    }

    fn line(&self, peers: &[&str]) -> String {
        let shown = |number: Option<u64>| number.map_or("-".to_owned(), |n| show(n, self.unit));
        let ratio = self.peer(0).zip(self.ours).map(|(theirs, ours)| quotient(ours, theirs));
        let wanted = |target: &Target| match target {
            Target::Of(0, most) => format!("{most}x"),
            Target::Of(place, most) => {
                format!("{most}x {}", peers.get(*place).copied().unwrap_or_default())
            }
            Target::Bound(most) => show(*most, self.unit),
        };
        let verdict = |target: &Target| match self.is_met(*target) {
            Some(true) => "met",
            Some(false) => "missed",
            None => "-",
        };
        let list = |texts: Vec<String>| texts.join(", ");
        let mut line = format!("| {} |", self.name);
        for place in 0..peers.len() {
            let _ = write!(line, " {} |", shown(self.peer(place)));
        }
        let _ = write!(
            line,
            " {} | {} | {} | {} |",
            shown(self.ours),
            ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}x")),
            list(self.targets.iter().map(wanted).collect()),
            list(self.targets.iter().map(|target| verdict(target).to_owned()).collect()),
        );
        line
    }
}

/// The machine and all rows. The ratio is that of ours to the first peer.
pub fn markdown(peers: &[&str], rows: &[Row]) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut text = format!("On {cores} cores with {}.\n\n", memory());
    let _ = writeln!(text, "| | {} | ours | ratio | target | |", peers.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(peers.len() + 5));
    for row in rows {
        let _ = writeln!(text, "{}", row.line(peers));
    }
    text
}

fn show(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Memory => format!("{:.1} MiB", float(number) / 1024.0),
        Unit::Cores => format!("{:.1} mCPU", float(number) / 1e3),
        Unit::Time if number < 1_000_000 => format!("{:.0} µs", float(number) / 1e3),
        Unit::Time if number < 1_000_000_000 => format!("{:.2} ms", float(number) / 1e6),
        Unit::Time => format!("{:.2} s", float(number) / 1e9),
    }
}

fn quotient(ours: u64, theirs: u64) -> f64 {
    float(ours) / float(theirs.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the fifteenth digit of a time")]
fn float(number: u64) -> f64 {
    number as f64
}

/// The memory of the machine, as the kernel says it.
fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    kibibytes.map_or_else(
        || "unknown memory".to_owned(),
        |kibibytes: u64| format!("{:.0} GiB of memory", float(kibibytes) / 1_048_576.0),
    )
}

#[cfg(test)]
mod tests {
    use super::{Row, Target, Unit};

    #[test]
    fn a_row_says_what_was_met() {
        let row = Row::new("a pass", Unit::Time, [Some(2_000_000_000), None], Some(100_000_000));
        let row = row.target(Target::Of(0, 0.1)).target(Target::Of(1, 2.0));
        let line = row.target(Target::Bound(50_000_000)).line(&["Flux", "bare"]);
        let wanted = "| a pass | 2.00 s | - | 100.00 ms | 0.050x | 0.1x, 2x bare, 50.00 ms | met, -, missed |";
        assert_eq!(line, wanted);
    }

    #[test]
    fn what_was_not_measured_is_no_number() {
        let row = Row::new("memory", Unit::Memory, [None], None).target(Target::Bound(46_080));
        assert_eq!(row.line(&["Flux"]), "| memory | - | - | - | 45.0 MiB | - |");
    }
}

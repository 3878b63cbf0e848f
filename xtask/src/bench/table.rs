use std::fs;
use std::thread;

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nanoseconds.
    Time,
    /// Kilobytes.
    Memory,
}

enum Target {
    None,
    /// Of what kustomize needs.
    Ratio(f64),
    /// Not more than so much.
    Bound(u64),
}

/// One measurement.
pub(super) struct Row {
    name: String,
    unit: Unit,
    kustomize: Option<u64>,
    flux: Option<u64>,
    ours: u64,
    target: Target,
}

impl Row {
    pub(super) const fn new(
        name: String,
        unit: Unit,
        kustomize: Option<u64>,
        flux: Option<u64>,
        ours: u64,
    ) -> Self {
        Self { name, unit, kustomize, flux, ours, target: Target::None }
    }

    pub(super) const fn at_most(mut self, ratio: f64) -> Self {
        self.target = Target::Ratio(ratio);
        self
    }

    pub(super) const fn within(mut self, bound: u64) -> Self {
        self.target = Target::Bound(bound);
        self
    }

    fn line(&self) -> String {
        let shown =
            |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| show(n, self.unit));
        let ratio = self.kustomize.map(|theirs| float(self.ours) / float(theirs.max(1)));
        let (target, met) = match self.target {
            Target::None => (String::new(), None),
            Target::Ratio(most) => (format!("{most}x"), ratio.map(|ratio| ratio <= most)),
            Target::Bound(most) => (show(most, self.unit), Some(self.ours <= most)),
        };
        format!(
            "| {} | {} | {} | {} | {} | {target} | {} |",
            self.name,
            shown(self.kustomize),
            shown(self.flux),
            shown(Some(self.ours)),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}x")),
            match met {
                Some(true) => "met",
                Some(false) => "missed",
                None => "",
            }
        )
    }
}

/// Prints the machine and all rows, as Markdown.
pub(super) fn print(rows: &[Row]) {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!("\nOn {cores} cores with {}.\n", memory());
    println!("| | kustomize | Flux | ours | ratio | target | |\n|---|---|---|---|---|---|---|");
    for row in rows {
        println!("{}", row.line());
    }
}

fn show(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Memory => format!("{:.1} MB", float(number) / 1e3),
        Unit::Time if number < 1_000_000 => format!("{:.0} µs", float(number) / 1e3),
        Unit::Time if number < 1_000_000_000 => format!("{:.2} ms", float(number) / 1e6),
        Unit::Time => format!("{:.2} s", float(number) / 1e9),
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the fifteenth digit of a time")]
fn float(number: u64) -> f64 {
    number as f64
}

/// The memory of the machine, as the kernel says it.
fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    kilobytes.map_or_else(
        || "unknown memory".to_owned(),
        |kilobytes: u64| format!("{:.0} GB of memory", float(kilobytes) / 1e6),
    )
}

//! What processes use, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts processor time in hundredths of a second for everybody who asks.
const TICK: Duration = Duration::from_millis(10);

/// Processor time that some processes have used so far, in all their threads.
pub fn processor_time(processes: &[u32]) -> Result<Duration> {
    processes.iter().map(|process| of_process(*process)).sum()
}

fn of_process(process: u32) -> Result<Duration> {
    let stat = read(process, "stat")?;
    // The second field is a name in brackets, which may hold anything.
    let fields = stat.rsplit_once(") ").context("no stat")?.1;
    let ticks = |place: usize| fields.split(' ').nth(place).and_then(|field| field.parse().ok());
    let (user, system): (u32, u32) = ticks(11).zip(ticks(12)).context("no times in stat")?;
    Ok(TICK * (user + system))
}

/// Resident memory of some processes, in kibibytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// At the moment.
    pub now: u64,
    /// At most, since their start.
    pub peak: u64,
}

impl Memory {
    /// Of them all together.
    pub fn of(processes: &[u32]) -> Result<Self> {
        let mut sum = Self::default();
        for process in processes {
            let status = read(*process, "status")?;
            sum.now += kibibytes(&status, "VmRSS:").context("no VmRSS")?;
            sum.peak += kibibytes(&status, "VmHWM:").context("no VmHWM")?;
        }
        Ok(sum)
    }
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).context(path)
}

#[cfg(test)]
mod tests {
    use super::{Memory, processor_time};

    #[test]
    fn reads_what_this_process_uses() {
        let own = [std::process::id()];
        let before = processor_time(&own).expect("we run");
        while processor_time(&own).expect("we run") == before {}
        let memory = Memory::of(&own).expect("we run");
        assert!(memory.now > 0 && memory.peak >= memory.now, "{memory:?}");
    }
}

use serde::{Deserialize, Serialize};

/// What a timed program prints: ours, kustomize-bench and flux-bench alike. Times are wall times in nanoseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// One a round, in which every directory is built once.
    pub round_nanos: Vec<u64>,
    /// One a build, of all rounds.
    pub call_nanos: Vec<u64>,
    /// SHA-256 of the SHA-256 of each text of the first round, in the order of the directories.
    pub digest: String,
    /// How many objects the first round gave.
    pub objects: usize,
    /// How many bytes of YAML the first round gave.
    pub bytes: usize,
    /// The most resident memory that the process ever had.
    pub peak_kilobytes: u64,
}

/// The middle of some times; the upper one of an even number, zero of none.
pub fn median(nanos: &[u64]) -> u64 {
    let mut sorted = nanos.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

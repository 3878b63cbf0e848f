//! Random inputs against the pure crates.
//!
//! [`kustomize`] builds random overlays with our build and with the real kustomize: both give the same bytes, or both fail.
//! What differs is made small, confirmed with the kustomize program, and kept in `found/`, which is a suite of
//! recorded cases.
//!
//! [`text`] feeds random texts to what reads text, and checks what must hold for each of them. Its texts are put together
//! from the words of their grammars; nothing measures which code they reach.

mod case;
mod node;
mod random;
mod write;

pub mod kustomize;
pub mod text;

pub use case::{Case, Outcome};

/// The seed of a sample: the commit that is checked out, so that each has other cases and any can be had again. A fixed one
/// where nobody knows the commit.
pub fn seed_of_commit() -> u64 {
    const UNKNOWN: u64 = 0x0ca9_57a4;
    let git = std::process::Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let hash = git.ok().filter(|output| output.status.success());
    let hash = hash.and_then(|output| String::from_utf8(output.stdout).ok());
    hash.and_then(|hash| u64::from_str_radix(hash.trim(), 16).ok()).unwrap_or(UNKNOWN)
}

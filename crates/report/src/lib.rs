//! Status and events of what was done, in Flux's words.
//!
//! Each function takes the previous status and an outcome and gives the patch of the new status. The clock is an argument.
//! Rules: research of Flux 2.9: `observedGeneration` moves only when Ready turns True or on an error that only an edit of
//! the spec can mend; `lastHandledReconcileAt` moves at the end of every attempt; `Reconciling` and `Stalled` are present
//! only while they hold.

mod history;
mod ready;
mod receiver;
mod source;
mod unit;
mod unreconciled;

pub use history::Built;
pub use ready::Failure;
pub use receiver::{ReceiverOutcome, receiver_status};
pub use source::{SourceFailure, SourceOutcome, Trouble, Verification, source_status};
pub use unit::{Health, UnitOutcome, unit_status};
pub use unreconciled::{NOT_SUPPORTED, unreconciled_status};

/// What a status patch is made from.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// `metadata.generation` that was dealt with.
    pub generation: i64,
    /// The value of `reconcile.fluxcd.io/requestedAt`, if the attempt has ended.
    pub requested_at: Option<&'a str>,
    /// Now.
    pub now: jiff::Timestamp,
}

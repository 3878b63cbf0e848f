//! An API server in memory.
//!
//! It has: discovery, get, list, watch with bookmarks and label and name selectors, metadata alone, create, update, merge
//! patches, server-side apply with the owners of fields, dry runs, the status subresource, generations, finalizers,
//! deletion with preconditions, optimistic locking, ConfigMaps that are immutable.
//!
//! It leaves out: schemas and defaults, admission, conversion, quotas and rights, other patches, pages of a list, the garbage
//! collector, the deletion of what a Namespace holds. To server-side apply every list is one value, as `atomic` lists are;
//! owners of fields are kept by their leaves, without the markers of maps themselves (`.`).

mod answer;
mod fields;
mod kinds;
mod request;
mod store;
mod write;

pub use answer::{Answer, Refusal};
pub use kinds::{Kind, WIDGET};
pub use request::{Asked, Verb};
pub use store::{Change, Entry, Key, Selector, Store, Write};

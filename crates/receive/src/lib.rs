//! Webhooks, without the network: a Receiver, a request and a Secret in; an accepted event, or why not, out.
//!
//! Rules: notification-controller 1.9 (`docs/spec/v1/receivers.md`, `internal/server`). Every comparison with something secret
//! takes the same time whatever differs. Where Flux accepts what nothing authenticates (a `github` Receiver whose token is
//! empty), this refuses.

mod accept;
mod cdevents;
mod filter;
mod payload;
mod rate;
mod request;
mod secret;
mod signature;
mod target;
mod token;
mod validate;

pub use accept::{Accepted, Refusal, accept, webhook_path};
pub use filter::{Facts, FilterError, Filters};
pub use rate::Rates;
pub use request::Request;
pub use secret::Credentials;
pub use signature::is_same_path;
pub use target::{Selected, Target, TargetError, target};
pub use token::{GOOGLE, Identity, Keys, identity};
pub use validate::{Invalid, validate};

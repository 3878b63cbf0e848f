//! Receivers: webhooks that start reconciliations.

mod http;
mod reconcile;
mod signature;

pub(crate) use http::router;
pub(crate) use reconcile::reconcile;

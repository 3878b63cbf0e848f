//! Receivers: webhooks that start reconciliations. What they believe, `capstan-receive` decides.

mod http;
mod issuers;
mod notify;
mod reconcile;

pub(crate) use http::serve;
pub(crate) use reconcile::reconcile;

//! Buckets that speak S3: listed by pages, fetched where they changed.

mod client;
mod error;
mod index;
mod page;
mod sign;

pub use client::{Bucket, Content, Keys, Place};
pub use error::BucketError;
pub use index::Index;

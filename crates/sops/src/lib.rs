//! What SOPS encrypted is decrypted, as Flux's kustomize-controller does it (`spec.decryption`).
//!
//! Bytes and values in, bytes and values out. [`Keys`] holds what a decryption Secret brings; age and PGP keys are
//! used here, and what only a service can unwrap is asked of a [`KeyService`]. A [`Decryptor`] then decrypts
//!
//! - files of the source before the build ([`Decryptor::sources`]): those of `secretGenerator` and of `patches`;
//! - objects after the build ([`Decryptor::object`]): whole ones that carry `sops`, and values of a Secret's `data`
//!   that are encrypted files themselves.
//!
//! The rules are those of kustomize-controller 1.9.5 with SOPS 3.13.2, and files come out byte for byte as with them.
//! Like Flux, nothing here verifies the MAC of a file (Flux's `checkSopsMac` is never set): a build adds namespaces,
//! labels and names to an object, after which no MAC of it could hold. Each value is authenticated by AES-GCM together
//! with the path of its keys; the order of a list, values that are missing and those in plain text are not.
//!
//! What Flux reads and this crate does not: keys in HashiCorp Vault, Azure Key Vault, Google Cloud KMS and Huawei Cloud KMS,
//! post-quantum age identities, age plugins. Each fails with its name. The `rsa` library below PGP does not take the same
//! time for all inputs (RUSTSEC-2023-0071, no fixed release): age is the better choice where there is one.

mod cipher;
mod data_key;
mod decryptor;
mod document;
mod error;
mod flatten;
mod float;
mod format;
mod keys;
mod metadata;
mod object;
mod rules;
mod service;
mod shamir;
mod sources;
mod store;
mod unwrap;
mod walk;

pub use decryptor::Decryptor;
pub use error::{DecryptError, KeysError, SopsError};
pub use format::Format;
pub use keys::{AwsCredentials, Keys};
pub use object::{is_decryption_disabled, is_encrypted};
pub use service::{AwsKmsKey, KeyService, NoKeyService, ServiceError};
pub use sources::Sources;

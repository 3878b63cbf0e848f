//! How a server is reached: certificates and proxies of a source's Secrets.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use capstan_api::flux::LocalReference;
use capstan_http::{Connection, Proxy, Tls};
use capstan_model::{Manifest, Secret};
use capstan_report::Failure;

use super::secret::{authentication, secret, secret_text};
use crate::kinds;
use crate::world::{Place, World};

/// The Secrets that a source names, whatever for: a change of one wakes it.
pub(super) fn secrets<'a>(
    references: impl IntoIterator<Item = &'a Option<LocalReference>>,
    namespace: &str,
) -> Vec<Place> {
    let named = references.into_iter().flatten();
    named.map(|secret| Place::new(kinds::secret(), namespace, &secret.name)).collect()
}

/// The ServiceAccount that a source names: a change of it wakes the source.
pub(super) fn account(name: &Option<String>, namespace: &str) -> Option<Place> {
    let name = name.as_deref().filter(|name| !name.is_empty())?;
    Some(Place::new(kinds::service_account(), namespace, name))
}

/// How a source's server is reached.
pub(super) async fn connection(
    world: &World,
    namespace: &str,
    (certificates, proxy): (&Option<LocalReference>, &Option<LocalReference>),
    timeout: Duration,
) -> Result<Connection, Failure> {
    let tls = match certificates {
        Some(reference) => {
            let found = secret(world, (namespace, &reference.name), "certSecretRef").await?;
            tls(&found)?
        }
        None => Tls::default(),
    };
    let proxy = match proxy {
        Some(reference) => {
            let found = secret(world, (namespace, &reference.name), "proxySecretRef").await?;
            Some(read_proxy(&found)?)
        }
        None => None,
    };
    Ok(Connection { tls, proxy, timeout })
}

fn tls(secret: &Manifest) -> Result<Tls, Failure> {
    let (certificate, key) = (secret_bytes(secret, "tls.crt"), secret_bytes(secret, "tls.key"));
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, Secret::new(key))),
        (None, None) => None,
        _ => return Err(incomplete(secret, "both 'tls.crt' and 'tls.key', or neither")),
    };
    let authorities = secret_bytes(secret, "ca.crt");
    if authorities.is_none() && identity.is_none() {
        return Err(incomplete(secret, "'ca.crt', or 'tls.crt' and 'tls.key'"));
    }
    Ok(Tls { authorities, identity, unverified: false })
}

fn read_proxy(secret: &Manifest) -> Result<Proxy, Failure> {
    let address = secret_text(secret, "address").ok_or_else(|| incomplete(secret, "'address'"))?;
    let user = secret_text(secret, "username").zip(secret_text(secret, "password"));
    let credentials = user.map(|(username, password)| (username, Secret::new(password)));
    Ok(Proxy { address: address.trim().to_owned(), credentials })
}

/// A Secret lacks what it is named for.
pub(super) fn incomplete(secret: &Manifest, wanted: &str) -> Failure {
    let (namespace, name) = (secret.namespace(), secret.name());
    authentication(format!("invalid '{namespace}/{name}' secret data: required are {wanted}"))
}

/// A key of a Secret, decoded.
pub(super) fn secret_bytes(secret: &Manifest, key: &str) -> Option<Vec<u8>> {
    let encoded = secret.value().get("data")?.get(key)?.as_str()?;
    STANDARD.decode(encoded).ok()
}

use std::collections::BTreeMap;
use std::fmt;

use capstan_model::Secret;

use crate::error::KeysError;
use crate::unwrap::age::AgeIdentities;
use crate::unwrap::pgp::PgpKeys;

/// What a decryption Secret holds. `Debug` prints none of it.
#[derive(Default)]
pub struct Keys {
    pub(crate) age: AgeIdentities,
    pub(crate) pgp: PgpKeys,
    pub(crate) aws: Option<AwsCredentials>,
    /// Entries for services that this program does not speak to.
    pub(crate) foreign: Vec<&'static str>,
}

/// Static credentials for AWS, of the entry `sops.aws-kms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCredentials {
    /// `aws_access_key_id`
    pub access_key_id: Secret<String>,
    /// `aws_secret_access_key`
    pub secret_access_key: Secret<String>,
    /// `aws_session_token`; empty for none.
    pub session_token: Secret<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

impl Keys {
    /// The keys of the Secret that `spec.decryption.secretRef` names, `secret` being its namespace and name: all `*.asc` and
    /// `*.agekey`, `sops.aws-kms`, and the names of `sops.vault-token`, `sops.azure-kv` and `sops.gcp-kms`, which are not
    /// used. Other entries say nothing.
    ///
    /// # Errors
    /// The first entry that cannot be read.
    pub fn of_secret<'a>(
        secret: &str,
        data: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, KeysError> {
        let import = |keys: &mut Self, entry: &str, value: &[u8]| keys.import(entry, value);
        read("decryption Secret", secret, data, import)
    }

    /// The keys of the controller's own Secret (Flux's `--sops-age-secret`), which counts where a unit names none: only `*.agekey`.
    ///
    /// # Errors
    /// The first entry that cannot be read.
    pub fn of_age_secret<'a>(
        secret: &str,
        data: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, KeysError> {
        let import = |keys: &mut Self, entry: &str, value: &[u8]| match extension(entry) {
            ".agekey" => keys.import(entry, value),
            _ => Ok(()),
        };
        read("age decryption Secret", secret, data, import)
    }

    fn import(&mut self, entry: &str, value: &[u8]) -> Result<(), String> {
        match extension(entry) {
            ".asc" => self.pgp.import(value),
            ".agekey" => {
                let text = str::from_utf8(value);
                self.age.import(text.map_err(|_| "it is not UTF-8 text".to_owned())?)
            }
            _ => {
                match entry {
                    "sops.aws-kms" => self.aws = Some(aws(value)?),
                    "sops.vault-token" => self.foreign.push("sops.vault-token"),
                    "sops.azure-kv" => self.foreign.push("sops.azure-kv"),
                    "sops.gcp-kms" => self.foreign.push("sops.gcp-kms"),
                    _ => {}
                }
                Ok(())
            }
        }
    }
}

fn read<'a>(
    of: &'static str,
    secret: &str,
    data: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    import: impl Fn(&mut Keys, &str, &[u8]) -> Result<(), String>,
) -> Result<Keys, KeysError> {
    let mut keys = Keys::default();
    let data: BTreeMap<_, _> = data.into_iter().collect();
    for (entry, value) in data {
        import(&mut keys, entry, value).map_err(|why| KeysError {
            entry: entry.to_owned(),
            of,
            secret: secret.to_owned(),
            why,
        })?;
    }
    Ok(keys)
}

/// What follows the last dot, with it.
fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |dot| &name[dot..])
}

fn aws(value: &[u8]) -> Result<AwsCredentials, String> {
    let fault = |why: &str| format!("failed to unmarshal AWS credentials file: {why}");
    let text = str::from_utf8(value).map_err(|_| fault("it is not UTF-8 text"))?;
    let documents =
        capstan_yaml::read_documents(text, "sops.aws-kms", capstan_yaml::Schema::Config).map_err(
            |error| fault(&format!("line {}, column {}: it is no YAML", error.line, error.column)),
        )?;
    let document = documents.into_iter().next().map(|document| document.value).unwrap_or_default();
    let field = |name: &str| match document.get(name) {
        None | Some(serde_json::Value::Null) => Ok(Secret::default()),
        Some(serde_json::Value::String(text)) => Ok(Secret::new(text.clone())),
        Some(_) => Err(fault(&format!("`{name}` is not a string"))),
    };
    Ok(AwsCredentials {
        access_key_id: field("aws_access_key_id")?,
        secret_access_key: field("aws_secret_access_key")?,
        session_token: field("aws_session_token")?,
    })
}

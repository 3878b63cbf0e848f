use std::collections::BTreeMap;

use aws_smithy_types::Blob;
use capstan_model::Secret;

use crate::clients::{Clients, Service};
use crate::error::{Class, CloudError};

impl Clients {
    /// What a key of AWS KMS decrypts, in an encryption context. `key` is the ARN of the key or of an alias.
    pub async fn decrypt(
        &self,
        key: &str,
        context: &BTreeMap<String, String>,
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, CloudError> {
        let context = context.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let request = self
            .kms()
            .decrypt()
            .key_id(key)
            .set_encryption_context(Some(context))
            .ciphertext_blob(Blob::new(ciphertext))
            .send();
        let answer = self.call(Service::Kms, "Decrypt", request).await?;
        let plain = answer.plaintext.ok_or_else(|| {
            CloudError::new("kms", "Decrypt", Class::Unanswered, "the answer holds no plaintext")
        })?;
        Ok(Secret::new(plain.into_inner()))
    }
}

use crate::cipher::DataKey;
use crate::data_key;
use crate::document::Branch;
use crate::error::SopsError;
use crate::format::Format;
use crate::keys::Keys;
use crate::metadata::Metadata;
use crate::rules::Rule;
use crate::service::KeyService;
use crate::{store, walk};

/// Decrypts with the keys of one unit.
#[derive(Clone, Copy)]
pub struct Decryptor<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) service: &'a dyn KeyService,
}

impl<'a> Decryptor<'a> {
    /// Takes the keys of a decryption Secret, empty ones where there is none, and what reaches services.
    pub const fn new(keys: &'a Keys, service: &'a dyn KeyService) -> Self {
        Self { keys, service }
    }

    /// The content of a file, decrypted and written in another format, or in the same.
    ///
    /// # Errors
    /// When the content is no encrypted file, no key works, a value does not decrypt, or the format cannot hold it.
    pub fn bytes(
        &self,
        content: &[u8],
        input: Format,
        output: Format,
    ) -> Result<Vec<u8>, SopsError> {
        let load = |why| SopsError::Load { format: input, why };
        let loaded = store::load(content, input).map_err(load)?;
        let (documents, _) = self.documents(loaded, input)?;
        store::emit(&documents, output).map_err(|why| SopsError::Emit { input, output, why })
    }

    /// Decrypts what was loaded, and tells its rule.
    pub(crate) fn documents(
        &self,
        loaded: store::Loaded,
        format: Format,
    ) -> Result<(Vec<Branch>, Rule), SopsError> {
        let load = |why| SopsError::Load { format, why };
        let store::Loaded { mut documents, metadata } = loaded;
        let metadata = Metadata::read(metadata).map_err(load)?;
        let key = data_key::recover(&metadata, self)?;
        let key = DataKey::new(&key).map_err(|why| SopsError::DataKey {
            why,
            retry: capstan_model::Retry::AfterChange,
            hints: Vec::new(),
        })?;
        for document in &mut documents {
            walk::decrypt(document, &key, &metadata.rule)?;
        }
        Ok((documents, metadata.rule))
    }
}

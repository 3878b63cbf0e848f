use capstan_model::Secret;

use crate::clients::Clients;
use crate::error::CloudError;

/// Keys that sign requests, for stores that are not spoken to by the SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeys {
    /// Access key id.
    pub id: String,
    /// Secret access key.
    pub secret: Secret<String>,
    /// Session token of temporary keys.
    pub session: Option<Secret<String>>,
}

impl Clients {
    /// The keys of the identity. Temporary ones are valid for a few minutes at least.
    pub async fn access_keys(&self) -> Result<AccessKeys, CloudError> {
        let credentials = self.credentials("get credentials").await?;
        let session = credentials.session_token().filter(|token| !token.is_empty());
        Ok(AccessKeys {
            id: credentials.access_key_id().to_owned(),
            secret: Secret::new(credentials.secret_access_key().to_owned()),
            session: session.map(|token| Secret::new(token.to_owned())),
        })
    }
}

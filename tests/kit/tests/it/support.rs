//! What the kit's own tests share.

use anyhow::{Context, Result};
use capstan_kit::nodes::STS_AUDIENCE;
use capstan_kit::{ControlPlane, ControlPlaneSpec, KitDir, Nodes, NodesSpec, Part, Parts};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

/// A control plane with a node stand-in that has no nodes yet.
pub(crate) struct Cluster {
    // Dropped in this order: processes of pods, control plane, folder.
    pub(crate) nodes: Nodes,
    pub(crate) plane: ControlPlane,
    dir: KitDir,
}

impl Cluster {
    /// Starts one.
    pub(crate) async fn start(name: &str) -> Result<Self> {
        let wanted = [Part::Etcd, Part::KubeApiserver, Part::KubeControllerManager];
        let parts = Parts::get(&wanted).await?;
        let dir = KitDir::new()?;
        let spec = ControlPlaneSpec {
            name: name.to_owned(),
            issuer: format!("https://oidc.eks.eu-west-1.amazonaws.com/id/{name}"),
            token_webhook: None,
            bare: false,
        };
        let plane = ControlPlane::start(&dir.sub("plane")?, &parts, spec).await?;
        let nodes = Nodes::start(NodesSpec::of(&plane, &dir.sub("nodes")?)?).await?;
        Ok(Self { nodes, plane, dir })
    }

    /// Ends a test that went well: its logs go.
    pub(crate) fn finish(self) -> Result<()> {
        self.dir.finished();
        Ok(())
    }
}

/// Verifies a token as AWS does (RS256, its audience) and returns its claims.
pub(crate) fn verify(token: &str, key_pem: &str) -> Result<Value> {
    let key = DecodingKey::from_rsa_pem(key_pem.as_bytes()).context("the public key")?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[STS_AUDIENCE]);
    Ok(jsonwebtoken::decode::<Value>(token, &key, &rules).context("the token")?.claims)
}

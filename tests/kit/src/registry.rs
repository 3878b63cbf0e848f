//! A registry of OCI artifacts: that of go-containerregistry, behind a login.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::parts::{Part, Parts};
use crate::process::{Process, ProcessSpec, tail};
use crate::wait::wait_until;

const START_LIMIT: Duration = Duration::from_secs(30);
/// Media type of the layers that Flux pushes.
const LAYER: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    address: String,
    login: (String, String),
    http: reqwest::Client,
    _process: Process,
}

impl Registry {
    /// Starts a registry that lets one user in, logging to `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(parts: &Parts, folder: &Path, login: (&str, &str)) -> Result<Self> {
        let log = folder.join("registry.log");
        let (user, password) = login;
        let spec = ProcessSpec::new(parts.path(Part::Registry)?, &log).args([
            "-user",
            user,
            "-password",
            password,
        ]);
        let process = Process::spawn(&spec)?;
        let address = wait_until("the registry to name its port", START_LIMIT, async || {
            let said = tail(&log, 1);
            said.strip_prefix("listening on ").map(|rest| rest.trim().to_owned()).ok_or(said)
        })
        .await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let login = (user.to_owned(), password.to_owned());
        Ok(Self { address, login, http, _process: process })
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has a blob sent with another first byte from now on.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn tamper(&self, digest: &str) -> Result<()> {
        self.send(reqwest::Method::PUT, &format!("/-/tamper/{digest}"), None, Vec::new()).await?;
        Ok(())
    }

    /// Pushes an artifact of one layer, byte for byte; returns the digests of its manifest and of its layer.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push(&self, name: &str, tag: &str, layer: Vec<u8>) -> Result<(String, String)> {
        let size = layer.len();
        let layer = self.push_blob(name, layer).await?;
        let config = self.push_blob(name, b"{}".to_vec()).await?;
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.cncf.flux.config.v1+json", "digest": config, "size": 2},
            "layers": [{"mediaType": LAYER, "digest": layer, "size": size}]});
        Ok((self.push_manifest(name, tag, &manifest).await?, layer))
    }

    /// Pushes a blob; returns its digest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push_blob(&self, name: &str, blob: Vec<u8>) -> Result<String> {
        let digest = digest(&blob);
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        self.send(reqwest::Method::POST, &path, None, blob).await?;
        Ok(digest)
    }

    /// Pushes a manifest; returns its digest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push_manifest(&self, name: &str, tag: &str, manifest: &Value) -> Result<String> {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest(&bytes);
        let path = format!("/v2/{name}/manifests/{tag}");
        self.send(reqwest::Method::PUT, &path, Some(MANIFEST), bytes).await?;
        Ok(digest)
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        kind: Option<&str>,
        body: Vec<u8>,
    ) -> Result<()> {
        let url = format!("http://{}{path}", self.address);
        let (user, password) = &self.login;
        let mut request =
            self.http.request(method, &url).basic_auth(user, Some(password)).body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let answer = request.send().await.context("the registry does not answer")?;
        let status = answer.status();
        ensure!(status.is_success(), "{url}: {status}: {}", answer.text().await?);
        Ok(())
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

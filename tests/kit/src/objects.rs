//! An object store that speaks S3: moto, without accounts.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::parts::{Part, Parts};
use crate::process::{Process, ProcessSpec, tail};
use crate::wait::wait_until;

const START_LIMIT: Duration = Duration::from_secs(90);

/// A running object store.
#[derive(Debug)]
pub struct ObjectStore {
    address: String,
    http: reqwest::Client,
    _process: Process,
}

impl ObjectStore {
    /// Starts a store without buckets, logging to `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(parts: &Parts, folder: &Path) -> Result<Self> {
        let log = folder.join("objects.log");
        let spec = ProcessSpec::new(parts.path(Part::MotoServer)?, &log)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONUNBUFFERED", "1");
        let process = Process::spawn(&spec)?;
        let address = wait_until("the object store to name its port", START_LIMIT, async || {
            let said = tail(&log, 50);
            let (_, rest) = said.split_once("http://127.0.0.1:").ok_or_else(|| said.clone())?;
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Ok::<_, String>(format!("127.0.0.1:{port}"))
        })
        .await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { address, http, _process: process })
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts an object, or makes a bucket when the key is empty.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn put(&self, bucket: &str, key: &str, content: &str) -> Result<()> {
        let request = self.http.put(self.url(bucket, key)).body(content.to_owned());
        self.send(request).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When the store does not do it.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        self.send(self.http.delete(self.url(bucket, key))).await
    }

    fn url(&self, bucket: &str, key: &str) -> String {
        format!("http://{}/{bucket}/{key}", self.address)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<()> {
        // moto looks at who signs, and not at the signature.
        let signed = "AWS4-HMAC-SHA256 Credential=kit/20260101/us-east-1/s3/aws4_request, \
            SignedHeaders=host, Signature=none";
        let answer = request
            .header("Authorization", signed)
            .send()
            .await
            .context("the object store does not answer")?;
        let status = answer.status();
        ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        Ok(())
    }
}

//! A small signed client: what a kit or a test asks AWS for with the account's root keys.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::Value;

use super::error::Reply;
use super::form::Form;
use super::sigv4::{Keys, Signable, digest, sign};
use super::xml::Element;

/// Asks the stand-in as anybody would: over HTTP, signed.
#[derive(Clone, Debug)]
pub struct AwsClient {
    endpoint: String,
    region: String,
    keys: Keys,
    http: reqwest::Client,
}

impl AwsClient {
    pub(crate) fn new(endpoint: &str, region: &str, keys: Keys) -> anyhow::Result<Self> {
        // A proxy from the environment must not stand between two processes of one machine.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { endpoint: endpoint.into(), region: region.into(), keys, http })
    }

    /// The same client for another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.into(), ..self.clone() }
    }

    /// The same client with other keys.
    #[must_use]
    pub fn with_keys(&self, keys: Keys) -> Self {
        Self { keys, ..self.clone() }
    }

    /// Calls a form-based service (`ec2`, `iam`, `sts`). Fails with AWS's code and message.
    pub async fn query(
        &self,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> anyhow::Result<Element> {
        let version = match service {
            "ec2" => "2016-11-15",
            "iam" => "2010-05-08",
            _ => "2011-06-15",
        };
        let mut form =
            Form(vec![("Action".into(), action.into()), ("Version".into(), version.into())]);
        form.0.extend(params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let kind = "application/x-www-form-urlencoded";
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        let body = self.send(service, "POST", "/", headers, form.encode()).await?;
        Element::parse(&body).with_context(|| format!("{service} {action} answered no XML"))
    }

    /// Calls a JSON service by its target (`DynamoDB_20120810.ListTables`).
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> anyhow::Result<Value> {
        let headers = vec![
            ("content-type".to_owned(), "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target".to_owned(), target.to_owned()),
        ];
        let body = self.send(service, "POST", "/", headers, body.to_string()).await?;
        Ok(serde_json::from_str(&body)?)
    }

    /// Calls EKS by method and path, without query.
    pub async fn eks(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let body = self.send("eks", method, path, headers, body).await?;
        Ok(serde_json::from_str(&body)?)
    }

    /// Calls S3 by method and path, without query.
    pub async fn s3(&self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let headers = vec![("x-amz-content-sha256".to_owned(), digest(body.as_bytes()))];
        self.send("s3", method, path, headers, body.to_owned()).await
    }

    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        mut headers: Vec<(String, String)>,
        body: String,
    ) -> anyhow::Result<String> {
        let host = self.endpoint.trim_start_matches("http://").to_owned();
        headers.push(("host".into(), host));
        let signable = Signable {
            method,
            path,
            query: "",
            headers: &headers,
            payload: digest(body.as_bytes()),
        };
        let added = sign(&self.keys, &self.region, service, &signable, Timestamp::now());
        let mut request =
            self.http.request(method.parse()?, format!("{}{path}", self.endpoint)).body(body);
        for (name, value) in headers.iter().chain(&added).filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let reply = Reply::new(status, "", text.clone());
        if let Some((code, message)) = reply.find_error() {
            bail!("{service} {method} {path}: {code}: {message}");
        }
        Ok(text)
    }

    /// Creates a role and returns its ARN.
    pub async fn iam_create_role(&self, name: &str, trust: &str) -> anyhow::Result<String> {
        let params = [("RoleName", name), ("AssumeRolePolicyDocument", trust)];
        arn(&self.query("iam", "CreateRole", &params).await?)
    }

    /// Puts an inline policy into a role.
    pub async fn iam_put_role_policy(
        &self,
        role: &str,
        policy: &str,
        document: &str,
    ) -> anyhow::Result<()> {
        let params = [("RoleName", role), ("PolicyName", policy), ("PolicyDocument", document)];
        self.query("iam", "PutRolePolicy", &params).await.map(|_| ())
    }

    /// Creates a managed policy and returns its ARN.
    pub async fn iam_create_policy(&self, name: &str, document: &str) -> anyhow::Result<String> {
        let params = [("PolicyName", name), ("PolicyDocument", document)];
        arn(&self.query("iam", "CreatePolicy", &params).await?)
    }

    /// Attaches a managed policy to a role.
    pub async fn iam_attach_role_policy(&self, role: &str, policy: &str) -> anyhow::Result<()> {
        let params = [("RoleName", role), ("PolicyArn", policy)];
        self.query("iam", "AttachRolePolicy", &params).await.map(|_| ())
    }

    /// Creates an OIDC provider for an issuer and returns its ARN.
    pub async fn iam_create_oidc_provider(
        &self,
        issuer: &str,
        client_ids: &[&str],
    ) -> anyhow::Result<String> {
        // AWS does not check the thumbprint of an EKS issuer; the call wants one all the same.
        let thumbprint = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";
        let ids: Vec<_> =
            (1..).map(|n| format!("ClientIDList.member.{n}")).zip(client_ids).collect();
        let mut params = vec![("Url", issuer), ("ThumbprintList.member.1", thumbprint)];
        params.extend(ids.iter().map(|(key, id)| (key.as_str(), **id)));
        let answer = self.query("iam", "CreateOpenIDConnectProvider", &params).await?;
        let arn = answer.find_text("OpenIDConnectProviderArn");
        arn.map(str::to_owned).context("the answer has no OpenIDConnectProviderArn")
    }

    /// Exchanges a token for temporary keys, as any workload does: unsigned.
    pub async fn assume_role_with_web_identity(
        &self,
        role_arn: &str,
        session: &str,
        token: &str,
    ) -> anyhow::Result<Keys> {
        let form = Form(
            [
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", "2011-06-15"),
                ("RoleArn", role_arn),
                ("RoleSessionName", session),
                ("WebIdentityToken", token),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
        );
        let request = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.encode());
        let answer = request.send().await?;
        let reply = Reply::new(answer.status().as_u16(), "", answer.text().await?);
        if let Some((code, message)) = reply.find_error() {
            bail!("sts AssumeRoleWithWebIdentity: {code}: {message}");
        }
        let answer = reply.xml().context("sts answered no XML")?;
        let text = |name: &str| {
            answer.find_text(name).map(str::to_owned).with_context(|| format!("no {name}"))
        };
        Ok(Keys {
            access_key: text("AccessKeyId")?,
            secret_key: text("SecretAccessKey")?,
            session_token: Some(text("SessionToken")?),
        })
    }
}

fn arn(answer: &Element) -> anyhow::Result<String> {
    answer.find_text("Arn").map(str::to_owned).context("the answer has no Arn")
}

//! Kubeconfig files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The cluster that a kubeconfig points to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name of cluster and context.
    pub name: String,
    /// The URL of the API server.
    pub endpoint: String,
    /// The certificate authority of the API server.
    pub ca_pem: String,
}

/// Who a kubeconfig speaks for.
#[derive(Debug, Clone)]
pub enum User {
    /// A client certificate and its key.
    Certificate {
        /// The certificate.
        cert_pem: String,
        /// Its key.
        key_pem: String,
    },
    /// A bearer token.
    Token(String),
    /// A file with a bearer token that is renewed now and then.
    TokenFile(String),
}

/// A kubeconfig with one context. JSON, which every reader of YAML reads.
pub fn kubeconfig(target: &Target, user: &User, namespace: Option<&str>) -> String {
    let name = &target.name;
    let mut context = json!({ "cluster": name, "user": name });
    if let Some(namespace) = namespace {
        context["namespace"] = json!(namespace);
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{ "name": name, "cluster": {
            "server": target.endpoint,
            "certificate-authority-data": STANDARD.encode(&target.ca_pem),
        }}],
        "contexts": [{ "name": name, "context": context }],
        "users": [{ "name": name, "user": user_entry(user) }],
    });
    serde_json::to_string_pretty(&config).expect("because a JSON value can be written")
}

fn user_entry(user: &User) -> Value {
    match user {
        User::Certificate { cert_pem, key_pem } => json!({
            "client-certificate-data": STANDARD.encode(cert_pem),
            "client-key-data": STANDARD.encode(key_pem),
        }),
        User::Token(token) => json!({ "token": token }),
        User::TokenFile(file) => json!({ "tokenFile": file }),
    }
}

/// The configuration of an API server's token webhook: the same file format, naming the server to
/// ask.
pub(super) fn token_webhook(url: &str) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "webhook",
        "clusters": [{ "name": "webhook", "cluster": { "server": url } }],
        "contexts": [{ "name": "webhook", "context": { "cluster": "webhook", "user": "apiserver" } }],
        "users": [{ "name": "apiserver", "user": {} }],
    });
    serde_json::to_string_pretty(&config).expect("because a JSON value can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_reads_it() {
        let target = Target {
            name: "one".into(),
            endpoint: "https://127.0.0.1:1".into(),
            ca_pem: "pem".into(),
        };
        let text = kubeconfig(&target, &User::TokenFile("/token".into()), Some("flux-system"));
        let read = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("one"));
        let user = read.auth_infos[0].auth_info.as_ref().unwrap();
        assert_eq!(user.token_file.as_deref(), Some("/token"));
    }
}

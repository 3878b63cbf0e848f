//! From a request on the wire to a call: service, region, action and parameters.

use http::Method;
use serde_json::{Map, Value, json};

use super::form::{Form, decode};
use super::sigv4::{Presented, Signable, digest, header};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) wire: Wire,
    /// The signing name: `ec2`, `iam`, `sts`, `dynamodb`, `eks`, …
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) action: String,
    pub(crate) form: Form,
    /// The JSON body, with path and query members added for REST services.
    pub(crate) json: Value,
    pub(crate) presented: Option<Presented>,
}

/// A request that belongs to no service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotRouted;

impl Call {
    /// Reads service and region from the credential scope, or from the one unsigned action.
    pub(crate) fn read(wire: Wire) -> Result<Self, NotRouted> {
        let presented = Presented::read(&wire.query, &wire.headers);
        let form = form_of(&wire);
        let (service, region) = match &presented {
            Some(presented) => (presented.scope.service.clone(), presented.scope.region.clone()),
            None if form.get("Action") == Some("AssumeRoleWithWebIdentity") => {
                ("sts".to_owned(), "us-east-1".to_owned())
            }
            None => return Err(NotRouted),
        };
        let mut json = serde_json::from_slice(&wire.body).unwrap_or(Value::Null);
        let action = action_of(&wire, &service, &form, &mut json);
        Ok(Self { wire, service, region, action, form, json, presented })
    }

    /// What the signature of this request is computed over.
    pub(crate) fn signable(&self) -> Signable<'_> {
        let literal = header(&self.wire.headers, "x-amz-content-sha256")
            .filter(|value| value.starts_with("UNSIGNED") || value.starts_with("STREAMING"));
        Signable {
            method: self.wire.method.as_str(),
            path: &self.wire.path,
            query: &self.wire.query,
            headers: &self.wire.headers,
            payload: literal.map_or_else(|| digest(&self.wire.body), str::to_owned),
        }
    }

    /// The parameters as one JSON object, secrets masked.
    pub(crate) fn params(&self) -> Value {
        let mut params =
            if self.form.0.is_empty() { self.json.clone() } else { self.form.to_json() };
        redact(&mut params);
        params
    }

    /// A string member of the JSON parameters.
    pub(crate) fn member(&self, name: &str) -> &str {
        self.json.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the action only reads.
    pub(crate) fn reads(&self) -> bool {
        is_read(&self.action)
    }
}

/// Whether an action only reads, by AWS's habit of naming.
pub(crate) fn is_read(action: &str) -> bool {
    ["Describe", "Get", "List", "Head", "Query", "Scan", "BatchGet", "Simulate", "AssumeRole"]
        .iter()
        .any(|prefix| action.starts_with(prefix))
}

fn form_of(wire: &Wire) -> Form {
    let urlencoded = header(&wire.headers, "content-type")
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let text = if urlencoded { std::str::from_utf8(&wire.body).unwrap_or("") } else { "" };
    let form = Form::parse(text);
    if form.get("Action").is_some() { form } else { query_form(&wire.query) }
}

/// A query-protocol call may also be a GET; other query strings are no forms.
fn query_form(query: &str) -> Form {
    let form = Form::parse(query);
    if form.get("Action").is_some() { form } else { Form::default() }
}

fn action_of(wire: &Wire, service: &str, form: &Form, json: &mut Value) -> String {
    if let Some(action) = form.get("Action") {
        return action.to_owned();
    }
    if let Some(target) = header(&wire.headers, "x-amz-target") {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    if service == "eks" {
        return eks_action(wire, json).unwrap_or("Unknown").to_owned();
    }
    format!("{} {}", wire.method, wire.path)
}

/// EKS's REST routes; what stands in path and query becomes members of the JSON parameters.
fn eks_action(wire: &Wire, json: &mut Value) -> Option<&'static str> {
    if !json.is_object() {
        *json = json!({});
    }
    let members = json.as_object_mut()?;
    for (name, value) in Form::parse(&wire.query).0 {
        members.insert(name, Value::String(value));
    }
    let parts: Vec<_> = wire.path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let mut set = |name: &str, value: &str| {
        members.insert(name.into(), Value::String(value.into()));
    };
    let action = match (wire.method.as_str(), parts.as_slice()) {
        ("POST", ["clusters"]) => "CreateCluster",
        ("GET", ["clusters"]) => "ListClusters",
        ("GET", ["cluster-versions"]) => "DescribeClusterVersions",
        (method, ["tags", arn @ ..]) => {
            set("resourceArn", &arn.join("/"));
            match method {
                "GET" => "ListTagsForResource",
                "POST" => "TagResource",
                "DELETE" => "UntagResource",
                _ => return None,
            }
        }
        (method, ["clusters", name, rest @ ..]) => {
            set("name", name);
            eks_cluster_action(method, rest, &mut set)?
        }
        _ => return None,
    };
    Some(action)
}

fn eks_cluster_action(
    method: &str,
    rest: &[&str],
    set: &mut impl FnMut(&str, &str),
) -> Option<&'static str> {
    let action = match (method, rest) {
        ("GET", []) => "DescribeCluster",
        ("DELETE", []) => "DeleteCluster",
        ("POST", ["update-config"]) => "UpdateClusterConfig",
        ("POST", ["updates"]) => "UpdateClusterVersion",
        ("GET", ["updates"]) => "ListUpdates",
        ("GET", ["updates", id]) => {
            set("updateId", id);
            "DescribeUpdate"
        }
        ("GET", ["addons"]) => "ListAddons",
        ("GET", ["fargate-profiles"]) => "ListFargateProfiles",
        ("POST", ["node-groups"]) => "CreateNodegroup",
        ("GET", ["node-groups"]) => "ListNodegroups",
        (_, ["node-groups", nodegroup, tail @ ..]) => {
            set("nodegroupName", nodegroup);
            match (method, tail) {
                ("GET", []) => "DescribeNodegroup",
                ("DELETE", []) => "DeleteNodegroup",
                ("POST", ["update-config"]) => "UpdateNodegroupConfig",
                ("POST", ["update-version"]) => "UpdateNodegroupVersion",
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(action)
}

/// Names below which nothing may reach a log.
const SECRET_NAMES: [&str; 6] =
    ["token", "password", "secretstring", "secretbinary", "secretkey", "plaintext"];
/// Names that hold such a word and are no secrets: idempotency and paging.
const PLAIN_NAMES: [&str; 3] = ["clienttoken", "clientrequesttoken", "nexttoken"];

fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => redact_members(members),
        Value::Array(list) => list.iter_mut().for_each(redact),
        _ => {}
    }
}

fn redact_members(members: &mut Map<String, Value>) {
    for (name, value) in members {
        let lower = name.to_ascii_lowercase();
        let secret =
            SECRET_NAMES.iter().any(|word| lower.contains(word)) || lower == "x-amz-signature";
        if secret && !PLAIN_NAMES.contains(&lower.as_str()) {
            *value = Value::String("[redacted]".into());
        } else {
            redact(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(method: Method, path: &str, service: &str, body: &str) -> Call {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        );
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let kind = if body.starts_with('{') { "json" } else { "x-www-form-urlencoded" };
        let headers = vec![
            ("authorization".into(), authorization),
            ("x-amz-date".into(), "20260101T000000Z".into()),
            ("content-type".into(), format!("application/{kind}")),
        ];
        let wire = Wire {
            method,
            path: path.into(),
            query: query.into(),
            headers,
            body: body.as_bytes().to_vec(),
        };
        Call::read(wire).unwrap()
    }

    #[test]
    fn a_form_call_is_routed_by_its_scope() {
        let call = signed(Method::POST, "/", "ec2", "Action=CreateVpc&CidrBlock=10.0.0.0%2F16");
        assert_eq!((call.service.as_str(), call.region.as_str()), ("ec2", "eu-west-1"));
        assert_eq!(call.action, "CreateVpc");
        assert_eq!(call.form.get("CidrBlock"), Some("10.0.0.0/16"));
    }

    #[test]
    fn eks_paths_become_actions_and_members() {
        let table = [
            (Method::GET, "/clusters/c", "DescribeCluster"),
            (Method::DELETE, "/clusters/c/node-groups/n", "DeleteNodegroup"),
            (Method::POST, "/clusters/c/node-groups/n/update-config", "UpdateNodegroupConfig"),
            (Method::GET, "/clusters/c/updates/u?nodegroupName=n", "DescribeUpdate"),
            (Method::PUT, "/clusters/c", "Unknown"),
        ];
        for (method, path, action) in table {
            let call = signed(method, path, "eks", "{}");
            assert_eq!(call.action, action);
        }
        let tags = signed(Method::GET, "/tags/arn%3Aaws%3Aeks%3Ar%3A1%3Acluster%2Fc", "eks", "");
        assert_eq!(tags.member("resourceArn"), "arn:aws:eks:r:1:cluster/c");
    }

    #[test]
    fn secrets_are_masked_and_client_tokens_are_not() {
        let call = signed(
            Method::POST,
            "/",
            "sts",
            "Action=AssumeRoleWithWebIdentity&WebIdentityToken=ey.J&ClientToken=abc",
        );
        let params = call.params();
        assert_eq!(params["WebIdentityToken"], "[redacted]");
        assert_eq!(params["ClientToken"], "abc");
    }
}

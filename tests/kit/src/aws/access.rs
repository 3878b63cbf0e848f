//! Which permissions a call needs, and on what.

use serde_json::Value;

use super::identity::Caller;
use super::route::Call;
use super::trust::{Conditions, Question, permits};
use super::{directory::Role, error, error::AwsError};

/// One permission: action and resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resource: String,
}

/// Everything that the caller must be allowed to do for this call to go through.
pub(crate) fn needs(call: &Call, account: &str) -> Vec<Need> {
    let resource = resource(call, account);
    let need = |action: String| Need { action, resource: resource.clone() };
    let mut needs = vec![need(format!("{}:{}", call.service, call.action))];
    needs.extend(tagging(call).map(|action| need(action.to_owned())));
    needs.extend(
        passed_role(call)
            .map(|arn| Need { action: "iam:PassRole".into(), resource: arn.to_owned() }),
    );
    needs
}

/// Refuses the call unless the role's policies allow all that it needs.
pub(crate) fn check(
    call: &Call,
    caller: &Caller,
    role: Option<&Role>,
    account: &str,
) -> Result<(), AwsError> {
    if caller.role.is_none() {
        return Ok(());
    }
    let conditions = Conditions::from([
        ("aws:requestedregion".into(), vec![call.region.clone()]),
        ("aws:principalarn".into(), vec![caller.canonical_arn.clone()]),
        ("iam:passedtoservice".into(), vec![format!("{}.amazonaws.com", call.service)]),
    ]);
    let policies = role.map_or(&[][..], |role| role.policies.as_slice());
    for need in needs(call, account) {
        let question = Question {
            principal: None,
            action: &need.action,
            resource: Some(&need.resource),
            conditions: &conditions,
        };
        if !permits(policies, &question) {
            return Err(error::denied(&call.service, &caller.arn, &need.action, &need.resource));
        }
    }
    Ok(())
}

/// Creating something with tags needs the right to tag it.
fn tagging(call: &Call) -> Option<&'static str> {
    let creates = call.action.starts_with("Create") || call.action.starts_with("Allocate");
    let in_form = |prefix: &str| call.form.any_under(prefix);
    let in_json = |member: &str| match call.json.get(member) {
        Some(Value::Object(tags)) => !tags.is_empty(),
        Some(Value::Array(tags)) => !tags.is_empty(),
        _ => false,
    };
    match (call.service.as_str(), call.action.as_str()) {
        _ if !creates => None,
        ("ec2", _) if in_form("TagSpecification.") => Some("ec2:CreateTags"),
        ("iam", "CreateRole") if in_form("Tags.") => Some("iam:TagRole"),
        ("iam", "CreatePolicy") if in_form("Tags.") => Some("iam:TagPolicy"),
        ("iam", "CreateOpenIDConnectProvider") if in_form("Tags.") => {
            Some("iam:TagOpenIDConnectProvider")
        }
        ("eks", _) if in_json("tags") => Some("eks:TagResource"),
        ("dynamodb", _) if in_json("Tags") => Some("dynamodb:TagResource"),
        _ => None,
    }
}

fn passed_role(call: &Call) -> Option<&str> {
    let member = match call.action.as_str() {
        "CreateCluster" => "roleArn",
        "CreateNodegroup" => "nodeRole",
        _ => return None,
    };
    (call.service == "eks").then(|| call.member(member)).filter(|arn| !arn.is_empty())
}

/// The ARN that the call is about, or `*` where it is about none or many.
fn resource(call: &Call, account: &str) -> String {
    match call.service.as_str() {
        "iam" => iam_resource(call, account),
        "dynamodb" => dynamodb_resource(call, account),
        "eks" => eks_resource(call, account),
        "kms" if call.member("KeyId").starts_with("arn:") => call.member("KeyId").to_owned(),
        "sts" => call.form.get("RoleArn").unwrap_or("*").to_owned(),
        _ => "*".to_owned(),
    }
}

fn iam_resource(call: &Call, account: &str) -> String {
    let form = &call.form;
    let named = |kind: &str, name: &str| format!("arn:aws:iam::{account}:{kind}{name}");
    if let Some(arn) = form.get("OpenIDConnectProviderArn") {
        return arn.to_owned();
    }
    if let Some(role) = form.get("RoleName") {
        let path = form.get("Path").unwrap_or("/");
        return named("role", &format!("{path}{role}"));
    }
    if let Some(arn) = form.get("PolicyArn") {
        return arn.to_owned();
    }
    if let Some(policy) = form.get("PolicyName") {
        let path = form.get("Path").unwrap_or("/");
        return named("policy", &format!("{path}{policy}"));
    }
    if let Some(url) = form.get("Url") {
        return named("oidc-provider/", url.trim_start_matches("https://"));
    }
    "*".to_owned()
}

fn dynamodb_resource(call: &Call, account: &str) -> String {
    match (call.member("TableName"), call.member("ResourceArn")) {
        ("", "") => "*".to_owned(),
        ("", arn) => arn.to_owned(),
        (table, _) => format!("arn:aws:dynamodb:{}:{account}:table/{table}", call.region),
    }
}

fn eks_resource(call: &Call, account: &str) -> String {
    let prefix = format!("arn:aws:eks:{}:{account}", call.region);
    match (call.member("resourceArn"), call.member("name"), call.member("nodegroupName")) {
        ("", "", _) => "*".to_owned(),
        ("", cluster, "") => format!("{prefix}:cluster/{cluster}"),
        ("", cluster, group) if call.action != "CreateNodegroup" => {
            format!("{prefix}:nodegroup/{cluster}/{group}/*")
        }
        ("", cluster, _) => format!("{prefix}:cluster/{cluster}"),
        (arn, ..) => arn.to_owned(),
    }
}

//! Web identity, signatures and permissions.

use std::time::Duration;

use capstan_kit::aws::{AwsStandIn, Fault, FaultKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::support::{quick, refused, start};

const ISSUER: &str = "https://oidc.example.org/id/ABC";
const SUBJECT: &str = "system:serviceaccount:crossplane-system:provider-aws-1";

/// Somebody who signs tokens.
pub(crate) struct Issuer {
    key: EncodingKey,
    pub(crate) public_pem: String,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { key, public_pem: pair.public_key_pem() }
    }

    fn token(&self, issuer: &str, audience: &str, subject: &str, lifetime: i64) -> String {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": issuer, "aud": [audience], "sub": subject,
            "iat": now - 600, "nbf": now - 600, "exp": now + lifetime,
        });
        encode(&Header::new(Algorithm::ES256), &claims, &self.key).unwrap()
    }
}

async fn role(aws: &AwsStandIn, name: &str, policy: &Value) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.org/id/ABC"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"oidc.example.org/id/ABC:aud": "sts.amazonaws.com"},
            "StringLike": {
                "oidc.example.org/id/ABC:sub":
                    "system:serviceaccount:crossplane-system:provider-aws-*",
            },
        },
    }]});
    let arn = aws.client().iam_create_role(name, &trust.to_string()).await.unwrap();
    aws.client().iam_put_role_policy(name, "inline", &policy.to_string()).await.unwrap();
    arn
}

async fn exchange(aws: &AwsStandIn, role: &str, token: &str) -> String {
    match aws.client().assume_role_with_web_identity(role, "session-1", token).await {
        Ok(_) => "accepted".into(),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_token_buys_keys_only_from_whom_the_role_trusts() {
    let started = start(quick()).await;
    let (aws, issuer) = (&started.aws, Issuer::new());
    let good = issuer.token(ISSUER, "sts.amazonaws.com", SUBJECT, 600);
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["ec2:Describe*", "dynamodb:*"], "Resource": "*",
    }]});
    let arn = role(aws, "spoke", &policy).await;

    let no_provider = exchange(aws, &arn, &good).await;
    assert!(no_provider.contains("No OpenIDConnect provider found"), "{no_provider}");
    let client = aws.client();
    client.iam_create_oidc_provider(ISSUER, &["sts.amazonaws.com"]).await.unwrap();
    let no_keys = exchange(aws, &arn, &good).await;
    assert!(no_keys.contains("InvalidIdentityToken: Couldn't retrieve"), "{no_keys}");
    aws.register_issuer(ISSUER, &issuer.public_pem);

    let refusals = [
        (Issuer::new().token(ISSUER, "sts.amazonaws.com", SUBJECT, 600), "InvalidIdentityToken"),
        (issuer.token(ISSUER, "kubernetes", SUBJECT, 600), "Incorrect token audience"),
        (issuer.token(ISSUER, "sts.amazonaws.com", SUBJECT, -300), "ExpiredTokenException"),
        (
            issuer.token(ISSUER, "sts.amazonaws.com", "system:serviceaccount:a:b", 600),
            "AccessDenied",
        ),
        ("no.token.atall".into(), "InvalidIdentityToken"),
    ];
    for (token, code) in refusals {
        let refusal = exchange(aws, &arn, &token).await;
        assert!(refusal.contains(code), "want {code}, got {refusal}");
    }
    let no_role = exchange(aws, "arn:aws:iam::123456789012:role/none", &good).await;
    assert!(no_role.contains("AccessDenied"), "{no_role}");

    let keys = client.assume_role_with_web_identity(&arn, "session-1", &good).await.unwrap();
    let spoke = client.with_keys(keys.clone());
    let me = spoke.query("sts", "GetCallerIdentity", &[]).await.unwrap();
    let assumed = "arn:aws:sts::123456789012:assumed-role/spoke/session-1";
    assert_eq!(me.find_text("Arn"), Some(assumed));
    spoke.query("ec2", "DescribeVpcs", &[]).await.unwrap();
    refused(&spoke, "ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")], "UnauthorizedOperation")
        .await;
    refused(&spoke, "iam", "ListRoles", &[], "AccessDenied").await;

    let mut forged = keys.clone();
    forged.secret_key.push('x');
    let forged = client.with_keys(forged);
    refused(&forged, "ec2", "DescribeVpcs", &[], "SignatureDoesNotMatch").await;
    let mut unknown = keys;
    unknown.access_key = "ASIAUNKNOWNUNKNOWN00".into();
    let unknown = client.with_keys(unknown);
    refused(&unknown, "ec2", "DescribeVpcs", &[], "AuthFailure").await;
    refused(&unknown, "iam", "ListRoles", &[], "InvalidClientTokenId").await;

    let nowhere = client.in_region("mars-1");
    refused(&nowhere, "ec2", "DescribeVpcs", &[], "SignatureDoesNotMatch").await;

    let by_spoke = aws.calls_by("assumed-role/spoke/");
    assert!(by_spoke.iter().any(|call| call.action == "DescribeVpcs"));
    assert!(!aws.log().iter().any(|call| call.params.to_string().contains(&good)));

    aws.expire_sessions(&arn);
    refused(&spoke, "iam", "GetRole", &[("RoleName", "spoke")], "ExpiredToken").await;
}

#[tokio::test]
async fn faults_hit_as_often_as_asked_and_are_marked() {
    let started = start(quick()).await;
    let (aws, client) = (&started.aws, started.aws.client());
    let create = ("ec2", "CreateVpc", [("CidrBlock", "10.1.0.0/16")]);
    let (service, action, params) = create;

    aws.inject(Fault::new(service, action, 1, FaultKind::Throttle));
    refused(client, service, action, &params, "RequestLimitExceeded").await;
    aws.inject(Fault::new(service, action, 1, FaultKind::Deny));
    refused(client, service, action, &params, "UnauthorizedOperation").await;
    aws.inject(Fault::new(service, action, 1, FaultKind::ServerError));
    refused(client, service, action, &params, "InternalError").await;
    aws.inject(Fault::new(service, action, 1, FaultKind::Delay(Duration::from_millis(20))));
    client.query(service, action, &params).await.unwrap();
    assert_eq!(vpcs(aws).await, 1);

    aws.inject(Fault::new(service, action, 1, FaultKind::LoseRequest));
    client.query(service, action, &params).await.unwrap_err();
    assert_eq!(vpcs(aws).await, 1);
    aws.inject(Fault::new(service, action, 1, FaultKind::LoseResponse));
    client.query(service, action, &params).await.unwrap_err();
    assert_eq!(vpcs(aws).await, 2);
    assert_eq!(aws.dependency_errors(), vec![]);
    assert_eq!(aws.log().iter().filter(|call| call.injected.is_some()).count(), 6);
}

async fn vpcs(aws: &AwsStandIn) -> usize {
    let left = aws.inventory().await.unwrap();
    left.iter().filter(|resource| resource.kind == "vpc").count()
}

#[tokio::test]
async fn what_is_new_is_invisible_for_a_while_and_a_token_finds_it() {
    let delays = capstan_kit::aws::AwsDelays { ec2_visible: Duration::from_secs(3600), ..quick() };
    let started = start(delays).await;
    let client = started.aws.client();
    let made = client.query("ec2", "CreateVpc", &[("CidrBlock", "10.1.0.0/16")]).await.unwrap();
    let vpc = made.find_text("vpcId").unwrap();
    refused(client, "ec2", "DescribeVpcs", &[("VpcId.1", vpc)], "InvalidVpcID.NotFound").await;
    let listed = client.query("ec2", "DescribeVpcs", &[]).await.unwrap();
    assert!(listed.items("vpcSet").iter().all(|item| item.text("vpcId") != Some(vpc)));

    let params = [("VpcId", vpc), ("ClientToken", "once")];
    let first = client.query("ec2", "CreateRouteTable", &params).await.unwrap();
    let again = client.query("ec2", "CreateRouteTable", &params).await.unwrap();
    assert_eq!(first.find_text("routeTableId"), again.find_text("routeTableId"));
    let other = [("VpcId", "vpc-other"), ("ClientToken", "once")];
    refused(client, "ec2", "CreateRouteTable", &other, "IdempotentParameterMismatch").await;
}

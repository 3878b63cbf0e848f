//! What IAM holds, read from moto and remembered until IAM is written to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::error::AwsError;
use super::form::decode;
use super::moto::Moto;
use super::trust::{Conditions, Document, Question, Verdict};

/// IAM is global; its calls are signed for this region.
pub(crate) const IAM_REGION: &str = "us-east-1";

/// A role with everything that decides about it.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) max_session: i64,
    /// `None` when the trust policy does not parse.
    pub(crate) trust: Option<Document>,
    /// ARNs of the managed policies that are attached.
    pub(crate) attached: Vec<String>,
    /// Documents of managed and inline policies.
    pub(crate) policies: Vec<Document>,
}

impl Role {
    /// Whether an AWS service may take on this role.
    pub(crate) fn trusts_service(&self, service: &str) -> bool {
        let conditions = Conditions::new();
        let question = Question {
            principal: Some(("Service", service)),
            action: "sts:AssumeRole",
            resource: None,
            conditions: &conditions,
        };
        self.trust.as_ref().is_some_and(|trust| trust.answer(&question) == Verdict::Allowed)
    }

    /// Whether the AWS-managed policy of that name is attached.
    pub(crate) fn has_aws_policy(&self, name: &str) -> bool {
        self.attached.iter().any(|arn| {
            arn.starts_with("arn:aws:iam::aws:policy/") && arn.rsplit('/').next() == Some(name)
        })
    }
}

/// IAM as the other parts of the stand-in see it.
#[derive(Debug)]
pub(crate) struct Directory {
    moto: Arc<Moto>,
    generation: AtomicU64,
    roles: Mutex<HashMap<String, (u64, Arc<Role>)>>,
    born: Mutex<HashMap<String, Instant>>,
    propagation: Duration,
}

impl Directory {
    /// `propagation` is how long other services do not see a new role.
    pub(crate) fn new(moto: Arc<Moto>, propagation: Duration) -> Self {
        Self {
            moto,
            generation: AtomicU64::new(0),
            roles: Mutex::default(),
            born: Mutex::default(),
            propagation,
        }
    }

    /// Forgets what was read: IAM was written to.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes the birth of a role, for its propagation.
    pub(crate) fn role_born(&self, name: &str) {
        self.born.lock().expect("because no holder panics").insert(name.into(), Instant::now());
    }

    /// Whether services other than IAM see this role already.
    pub(crate) fn is_propagated(&self, name: &str) -> bool {
        let born = self.born.lock().expect("because no holder panics").get(name).copied();
        born.is_none_or(|at| at.elapsed() >= self.propagation)
    }

    /// The role of that name; `None` when there is none.
    pub(crate) async fn role(&self, name: &str) -> Result<Option<Arc<Role>>, AwsError> {
        let generation = self.generation.load(Ordering::SeqCst);
        if let Some((at, role)) = self.roles.lock().expect("because no holder panics").get(name)
            && *at == generation
        {
            return Ok(Some(role.clone()));
        }
        let Some(role) = self.read_role(name).await?.map(Arc::new) else { return Ok(None) };
        let mut roles = self.roles.lock().expect("because no holder panics");
        roles.insert(name.into(), (generation, role.clone()));
        Ok(Some(role))
    }

    /// The role of that ARN; `None` also when the ARN is no role's.
    pub(crate) async fn role_by_arn(&self, arn: &str) -> Result<Option<Arc<Role>>, AwsError> {
        let Some((_, path)) = arn.split_once(":role/") else { return Ok(None) };
        let role = self.role(path.rsplit('/').next().unwrap_or(path)).await?;
        Ok(role.filter(|role| role.arn == arn))
    }

    /// The client ids of an OIDC provider; `None` when the account has no such provider.
    pub(crate) async fn oidc_clients(&self, arn: &str) -> Result<Option<Vec<String>>, AwsError> {
        let params = [("OpenIDConnectProviderArn", arn)];
        let asked = self.iam("GetOpenIDConnectProvider", &params).await;
        let found = absent_is_none(asked)?;
        Ok(found.map(|answer| {
            answer.items("ClientIDList").iter().map(|member| member.text.clone()).collect()
        }))
    }

    async fn iam(
        &self,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<super::xml::Element, AwsError> {
        self.moto.query("iam", IAM_REGION, action, params).await
    }

    async fn read_role(&self, name: &str) -> Result<Option<Role>, AwsError> {
        let Some(answer) = absent_is_none(self.iam("GetRole", &[("RoleName", name)]).await)? else {
            return Ok(None);
        };
        let text = |key: &str| answer.find_text(key).unwrap_or_default().to_owned();
        let attached = self.iam("ListAttachedRolePolicies", &[("RoleName", name)]).await?;
        let attached: Vec<_> = attached
            .items("AttachedPolicies")
            .iter()
            .filter_map(|policy| policy.text("PolicyArn").map(str::to_owned))
            .collect();
        let mut policies = self.inline(name).await?;
        for arn in &attached {
            policies.extend(self.managed(arn).await?);
        }
        Ok(Some(Role {
            name: name.to_owned(),
            arn: text("Arn"),
            id: text("RoleId"),
            max_session: text("MaxSessionDuration").parse().unwrap_or(3600),
            trust: Document::parse(&decode(&text("AssumeRolePolicyDocument"))).ok(),
            attached,
            policies,
        }))
    }

    async fn inline(&self, role: &str) -> Result<Vec<Document>, AwsError> {
        let names = self.iam("ListRolePolicies", &[("RoleName", role)]).await?;
        let mut documents = Vec::new();
        for name in names.items("PolicyNames") {
            let params = [("RoleName", role), ("PolicyName", name.text.as_str())];
            let policy = self.iam("GetRolePolicy", &params).await?;
            documents.extend(document(policy.find_text("PolicyDocument")));
        }
        Ok(documents)
    }

    async fn managed(&self, arn: &str) -> Result<Option<Document>, AwsError> {
        let policy = self.iam("GetPolicy", &[("PolicyArn", arn)]).await?;
        let version = policy.find_text("DefaultVersionId").unwrap_or("v1");
        let params = [("PolicyArn", arn), ("VersionId", version)];
        let version = self.iam("GetPolicyVersion", &params).await?;
        Ok(document(version.find_text("Document")))
    }
}

fn document(text: Option<&str>) -> Option<Document> {
    Document::parse(&decode(text?)).ok()
}

fn absent_is_none<T>(asked: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code == "NoSuchEntity" => Ok(None),
        Err(error) => Err(error),
    }
}

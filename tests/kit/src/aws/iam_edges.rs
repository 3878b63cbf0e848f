//! IAM: moto's, with the refusals that it lacks.

use std::sync::Arc;

use super::directory::{Directory, IAM_REGION};
use super::error::{AwsError, Reply};
use super::moto::Moto;
use super::route::Call;

/// The IAM part of the stand-in.
pub(crate) struct Iam {
    moto: Arc<Moto>,
    directory: Arc<Directory>,
}

impl Iam {
    pub(crate) fn new(moto: Arc<Moto>, directory: Arc<Directory>) -> Self {
        Self { moto, directory }
    }

    /// Answers an IAM call.
    pub(crate) async fn serve(&self, call: &Call) -> Result<Reply, AwsError> {
        if call.reads() {
            return self.moto.forward(call).await;
        }
        if call.action == "DeletePolicy" {
            self.check_unused(call.form.get("PolicyArn").unwrap_or_default()).await?;
        }
        let reply = self.moto.forward(call).await;
        self.directory.changed();
        let reply = reply?;
        if call.action == "CreateRole" && reply.error.is_none() {
            self.directory.role_born(call.form.get("RoleName").unwrap_or_default());
        }
        Ok(reply)
    }

    async fn check_unused(&self, arn: &str) -> Result<(), AwsError> {
        let conflict = |message: &str| Err(AwsError::new(409, "DeleteConflict", message));
        let ask = |action| self.ask(action, arn);
        let policy = ask("GetPolicy").await?;
        if policy.find_text("AttachmentCount").is_some_and(|count| count != "0") {
            return conflict("Cannot delete a policy attached to entities.");
        }
        if ask("ListPolicyVersions").await?.items("Versions").len() > 1 {
            return conflict(
                "This policy has more than one version. Before you delete a policy, you must \
                 delete the policy's versions. The default version is deleted with the policy.",
            );
        }
        Ok(())
    }

    async fn ask(&self, action: &str, arn: &str) -> Result<super::xml::Element, AwsError> {
        self.moto.query("iam", IAM_REGION, action, &[("PolicyArn", arn)]).await
    }
}

//! `AssumeRole`: one role takes on another.

use jiff::{SignedDuration, Timestamp};

use super::error::{AwsError, Reply};
use super::form::Form;
use super::identity::{Caller, Identities, credentials};
use super::trust::{Conditions, Question, Verdict};
use super::xml::Element;

/// The life of what is given.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

impl Identities {
    /// What the caller's own policies say was checked before; here the role's trust policy is.
    pub(crate) async fn assume(
        &self,
        form: &Form,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Reply, AwsError> {
        let arn = form.get("RoleArn").unwrap_or_default();
        let name = form.get("RoleSessionName").unwrap_or_default();
        let refused = || {
            let message = format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                caller.arn
            );
            AwsError::new(403, "AccessDenied", message)
        };
        let role = self.directory().role_by_arn(arn).await?.ok_or_else(refused)?;
        let conditions = Conditions::new();
        let trusts = |principal: &str| {
            let question = Question {
                principal: Some(("AWS", principal)),
                action: "sts:AssumeRole",
                resource: None,
                conditions: &conditions,
            };
            role.trust.as_ref().map(|trust| trust.answer(&question)) == Some(Verdict::Allowed)
        };
        if !trusts(&caller.canonical_arn) && !trusts(&self.root_arn()) {
            return Err(refused());
        }
        let session = self.open(&role, name, now + LIFE);
        let user = vec![
            Element::leaf("Arn", &session.caller.arn),
            Element::leaf("AssumedRoleId", &session.caller.user_id),
        ];
        let result = vec![
            Element::node("AssumedRoleUser", user),
            Element::node("Credentials", credentials(&session)),
        ];
        Ok(Reply::query("sts", "AssumeRole", result))
    }
}

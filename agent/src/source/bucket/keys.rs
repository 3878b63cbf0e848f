//! The keys that open a bucket: of a Secret, or of an identity in AWS.

use capstan_api::flux::BucketSpec;
use capstan_bucket::Keys;
use capstan_model::{Advice, Secret};
use capstan_report::Failure;

use crate::aws;
use crate::source::connection::incomplete;
use crate::source::secret::{authentication, secret, secret_text};
use crate::world::World;

/// The keys; none where the store is asked as nobody.
pub(super) async fn keys(
    world: &World,
    namespace: &str,
    spec: &BucketSpec,
) -> Result<Option<Keys>, Failure> {
    let provider = &*spec.provider;
    if matches!(provider, "gcp" | "azure") {
        let message = format!(
            "the provider '{provider}' is not supported: use one that speaks S3, with spec.provider generic or aws"
        );
        return Err(Failure { stalled: true, ..authentication(message) });
    }
    if provider == "aws" {
        let named = ("spec.serviceAccountName", "provider");
        aws::check_gate(world, spec.service_account_name.as_deref(), named)?;
    }
    match &spec.secret_ref {
        Some(reference) => of_secret(world, namespace, &reference.name).await.map(Some),
        None if provider == "aws" => of_aws(world, namespace, spec).await.map(Some),
        None if spec.sts.is_some() => {
            let message = "spec.sts with the provider 'ldap' is not supported: name a Secret with keys in spec.secretRef";
            Err(Failure {
                reason: "InvalidSTSConfiguration".to_owned(),
                message: message.to_owned(),
                stalled: true,
            })
        }
        None => Ok(None),
    }
}

async fn of_secret(world: &World, namespace: &str, name: &str) -> Result<Keys, Failure> {
    let found = secret(world, (namespace, name), "secretRef").await?;
    let key = |name| secret_text(&found, name).filter(|text| !text.is_empty());
    let (Some(id), Some(secret)) = (key("accesskey"), key("secretkey")) else {
        return Err(incomplete(&found, "'accesskey' and 'secretkey'"));
    };
    let session = key("sessiontoken").map(Secret::new);
    Ok(Keys { id: id.trim().to_owned(), secret: Secret::new(secret), session })
}

async fn of_aws(world: &World, namespace: &str, spec: &BucketSpec) -> Result<Keys, Failure> {
    let failed = |why: String| authentication(format!("AWS authentication failed: {why}"));
    let account = aws::of_source(world, namespace, spec.service_account_name.as_deref());
    let given = spec.region.clone().filter(|region| !region.is_empty());
    let region = match (given, &account) {
        (Some(region), _) => region,
        (None, Some(_)) => {
            let why = "an AWS region is required for authenticating with a service account. please configure one in the \
                       object spec";
            return Err(failed(why.to_owned()));
        }
        (None, None) => std::env::var("AWS_REGION").map_err(|_| {
            let why = "AWS_REGION environment variable is not set in the agent; set spec.region, or give the agent's \
                       ServiceAccount a role";
            failed(why.to_owned())
        })?,
    };
    let clients = match &spec.sts {
        Some(sts) => aws::clients_by(world, account.as_ref(), &region, &sts.endpoint).await,
        None => aws::clients(world, account.as_ref(), &region).await,
    };
    let clients = clients.map_err(|none| failed(none.why))?;
    let keys = clients.access_keys().await;
    let keys = keys.map_err(|error| failed(Advice(&error).to_string()))?;
    Ok(Keys { id: keys.id, secret: keys.secret, session: keys.session })
}

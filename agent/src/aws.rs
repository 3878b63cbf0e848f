//! As whom AWS is asked: as a role that a ServiceAccount may take on, by keys that a user wrote, or as this process.

use std::sync::Arc;

use capstan_cloud::{Clients, Identity, ROLE_ARN, check_sts_endpoint, is_role};
use capstan_model::{Advice, Fault, NamespacedName, Retry};
use capstan_provision::{ROLE_ANNOTATION, account_identity};
use capstan_report::Failure;

use crate::args::WORKLOAD_IDENTITY;
use crate::kinds;
use crate::world::World;

/// Why AWS cannot be asked.
#[derive(Debug)]
pub(crate) struct NoAccess {
    pub(crate) why: String,
    pub(crate) retry: Retry,
}

/// Refuses the ServiceAccount that `field` names while the feature gate is off.
///
/// # Errors
/// A failure that only an edit mends.
pub(crate) fn check_gate(
    world: &World,
    account: Option<&str>,
    (field, purpose): (&str, &str),
) -> Result<(), Failure> {
    if account.is_none_or(str::is_empty) || world.args.feature_gates.is_on(WORKLOAD_IDENTITY) {
        return Ok(());
    }
    let message = format!(
        "to use {field} for {purpose} authentication please enable the {WORKLOAD_IDENTITY} feature gate in the controller"
    );
    Err(Failure { reason: "FeatureGateDisabled".to_owned(), message, stalled: true })
}

/// The ServiceAccount as whom a source asks a cloud, if any: its own, or that of `--default-service-account`, which
/// counts for sources only where ServiceAccounts may have roles at all.
pub(crate) fn of_source(
    world: &World,
    namespace: &str,
    account: Option<&str>,
) -> Option<NamespacedName> {
    let by_default = Some(&*world.args.default_service_account)
        .filter(|_| world.args.feature_gates.is_on(WORKLOAD_IDENTITY));
    let given = account.filter(|name| !name.is_empty());
    let name = given.or(by_default).filter(|name| !name.is_empty())?;
    Some(NamespacedName::new(namespace, name))
}

/// The clients of a ServiceAccount, or of this process where there is none. They have credentials.
pub(crate) async fn clients(
    world: &World,
    account: Option<&NamespacedName>,
    region: &str,
) -> Result<Arc<Clients>, NoAccess> {
    let identity = identity(world, account, region).await?;
    authenticated(world, identity, account, region).await
}

/// The same, for which an endpoint of STS is asked that a user wrote.
pub(crate) async fn clients_by(
    world: &World,
    account: Option<&NamespacedName>,
    region: &str,
    sts_endpoint: &str,
) -> Result<Arc<Clients>, NoAccess> {
    check_sts_endpoint(sts_endpoint).map_err(|why| NoAccess { why, retry: Retry::AfterChange })?;
    let identity = match account {
        Some(account) => of_account(world, account, region).await?.with_sts_endpoint(sts_endpoint),
        None => Identity::own(Some(sts_endpoint)),
    };
    authenticated(world, identity, account, region).await
}

async fn authenticated(
    world: &World,
    identity: Identity,
    account: Option<&NamespacedName>,
    region: &str,
) -> Result<Arc<Clients>, NoAccess> {
    let whose = account.map_or_else(
        || "the controller".to_owned(),
        |account| format!("service account '{}/{}'", account.namespace, account.name),
    );
    let clients = open(world, &identity, region).await?;
    clients.authenticate().await.map_err(|error| NoAccess {
        why: format!("failed to create provider access token for {whose}: {}", Advice(&error)),
        retry: error.retry(),
    })?;
    Ok(clients)
}

/// The clients of an identity; what is wrong with it shows at the first call.
pub(crate) async fn open(
    world: &World,
    identity: &Identity,
    region: &str,
) -> Result<Arc<Clients>, NoAccess> {
    let opened = world.cloud.clients(identity, region).await;
    opened.map_err(|error| NoAccess { why: Advice(&error).to_string(), retry: error.retry() })
}

/// A ServiceAccount with the role that its annotation names, or this process: the SDK's default chain.
pub(crate) async fn identity(
    world: &World,
    account: Option<&NamespacedName>,
    region: &str,
) -> Result<Identity, NoAccess> {
    match account {
        Some(account) => of_account(world, account, region).await,
        None => Ok(Identity::own(None)),
    }
}

async fn of_account(
    world: &World,
    account: &NamespacedName,
    region: &str,
) -> Result<Identity, NoAccess> {
    let NamespacedName { namespace, name } = account;
    let refuse = |why: String, retry| NoAccess { why, retry };
    if !world.args.feature_gates.is_on(WORKLOAD_IDENTITY) {
        let why = format!("{WORKLOAD_IDENTITY} feature gate is not enabled");
        return Err(refuse(why, Retry::AfterChange));
    }
    let absent = |why: &str| format!("failed to get service account '{namespace}/{name}': {why}");
    let found = world.cluster.get(&kinds::service_account(), namespace, name).await;
    let found = found
        .map_err(|error| refuse(absent(&Advice(&error).to_string()), error.retry()))?
        .ok_or_else(|| {
            refuse(absent("not found. Create it, or correct its name"), Retry::AfterChange)
        })?;
    let role = found.annotation(ROLE_ANNOTATION).unwrap_or_default();
    if !is_role(role) {
        let why = format!(
            "failed to get provider identity from service account '{namespace}/{name}' annotations: invalid \
             {ROLE_ANNOTATION} annotation: '{role}'. must match {ROLE_ARN}"
        );
        return Err(refuse(why, Retry::AfterChange));
    }
    let session = session_name(account, region);
    Ok(account_identity(&world.cluster, account, role.to_owned(), session))
}

/// The session, as CloudTrail shows it. AWS takes 64 characters.
fn session_name(account: &NamespacedName, region: &str) -> String {
    let NamespacedName { namespace, name } = account;
    format!("{name}.{namespace}.{region}.fluxcd.io").chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::session_name;
    use capstan_model::NamespacedName;

    #[test]
    fn a_session_is_named_as_flux_names_it() {
        let account = NamespacedName::new("apps", "deployer");
        assert_eq!(session_name(&account, "eu-west-1"), "deployer.apps.eu-west-1.fluxcd.io");
        let long = NamespacedName::new("n".repeat(63), "a".repeat(63));
        assert_eq!(session_name(&long, "eu-west-1").len(), 64);
    }
}

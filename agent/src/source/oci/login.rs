use capstan_api::flux::OciRepositorySpec;
use capstan_model::{Advice, Manifest};
use capstan_oci::{Keychain, Repository};
use capstan_report::Failure;
use serde_json::Value;

use crate::kinds;
use crate::source::connection::incomplete;
use crate::source::secret::{authentication, secret, secret_text};
use crate::world::World;

/// The logins that a source may use: those of its Secret, and of the pull secrets of its ServiceAccount.
pub(super) async fn keychain(
    world: &World,
    namespace: &str,
    spec: &OciRepositorySpec,
    repository: &Repository,
) -> Result<Keychain, Failure> {
    let mut keychain = Keychain::default();
    let mut has_any = false;
    if let Some(reference) = &spec.secret_ref {
        let found = secret(world, (namespace, &reference.name), "secretRef").await?;
        add(&mut keychain, &found)?;
        has_any = true;
    }
    let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
    if let Some(name) = account {
        for reference in pull_secrets(world, namespace, name).await? {
            let found = secret(world, (namespace, &reference), "serviceAccountName").await?;
            add(&mut keychain, &found)?;
            has_any = true;
        }
    }
    match spec.provider.as_str() {
        "generic" | "" => {}
        _ if has_any => {}
        provider => {
            return Err(Failure {
                stalled: true,
                ..authentication(format!(
                    "failed to get credential from {provider} for '{repository}': not supported; set spec.provider to \
                     generic, and name a Secret in spec.secretRef"
                ))
            });
        }
    }
    Ok(keychain)
}

async fn pull_secrets(world: &World, namespace: &str, name: &str) -> Result<Vec<String>, Failure> {
    let found = world.cluster.get(&kinds::service_account(), namespace, name).await;
    let account = found
        .map_err(|error| authentication(Advice(&error).to_string()))?
        .ok_or_else(|| {
            authentication(format!(
                "failed to get service account '{namespace}/{name}': not found; create it, or correct \
                 spec.serviceAccountName"
            ))
        })?;
    let list = account.value().get("imagePullSecrets").and_then(Value::as_array);
    let name = |entry: &Value| entry.get("name")?.as_str().map(str::to_owned);
    Ok(list.into_iter().flatten().filter_map(name).collect())
}

fn add(keychain: &mut Keychain, secret: &Manifest) -> Result<(), Failure> {
    let added = if let Some(config) = secret_text(secret, ".dockerconfigjson") {
        keychain.add_docker_config(&config)
    } else if let Some(config) = secret_text(secret, ".dockercfg") {
        keychain.add_docker_cfg(&config)
    } else {
        return Err(incomplete(
            secret,
            "'.dockerconfigjson' (type kubernetes.io/dockerconfigjson)",
        ));
    };
    added.map_err(|error| {
        let (namespace, name) = (secret.namespace(), secret.name());
        authentication(format!("{error} ('{namespace}/{name}')"))
    })
}

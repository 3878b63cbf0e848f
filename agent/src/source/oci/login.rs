use capstan_api::flux::OciRepositorySpec;
use capstan_cloud::Ecr;
use capstan_model::{Advice, Manifest};
use capstan_oci::{Keychain, Login, Repository};
use capstan_report::Failure;
use serde_json::Value;

use crate::source::connection::incomplete;
use crate::source::secret::{authentication, secret, secret_text};
use crate::world::World;
use crate::{aws, kinds};

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
        "aws" => {
            let login = ecr(world, namespace, spec, repository).await?;
            keychain.add_login(&repository.registry, login);
        }
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

/// A login that AWS gives for its own registries.
async fn ecr(
    world: &World,
    namespace: &str,
    spec: &OciRepositorySpec,
    repository: &Repository,
) -> Result<Login, Failure> {
    let account = spec.service_account_name.as_deref();
    aws::check_gate(world, account, ("spec.serviceAccountName", "provider"))?;
    let failed = |why: String| authentication(format!("failed to get credential from aws: {why}"));
    let registry = Ecr::of_host(&repository.registry).map_err(failed)?;
    let account = aws::of_source(world, namespace, account);
    let clients = aws::clients(world, account.as_ref(), registry.region()).await;
    let clients = clients.map_err(|none| {
        failed(format!("failed to get access token for artifact registry: {}", none.why))
    })?;
    let login = clients.registry_login(registry).await.map_err(|error| {
        failed(format!("failed to create artifact registry credentials: {}", Advice(&error)))
    })?;
    Ok(Login::Basic { username: login.username, password: login.password })
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

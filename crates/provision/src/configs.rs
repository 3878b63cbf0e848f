//! ProviderConfigs stay as long as something uses them: without one, what uses it could not be deleted.

use std::time::Duration;

use capstan_model::Manifest;
use capstan_runtime::Next;
use serde_json::json;

use crate::managed::Managed;
use crate::names::{FIELD_MANAGER, IN_USE_FINALIZER};
use crate::world::{CONFIG_KIND, Key, World};

/// Reconciles one ProviderConfig: its finalizer follows its use.
pub(crate) async fn run(world: &World, key: &Key) -> Next {
    if !world.is_settled() {
        return Next::After(Duration::from_millis(100));
    }
    let Some(config) = world.latest(key) else {
        world.forget(key);
        return Next::Wait;
    };
    let users = users(world, key.group, config.name());
    let managed = Managed(&config);
    let mut finalizers = managed.finalizers();
    let held = finalizers.contains(&IN_USE_FINALIZER);
    match (users > 0, held, config.is_deleting()) {
        (true, false, false) => finalizers.push(IN_USE_FINALIZER),
        (false, true, _) => finalizers.retain(|finalizer| *finalizer != IN_USE_FINALIZER),
        _ => return status(world, key, &config, users).await,
    }
    let patch = json!({"metadata": {
        "uid": config.uid(), "resourceVersion": config.resource_version(), "finalizers": finalizers}});
    let written =
        world.cluster().merge(&config.gvk(), "", config.name(), &patch, FIELD_MANAGER).await;
    match written {
        Ok(written) => {
            world.remember_written(key, &written);
            if written.is_deleting() {
                Next::Wait
            } else {
                status(world, key, &written, users).await
            }
        }
        Err(error) if error.is_not_found() => Next::Wait,
        Err(error) if error.is_conflict() => Next::After(Duration::from_millis(100)),
        Err(error) => {
            tracing::warn!(config = %config.id(), %error, "failed to write");
            Next::Backoff
        }
    }
}

async fn status(world: &World, key: &Key, config: &Manifest, users: usize) -> Next {
    let shown = config.value().pointer("/status/users").and_then(serde_json::Value::as_u64);
    if shown == u64::try_from(users).ok() {
        return Next::Wait;
    }
    let patch = json!({"status": {"users": users}});
    let written =
        world.cluster().merge_status(&config.gvk(), "", config.name(), &patch, FIELD_MANAGER).await;
    match written {
        Ok(written) => {
            world.remember_written(key, &written);
            Next::Wait
        }
        Err(error) => {
            tracing::debug!(config = %config.id(), %error, "failed to write status");
            Next::Backoff
        }
    }
}

fn users(world: &World, group: &str, name: &str) -> usize {
    let uses = |object: &Manifest| Managed(object).config_name() == name;
    let kinds = world.options().kinds.iter().filter(|kind| kind.config().0 == group);
    kinds
        .flat_map(|kind| {
            let meta = kind.shape().meta;
            world.objects(meta.group, meta.kind)
        })
        .filter(|object| uses(object))
        .count()
}

/// The key of the ProviderConfig that an object names.
pub(crate) fn key_of(world: &World, key: &Key, object: &Manifest) -> Option<Key> {
    let (group, _) = world.kind(key)?.config();
    Some(Key { group, kind: CONFIG_KIND, name: Managed(object).config_name().to_owned() })
}

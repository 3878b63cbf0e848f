//! Buckets of a store that speaks S3.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{find_condition, text};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::ObjectStore;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::source::{Named, Source, config_map};

/// The Secret with the store's keys.
const KEYS: &str = "store-keys";

pub(crate) async fn prepare(stage: &Stage) -> Result<ObjectStore> {
    let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEYS, "namespace": NAMESPACE},
        "stringData": {"accesskey": "AKIDEXAMPLE", "secretkey": "k3y"}});
    stage.apply(&keys.to_string()).await?;
    ObjectStore::start(stage.kit.parts(), stage.kit.dir()).await
}

pub(crate) fn cases<'a>(stage: &'a Stage, store: &'a ObjectStore) -> Vec<Named<'a>> {
    vec![
        ("bucket-life", life(stage, store).boxed()),
        ("bucket-faults", faults(stage, store).boxed()),
    ]
}

pub(crate) fn spec(store: &ObjectStore, bucket: &str, more: Value) -> Value {
    let mut spec = json!({"interval": "30m", "bucketName": bucket, "endpoint": store.address(),
        "insecure": true, "secretRef": {"name": KEYS}});
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    spec
}

/// What a bucket holds is applied, without what is left out, and again when it changes.
async fn life(stage: &Stage, store: &ObjectStore) -> Result<()> {
    let source = Source::new(stage, "Bucket", "bucket-life");
    let bucket = "bucket-life";
    store.put(bucket, "", "").await?;
    store.put(bucket, "a/b c/config map.yaml", &config_map(bucket, "one")).await?;
    store.put(bucket, "broken.yaml", "{").await?;
    store.put(bucket, ".sourceignore", "/broken.yaml\n").await?;
    source.set(&spec(store, bucket, json!({}))).await?;
    source.unit().await?;
    let first = text(&source.stored("sha256:").await?, "/status/artifact/revision");
    source.applied().await?;
    ensure!(source.value(bucket).await? == "one");
    store.put(bucket, "other.yaml", &config_map("bucket-other", "new")).await?;
    store.put(bucket, "a/b c/config map.yaml", &config_map(bucket, "two")).await?;
    source.look_again("two").await?;
    let second = source.stored_other_than(&first).await?;
    source.applied().await?;
    ensure!(source.value(bucket).await? == "two" && source.value("bucket-other").await? == "new");
    store.delete(bucket, "other.yaml").await?;
    source.set(&spec(store, bucket, json!({"prefix": "a/"}))).await?;
    source.stored_other_than(&text(&second, "/status/artifact/revision")).await?;
    source.applied().await?;
    ensure!(source.value("bucket-other").await.is_err(), "it was pruned");
    Ok(())
}

/// What may be wrong with a spec, and what is said of it.
async fn faults(stage: &Stage, store: &ObjectStore) -> Result<()> {
    let empty = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"accesskey": "a"},
        "metadata": {"name": "store-half", "namespace": NAMESPACE}});
    stage.apply(&empty.to_string()).await?;
    let cases: [(&'static str, Value, &str, &[&str]); 6] = [
        (
            "no-bucket",
            json!({}),
            "BucketOperationFailed",
            &["bucket 'no-bucket' not found", "spec.bucketName"],
        ),
        (
            "no-store",
            json!({"endpoint": "127.0.0.1:1"}),
            "BucketOperationFailed",
            &["refused", "spec.endpoint"],
        ),
        ("no-endpoint", json!({"endpoint": "http://a/b"}), "URLInvalid", &["'http://a/b'"]),
        (
            "half-a-key",
            json!({"secretRef": {"name": "store-half"}}),
            "AuthenticationFailed",
            &["'secretkey'"],
        ),
        (
            "no-keys",
            json!({"secretRef": {"name": "absent"}}),
            "AuthenticationFailed",
            &["flux-system/absent"],
        ),
        (
            "other-cloud",
            json!({"provider": "gcp"}),
            "AuthenticationFailed",
            &["gcp", "not supported"],
        ),
    ];
    for (name, wrong, reason, words) in cases {
        let source = Source::new(stage, "Bucket", name);
        source.set(&spec(store, name, wrong)).await?;
        let failed = source.refused(reason, words).await.context(name)?;
        let fetch = find_condition(&failed, "FetchFailed").context("FetchFailed")?;
        ensure!(fetch["status"] == "True" && fetch["reason"] == reason, "{name}: {fetch}");
    }
    Ok(())
}

//! Pods whose image is the product's run as local processes. A script plays the program here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::support::Cluster;
use anyhow::{Result, ensure};
use capstan_kit::nodes::AwsAccess;
use capstan_kit::{Nodes, NodesSpec, Part, Parts, wait_until};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

/// Says who it is, serves its readiness, and says goodbye.
fn write_program(dir: &Path, kubectl: &Path) -> Result<()> {
    let script = format!(
        r#"#!/bin/sh
echo "argument $1, greeting $GREETING, settings $(cat "$2/colour")"
echo "user $('{}' auth whoami -o 'jsonpath={{.status.userInfo.username}}')"
echo "aws $AWS_ROLE_ARN at $AWS_ENDPOINT_URL in $AWS_REGION"
test -s "$AWS_WEB_IDENTITY_TOKEN_FILE" && echo "aws token"
trap 'echo bye; kill $!; exit 0' TERM
mkdir -p www && echo ok > www/readyz
python3 -m http.server 9440 --bind "$POD_IP" --directory www &
wait
"#,
        kubectl.display()
    );
    let file = dir.join("capstan-agent");
    fs::write(&file, script)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn deployment() -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": "agent" },
        "spec": {
            "selector": { "matchLabels": { "app": "agent" } },
            "template": {
                "metadata": { "labels": { "app": "agent" } },
                "spec": {
                    "serviceAccountName": "agent",
                    "containers": [{
                        "name": "main",
                        "image": "registry.example/capstan-agent:v1",
                        "args": ["--name=$(NAME)", "/settings"],
                        "env": [
                            { "name": "NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } } },
                            { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
                            { "name": "GREETING", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "greeting" } } },
                        ],
                        "readinessProbe": { "httpGet": { "path": "/readyz", "port": 9440 }, "periodSeconds": 1 },
                        "volumeMounts": [{ "name": "settings", "mountPath": "/settings" }],
                    }],
                    "volumes": [{ "name": "settings", "configMap": { "name": "settings" } }],
                },
            },
        },
    }))
    .unwrap()
}

async fn pod(pods: &Api<Pod>) -> Result<Pod> {
    let list = pods.list(&ListParams::default().labels("app=agent")).await?;
    list.items.into_iter().next().ok_or_else(|| anyhow::anyhow!("no pod"))
}

async fn ready_with_restarts(pods: &Api<Pod>, restarts: i32) -> Result<Pod> {
    wait_until(&format!("readiness after {restarts} restarts"), LIMIT, || async {
        let pod = pod(pods).await?;
        let status = pod.status.clone().unwrap_or_default();
        let container = status.container_statuses.unwrap_or_default().pop();
        let good = container.as_ref().is_some_and(|c| c.ready && c.restart_count == restarts);
        ensure!(good, "{container:?}");
        Ok(pod)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_of_ours_is_a_process_with_an_identity() -> Result<()> {
    let cluster = Cluster::start("processes").await?;
    let parts = Parts::get(&[Part::Kubectl]).await?;
    let programs = tempfile::tempdir()?;
    write_program(programs.path(), parts.path(Part::Kubectl)?)?;
    let aws = AwsAccess { endpoint_url: "http://127.0.0.1:9".into(), region: "eu-west-1".into() };
    let dir = tempfile::tempdir()?;
    // These nodes take the place of the ones that know the real programs.
    cluster.nodes.stop_all().await;
    let nodes = Nodes::start(NodesSpec {
        programs: programs.path().to_owned(),
        aws: Some(aws),
        ..NodesSpec::of(&cluster.plane, dir.path())?
    })
    .await?;
    nodes.add("node-a", &BTreeMap::new()).await?;

    let client = cluster.plane.client();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    let role = "arn:aws:iam::123456789012:role/agent";
    let account = serde_json::from_value(json!({ "metadata": {
        "name": "agent", "annotations": { "eks.amazonaws.com/role-arn": role },
    }}))?;
    accounts.create(&PostParams::default(), &account).await?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    deployments.create(&PostParams::default(), &deployment()).await?;

    // It waits for what it mentions, and says so.
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    wait_until("the reason why it waits", LIMIT, || async {
        let status = serde_json::to_value(pod(&pods).await?.status)?;
        let waiting = &status["containerStatuses"][0]["state"]["waiting"];
        ensure!(waiting["reason"] == "CreateContainerConfigError", "{waiting}");
        ensure!(waiting["message"] == "configmap \"settings\" not found", "{waiting}");
        Ok(())
    })
    .await?;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let settings = serde_json::from_value(json!({
        "metadata": { "name": "settings" }, "data": { "greeting": "hello", "colour": "blue" },
    }))?;
    maps.create(&PostParams::default(), &settings).await?;
    let first = ready_with_restarts(&pods, 0).await?;
    let ip = first.status.unwrap().pod_ip.unwrap();
    assert!(ip.starts_with("127."), "{ip}");
    let log = nodes.logs().pop().expect("a log");
    let said = fs::read_to_string(&log)?;
    for line in [
        "argument --name=default, greeting hello, settings blue",
        "user system:serviceaccount:default:agent",
        &format!("aws {role} at http://127.0.0.1:9 in eu-west-1"),
        "aws token",
    ] {
        assert!(said.contains(line), "`{line}` is not in:\n{said}");
    }

    // A crash is followed by a restart in the same pod.
    assert_eq!(nodes.kill_pod_process("default", "app=agent")?, 1);
    let again = ready_with_restarts(&pods, 1).await?;
    assert_eq!(again.metadata.uid, first.metadata.uid);
    let last = serde_json::to_value(again.status)?;
    assert_eq!(last["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 137);

    // A deletion asks politely, and the pod goes when the process has gone.
    deployments.delete("agent", &DeleteParams::background()).await?;
    wait_until("the end of the pod", LIMIT, || async {
        ensure!(pod(&pods).await.is_err(), "it is still there");
        Ok(())
    })
    .await?;
    assert!(fs::read_to_string(&log)?.trim_end().ends_with("bye"));
    assert!(nodes.kill_pod_process("default", "app=agent").is_err());
    cluster.finish()
}

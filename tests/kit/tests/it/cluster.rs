//! A control plane with nodes: what the rest of the kit stands on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::Cluster;
use capstan_kit::nodes::STS_AUDIENCE;
use capstan_kit::wait_until;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

fn deployment(name: &str, image: &str, replicas: i32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": image }] },
            },
        },
    }))
    .unwrap()
}

async fn available(api: &Api<Deployment>, name: &str, replicas: i32) -> anyhow::Result<()> {
    wait_until(&format!("{replicas} available replicas of {name}"), LIMIT, || async {
        let status = api.get(name).await?.status.unwrap_or_default();
        anyhow::ensure!(status.available_replicas == Some(replicas), "{status:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_run_on_nodes_and_only_there() -> anyhow::Result<()> {
    let cluster = Cluster::start("pods").await?;
    let deployments: Api<Deployment> = Api::namespaced(cluster.plane.client(), "default");
    let pods: Api<Pod> = Api::namespaced(cluster.plane.client(), "default");
    deployments.create(&PostParams::default(), &deployment("web", "nginx:1.27", 2)).await?;

    wait_until("pods that no node takes", LIMIT, || async {
        let list = pods.list(&ListParams::default().labels("app=web")).await?;
        let waiting = list.iter().filter(|pod| reason(pod, "PodScheduled") == "Unschedulable");
        anyhow::ensure!(waiting.count() == 2, "{} pods", list.items.len());
        Ok(())
    })
    .await?;

    cluster.nodes.add("node-a", &BTreeMap::new()).await?;
    available(&deployments, "web", 2).await?;

    // Taking the node away takes its pods away, and new ones wait again.
    cluster.nodes.remove("node-a").await?;
    let nodes: Api<Node> = Api::all(cluster.plane.client());
    assert!(nodes.list(&ListParams::default()).await?.items.is_empty());
    wait_until("the new pods", LIMIT, || async {
        let list = pods.list(&ListParams::default().labels("app=web")).await?;
        let unbound = list.iter().filter(|pod| pod.spec.as_ref().unwrap().node_name.is_none());
        anyhow::ensure!(unbound.count() == 2 && list.items.len() == 2, "{}", list.items.len());
        Ok(())
    })
    .await?;
    cluster.finish()
}

fn reason<'a>(pod: &'a Pod, kind: &str) -> &'a str {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten().filter(|one| one.type_ == kind);
    conditions.next().and_then(|one| one.reason.as_deref()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_decide_how_pods_end() -> anyhow::Result<()> {
    let cluster = Cluster::start("images").await?;
    cluster.nodes.add("node-a", &BTreeMap::new()).await?;
    let client = cluster.plane.client();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    deployments.create(&PostParams::default(), &deployment("bad", "nginx:fails", 1)).await?;
    deployments.create(&PostParams::default(), &deployment("good", "nginx", 1)).await?;

    available(&deployments, "good", 1).await?;
    let bad = wait_until("the pod that fails", LIMIT, || async {
        let list = pods.list(&ListParams::default().labels("app=bad")).await?;
        let pod = list.items.into_iter().next();
        pod.filter(|pod| reason(pod, "Ready") == "ContainersNotReady")
            .ok_or_else(|| anyhow::anyhow!("no such pod"))
    })
    .await?;
    let status = serde_json::to_value(bad.status)?;
    assert_eq!(status["containerStatuses"][0]["state"]["waiting"]["reason"], "ImagePullBackOff");
    let seen = deployments.get("bad").await?.status.unwrap_or_default();
    assert_eq!(seen.available_replicas, None);

    let job: Job = serde_json::from_value(json!({
        "metadata": { "name": "once" },
        "spec": { "template": { "spec": {
            "restartPolicy": "Never",
            "containers": [{ "name": "main", "image": "migrate" }],
        }}},
    }))?;
    let jobs: Api<Job> = Api::namespaced(client, "default");
    jobs.create(&PostParams::default(), &job).await?;
    wait_until("the job's end", LIMIT, || async {
        let status = jobs.get("once").await?.status.unwrap_or_default();
        anyhow::ensure!(status.succeeded == Some(1), "{status:?}");
        Ok(())
    })
    .await?;

    // A deletion is finished by the node.
    deployments.delete("good", &DeleteParams::background()).await?;
    wait_until("the end of the pods", LIMIT, || async {
        let left = pods.list(&ListParams::default().labels("app=good")).await?.items.len();
        anyhow::ensure!(left == 0, "{left} left");
        Ok(())
    })
    .await?;
    cluster.finish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_for_aws_verify_with_the_published_key() -> anyhow::Result<()> {
    let cluster = Cluster::start("tokens").await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.plane.client(), "default");
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec![STS_AUDIENCE.to_owned()],
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let answer = accounts.create_token_request("default", &PostParams::default(), &request).await?;
    let token = answer.status.expect("a token").token;
    let claims = crate::support::verify(&token, cluster.plane.sa_public_key_pem())?;
    assert_eq!(claims["aud"], json!([STS_AUDIENCE]));
    assert_eq!(claims["iss"], cluster.plane.issuer());
    assert_eq!(claims["sub"], "system:serviceaccount:default:default");

    let other = crate::support::verify(&format!("{token}x"), cluster.plane.sa_public_key_pem());
    assert!(other.is_err());
    cluster.finish()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_cluster_comes_back_with_what_it_held() -> anyhow::Result<()> {
    let cluster = Cluster::start("again").await?;
    cluster.nodes.add("node-a", &BTreeMap::new()).await?;
    let deployments: Api<Deployment> = Api::namespaced(cluster.plane.client(), "default");
    deployments.create(&PostParams::default(), &deployment("web", "nginx", 1)).await?;
    available(&deployments, "web", 1).await?;

    cluster.nodes.stop_all().await;
    cluster.plane.stop().await;
    assert!(!cluster.plane.is_running());
    assert!(deployments.get("web").await.is_err());

    cluster.plane.start_again().await?;
    cluster.nodes.resume();
    available(&deployments, "web", 1).await?;
    deployments.create(&PostParams::default(), &deployment("more", "nginx", 1)).await?;
    available(&deployments, "more", 1).await?;
    cluster.finish()
}

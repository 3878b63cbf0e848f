//! How the agent is run: several of them, of which one works; shards, each with its own objects; and what they tell of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use capstan_e2e::install;
use capstan_e2e::look::{condition, find_condition, kind, text};
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage, deployed, ready};
use capstan_kit::{KitOptions, wait_until};
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

/// Faster than Flux's, and slow enough for a machine that is busy.
const ELECTION: [&str; 4] = [
    "--enable-leader-election",
    "--leader-election-lease-duration=12s",
    "--leader-election-renew-deadline=9s",
    "--leader-election-retry-period=500ms",
];

fn receiver_kind() -> GroupVersionKind {
    kind("notification.toolkit.fluxcd.io/v1", "Receiver")
}

/// A Receiver that needs no Git server, and its Secret.
fn receiver(name: &str, labels: &Value) -> String {
    let meta = json!({"name": name, "namespace": NAMESPACE, "labels": labels});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta,
        "stringData": {"token": "t0ken"}});
    let receiver = json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": meta, "spec": {"type": "generic", "secretRef": {"name": name},
            "resources": [{"kind": "GitRepository", "name": "x"}]}});
    format!("{secret}\n---\n{receiver}")
}

/// The pods of a label, by name, with their addresses.
async fn pods(stage: &Stage, label: &str) -> Result<BTreeMap<String, String>> {
    let pods = stage.management.list(&kind("v1", "Pod"), NAMESPACE, label).await?;
    let running = pods.iter().filter(|pod| condition(pod, "Ready"));
    Ok(running.map(|pod| (pod.name().to_owned(), text(pod, "/status/podIP"))).collect())
}

/// What an agent tells Prometheus.
async fn metrics(address: &str) -> Result<String> {
    let answer = reqwest::get(format!("http://{address}:8080/metrics")).await?;
    ensure!(answer.status() == 200, "answered with {}", answer.status());
    let format = answer.headers().get("content-type").context("a format")?.to_str()?.to_owned();
    ensure!(format.starts_with("application/openmetrics-text"), "in the format {format}");
    Ok(answer.text().await?)
}

/// The Deployments of two agents of one cluster.
const AGENTS: [&str; 2] = ["capstan-agent", "capstan-agent-other"];

/// Which of the agents says that it leads.
async fn leaders(stage: &Stage) -> Result<Vec<&'static str>> {
    let mut leaders = Vec::new();
    for agent in AGENTS {
        for address in pods(stage, &format!("app={agent}")).await?.values() {
            // One that was killed a moment ago says nothing.
            if metrics(address).await.unwrap_or_default().contains("capstan_leader 1") {
                leaders.push(agent);
            }
        }
    }
    ensure!(leaders.len() < 2, "all of these lead: {leaders:?}");
    Ok(leaders)
}

async fn leader(stage: &Stage) -> Result<&'static str> {
    wait_until("somebody to lead", PATIENCE, async || {
        let leaders = leaders(stage).await.map_err(|error| format!("{error:#}"))?;
        leaders.into_iter().next().ok_or("nobody leads".to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_agents_one_works_and_the_other_takes_over() -> Result<()> {
    let stage = Stage::with_agent_and(KitOptions::default(), &ELECTION).await?;
    install::apply(&stage.management, &[another(AGENTS[1], &ELECTION)?]).await?;
    deployed(&stage.management, NAMESPACE, AGENTS[1]).await?;
    let first = leader(&stage).await?;
    stage.apply(&receiver("before", &json!({}))).await?;
    ready(&stage.management, &receiver_kind(), (NAMESPACE, "before")).await?;
    let first_holder = holder(&stage).await?;

    // Both are looked at all the time: never do two of them lead.
    let watching = async {
        loop {
            if let Err(error) = leaders(&stage).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    let falls = async {
        let nodes = stage.kit.management().nodes();
        let victim = format!("app={first}");
        nodes.kill_pod_process(NAMESPACE, &victim)?;
        let second = wait_until("the other to lead", PATIENCE, async || {
            // What comes back in its place is killed too, or it could be elected again.
            let _ = nodes.kill_pod_process(NAMESPACE, &victim);
            let leaders = leaders(&stage).await.map_err(|error| format!("{error:#}"))?;
            leaders.into_iter().find(|name| *name != first).ok_or("nobody leads".to_owned())
        })
        .await?;
        stage.apply(&receiver("after", &json!({}))).await?;
        ready(&stage.management, &receiver_kind(), (NAMESPACE, "after")).await?;
        let holder = holder(&stage).await?;
        ensure!(holder.starts_with(second) && holder != first_holder, "{holder} holds the Lease");
        Ok(())
    };
    tokio::select! {
        error = watching => return Err(error),
        ended = falls => ended?,
    }
    stage.end().await;
    Ok(())
}

async fn holder(stage: &Stage) -> Result<String> {
    let gvk = kind("coordination.k8s.io/v1", "Lease");
    let lease = stage.management.get(&gvk, NAMESPACE, "capstan-agent-leader-election").await?;
    Ok(text(&lease.context("a Lease")?, "/spec/holderIdentity"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shard_works_on_its_own_objects() -> Result<()> {
    let main = ["--watch-label-selector=!sharding.fluxcd.io/key"];
    let stage = Stage::with_agent_and(KitOptions::default(), &main).await?;
    let shard = json!({"sharding.fluxcd.io/key": "shard1"});
    stage.apply(&receiver("of-shard", &shard)).await?;
    stage.apply(&receiver("of-main", &json!({}))).await?;
    ready(&stage.management, &receiver_kind(), (NAMESPACE, "of-main")).await?;
    let untouched = stage.management.get(&receiver_kind(), NAMESPACE, "of-shard").await?;
    let untouched = untouched.context("it is there")?;
    ensure!(find_condition(&untouched, "Ready").is_none(), "the main agent touched {untouched:?}");

    let (name, selector) =
        ("capstan-agent-shard1", "--watch-label-selector=sharding.fluxcd.io/key=shard1");
    install::apply(&stage.management, &[another(name, &[selector])?]).await?;
    deployed(&stage.management, NAMESPACE, name).await?;
    ready(&stage.management, &receiver_kind(), (NAMESPACE, "of-shard")).await?;
    for (agent, object, other) in
        [("capstan-agent", "of-main", "of-shard"), (name, "of-shard", "of-main")]
    {
        let pods = pods(&stage, &format!("app={agent}")).await?;
        let told = metrics(pods.values().next().context("a pod")?).await?;
        let series = |name: &str| {
            format!(
                "gotk_reconcile_duration_seconds_count{{kind=\"Receiver\",name=\"{name}\",namespace=\"{NAMESPACE}\"}}"
            )
        };
        ensure!(told.contains(&series(object)), "{agent} tells nothing of {object}:\n{told}");
        ensure!(!told.contains(&series(other)), "{agent} tells of {other}:\n{told}");
        for name in [
            "controller_runtime_reconcile_total{controller=\"receiver\"",
            "workqueue_depth{name=\"kustomization\",controller=\"kustomization\"}",
            "capstan_objects{kind=\"Receiver\",ready=\"True\",suspended=\"false\"} 1",
            "capstan_leader 1",
            "process_resident_memory_bytes",
        ] {
            ensure!(told.contains(name), "{agent} has no {name}:\n{told}");
        }
    }
    gone_with_its_object(&stage).await?;
    stage.end().await;
    Ok(())
}

/// The series of an object go when it goes.
async fn gone_with_its_object(stage: &Stage) -> Result<()> {
    stage.management.delete(&receiver_kind(), NAMESPACE, "of-main", &Default::default()).await?;
    let pods = pods(stage, "app=capstan-agent").await?;
    let address = pods.values().next().context("a pod")?;
    wait_until("its series to go", PATIENCE, async || {
        let told = metrics(address).await.map_err(|error| format!("{error:#}"))?;
        if told.contains("name=\"of-main\"") { Err(told) } else { Ok(()) }
    })
    .await
}

/// The agent's Deployment under another name and with further arguments, as a user makes one for a shard.
fn another(name: &str, more: &[&str]) -> Result<Manifest> {
    let objects = install::render("agent")?;
    let is_it = |object: &Manifest| object.kind() == "Deployment";
    let mut another = objects.into_iter().find(is_it).context("a Deployment")?;
    another.set_name(name);
    let spec = &mut another.value_mut()["spec"];
    spec["selector"]["matchLabels"]["app"] = name.into();
    spec["template"]["metadata"]["labels"]["app"] = name.into();
    let args = spec.pointer_mut("/template/spec/containers/0/args").and_then(Value::as_array_mut);
    args.context("arguments")?.extend(more.iter().map(|arg| (*arg).into()));
    Ok(another)
}

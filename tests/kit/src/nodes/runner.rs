//! One bound pod: from its first status to its removal.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use k8s_openapi::api::core::v1::{Container, Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::container::{self, Containers};
use super::files::{self, Tokens, kubeconfig_files, role_arn, write_all};
use super::pod_env::{Facts, Role, role};
use super::shared::{PodAddress, Shared, uid};
use super::status::{Addresses, ContainerView, first_view, pod_status};
use super::volumes::{self, Content, VolumeFile};
use crate::nodes::STS_AUDIENCE;

/// First and longest pause after a pod could not be prepared.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Life of a token for AWS, as EKS asks for it (seconds).
const AWS_TOKEN: i64 = 86_400;
/// Variables of ours that processes of pods see too.
const INHERITED: [&str; 3] = ["PATH", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];

/// A change of one container, by its place in the pod's list.
pub(super) type Change = (usize, ContainerView);

/// Runs a pod until it is gone. Dropping the future kills its processes.
pub(super) async fn run(shared: Arc<Shared>, mut pods: watch::Receiver<Arc<Pod>>) {
    let pod = Arc::clone(&pods.borrow_and_update());
    let _ending = Ending { shared: Arc::clone(&shared), uid: uid(&pod).to_owned() };
    let Some((addresses, _address)) = addresses(&shared, &pod) else { return };
    let (tell, mut changes) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let mut board = Board::new(Arc::clone(&shared), &pod, addresses);
    let programs = run_programs(Arc::clone(&shared), Arc::clone(&pod), addresses, tell, &stop);
    let mut programs = std::pin::pin!(programs);
    let mut working = true;
    if pod.metadata.deletion_timestamp.is_none() && !board.show().await {
        return;
    }
    while pods.borrow().metadata.deletion_timestamp.is_none() {
        tokio::select! {
            changed = pods.changed() => if changed.is_err() { return },
            () = &mut programs, if working => working = false,
            Some(change) = changes.recv() => {
                board.apply(change);
                if !board.show().await { return }
            }
        }
    }
    stop.cancel();
    if working {
        programs.await;
    }
    if let Err(error) = shared.delete_pod(&pod).await {
        tracing::warn!(%error, "cannot take a pod out of the API");
    }
}

/// Forgets a pod when its task ends, however it ends.
struct Ending {
    shared: Arc<Shared>,
    uid: String,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.forget(&self.uid);
        let _ = fs::remove_dir_all(self.shared.pod_dir(&self.uid));
    }
}

fn addresses(shared: &Arc<Shared>, pod: &Pod) -> Option<(Addresses, Option<PodAddress>)> {
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    let host = shared.node_address(node);
    if !programs(pod).any(|_| true) {
        let known = pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()?.parse().ok());
        let ip: Ipv4Addr = known.unwrap_or_else(|| shared.pretended_address());
        return Some((Addresses { pod: ip, host }, None));
    }
    match shared.pod_address() {
        Ok(address) => Some((Addresses { pod: address.ip, host }, Some(address))),
        Err(error) => {
            tracing::error!(%error, "cannot run a pod");
            None
        }
    }
}

/// The containers that really run, with their place in the pod's list.
fn programs(pod: &Pod) -> impl Iterator<Item = (usize, &Container, &'static str)> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers).enumerate();
    containers.filter_map(|(index, container)| match role(container) {
        Role::Program(program) => Some((index, container, program)),
        Role::Pretend | Role::Fails => None,
    })
}

/// Keeps what the pod's status says.
struct Board {
    shared: Arc<Shared>,
    pod: Pod,
    views: Vec<ContainerView>,
    addresses: Addresses,
    shown: Option<PodStatus>,
}

impl Board {
    fn new(shared: Arc<Shared>, pod: &Pod, addresses: Addresses) -> Self {
        let now = Timestamp::now();
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let views = containers.map(|container| first_view(pod, container, now)).collect();
        Self { shared, pod: pod.clone(), views, addresses, shown: None }
    }

    fn apply(&mut self, (index, view): Change) {
        if let Some(slot) = self.views.get_mut(index) {
            *slot = view;
        }
    }

    /// Writes the status if it says something new. False when the pod is gone.
    async fn show(&mut self) -> bool {
        let status = pod_status(&self.pod, &self.views, self.addresses, Timestamp::now());
        if self.shown.as_ref() == Some(&status) {
            return true;
        }
        let there = self.shared.write_status(&self.pod, &status).await;
        self.pod.status = Some(status.clone());
        self.shown = Some(status);
        there
    }
}

/// Runs the programs of a pod, and keeps its tokens fresh, until `stop`.
async fn run_programs(
    shared: Arc<Shared>,
    pod: Arc<Pod>,
    addresses: Addresses,
    tell: mpsc::UnboundedSender<Change>,
    stop: &CancellationToken,
) {
    if programs(&pod).next().is_none() {
        return;
    }
    let prepared = tokio::select! {
        prepared = prepare_until_it_works(&shared, &pod, addresses, &tell) => prepared,
        () = stop.cancelled() => return,
    };
    let containers =
        Containers { shared, pod: Arc::clone(&pod), facts: prepared.facts, tell, stop };
    let all = programs(&pod)
        .map(|(index, container, program)| container::run(&containers, index, container, program));
    tokio::select! {
        _ = join_all(all) => {}
        () = prepared.tokens.renew(prepared.renew_in) => {}
    }
}

/// What the containers of a pod need before the first one starts.
struct Prepared {
    facts: Facts,
    tokens: Tokens,
    renew_in: Duration,
}

async fn prepare_until_it_works(
    shared: &Shared,
    pod: &Pod,
    addresses: Addresses,
    tell: &mpsc::UnboundedSender<Change>,
) -> Prepared {
    let mut pause = RETRY.0;
    loop {
        match prepare(shared, pod, addresses).await {
            Ok(prepared) => return prepared,
            Err(error) => {
                for (index, ..) in programs(pod) {
                    let message = format!("{error:#}");
                    let view = ContainerView::waiting("CreateContainerConfigError", message);
                    let _ = tell.send((index, view));
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

/// Reads what the pod refers to, and writes its folder.
async fn prepare(shared: &Shared, pod: &Pod, addresses: Addresses) -> Result<Prepared> {
    let client = shared.client();
    let dir = shared.pod_dir(uid(pod));
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let (maps, secrets) = volumes::mentioned(pod);
    let (config_maps, secrets) = files::read_data(&client, namespace, &maps, &secrets).await?;
    let (kubeconfig, mut files) = kubeconfig_files(pod, &dir, &shared.spec.target);
    let mut injected = injected(shared, &kubeconfig);
    if let Some(role) = role_arn(&client, pod).await? {
        let token = dir.join("aws/token");
        injected.extend(aws_identity(shared, &role, &token));
        let audience = Some(STS_AUDIENCE.to_owned());
        files.push(VolumeFile {
            path: token,
            content: Content::Token { audience, seconds: AWS_TOKEN },
        });
    }
    let facts = Facts {
        ip: addresses.pod,
        host_ip: addresses.host,
        volumes: volumes::places(pod, &dir),
        programs: shared.spec.programs.clone(),
        dir,
        config_maps,
        secrets,
        injected,
    };
    files.extend(volumes::files(pod, &facts)?);
    make_folders(pod, &facts)?;
    write_all(&files)?;
    let tokens = Tokens::new(client, pod.clone(), files);
    let renew_in = tokens.write().await?;
    Ok(Prepared { facts, tokens, renew_in })
}

/// Folders that are there even when nothing is in them; not those of the host.
fn make_folders(pod: &Pod, facts: &Facts) -> Result<()> {
    fs::create_dir_all(facts.dir.join("tmp"))?;
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    for volume in volumes.filter(|volume| volume.host_path.is_none()) {
        if let Some(dir) = facts.volumes.get(&volume.name) {
            fs::create_dir_all(dir)?;
        }
    }
    Ok(())
}

/// What a cluster's own machinery gives to every container.
fn injected(shared: &Shared, kubeconfig: &Path) -> Vec<(String, String)> {
    let mut env = vec![("KUBECONFIG".to_owned(), kubeconfig.display().to_string())];
    let inherited = INHERITED.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    env.extend(inherited.map(|(name, value)| (name.to_owned(), value)));
    if let Some(aws) = &shared.spec.aws {
        env.push(("AWS_ENDPOINT_URL".into(), aws.endpoint_url.clone()));
        env.push(("AWS_EC2_METADATA_DISABLED".into(), "true".into()));
    }
    env
}

/// What EKS gives to a pod whose ServiceAccount has a role.
fn aws_identity(shared: &Shared, role: &str, token: &Path) -> Vec<(String, String)> {
    let mut env = vec![
        ("AWS_ROLE_ARN".to_owned(), role.to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(), token.display().to_string()),
        ("AWS_STS_REGIONAL_ENDPOINTS".to_owned(), "regional".to_owned()),
    ];
    if let Some(aws) = &shared.spec.aws {
        env.push(("AWS_REGION".into(), aws.region.clone()));
        env.push(("AWS_DEFAULT_REGION".into(), aws.region.clone()));
    }
    env
}

//! What a pod's status says. Pure: what the containers do in, status out.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated,
    ContainerStateWaiting, ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::pod_env::{Role, role};
use crate::process::Exit;

/// What one container does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ContainerView {
    pub(super) state: State,
    pub(super) ready: bool,
    pub(super) restarts: i32,
    /// How it ended the last time.
    pub(super) last: Option<Ended>,
}

/// The state of one container.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Waiting { reason: &'static str, message: String },
    Running { since: Timestamp },
    Ended(Ended),
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
}

/// The pod's addresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) pod: Ipv4Addr,
    pub(super) host: Ipv4Addr,
}

impl ContainerView {
    /// A container that runs and is ready.
    pub(super) fn running(since: Timestamp, ready: bool) -> Self {
        Self { state: State::Running { since }, ready, restarts: 0, last: None }
    }

    /// A container that does not run yet.
    pub(super) fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        let state = State::Waiting { reason, message: message.into() };
        Self { state, ready: false, restarts: 0, last: None }
    }

    /// A container that did its work.
    pub(super) fn completed(at: Timestamp) -> Self {
        let exit = Exit { code: Some(0), signal: None };
        let ended = Ended { exit, started: at, ended: at };
        Self { state: State::Ended(ended), ready: false, restarts: 0, last: None }
    }
}

/// What a container does right after its pod was bound, before any program was started.
pub(super) fn first_view(pod: &Pod, container: &Container, now: Timestamp) -> ContainerView {
    match role(container) {
        Role::Program(_) => ContainerView::waiting("ContainerCreating", ""),
        Role::Fails => {
            let image = container.image.as_deref().unwrap_or_default();
            let message = format!("Back-off pulling image \"{image}\"");
            ContainerView::waiting("ImagePullBackOff", message)
        }
        // A pod that does not run for ever does its work in no time.
        Role::Pretend if restart_policy(pod) == "Always" => ContainerView::running(now, true),
        Role::Pretend => ContainerView::completed(now),
    }
}

/// The pod's restart policy.
pub(super) fn restart_policy(pod: &Pod) -> &str {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    policy.unwrap_or("Always")
}

/// The status of a pod on a node. Times of conditions that did not change are kept.
pub(super) fn pod_status(
    pod: &Pod,
    views: &[ContainerView],
    addresses: Addresses,
    now: Timestamp,
) -> PodStatus {
    let old = pod.status.clone().unwrap_or_default();
    let phase = phase(pod, views);
    let ready = phase == "Running" && views.iter().all(|view| view.ready);
    let unready = (!ready).then(|| unready_reason(pod, phase, views));
    let mut conditions = old.conditions.clone().unwrap_or_default();
    for (kind, holds, why) in [
        ("PodReadyToStartContainers", phase == "Running" || phase == "Pending", None),
        ("Initialized", true, None),
        ("PodScheduled", true, None),
        ("ContainersReady", ready, unready.clone()),
        ("Ready", ready, unready),
    ] {
        set_condition(&mut conditions, kind, holds, why, now);
    }
    PodStatus {
        phase: Some(phase.into()),
        conditions: Some(conditions),
        host_ip: Some(addresses.host.to_string()),
        host_ips: Some(vec![HostIP { ip: addresses.host.to_string() }]),
        pod_ip: Some(addresses.pod.to_string()),
        pod_ips: Some(vec![PodIP { ip: addresses.pod.to_string() }]),
        start_time: old.start_time.or(Some(Time(now))),
        init_container_statuses: init_statuses(pod, now),
        container_statuses: Some(container_statuses(pod, views)),
        observed_generation: pod.metadata.generation,
        ..PodStatus::default()
    }
}

/// The conditions of a pod that no node takes.
pub(super) fn unschedulable(pod: &Pod, message: &str, now: Timestamp) -> Vec<PodCondition> {
    let mut conditions = pod.status.clone().unwrap_or_default().conditions.unwrap_or_default();
    let why = Some(("Unschedulable", message.to_owned()));
    set_condition(&mut conditions, "PodScheduled", false, why, now);
    conditions
}

fn phase(pod: &Pod, views: &[ContainerView]) -> &'static str {
    let ended = |view: &ContainerView| matches!(view.state, State::Ended(_));
    let succeeded =
        |view: &ContainerView| matches!(&view.state, State::Ended(end) if end.exit.success());
    if restart_policy(pod) != "Always" && !views.is_empty() && views.iter().all(ended) {
        let good = views.iter().all(succeeded);
        return if good { "Succeeded" } else { "Failed" };
    }
    let began =
        |view: &ContainerView| view.last.is_some() || !matches!(view.state, State::Waiting { .. });
    if views.iter().all(began) { "Running" } else { "Pending" }
}

fn unready_reason(pod: &Pod, phase: &str, views: &[ContainerView]) -> (&'static str, String) {
    match phase {
        "Succeeded" => return ("PodCompleted", String::new()),
        "Failed" => return ("PodFailed", String::new()),
        _ => {}
    }
    let names = pod.spec.iter().flat_map(|spec| &spec.containers).map(|one| one.name.as_str());
    let unready: Vec<&str> =
        names.zip(views).filter(|(_, view)| !view.ready).map(|(name, _)| name).collect();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    ("ContainersNotReady", message)
}

fn set_condition(
    conditions: &mut Vec<PodCondition>,
    kind: &str,
    holds: bool,
    why: Option<(&str, String)>,
    now: Timestamp,
) {
    let status = if holds { "True" } else { "False" };
    let before = conditions.iter().position(|one| one.type_ == kind);
    let since = before
        .map(|at| &conditions[at])
        .filter(|one| one.status == status)
        .and_then(|one| one.last_transition_time.clone());
    let (reason, message) = why.unzip();
    let condition = PodCondition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        last_transition_time: since.or(Some(Time(now))),
        reason: reason.map(str::to_owned),
        message: message.filter(|text| !text.is_empty()),
        ..PodCondition::default()
    };
    match before {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
}

fn container_statuses(pod: &Pod, views: &[ContainerView]) -> Vec<ContainerStatus> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.zip(views).map(|(container, view)| container_status(container, view)).collect()
}

fn container_status(container: &Container, view: &ContainerView) -> ContainerStatus {
    let image = container.image.clone().unwrap_or_default();
    let runs = matches!(view.state, State::Running { .. });
    let began = runs || view.last.is_some();
    ContainerStatus {
        name: container.name.clone(),
        container_id: began.then(|| format!("kit://{}-{}", container.name, view.restarts)),
        image_id: if began { image.clone() } else { String::new() },
        image,
        ready: view.ready,
        started: Some(runs),
        restart_count: view.restarts,
        state: Some(state(&view.state)),
        last_state: view.last.clone().map(|ended| state(&State::Ended(ended))),
        ..ContainerStatus::default()
    }
}

fn init_statuses(pod: &Pod, now: Timestamp) -> Option<Vec<ContainerStatus>> {
    let old = pod.status.as_ref().and_then(|status| status.init_container_statuses.clone());
    let containers = pod.spec.as_ref()?.init_containers.as_ref()?;
    let done = |one| ContainerStatus {
        ready: true,
        ..container_status(one, &ContainerView::completed(now))
    };
    old.filter(|all| all.len() == containers.len())
        .or_else(|| Some(containers.iter().map(done).collect()))
}

fn state(state: &State) -> ContainerState {
    match state {
        State::Waiting { reason, message } => ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some((*reason).to_owned()),
                message: (!message.is_empty()).then(|| message.clone()),
            }),
            ..ContainerState::default()
        },
        State::Running { since } => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(*since)) }),
            ..ContainerState::default()
        },
        State::Ended(ended) => ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code: ended.exit.shell_code(),
                signal: ended.exit.signal,
                reason: Some(if ended.exit.success() { "Completed" } else { "Error" }.to_owned()),
                started_at: Some(Time(ended.started)),
                finished_at: Some(Time(ended.ended)),
                ..ContainerStateTerminated::default()
            }),
            ..ContainerState::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ADDRESSES: Addresses =
        Addresses { pod: Ipv4Addr::new(127, 1, 2, 3), host: Ipv4Addr::new(127, 1, 2, 1) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn pod(image: &str, policy: &str) -> Pod {
        serde_json::from_value(json!({ "spec": {
            "restartPolicy": policy,
            "containers": [{ "name": "main", "image": image }],
        }}))
        .unwrap()
    }

    fn status_of(pod: &Pod, view: ContainerView) -> Value {
        serde_json::to_value(pod_status(pod, &[view], ADDRESSES, at(0))).unwrap()
    }

    fn first(pod: &Pod) -> Value {
        status_of(pod, first_view(pod, &pod.spec.as_ref().unwrap().containers[0], at(0)))
    }

    fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
        let all = status["conditions"].as_array().unwrap();
        all.iter().find(|one| one["type"] == kind).unwrap()
    }

    #[test]
    fn other_images_run_at_once() {
        let status = first(&pod("nginx", "Always"));
        assert_eq!(status["phase"], "Running");
        assert_eq!(condition(&status, "Ready")["status"], "True");
        assert_eq!(status["podIP"], "127.1.2.3");
    }

    #[test]
    fn an_image_tagged_fails_never_runs() {
        let status = first(&pod("nginx:fails", "Always"));
        assert_eq!(status["phase"], "Pending");
        assert_eq!(condition(&status, "Ready")["reason"], "ContainersNotReady");
        let waiting = &status["containerStatuses"][0]["state"]["waiting"];
        assert_eq!(waiting["reason"], "ImagePullBackOff");
        assert!(waiting["message"].as_str().unwrap().contains("nginx:fails"));
    }

    #[test]
    fn a_job_is_done_at_once() {
        let status = first(&pod("migrate", "OnFailure"));
        assert_eq!(status["phase"], "Succeeded");
        assert_eq!(condition(&status, "Ready")["reason"], "PodCompleted");
    }

    #[test]
    fn a_crash_is_told_as_kubelet_does() {
        let exit = Exit { code: None, signal: Some(9) };
        let mut view = ContainerView::waiting("CrashLoopBackOff", "back-off 1s");
        view.restarts = 2;
        view.last = Some(Ended { exit, started: at(0), ended: at(5) });
        let status = status_of(&pod("capstan-hub", "Always"), view);
        let container = &status["containerStatuses"][0];
        assert_eq!(status["phase"], "Running");
        assert_eq!(container["lastState"]["terminated"]["exitCode"], 137);
        assert_eq!(container["restartCount"], 2);
        assert_eq!(container["ready"], false);
    }

    #[test]
    fn conditions_keep_the_time_of_their_last_change() {
        let mut pod = pod("capstan-hub", "Always");
        pod.status =
            Some(pod_status(&pod, &[ContainerView::running(at(0), false)], ADDRESSES, at(0)));
        let ready = pod_status(&pod, &[ContainerView::running(at(0), true)], ADDRESSES, at(9));
        let status = serde_json::to_value(ready).unwrap();
        let changed = |kind| condition(&status, kind)["lastTransitionTime"].clone();
        assert_eq!(changed("Ready"), json!(at(9).to_string()));
        assert_eq!(changed("PodScheduled"), json!(at(0).to_string()));
    }
}

//! From a container of a pod to the process that stands for it. Pure: facts in, command line out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, Pod};
use thiserror::Error;

/// The programs that really run, ours and those that we are compared with; a container of any other image is only reported as
/// running.
pub(super) const PROGRAMS: [&str; 4] =
    ["capstan-agent", "capstan-hub", "source-controller", "kustomize-controller"];
/// The image tag of which the kit promises that it never runs.
const FAILS: &str = "fails";

/// What the kit does with a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Run this program as a local process.
    Program(&'static str),
    /// Report it as running.
    Pretend,
    /// Report that its image cannot be pulled.
    Fails,
}

/// Decides by the image: `registry/path/capstan-agent:tag` is the program `capstan-agent`.
pub(super) fn role(container: &Container) -> Role {
    let image = container.image.as_deref().unwrap_or_default();
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let (name, tag) = last.split_once(':').unwrap_or((last, "latest"));
    match PROGRAMS.iter().find(|program| **program == name) {
        _ if tag == FAILS => Role::Fails,
        Some(program) => Role::Program(program),
        None => Role::Pretend,
    }
}

/// What a container cannot be started for; its pod waits with `CreateContainerConfigError`.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum EnvFault {
    #[error("{kind} \"{name}\" not found")]
    NoObject { kind: &'static str, name: String },
    #[error("couldn't find key {key} in {kind} {name}")]
    NoKey { kind: &'static str, name: String, key: String },
    #[error("the kit cannot give the environment variable {variable} its value: {what}")]
    Unsupported { variable: String, what: String },
}

/// Data of ConfigMaps or Secrets of the pod's namespace, by object name and key.
pub(super) type Data = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Everything outside the pod's specification that decides about its processes.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) ip: Ipv4Addr,
    pub(super) host_ip: Ipv4Addr,
    /// The folder of this pod.
    pub(super) dir: PathBuf,
    /// The folder with the programs.
    pub(super) programs: PathBuf,
    pub(super) config_maps: Data,
    pub(super) secrets: Data,
    /// Set in every process unless the pod sets it, as a cluster's own machinery would.
    pub(super) injected: Vec<(String, String)>,
    /// Where each volume of the pod is.
    pub(super) volumes: BTreeMap<String, PathBuf>,
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
}

/// The process of a container.
pub(super) fn command(
    pod: &Pod,
    container: &Container,
    program: &str,
    facts: &Facts,
) -> Result<Command, EnvFault> {
    let mounts = Mounts::of(container, facts);
    let mut env = base_env(pod, facts);
    from_sources(container, facts, &mut env)?;
    for variable in container.env.iter().flatten() {
        let value = value_of(pod, variable, facts, &env)?;
        if let Some(value) = value {
            env.insert(variable.name.clone(), value);
        }
    }
    // The first word of `command` is the image's program; the local build of it takes its place.
    let words = container.command.iter().flatten().skip(1).chain(container.args.iter().flatten());
    let local = |text: String| mounts.localise(&own_network(&text, facts.ip));
    let args = words.map(|word| local(expand(word, &env))).collect();
    let mut env: BTreeMap<_, _> =
        env.into_iter().map(|(name, value)| (name, local(value))).collect();
    // What we inject names files of this machine, not of the pod.
    for (name, value) in &facts.injected {
        env.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Ok(Command { program: facts.programs.join(program), args, env })
}

/// What every container finds in its environment.
fn base_env(pod: &Pod, facts: &Facts) -> BTreeMap<String, String> {
    let text = |path: &Path| path.display().to_string();
    BTreeMap::from([
        ("HOSTNAME".into(), pod.metadata.name.clone().unwrap_or_default()),
        ("HOME".into(), text(&facts.dir)),
        ("TMPDIR".into(), text(&facts.dir.join("tmp"))),
    ])
}

fn from_sources(
    container: &Container,
    facts: &Facts,
    env: &mut BTreeMap<String, String>,
) -> Result<(), EnvFault> {
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let (kind, data, name, optional) = match (&source.config_map_ref, &source.secret_ref) {
            (Some(map), _) => ("configmap", &facts.config_maps, &map.name, map.optional),
            (_, Some(secret)) => ("secret", &facts.secrets, &secret.name, secret.optional),
            _ => continue,
        };
        match data.get(name) {
            Some(entries) => env.extend(entries.iter().map(|(key, value)| {
                (format!("{prefix}{key}"), String::from_utf8_lossy(value).into_owned())
            })),
            None if optional == Some(true) => {}
            None => return Err(EnvFault::NoObject { kind, name: name.clone() }),
        }
    }
    Ok(())
}

fn value_of(
    pod: &Pod,
    variable: &EnvVar,
    facts: &Facts,
    env: &BTreeMap<String, String>,
) -> Result<Option<String>, EnvFault> {
    let Some(source) = &variable.value_from else {
        return Ok(Some(expand(variable.value.as_deref().unwrap_or_default(), env)));
    };
    if let Some(field) = &source.field_ref {
        return match field_value(pod, &field.field_path, facts) {
            Some(value) => Ok(Some(value)),
            None => Err(unsupported(variable, &format!("the field {}", field.field_path))),
        };
    }
    let Some((kind, data, name, key, optional)) = key_of(source, facts) else {
        return Err(unsupported(variable, "a source other than fieldRef, configMap and secret"));
    };
    let Some(entries) = data.get(name) else {
        let fault = EnvFault::NoObject { kind, name: name.to_owned() };
        return if optional { Ok(None) } else { Err(fault) };
    };
    match entries.get(key) {
        Some(value) => Ok(Some(String::from_utf8_lossy(value).into_owned())),
        None if optional => Ok(None),
        None => Err(EnvFault::NoKey { kind, name: name.to_owned(), key: key.to_owned() }),
    }
}

fn unsupported(variable: &EnvVar, what: &str) -> EnvFault {
    EnvFault::Unsupported { variable: variable.name.clone(), what: what.to_owned() }
}

/// The object and key that a variable takes its value from.
fn key_of<'a>(
    source: &'a EnvVarSource,
    facts: &'a Facts,
) -> Option<(&'static str, &'a Data, &'a str, &'a str, bool)> {
    if let Some(key) = &source.config_map_key_ref {
        let optional = key.optional == Some(true);
        return Some(("configmap", &facts.config_maps, &key.name, &key.key, optional));
    }
    let key = source.secret_key_ref.as_ref()?;
    Some(("secret", &facts.secrets, &key.name, &key.key, key.optional == Some(true)))
}

/// A field of the downward API.
pub(super) fn field_value(pod: &Pod, path: &str, facts: &Facts) -> Option<String> {
    let spec = pod.spec.as_ref();
    match path {
        "metadata.name" => pod.metadata.name.clone(),
        "metadata.namespace" => pod.metadata.namespace.clone(),
        "metadata.uid" => pod.metadata.uid.clone(),
        "spec.nodeName" => spec?.node_name.clone(),
        "spec.serviceAccountName" => Some(service_account(pod).to_owned()),
        "status.podIP" | "status.podIPs" => Some(facts.ip.to_string()),
        "status.hostIP" | "status.hostIPs" => Some(facts.host_ip.to_string()),
        _ => {
            let (map, key) = path.strip_suffix("']")?.split_once("['")?;
            let entries = match map {
                "metadata.labels" => pod.metadata.labels.as_ref(),
                "metadata.annotations" => pod.metadata.annotations.as_ref(),
                _ => return None,
            };
            Some(entries.and_then(|all| all.get(key)).cloned().unwrap_or_default())
        }
    }
}

/// The ServiceAccount that a pod runs as.
pub(super) fn service_account(pod: &Pod) -> &str {
    let name = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
    name.unwrap_or("default")
}

/// Kubernetes' own references in arguments and values: `$(NAME)` is replaced when the variable is
/// known and left when not, `$$` is one dollar sign.
fn expand(text: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = tail.strip_prefix('(').and_then(|t| t.split_once(')')) {
            match env.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out + rest
}

/// A pod has its own network: what listens on every address of it listens on its address here.
fn own_network(text: &str, ip: Ipv4Addr) -> String {
    text.replace("0.0.0.0:", &format!("{ip}:")).replace("[::]:", &format!("{ip}:"))
}

/// A pod has its own file system: paths below a mount are paths of the pod's folder here.
struct Mounts(Vec<(String, String)>);

impl Mounts {
    fn of(container: &Container, facts: &Facts) -> Self {
        let local = |mount: &k8s_openapi::api::core::v1::VolumeMount| {
            let dir = facts.volumes.get(&mount.name)?;
            let dir = mount.sub_path.as_ref().map_or(dir.clone(), |sub| dir.join(sub));
            Some((mount.mount_path.trim_end_matches('/').to_owned(), dir.display().to_string()))
        };
        let mut mounts: Vec<_> =
            container.volume_mounts.iter().flatten().filter_map(local).collect();
        // The deepest mount wins.
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(mounts)
    }

    fn localise(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if let Some((path, dir)) = self.starts_here(rest, &out) {
                out.push_str(dir);
                rest = &rest[path.len()..];
            } else {
                out.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        out
    }

    /// The mount whose path begins here: after a character that no path holds, up to the end of one
    /// of its segments.
    fn starts_here(&self, rest: &str, before: &str) -> Option<&(String, String)> {
        let segment = |c: char| c.is_alphanumeric() || "._-/".contains(c);
        if before.ends_with(segment) {
            return None;
        }
        self.0.iter().find(|(path, _)| {
            let follows = rest.strip_prefix(path.as_str()).map(|after| after.chars().next());
            follows.is_some_and(|next| next.is_none_or(|c| c == '/' || !segment(c)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(container: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "agent-1", "namespace": "flux-system", "labels": { "app": "agent" } },
            "spec": { "nodeName": "n1", "serviceAccountName": "agent", "containers": [container] },
        }))
        .unwrap()
    }

    fn facts() -> Facts {
        let data = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.into())]);
        Facts {
            ip: Ipv4Addr::new(127, 3, 4, 5),
            host_ip: Ipv4Addr::new(127, 3, 4, 1),
            dir: "/pods/agent-1".into(),
            programs: "/target/debug".into(),
            config_maps: BTreeMap::from([("settings".into(), data("REGION", "eu-west-1"))]),
            secrets: BTreeMap::from([("login".into(), data("password", "hunter2"))]),
            injected: vec![("KUBECONFIG".into(), "/pods/agent-1/kubeconfig".into())],
            volumes: BTreeMap::from([("data".into(), "/pods/agent-1/volumes/data".into())]),
        }
    }

    fn run(container: &serde_json::Value) -> Result<Command, EnvFault> {
        let pod = pod(container);
        let container = &pod.spec.as_ref().unwrap().containers[0];
        command(&pod, container, "capstan-agent", &facts())
    }

    #[test]
    fn the_image_decides() {
        let role_of =
            |image: &str| role(&Container { image: Some(image.into()), ..Container::default() });
        assert_eq!(role_of("ghcr.io/x/capstan-agent:v1"), Role::Program("capstan-agent"));
        assert_eq!(role_of("registry:5000/capstan-hub"), Role::Program("capstan-hub"));
        assert_eq!(role_of("r/capstan-hub:v1@sha256:00"), Role::Program("capstan-hub"));
        assert_eq!(role_of("nginx:1.27"), Role::Pretend);
        assert_eq!(role_of("registry:5000/fails"), Role::Pretend);
        assert_eq!(role_of("registry:5000/app:fails"), Role::Fails);
    }

    #[test]
    fn values_come_from_everywhere() {
        let command = run(&json!({
            "name": "agent",
            "command": ["/usr/local/bin/capstan-agent", "run"],
            "args": ["--listen=$(POD_IP):8080", "--cost=$$5", "--left=$(NOBODY)"],
            "envFrom": [{ "configMapRef": { "name": "settings" }, "prefix": "AWS_" }],
            "env": [
                { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
                { "name": "APP", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['app']" } } },
                { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "login", "key": "password" } } },
                { "name": "NONE", "valueFrom": { "secretKeyRef": { "name": "no", "key": "k", "optional": true } } },
                { "name": "WHERE", "value": "$(AWS_REGION)/$(APP)" },
            ],
        }))
        .unwrap();
        assert_eq!(command.program, Path::new("/target/debug/capstan-agent"));
        assert_eq!(
            command.args,
            ["run", "--listen=127.3.4.5:8080", "--cost=$5", "--left=$(NOBODY)"]
        );
        assert_eq!(command.env["WHERE"], "eu-west-1/agent");
        assert_eq!(command.env["PASSWORD"], "hunter2");
        assert_eq!(command.env["KUBECONFIG"], "/pods/agent-1/kubeconfig");
        assert!(!command.env.contains_key("NONE"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let fault = run(&json!({ "name": "agent", "env": [
            { "name": "A", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "no" } } },
        ]}))
        .unwrap_err();
        assert_eq!(fault.to_string(), "couldn't find key no in configmap settings");
        let fault =
            run(&json!({ "name": "agent", "envFrom": [{ "secretRef": { "name": "gone" } }] }));
        assert_eq!(fault.unwrap_err().to_string(), "secret \"gone\" not found");
    }

    #[test]
    fn the_pod_wins_over_what_is_injected() {
        let command =
            run(&json!({ "name": "agent", "env": [{ "name": "KUBECONFIG", "value": "/x" }] }));
        assert_eq!(command.unwrap().env["KUBECONFIG"], "/x");
    }

    #[test]
    fn network_and_files_are_the_pods_own() {
        let command = run(&json!({
            "name": "agent",
            "args": ["--metrics=0.0.0.0:9090", "--dir=/data/git", "/data", "/database", "a:/data,/data/x"],
            "volumeMounts": [{ "name": "data", "mountPath": "/data/" }],
        }))
        .unwrap();
        let dir = "/pods/agent-1/volumes/data";
        assert_eq!(command.args[0], "--metrics=127.3.4.5:9090");
        assert_eq!(command.args[1], format!("--dir={dir}/git"));
        assert_eq!(command.args[2], dir);
        assert_eq!(command.args[3], "/database");
        assert_eq!(command.args[4], format!("a:{dir},{dir}/x"));
    }
}

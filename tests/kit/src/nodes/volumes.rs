//! Volumes of a pod: which files they hold. Pure; `files.rs` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, KeyToPath, Pod, Volume, VolumeProjection};

use super::pod_env::{Data, EnvFault, Facts, field_value};

/// A file of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VolumeFile {
    pub(super) path: PathBuf,
    pub(super) content: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// A token of the pod's ServiceAccount, renewed before it expires.
    Token {
        audience: Option<String>,
        seconds: i64,
    },
}

/// Where each volume of a pod is, below the pod's folder. Paths of the host stay what they are.
pub(super) fn places(pod: &Pod, dir: &Path) -> BTreeMap<String, PathBuf> {
    let place = |volume: &Volume| match &volume.host_path {
        Some(host) => PathBuf::from(&host.path),
        None => dir.join("volumes").join(&volume.name),
    };
    volumes(pod).map(|volume| (volume.name.clone(), place(volume))).collect()
}

/// The files of all volumes of a pod.
pub(super) fn files(pod: &Pod, facts: &Facts) -> Result<Vec<VolumeFile>, EnvFault> {
    let mut files = Vec::new();
    for volume in volumes(pod) {
        let Some(dir) = facts.volumes.get(&volume.name) else { continue };
        let into = &mut Into { dir, pod, facts, files: &mut files };
        if let Some(source) = &volume.config_map {
            into.config_map(&source.name, source.items.as_deref(), source.optional)?;
        }
        if let Some(source) = &volume.secret {
            let name = source.secret_name.as_deref().unwrap_or_default();
            into.secret(name, source.items.as_deref(), source.optional)?;
        }
        if let Some(source) = &volume.downward_api {
            into.downward(source.items.as_deref())?;
        }
        let projected = volume.projected.iter().flat_map(|source| source.sources.iter().flatten());
        for source in projected {
            into.projection(source)?;
        }
    }
    Ok(files)
}

/// The names of ConfigMaps and Secrets that a pod mentions anywhere.
pub(super) fn mentioned(pod: &Pod) -> (Vec<String>, Vec<String>) {
    let (mut maps, mut secrets) = (Vec::new(), Vec::new());
    for container in pod.spec.iter().flat_map(|spec| &spec.containers) {
        for source in container.env_from.iter().flatten() {
            maps.extend(source.config_map_ref.iter().map(|one| one.name.clone()));
            secrets.extend(source.secret_ref.iter().map(|one| one.name.clone()));
        }
        for source in container.env.iter().flatten().filter_map(|one| one.value_from.as_ref()) {
            maps.extend(source.config_map_key_ref.iter().map(|one| one.name.clone()));
            secrets.extend(source.secret_key_ref.iter().map(|one| one.name.clone()));
        }
    }
    for volume in volumes(pod) {
        maps.extend(volume.config_map.iter().map(|one| one.name.clone()));
        secrets.extend(volume.secret.iter().filter_map(|one| one.secret_name.clone()));
        for source in volume.projected.iter().flat_map(|one| one.sources.iter().flatten()) {
            maps.extend(source.config_map.iter().map(|one| one.name.clone()));
            secrets.extend(source.secret.iter().map(|one| one.name.clone()));
        }
    }
    for names in [&mut maps, &mut secrets] {
        names.sort();
        names.dedup();
    }
    (maps, secrets)
}

fn volumes(pod: &Pod) -> impl Iterator<Item = &Volume> {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten())
}

/// Collects the files of one volume.
struct Into<'a> {
    dir: &'a Path,
    pod: &'a Pod,
    facts: &'a Facts,
    files: &'a mut Vec<VolumeFile>,
}

impl Into<'_> {
    fn projection(&mut self, source: &VolumeProjection) -> Result<(), EnvFault> {
        if let Some(token) = &source.service_account_token {
            let audience = token.audience.clone().filter(|audience| !audience.is_empty());
            let seconds = token.expiration_seconds.unwrap_or(3600);
            self.put(&token.path, Content::Token { audience, seconds });
        }
        if let Some(map) = &source.config_map {
            self.config_map(&map.name, map.items.as_deref(), map.optional)?;
        }
        if let Some(secret) = &source.secret {
            self.secret(&secret.name, secret.items.as_deref(), secret.optional)?;
        }
        self.downward(source.downward_api.as_ref().and_then(|one| one.items.as_deref()))
    }

    fn config_map(
        &mut self,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<(), EnvFault> {
        self.entries("configmap", &self.facts.config_maps, name, items, optional)
    }

    fn secret(
        &mut self,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<(), EnvFault> {
        self.entries("secret", &self.facts.secrets, name, items, optional)
    }

    fn entries(
        &mut self,
        kind: &'static str,
        data: &Data,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Result<(), EnvFault> {
        let Some(entries) = data.get(name) else {
            let fault = EnvFault::NoObject { kind, name: name.to_owned() };
            return if optional == Some(true) { Ok(()) } else { Err(fault) };
        };
        let Some(items) = items else {
            for (key, value) in entries {
                self.put(key, Content::Bytes(value.clone()));
            }
            return Ok(());
        };
        for item in items {
            match entries.get(&item.key) {
                Some(value) => self.put(&item.path, Content::Bytes(value.clone())),
                None if optional == Some(true) => {}
                None => {
                    let (name, key) = (name.to_owned(), item.key.clone());
                    return Err(EnvFault::NoKey { kind, name, key });
                }
            }
        }
        Ok(())
    }

    fn downward(&mut self, items: Option<&[DownwardAPIVolumeFile]>) -> Result<(), EnvFault> {
        for item in items.unwrap_or_default() {
            let field = item.field_ref.as_ref().map(|field| field.field_path.as_str());
            let value = field.and_then(|path| field_value(self.pod, path, self.facts));
            match value {
                Some(value) => self.put(&item.path, Content::Bytes(value.into_bytes())),
                None => {
                    let variable = format!("(volume file {})", item.path);
                    let what = field.unwrap_or("a resource field").to_owned();
                    return Err(EnvFault::Unsupported { variable, what });
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &str, content: Content) {
        self.files.push(VolumeFile { path: self.dir.join(path), content });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::net::Ipv4Addr;

    fn facts(pod: &Pod) -> Facts {
        let keys = BTreeMap::from([("ca.crt".to_owned(), b"pem".to_vec())]);
        Facts {
            ip: Ipv4Addr::new(127, 3, 4, 5),
            host_ip: Ipv4Addr::new(127, 3, 4, 1),
            dir: "/p".into(),
            programs: "/t".into(),
            config_maps: BTreeMap::from([("kube-root-ca.crt".into(), keys)]),
            secrets: BTreeMap::new(),
            injected: Vec::new(),
            volumes: places(pod, Path::new("/p")),
        }
    }

    fn pod(volumes: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "namespace": "apps" },
            "spec": { "containers": [], "volumes": volumes },
        }))
        .unwrap()
    }

    #[test]
    fn what_admission_adds_to_every_pod() {
        let pod = pod(&json!([{ "name": "api", "projected": { "sources": [
            { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } }] } },
        ]}}]));
        let files = files(&pod, &facts(&pod)).unwrap();
        let file = |name: &str, content| VolumeFile {
            path: format!("/p/volumes/api/{name}").into(),
            content,
        };
        assert_eq!(
            files,
            [
                file("token", Content::Token { audience: None, seconds: 3607 }),
                file("ca.crt", Content::Bytes(b"pem".to_vec())),
                file("namespace", Content::Bytes(b"apps".to_vec())),
            ]
        );
        assert_eq!(mentioned(&pod), (vec!["kube-root-ca.crt".into()], vec![]));
    }

    #[test]
    fn a_missing_secret_is_a_fault_unless_it_is_optional() {
        let needed = pod(&json!([{ "name": "v", "secret": { "secretName": "gone" } }]));
        let fault = files(&needed, &facts(&needed)).unwrap_err();
        assert_eq!(fault.to_string(), "secret \"gone\" not found");
        let optional =
            pod(&json!([{ "name": "v", "secret": { "secretName": "gone", "optional": true } }]));
        assert_eq!(files(&optional, &facts(&optional)).unwrap(), []);
    }
}

//! `spec.include`: files of other GitRepositories.

use std::collections::HashSet;
use std::sync::Arc;

use capstan_api::flux::{GitRepositoryInclude, GitRepositorySpec};
use capstan_report::{Failure, SourceFailure, Trouble};
use capstan_tree::{MountError, Mounts, Tree};
use serde_json::Value;

use super::Asking;
use crate::kinds;
use crate::source::{SourceKey, SourceKind};
use crate::world::World;

/// The tree of another GitRepository.
pub(super) struct Included {
    pub(super) artifact: Value,
    tree: Arc<dyn Tree>,
}

/// Everything that is included, in the order of the spec.
pub(super) fn available(asked: &Asking<'_>) -> Result<Vec<Included>, SourceFailure> {
    if asked.spec.include.is_empty() {
        return Ok(Vec::new());
    }
    let (world, namespace) = (asked.world, asked.object.namespace());
    if let Some(name) = circle(world, namespace, asked.object.name()) {
        let message = format!(
            "'{name}' includes this GitRepository in turn: neither would ever be done; correct spec.include of one"
        );
        return Err(unavailable("CircularInclude", message, true));
    }
    asked.spec.include.iter().map(|include| look(world, namespace, include)).collect()
}

fn look(
    world: &World,
    namespace: &str,
    include: &GitRepositoryInclude,
) -> Result<Included, SourceFailure> {
    let name = &include.repository.name;
    let key = SourceKey::new(SourceKind::GitRepository, namespace, name);
    let Some(object) = world.source_objects.get(&key) else {
        let message = format!(
            "could not get resource for include '{name}': gitrepositories.source.toolkit.fluxcd.io \"{name}\" not found"
        );
        return Err(unavailable("NotFound", message, false));
    };
    let artifact = kinds::status(&object).get("artifact").cloned();
    match (artifact, world.sources.get(&key)) {
        (Some(artifact), Some(source)) => Ok(Included { artifact, tree: source.tree }),
        _ => {
            let message = format!("no artifact available for include '{name}'");
            Err(unavailable("NoArtifact", message, false))
        }
    }
}

fn unavailable(reason: &str, message: String, stalled: bool) -> SourceFailure {
    let failure = Failure { reason: reason.to_owned(), message, stalled };
    SourceFailure { trouble: Trouble::Include, ..failure.into() }
}

/// The include through which a GitRepository comes back to itself: each artifact would make the next one.
fn circle(world: &World, namespace: &str, start: &str) -> Option<String> {
    let includes = |name: &str| -> Vec<String> {
        let key = SourceKey::new(SourceKind::GitRepository, namespace, name);
        let spec =
            world.source_objects.get(&key).and_then(|o| kinds::spec::<GitRepositorySpec>(&o).ok());
        let included = spec.map(|spec| spec.include).unwrap_or_default();
        included.into_iter().map(|include| include.repository.name).collect()
    };
    let mut seen = HashSet::new();
    let mut ahead = includes(start);
    while let Some(name) = ahead.pop() {
        let next = includes(&name);
        if name == start || next.iter().any(|next| next == start) {
            return Some(name);
        }
        if seen.insert(name) {
            ahead.extend(next);
        }
    }
    None
}

/// Is what is included the same as in the last artifact?
pub(super) fn are_held(asked: &Asking<'_>, included: &[Included]) -> bool {
    let status = kinds::status(asked.object);
    let before = status.get("includedArtifacts").and_then(Value::as_array);
    let before = before.map(Vec::as_slice).unwrap_or_default();
    let is_same = |(before, now): (&Value, &Included)| {
        ["revision", "digest"].iter().all(|field| before[*field] == now.artifact[*field])
    };
    before.len() == included.len() && before.iter().zip(included).all(is_same)
}

/// The tree with everything that is included at its place.
pub(super) fn mounted(
    tree: Arc<dyn Tree>,
    asked: &Asking<'_>,
    included: &[Included],
    revision: &str,
) -> Result<Arc<dyn Tree>, SourceFailure> {
    if included.is_empty() {
        return Ok(tree);
    }
    let mut mounts = Mounts::new(tree);
    for (include, Included { tree, .. }) in asked.spec.include.iter().zip(included) {
        // As if the root were the top of the file system: nothing leads out of it, and an absolute path begins there.
        let (from, to) = (inside(include.from()), inside(include.to()));
        let added = mounts.add(&to, Arc::clone(tree), &from);
        added.map_err(|error| failed(asked, include, &error, revision))?;
    }
    Ok(Arc::new(mounts))
}

fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn failed(
    asked: &Asking<'_>,
    include: &GitRepositoryInclude,
    error: &MountError,
    revision: &str,
) -> SourceFailure {
    let message = format!(
        "failed to copy '{}' include from {} to {}: {error}; correct spec.include",
        include.repository.name,
        include.from(),
        include.to(),
    );
    let status = kinds::status(asked.object);
    let last = status.pointer("/artifact/revision").and_then(Value::as_str);
    let outdated = last.filter(|last| *last != revision);
    SourceFailure {
        trouble: Trouble::Storage,
        outdated: outdated.map(|_| format!("new upstream revision '{revision}'")),
        ..Failure { reason: "CopyFailure".to_owned(), message, stalled: false }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn no_path_leads_out() {
        for (path, expected) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("/etc", "etc"),
            ("../../a", "a"),
            ("a/../..", ""),
            ("", ""),
        ] {
            assert_eq!(inside(path), expected, "{path}");
        }
    }
}

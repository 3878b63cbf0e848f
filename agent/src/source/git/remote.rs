use std::time::Duration;

use capstan_api::flux::{GitRepositoryRef, GitRepositorySpec};
use capstan_git::{Credentials, Remote, Wanted};
use capstan_model::{Manifest, Secret};
use capstan_report::Failure;

use crate::source::secret::{secret, secret_text};
use crate::world::World;

/// Where to fetch from, with the credentials of the Secret that the spec names.
pub(super) async fn remote(
    world: &World,
    object: &Manifest,
    spec: &GitRepositorySpec,
    timeout: Duration,
) -> Result<Remote, Failure> {
    let credentials = match &spec.secret_ref {
        Some(reference) => Some(credentials(world, object.namespace(), &reference.name).await?),
        None => None,
    };
    Ok(Remote::new(&spec.url, credentials.flatten(), timeout))
}

async fn credentials(
    world: &World,
    namespace: &str,
    name: &str,
) -> Result<Option<Credentials>, Failure> {
    let refuse = |message: String| Failure {
        reason: "AuthenticationFailed".to_owned(),
        message,
        stalled: false,
    };
    let secret = secret(world, (namespace, name), "secretRef").await?;
    let (username, password) = (secret_text(&secret, "username"), secret_text(&secret, "password"));
    match (username, password) {
        (Some(username), Some(password)) => {
            Ok(Some(Credentials { username, password: Secret::new(password) }))
        }
        (None, None) if secret_text(&secret, "ca.crt").is_some() => Ok(None),
        _ => Err(refuse(format!(
            "invalid '{namespace}/{name}' secret data: required fields 'username' and 'password'; add them, \
             or correct spec.secretRef"
        ))),
    }
}

/// The wanted revision: commit, then name, then tag, then branch; `master` without any, as Flux has it.
pub(super) fn wanted(reference: Option<&GitRepositoryRef>) -> Result<Wanted, Failure> {
    let reference = reference.cloned().unwrap_or_default();
    let GitRepositoryRef { branch, commit, name, semver, tag } = reference;
    if let Some(commit) = commit.filter(|text| !text.is_empty()) {
        return Ok(Wanted::Commit { commit, branch });
    }
    if let Some(name) = name.filter(|text| !text.is_empty()) {
        return Ok(Wanted::Name(name));
    }
    if semver.is_some_and(|text| !text.is_empty()) {
        return Err(Failure {
            reason: "GitOperationFailed".to_owned(),
            message: "spec.ref.semver is not supported yet: use tag, branch, name or commit"
                .to_owned(),
            stalled: true,
        });
    }
    if let Some(tag) = tag.filter(|text| !text.is_empty()) {
        return Ok(Wanted::Tag(tag));
    }
    Ok(Wanted::Branch(
        branch.filter(|text| !text.is_empty()).unwrap_or_else(|| "master".to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::wanted;
    use capstan_api::flux::GitRepositoryRef;
    use capstan_git::Wanted;

    #[test]
    fn the_most_exact_reference_counts() {
        let all = GitRepositoryRef {
            branch: Some("main".into()),
            commit: Some("c".into()),
            name: Some("refs/x".into()),
            semver: None,
            tag: Some("v1".into()),
        };
        let commit = Wanted::Commit { commit: "c".into(), branch: Some("main".into()) };
        assert_eq!(wanted(Some(&all)), Ok(commit));
        let named = GitRepositoryRef { commit: None, ..all.clone() };
        assert_eq!(wanted(Some(&named)), Ok(Wanted::Name("refs/x".into())));
        let tagged = GitRepositoryRef { commit: None, name: None, ..all };
        assert_eq!(wanted(Some(&tagged)), Ok(Wanted::Tag("v1".into())));
        assert_eq!(wanted(None), Ok(Wanted::Branch("master".into())));
    }
}

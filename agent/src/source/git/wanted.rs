use capstan_api::flux::GitRepositoryRef;
use capstan_git::Wanted;

/// The wanted revision: commit, then name, then semver, then tag, then branch; `master` without any, as Flux has it. A
/// commit is called by the name or the branch that stands beside it.
pub(super) fn wanted(reference: Option<&GitRepositoryRef>) -> Wanted {
    let GitRepositoryRef { branch, commit, name, semver, tag } =
        reference.cloned().unwrap_or_default();
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (branch, name) = (given(branch), given(name));
    if let Some(commit) = given(commit) {
        return Wanted::Commit { commit, branch: name.or(branch) };
    }
    if let Some(name) = name {
        return Wanted::Name(name);
    }
    if let Some(range) = given(semver) {
        return Wanted::Semver(range);
    }
    if let Some(tag) = given(tag) {
        return Wanted::Tag(tag);
    }
    Wanted::Branch(branch.unwrap_or_else(|| "master".to_owned()))
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
            semver: Some("1.x".into()),
            tag: Some("v1".into()),
        };
        let commit =
            |beside: &str| Wanted::Commit { commit: "c".into(), branch: Some(beside.into()) };
        assert_eq!(wanted(Some(&all)), commit("refs/x"));
        let unnamed = GitRepositoryRef { name: None, ..all.clone() };
        assert_eq!(wanted(Some(&unnamed)), commit("main"));
        let named = GitRepositoryRef { commit: Some(String::new()), ..all.clone() };
        assert_eq!(wanted(Some(&named)), Wanted::Name("refs/x".into()));
        let ranged = GitRepositoryRef { commit: None, name: None, ..all.clone() };
        assert_eq!(wanted(Some(&ranged)), Wanted::Semver("1.x".into()));
        let tagged = GitRepositoryRef { commit: None, name: None, semver: None, ..all };
        assert_eq!(wanted(Some(&tagged)), Wanted::Tag("v1".into()));
        assert_eq!(wanted(None), Wanted::Branch("master".into()));
    }
}

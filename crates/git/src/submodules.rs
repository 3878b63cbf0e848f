//! The repositories that a commit names as parts of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use capstan_model::Revision;
use capstan_tree::{Mounts, Tree};
use gix::bstr::ByteSlice;

use crate::{FetchError, Fetched, Remote, Repositories, Wanted};

/// Submodules within submodules, as go-git has it.
const DEEPEST: usize = 10;
/// Submodules of one commit.
const MOST: usize = 1000;

/// A submodule of a commit.
struct Module {
    path: String,
    url: String,
    commit: String,
}

impl Repositories {
    /// The files of a commit with those of its submodules, which are fetched with the same credentials. Blocks.
    ///
    /// A submodule that a commit names without saying which commit of it is meant is left out, as git does.
    pub fn with_submodules(
        &self,
        remote: &Remote,
        fetched: &Fetched,
        interrupt: &Arc<AtomicBool>,
    ) -> Result<Arc<dyn Tree>, FetchError> {
        let fetch = |remote: &Remote, commit: &str| {
            self.fetch(
                remote,
                &Wanted::Commit { commit: commit.to_owned(), branch: None },
                interrupt,
            )
        };
        mounted(remote, fetched, DEEPEST, &fetch)
    }

    /// The same from the disk alone; nothing when a submodule is not there. Blocks.
    pub fn held_with_submodules(
        &self,
        remote: &Remote,
        fetched: &Fetched,
    ) -> Option<Arc<dyn Tree>> {
        let held = |remote: &Remote, commit: &str| {
            let revision = Revision { name: None, commit: commit.to_owned() };
            let absent = || FetchError::NoSuchReference {
                url: remote.url.clone(),
                wanted: commit.to_owned(),
            };
            self.held(remote, &revision).ok_or_else(absent)
        };
        mounted(remote, fetched, DEEPEST, &held).ok()
    }
}

fn mounted(
    remote: &Remote,
    fetched: &Fetched,
    deepest: usize,
    fetch: &dyn Fn(&Remote, &str) -> Result<Fetched, FetchError>,
) -> Result<Arc<dyn Tree>, FetchError> {
    let base: Arc<dyn Tree> = Arc::new(fetched.tree.clone());
    let modules = modules(remote, fetched)?;
    if modules.is_empty() || deepest == 0 {
        return Ok(base);
    }
    let mut mounts = Mounts::new(base);
    for module in modules {
        let failed =
            |cause| FetchError::Submodule { path: module.path.clone(), cause: Box::new(cause) };
        let beside = remote.beside(&module.url);
        let inner = fetch(&beside, &module.commit).map_err(failed)?;
        let tree = mounted(&beside, &inner, deepest - 1, fetch).map_err(failed)?;
        mounts.add(&module.path, tree, "").map_err(|cause| {
            let cause = cause.to_string();
            failed(FetchError::Remote { url: module.url.clone(), cause })
        })?;
    }
    Ok(Arc::new(mounts))
}

fn modules(remote: &Remote, fetched: &Fetched) -> Result<Vec<Module>, FetchError> {
    let invalid = |cause: String| FetchError::Modules { cause };
    let Ok(text) = fetched.tree.read(".gitmodules") else { return Ok(Vec::new()) };
    let none = gix::config::File::default();
    let file = gix::submodule::File::from_bytes(&text, None, &none)
        .map_err(|cause| invalid(cause.to_string()))?;
    let mut modules = Vec::new();
    for name in file.names() {
        let path = file.path(name).map_err(|cause| invalid(cause.to_string()))?;
        let Ok(path) = path.to_str() else { continue };
        let Some(commit) = fetched.tree.submodule(path) else { continue };
        let url = file.config().string_by("submodule", Some(name), "url");
        let url = url.ok_or_else(|| invalid(format!("the submodule '{name}' has no url")))?;
        let url = absolute(&remote.url, &url.to_str_lossy()).ok_or_else(|| {
            invalid(format!("the url of the submodule '{name}' is neither http, https nor ssh"))
        })?;
        modules.push(Module { path: path.to_owned(), url, commit });
        if modules.len() > MOST {
            return Err(invalid(format!("a commit may have {MOST} submodules")));
        }
    }
    Ok(modules)
}

/// The URL of a submodule, from that of the repository which names it.
fn absolute(base: &str, url: &str) -> Option<String> {
    if url.starts_with("./") || url.starts_with("../") {
        let (scheme, rest) = base.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = capstan_tree::join(path.trim_end_matches('/'), url).ok()?;
        return Some(format!("{scheme}://{host}/{path}"));
    }
    if ["http://", "https://", "ssh://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Some(url.to_owned());
    }
    // `git@host:path`, as git takes it for ssh.
    let (host, path) = url.split_once(':')?;
    let is_plain = !host.is_empty()
        && !host.contains('/')
        && !host.starts_with('-')
        && !path.starts_with("//")
        && !path.starts_with(':');
    is_plain.then(|| format!("ssh://{host}/{}", path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn urls_of_submodules() {
        for (base, url, expected) in [
            ("https://host/a/b.git", "../c.git", Some("https://host/a/c.git")),
            ("https://host:1/a/b.git/", "./c", Some("https://host:1/a/b.git/c")),
            ("ssh://git@host/a/b", "../../c", Some("ssh://git@host/c")),
            ("https://host/b", "../../c", None),
            ("https://host/b", "https://other/c", Some("https://other/c")),
            ("https://host/b", "git@other:o/c.git", Some("ssh://git@other/o/c.git")),
            ("https://host/b", "/etc/passwd", None),
            ("https://host/b", "file:///etc", None),
            ("https://host/b", "git://other/c", None),
            ("https://host/b", "ext::sh -c x", None),
        ] {
            assert_eq!(absolute(base, url).as_deref(), expected, "{base} {url}");
        }
    }
}

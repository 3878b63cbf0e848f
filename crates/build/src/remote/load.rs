//! What the loader does when an entry is remote.

use capstan_tree::Tree;

use super::mount::Mount;
use super::{Fetched, Need, Remote, RepoSpec, Repository, shown};
use crate::error::{BuildError, Place};
use crate::load::{self, Loader};
use crate::objects;
use crate::origin::{Origin, Source};
use crate::resource::Resource;
use crate::trail::Trail;

/// What a URL stands for that may be one of a file.
pub(crate) enum AtUrl {
    /// The objects of the file.
    Objects(Vec<Resource>),
    /// There is no file.
    Absent,
    /// Nobody has looked yet.
    Unknown,
}

impl Loader<'_> {
    /// Must something be fetched before the build can go on? Then whatever it makes until then counts for nothing.
    pub(crate) fn lacks(&self) -> bool {
        !self.needs.borrow().is_empty()
    }

    /// The result of a step, unless something was missing to it.
    pub(crate) fn settle(&self, done: Result<(), BuildError>) -> Result<(), BuildError> {
        if self.lacks() { Ok(()) } else { done }
    }

    /// What was fetched; notes that it is needed when it was not.
    fn fetched(
        &self,
        remote: &Remote,
        instead: Option<Repository>,
        place: &Place,
    ) -> Result<Option<(usize, &Fetched)>, BuildError> {
        let remotes = self.tree.remotes;
        if remotes.is_off() {
            let error = BuildError::new(format!("`{remote}` is remote, and remote bases are off"));
            return Err(error.at(place).hint(
                "copy it into the repository, or leave `--no-remote-bases` away where it is given",
            ));
        }
        let found = remotes.find(remote);
        let mut needs = self.needs.borrow_mut();
        if found.is_none() && !needs.iter().any(|need| need.remote == *remote) {
            needs.push(Need { remote: remote.clone(), instead, place: place.clone() });
        }
        Ok(found)
    }

    /// The content of the file at a URL; nothing of it is there before it was fetched.
    pub(crate) fn read_url(&self, url: &str) -> Result<Vec<u8>, BuildError> {
        let remote = Remote::File(url.to_owned());
        match self.fetched(&remote, None, &Place::default()) {
            Ok(Some((_, Fetched::File(content)))) => {
                self.bounds.add_bytes(content.len())?;
                Ok(content.clone())
            }
            Ok(Some(_)) => Err(BuildError::new(format!("there is no file at `{remote}`"))),
            Ok(None) => Ok(Vec::new()),
            // The caller knows the place.
            Err(mut error) => {
                error.place = None;
                Err(error)
            }
        }
    }

    /// The objects of the file at a URL in `resources`.
    pub(crate) fn objects_at(
        &self,
        directory: &str,
        url: &str,
        place: &Place,
    ) -> Result<AtUrl, BuildError> {
        let (remote, spec) = (Remote::File(url.to_owned()), RepoSpec::parse(url).ok());
        let content = match self.fetched(&remote, spec.as_ref().map(Repository::from), place)? {
            None => return Ok(AtUrl::Unknown),
            Some((_, Fetched::File(content))) => content,
            Some(_) if spec.is_some() => return Ok(AtUrl::Absent),
            Some(_) => {
                let error = BuildError::new(format!("there is no file at `{remote}`"));
                return Err(error.at(place).hint("check the URL"));
            }
        };
        self.bounds.add_bytes(content.len()).map_err(|error| error.at(place))?;
        let file = shown(url);
        let text = std::str::from_utf8(content)
            .map_err(|_| BuildError::new(format!("`{file}` is not UTF-8 text")).at(place))?;
        let mut objects =
            objects::of_text(self, text, &file).map_err(|error| error.through(place))?;
        let origin = match spec {
            Some(spec) => Origin::Elsewhere(Source::of(&spec)),
            None => Origin::File(format!("{directory}/{file}")),
        };
        for object in &mut objects {
            self.note(object, origin.clone());
        }
        Ok(AtUrl::Objects(objects))
    }

    /// The directory that a Git URL means, which is noted as entered; nothing before the repository was fetched.
    pub(crate) fn enter(
        &self,
        url: &str,
        spec: &RepoSpec,
        place: &Place,
        trail: &mut Trail,
    ) -> Result<Option<String>, BuildError> {
        let remote = Remote::Repository(Repository::from(spec));
        trail.enter_remote(url).map_err(|error| error.at(place))?;
        let Some((index, _)) = self.fetched(&remote, None, place)? else { return Ok(None) };
        let root = spec.root.trim_start_matches('/');
        let mount = Mount { index, at_root: Source::of(spec).is_root() };
        let inside =
            capstan_tree::normalise(root).map_err(|error| load::escape(&error).at(place))?;
        let path = mount.path(&inside);
        let real = self.tree.real(&path).map_err(|error| load::escape(&error).at(place))?;
        match self.tree.kind(&real) {
            Some(_) => Ok(Some(real)),
            None => Err(load::missing(&self.tree, &mount.path(""), &inside).at(place)),
        }
    }
}

//! The layers that lead to the one that is built.

use crate::error::BuildError;
use crate::remote::shown;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Into a directory.
    Directory(String),
    /// Into another repository, by the URL as it was written.
    Remote(String),
}

/// Where a build is, from the directory that it began with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Vec<Step>);

impl Trail {
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Goes back to where it had this many steps.
    pub(crate) fn back_to(&mut self, steps: usize) {
        self.0.truncate(steps);
    }

    /// Goes into a directory, which must not hold one that was entered since the last step into a repository.
    pub(crate) fn enter(&mut self, path: &str) -> Result<(), BuildError> {
        let holds = |inner: &String| {
            path.is_empty() || inner == path || inner.starts_with(&format!("{path}/"))
        };
        let mut since = self.0.iter().rev().map_while(|step| match step {
            Step::Directory(path) => Some(path),
            Step::Remote(_) => None,
        });
        if since.any(holds) {
            return Err(self
                .cycle(path)
                .hint("a layer cannot include itself or a directory that it lies in"));
        }
        self.0.push(Step::Directory(path.to_owned()));
        Ok(())
    }

    /// Goes into a repository; as with kustomize, no URL that was entered may begin as this one.
    pub(crate) fn enter_remote(&mut self, url: &str) -> Result<(), BuildError> {
        let is_met = |step: &Step| matches!(step, Step::Remote(met) if met.starts_with(url));
        if self.0.iter().any(is_met) {
            return Err(self.cycle(&shown(url)).hint("a remote base cannot include itself"));
        }
        self.0.push(Step::Remote(url.to_owned()));
        Ok(())
    }

    fn cycle(&self, last: &str) -> BuildError {
        let name = |step: &Step| match step {
            Step::Directory(path) => path.clone(),
            Step::Remote(url) => shown(url),
        };
        let chain: Vec<String> = self.0.iter().map(name).chain([last.to_owned()]).collect();
        BuildError::new(format!("cycle: `{}`", chain.join("` -> `")))
    }
}

//! A repository with a root and an application, and what is seen of it in the cluster.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{kind, text};
use capstan_e2e::stage::{NAMESPACE, Stage};
use capstan_kit::Repo;
use capstan_model::{GroupVersionKind, Manifest};

/// Where the application's objects are.
pub(crate) const DEFAULT: &str = "default";

/// A repository; its objects are named after it.
pub(crate) struct Fleet<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) repo: Repo,
    pub(crate) name: &'static str,
    /// The Kustomization that the root applies.
    pub(crate) apps: String,
}

impl<'a> Fleet<'a> {
    /// Pushes the first revision, in red.
    pub(crate) async fn push(stage: &'a Stage, name: &'static str) -> Result<Self> {
        let repo = stage.kit.git.repo(name).await?;
        let fleet = Self { stage, repo, name, apps: format!("{name}-apps") };
        let unit = format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
             metadata: {{name: {name}-apps, namespace: {NAMESPACE}}}\n\
             spec: {{interval: 10m, path: ./apps, prune: true, wait: true,\n  \
             sourceRef: {{kind: GitRepository, name: {name}}}}}\n",
        );
        let web = format!(
            "apiVersion: apps/v1\nkind: Deployment\n\
             metadata: {{name: {name}-web, namespace: {DEFAULT}}}\n\
             spec:\n  selector: {{matchLabels: {{app: {name}-web}}}}\n  template:\n    \
             metadata: {{labels: {{app: {name}-web}}}}\n    \
             spec: {{containers: [{{name: web, image: \"example.org/web:v1\"}}]}}\n",
        );
        let files = [("clusters/one/apps.yaml", &*unit), ("apps/web.yaml", &*web)];
        fleet.write(&files.map(|(path, content)| (path, Some(content)))).await?;
        fleet.paint("red").await?;
        Ok(fleet)
    }

    /// Pushes files; gives the revision.
    pub(crate) async fn write(&self, files: &[(&str, Option<&str>)]) -> Result<String> {
        let commit = self.repo.commit_files("main", files, "a change").await?;
        Ok(format!("main@sha1:{commit}"))
    }

    /// Pushes another color of the settings; gives the revision.
    pub(crate) async fn paint(&self, color: &str) -> Result<String> {
        self.write(&[("apps/settings.yaml", Some(&self.settings(color)))]).await
    }

    fn settings(&self, color: &str) -> String {
        let name = self.name;
        format!(
            "apiVersion: v1\nkind: ConfigMap\n\
             metadata: {{name: {name}-settings, namespace: {DEFAULT}}}\ndata: {{color: {color}}}\n",
        )
    }

    /// Writes the application's folder as a user would have it checked out, in a color.
    pub(crate) async fn check_out(&self, folder: &Path, color: &str) -> Result<()> {
        let apps = folder.join("apps");
        std::fs::create_dir_all(&apps).with_context(|| apps.display().to_string())?;
        std::fs::write(apps.join("web.yaml"), self.repo.read("main", "apps/web.yaml").await?)?;
        std::fs::write(apps.join("settings.yaml"), self.settings(color))?;
        Ok(())
    }

    /// The color in the cluster, now.
    pub(crate) async fn is_painted(&self, color: &str) -> Result<()> {
        let name = format!("{}-settings", self.name);
        let live = self.get(&kind("v1", "ConfigMap"), (DEFAULT, &name)).await?;
        let seen = text(&live, "/data/color");
        ensure!(seen == color, "the settings are {seen}, not {color}");
        Ok(())
    }

    /// An object that must be there, now.
    pub(crate) async fn get(
        &self,
        gvk: &GroupVersionKind,
        (namespace, name): (&str, &str),
    ) -> Result<Manifest> {
        let found = self.stage.management.get(gvk, namespace, name).await?;
        found.with_context(|| format!("no {} {namespace}/{name}", gvk.kind))
    }

    /// The Kustomization of the application, now.
    pub(crate) async fn apps(&self) -> Result<Manifest> {
        self.get(&kustomization(), (NAMESPACE, &self.apps)).await
    }

    /// The revisions in the application's history, newest first.
    pub(crate) async fn history(&self) -> Result<Vec<String>> {
        let apps = self.apps().await?;
        let history = apps.value().pointer("/status/history").and_then(|list| list.as_array());
        let revision = |entry: &serde_json::Value| {
            entry["metadata"]["revision"].as_str().unwrap_or_default().to_owned()
        };
        Ok(history.context("no history")?.iter().map(revision).collect())
    }
}

pub(crate) fn kustomization() -> GroupVersionKind {
    kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

pub(crate) fn git_repository() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

/// A revision as tables show it.
pub(crate) fn short(revision: &str) -> &str {
    &revision[.."main@sha1:".len() + 8]
}

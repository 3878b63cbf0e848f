//! Artifacts, and what works on a user's own files.

use super::Step::{Feed, Run};
use super::Track;

/// Builds and comparisons. They write a kustomization.yaml where there is none, so they follow one another.
pub(super) const BUILDS: Track = Track {
    name: "builds",
    steps: &[
        Run("migrate -f ./old --dry-run"),
        Run("migrate -f ./old --yes"),
        Run("diff kustomization apps --path=./apps --progress-bar=false"),
        Run("diff kustomization apps --path=./changed --progress-bar=false"),
        Run("diff kustomization fleet --path=./apps --progress-bar=false"),
        Run("diff kustomization bundle --path=./bundle --progress-bar=false"),
        Run("diff kustomization nosuch --path=./apps --progress-bar=false"),
        Run(
            "diff kustomization local --path=./apps --kustomization-file=./local.yaml --progress-bar=false --ignore-not-found",
        ),
        Run("build kustomization apps --path=./apps"),
        Run("build kustomization bundle --path=./bundle"),
        Run("build kustomization local --path=./apps --kustomization-file=./local.yaml --dry-run"),
        Run("build kustomization nosuch --path=./apps"),
    ],
};

pub(super) const TRACK: Track = Track {
    name: "artifacts",
    steps: &[
        Feed("envsubst", "a: ${UNSET:=one}\nb: $$\n"),
        Feed("envsubst --strict", "a: ${UNSET}\n"),
        Run("build artifact --path=./bundle --output=./bundle.tgz"),
        Run(
            "push artifact oci://{registry}/pushed:v1 --path=./bundle --source=https://git.example.org/x.git \
             --revision=main@sha1:0123456789012345678901234567890123456789 \
             --creds={registry-user}:{registry-password} --reproducible -o json",
        ),
        Run("list artifacts oci://{registry}/pushed --creds={registry-user}:{registry-password}"),
        Run(
            "pull artifact oci://{registry}/pushed:v1 --output=./pulled --creds={registry-user}:{registry-password}",
        ),
        Run(
            "diff artifact oci://{registry}/pushed:v1 --path=./bundle --creds={registry-user}:{registry-password}",
        ),
        Run(
            "diff artifact oci://{registry}/pushed:v1 --path=./app --creds={registry-user}:{registry-password}",
        ),
        Run(
            "tag artifact oci://{registry}/pushed:v1 --tag=latest --creds={registry-user}:{registry-password}",
        ),
        Run(
            "pull artifact oci://{registry}/pushed:nosuch --output=./nosuch --creds={registry-user}:{registry-password}",
        ),
    ],
};

//! Command lines that change something.

use super::Step::{Alone, Gone, Push, Put, Run, There};
use super::Track;
use crate::files::{FILE, SETTINGS};

const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io/v1";
const CRDS: &str = "apiextensions.k8s.io/v1";
const SOURCE: &str = "source.toolkit.fluxcd.io/v1";

const BLUE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: writes, namespace: shop}\ndata: {color: blue}\n";
const BROKEN: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: writes, namespace: shop}\ndata: {color: [blue]}\n";
const BLUE_FILE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: files, namespace: shop}\ndata: {color: blue}\n";

/// All at the same time.
pub(super) const TRACKS: &[Track] =
    &[GIT, OCI, BUCKET, MANY, FLAGS, HELM, NOTIFICATIONS, SECRETS, RECEIVER];

const GIT: Track = Track {
    name: "git",
    steps: &[
        Run(
            "create secret git writes --url={git}/writes.git --username={git-user} --password={git-password}",
        ),
        Run(
            "create source git writes --url={git}/writes.git --branch=main --secret-ref=writes --interval=1h",
        ),
        Run(
            "create source git writes --url={git}/writes.git --branch=main --secret-ref=writes --interval=2h --label=team=shop",
        ),
        Run("get sources git writes"),
        Run(
            "create kustomization writes --source=GitRepository/writes --path=./app --prune --interval=1h --wait",
        ),
        Run("get kustomizations writes"),
        Run("export kustomization writes"),
        Run("tree kustomization writes"),
        Run("trace configmap writes -n shop"),
        Run("reconcile source git writes"),
        Run("reconcile kustomization writes"),
        Push("writes", "app/settings.yaml", Some(BLUE)),
        Run("reconcile kustomization writes --with-source"),
        Run("diff kustomization writes --path=./app --progress-bar=false"),
        Push("writes", "app/settings.yaml", Some(BROKEN)),
        Run("reconcile kustomization writes --with-source --timeout=20s"),
        Run("get kustomizations writes"),
        Run("get all -n flux-system --status-selector ready=false"),
        Push("writes", "app/settings.yaml", Some(SETTINGS)),
        Run("suspend kustomization writes"),
        Run("get kustomizations writes"),
        Run("reconcile source git writes"),
        Run("reconcile kustomization writes"),
        Run("resume kustomization writes"),
        Run("get kustomizations writes"),
        Run("suspend source git writes"),
        Run("get sources git writes"),
        Run("reconcile source git writes"),
        Run("reconcile kustomization writes --with-source"),
        Run("resume source git writes"),
        Run("debug kustomization writes --show-status"),
        Run("debug kustomization writes --show-history"),
        Run("events --for Kustomization/writes"),
        Run("events --for GitRepository/writes"),
        Run("logs --kind=Kustomization --name=writes"),
        Run("logs --kind=GitRepository --name=writes"),
        Run("delete kustomization writes --silent"),
        Gone(KUSTOMIZE, "Kustomization", "flux-system", "writes"),
        Gone("v1", "ConfigMap", "shop", "writes"),
        Run("delete source git writes --silent"),
        Gone(SOURCE, "GitRepository", "flux-system", "writes"),
        Run("delete source git writes --silent"),
        Run("events --for GitRepository/writes"),
    ],
};

const OCI: Track = Track {
    name: "oci",
    steps: &[
        Run(
            "create secret oci oci --url={registry} --username={registry-user} --password={registry-password}",
        ),
        Run(
            "create source oci oci --url=oci://{registry}/bundle --tag=v1 --insecure --secret-ref=oci --interval=1h",
        ),
        Run(
            "create kustomization oci --source=OCIRepository/oci --path=./ --prune --interval=1h --target-namespace=helm",
        ),
        Run("get sources oci oci"),
        Run("get kustomizations oci"),
        Run("reconcile source oci oci"),
        Run("reconcile kustomization oci --with-source"),
        Run("suspend source oci oci"),
        Run("reconcile source oci oci"),
        Run("resume source oci oci"),
        Run(
            "create source oci oci --url=oci://{registry}/bundle --tag=nosuch --insecure --secret-ref=oci --interval=1h --timeout=10s",
        ),
        Run("get sources oci oci"),
        Run("reconcile source oci oci --timeout=10s"),
        Run("delete kustomization oci --silent"),
        Gone(KUSTOMIZE, "Kustomization", "flux-system", "oci"),
        Run("delete source oci oci --silent"),
        Gone(SOURCE, "OCIRepository", "flux-system", "oci"),
    ],
};

const BUCKET: Track = Track {
    name: "bucket",
    steps: &[
        Run(
            "create source bucket bucket --bucket-name=files --endpoint={store} --insecure --access-key=someone --secret-key=something --interval=1h",
        ),
        Run("get sources bucket bucket"),
        Run("reconcile source bucket bucket"),
        Put("files", "settings.yaml", BLUE_FILE),
        Run("reconcile source bucket bucket"),
        Run("get sources bucket bucket"),
        Run("suspend source bucket bucket"),
        Put("files", "settings.yaml", FILE),
        Run("resume source bucket bucket"),
        Run("get sources bucket bucket"),
        Run("delete source bucket bucket --silent"),
        Gone(SOURCE, "Bucket", "flux-system", "bucket"),
    ],
};

/// Several objects at once.
const MANY: Track = Track {
    name: "many",
    steps: &[
        Run("suspend kustomization --all -n many"),
        Run("get kustomizations -n many"),
        Run("resume kustomization --all --wait -n many"),
        Run("suspend kustomization one two nosuch -n many"),
        Run("resume kustomization one two -n many"),
        Run("suspend source git --all -n many"),
        Run("get all -n many"),
        Run("resume source git --all --wait -n many"),
        Run("get all -n many"),
        Run("suspend source git tagged other -n many"),
        Run("resume source git tagged other --wait -n many"),
    ],
};

/// Flags of `create`, and tenants.
const FLAGS: Track = Track {
    name: "flags",
    steps: &[
        Run("create tenant tenant --with-namespace=tenant"),
        Run("create tenant tenant --with-namespace=tenant"),
        Run(
            "create kustomization depends --source=GitRepository/fleet --path=./one --prune --interval=1h --depends-on=bundle --target-namespace=helm --health-check=Deployment/web.shop",
        ),
        Run("get kustomizations depends"),
        Run(
            "create kustomization tenant --source=GitRepository/fleet.flux-system --path=./two --prune --interval=1h --service-account=tenant --target-namespace=tenant -n tenant",
        ),
        Run("get kustomizations -n tenant"),
        Run(
            "create kustomization blocked --source=GitRepository/fleet --path=./one --interval=1h --depends-on=no-path --timeout=4s",
        ),
        Run("get kustomizations blocked"),
        Run(
            "create kustomization wrong --source=GitRepository/fleet --path=./nosuch --interval=1h --timeout=20s",
        ),
        Run("get kustomizations wrong"),
        Run(
            "create source git wrong --url={git}/fleet.git --branch=nosuch --secret-ref=git --timeout=20s",
        ),
        Run("create kustomization --source=GitRepository/fleet"),
        Run("create kustomization Wrong --source=GitRepository/fleet"),
        Run("delete kustomization depends --silent"),
        Run("delete kustomization blocked --silent"),
        Run("delete kustomization wrong --silent"),
        Run("delete source git wrong --silent"),
        Gone(KUSTOMIZE, "Kustomization", "flux-system", "depends"),
        Gone(KUSTOMIZE, "Kustomization", "flux-system", "blocked"),
        Gone(KUSTOMIZE, "Kustomization", "flux-system", "wrong"),
    ],
};

/// Kinds that our agent serves and does not reconcile.
const HELM: Track = Track {
    name: "helm",
    steps: &[
        Run("suspend source helm charts -n helm"),
        Run("suspend source chart shop -n helm"),
        Run("suspend helmrelease shop -n helm"),
        Run("reconcile source helm charts -n helm"),
        Run("reconcile source chart shop -n helm"),
        Run("reconcile helmrelease shop -n helm"),
        Run("reconcile helmrelease shop --with-source --force -n helm"),
        Run("create source helm new --url=https://charts.example.org --timeout=8s -n helm"),
        Run("create source chart new --chart=x --source=HelmRepository/new --timeout=8s -n helm"),
        Run("create helmrelease new --chart=x --source=HelmRepository/new --timeout=8s -n helm"),
        Run("get all -n helm"),
        Run("reconcile source helm new --timeout=8s -n helm"),
        Run("reconcile helmrelease new --timeout=8s -n helm"),
        Run("resume source helm charts --wait=false -n helm"),
        Run("resume source chart shop --wait=false -n helm"),
        Run("resume helmrelease shop --wait=false -n helm"),
        Run("delete helmrelease shop --silent -n helm"),
        Run("delete helmrelease new --silent -n helm"),
        Run("delete source chart shop --silent -n helm"),
        Run("delete source chart new --silent -n helm"),
        Run("delete source helm charts --silent -n helm"),
        Run("delete source helm new --silent -n helm"),
        Run("get all -n helm"),
    ],
};

const NOTIFICATIONS: Track = Track {
    name: "notifications",
    steps: &[
        Run(
            "create alert-provider writes --type=slack --channel=general --address=https://chat.example.org",
        ),
        Run(
            "create alert writes --provider-ref=writes --event-source=GitRepository/fleet --event-severity=info",
        ),
        Run("get alerts writes"),
        Run("get alert-providers writes"),
        Run("suspend alert writes"),
        Run("suspend alert-provider writes"),
        Run("get alerts writes"),
        Run("resume alert writes"),
        Run("resume alert-provider writes"),
        Run("delete alert writes --silent"),
        Run("delete alert-provider writes --silent"),
        Run("get alerts writes"),
    ],
};

const SECRETS: Track = Track {
    name: "secrets",
    steps: &[
        Run("create secret git user --url=https://git.example.org/x --username=a --password=b"),
        Run("create secret git user --url=https://git.example.org/x --username=a --password=c"),
        Run("create secret git export --url=https://git.example.org/x --bearer-token=b --export"),
        Run(
            "create secret githubapp app --app-id=1 --app-installation-id=2 --app-private-key=./values.yaml",
        ),
        Run("create secret helm helm --username=a --password=b"),
        Run(
            "create secret notation notation --trust-policy-file=./policy.json --ca-cert-file=./values.pem",
        ),
        Run("create secret oci registry-login --url=ghcr.io --username=a --password=b"),
        Run(
            "create secret proxy proxy --address=https://proxy.example.org:3128 --username=a --password=b",
        ),
        Run(
            "create secret receiver receiver --token=abc --type=github --hostname=flux.example.org",
        ),
        Run("create secret tls tls --ca-crt-file=./values.yaml"),
    ],
};

const RECEIVER: Track = Track {
    name: "receiver",
    steps: &[
        Run(
            "create secret receiver hooks --token=secret --type=generic --hostname=flux.example.org",
        ),
        Alone(
            "create receiver hooks --type=generic --secret-ref=hooks --resource=GitRepository/fleet",
            "generated webhook URL /hook/",
        ),
        Alone("get receivers hooks", "Receiver initialized for path: /hook/"),
        Alone("reconcile receiver hooks", "Receiver reconciliation completed"),
        Alone("trigger receiver hooks --token=secret --url=http://{agent}:9292 --retries=0", "✔"),
        Run("suspend receiver hook -n shop"),
        Run("reconcile receiver hook -n shop"),
        Run("resume receiver hook --wait=false -n shop"),
        Run("delete receiver hook --silent -n shop"),
        Alone("suspend receiver hooks", "receiver suspended"),
        Alone("resume receiver hooks", "Receiver reconciliation completed"),
        Alone("delete receiver hooks --silent", "receiver deleted"),
    ],
};

pub(super) const LAST: Track = Track {
    name: "last",
    steps: &[
        Run("migrate"),
        Run("get all -A"),
        Run("uninstall --silent --keep-namespace"),
        Gone(CRDS, "CustomResourceDefinition", "", "gitrepositories.source.toolkit.fluxcd.io"),
        Gone(CRDS, "CustomResourceDefinition", "", "kustomizations.kustomize.toolkit.fluxcd.io"),
        Run("get all -A"),
        Run("check"),
        Gone("apps/v1", "Deployment", "flux-system", "source-controller"),
        Gone("apps/v1", "Deployment", "flux-system", "capstan-agent"),
        There("v1", "ConfigMap", "shop", "settings"),
        There("apps/v1", "Deployment", "shop", "web"),
        There("v1", "ConfigMap", "many", "one"),
    ],
};

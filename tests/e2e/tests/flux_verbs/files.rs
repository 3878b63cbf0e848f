//! What lies in repositories, in the bucket and in a user's folder.

/// A ConfigMap whose color a push changes.
pub(crate) const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: writes, namespace: shop}\ndata: {color: red}\n";

/// The object in the bucket.
pub(crate) const FILE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: files, namespace: shop}\ndata: {color: red}\n";

const APPS: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
metadata: {name: apps, namespace: flux-system}\n\
spec: {interval: 1h, path: ./apps, prune: true, wait: true, sourceRef: {kind: GitRepository, name: fleet}}\n";

const WEB: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n\
data: {color: red}\n---\napiVersion: apps/v1\nkind: Deployment\n\
metadata: {name: web, namespace: shop}\n\
spec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
spec: {containers: [{name: web, image: \"example.org/web:v1\"}]}\n";

const CHANGED_WEB: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n\
data: {color: blue}\n---\napiVersion: v1\nkind: ConfigMap\n\
metadata: {name: added, namespace: shop}\ndata: {color: blue}\n";

const UNHEALTHY: &str = "apiVersion: apps/v1\nkind: Deployment\n\
metadata: {name: never, namespace: shop}\n\
spec:\n  selector: {matchLabels: {app: never}}\n  template:\n    metadata: {labels: {app: never}}\n    \
spec: {containers: [{name: never, image: \"example.org/never:fails\"}]}\n";

const REFUSED: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: refused, namespace: shop}\n\
spec:\n  selector: {matchLabels: {app: one}}\n  template:\n    metadata: {labels: {app: two}}\n    \
spec: {containers: [{name: web, image: \"example.org/web:v1\"}]}\n";

/// The repository `fleet`.
pub(crate) const FLEET: [(&str, &str); 8] = [
    ("clusters/one/apps.yaml", APPS),
    ("apps/web.yaml", WEB),
    ("broken/kustomization.yaml", "resources: [nosuch.yaml]\n"),
    (
        "unknown/unknown.yaml",
        "apiVersion: example.org/v1\nkind: Unknown\nmetadata: {name: unknown, namespace: shop}\n",
    ),
    ("refused/refused.yaml", REFUSED),
    ("unhealthy/never.yaml", UNHEALTHY),
    ("one/one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"),
    ("two/two.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n"),
];

const BUNDLE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bundle}\n\
data: {color: \"${color}\", region: \"${region}\"}\n";

const LOCAL: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
metadata: {name: local, namespace: flux-system}\n\
spec: {interval: 1h, path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: fleet}}\n";

const OLD: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1beta2\nkind: Kustomization\n\
metadata: {name: old, namespace: flux-system}\n\
spec: {interval: 1h, prune: true, sourceRef: {kind: GitRepository, name: fleet}}\n";

const POLICY: &str = "{\"version\": \"1.0\", \"trustPolicies\": [{\"name\": \"all\", \
\"registryScopes\": [\"*\"], \"signatureVerification\": {\"level\": \"skip\"}}]}\n";

/// A user's folder.
pub(crate) const HOME: [(&str, &str); 9] = [
    ("apps/web.yaml", WEB),
    ("changed/web.yaml", CHANGED_WEB),
    ("bundle/bundle.yaml", BUNDLE),
    ("app/settings.yaml", SETTINGS),
    ("local.yaml", LOCAL),
    ("old/old.yaml", OLD),
    ("values.yaml", "replicas: 2\n"),
    ("policy.json", POLICY),
    ("values.pem", "a certificate, as far as anybody looks\n"),
];

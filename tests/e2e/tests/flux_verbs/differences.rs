//! Where the two engines may differ, and why.

/// A difference that is allowed.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The command lines on which it may be seen (a regular expression).
    pub(crate) on: &'static str,
    /// What Flux says there (a regular expression within a line).
    pub(crate) flux: Option<&'static str>,
    /// What is said of our agent in its place.
    pub(crate) capstan: Option<&'static str>,
    /// Why that is right.
    pub(crate) why: &'static str,
}

impl Difference {
    /// What stands in the place of both; nothing when only one says something.
    pub(crate) fn stands(&self) -> String {
        match (self.flux, self.capstan) {
            (Some(_), Some(_)) => format!("<{}>", self.why),
            _ => String::new(),
        }
    }
}

/// Every difference that is allowed. One that is never seen fails the test.
pub(crate) const ALLOWED: &[Difference] = &[
    // What is wrong: our messages begin as Flux's do, and say what to do next.
    Difference {
        on: ".",
        flux: Some(r"determine revision: unable to clone .*"),
        capstan: Some(r"determine revision: (`|repository `).*"),
        why: "git: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"failed to get secret '\S+': failed to get secret .*"),
        capstan: Some(r"failed to get secret '\S+': not found; create it.*"),
        why: "Secrets: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"artifact digest: GET .*"),
        capstan: Some(r"artifact digest: <address>.*"),
        why: "registries: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"bucket 'nosuch' not found$"),
        capstan: Some(r"bucket 'nosuch' not found\. Create .*"),
        why: "buckets: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"(Deployment/shop/web|ConfigMap/shop/settings) dry-run failed \(Forbidden\).*"),
        capstan: Some(r"ServiceAccount 'flux-system/nobody' not found.*"),
        why: "says that there is no such ServiceAccount",
    },
    Difference {
        on: ".",
        flux: None,
        capstan: Some(
            r"^out (ConfigMap/shop/settings|Deployment/shop/web) apply failed \(Forbidden\).*",
        ),
        why: "all objects that fail are told, not the first",
    },
    Difference {
        on: ".",
        flux: Some(r"Source artifact not found, retrying in 30s$"),
        capstan: Some(r"Source artifact not found, retrying in 30s: .*"),
        why: "says why there is no artifact",
    },
    Difference {
        on: ".",
        flux: Some(r"GitRepository.source.toolkit.fluxcd.io .nosuch. not found"),
        capstan: Some(r"Source 'GitRepository/flux-system/nosuch' not found.*"),
        why: "sources: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"kustomize build failed: accumulating resources: .*"),
        capstan: Some(r"kustomize build failed: broken/kustomization.yaml:1: .*"),
        why: "builds: says where, and what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"Unknown/shop/unknown dry-run failed: .*"),
        capstan: Some(r"Unknown/shop/unknown apply failed: .*"),
        why: "unknown kinds: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r" dry-run failed( \(Invalid\))?:"),
        capstan: Some(r" apply failed( \(Invalid\))?:"),
        why: "what differs is sent, not run dry first",
    },
    Difference {
        on: ".",
        flux: Some(r"kustomization path not found: stat .*"),
        capstan: Some(r"kustomization path not found: no folder .*"),
        why: "paths: says what to do next",
    },
    Difference {
        on: ".",
        flux: Some(r"\[Deployment/shop/never status: 'InProgress'\]"),
        capstan: Some(r"\[Deployment/shop/never status: 'InProgress' \(\w+: 0/1\)\](;.*)?"),
        why: "health: says what the pods say",
    },
    // Who is installed.
    Difference {
        on: "^(version|check|uninstall)",
        flux: Some(
            r"^.*\b(kustomize|source)-controller\b.*|^err ✔ (ServiceAccount|ClusterRoleBinding)/.*",
        ),
        capstan: None,
        why: "Flux is several programs",
    },
    Difference {
        on: "^(version|check|uninstall)",
        flux: None,
        capstan: Some(r"^.*\bcapstan-agent\b.*|^err ✔ (Service|NetworkPolicy)/.*"),
        why: "Capstan is one",
    },
    Difference {
        on: "^version -o json",
        flux: Some(r",$"),
        capstan: None,
        why: "the last line of an object",
    },
    Difference {
        on: "^version -o json",
        flux: None,
        capstan: Some(r",$"),
        why: "the last line of an object",
    },
    // Kinds that our agent serves and does not reconcile.
    Difference {
        on: "timeout=8s -n helm$",
        flux: Some(r"✗ context deadline exceeded"),
        capstan: Some(r"✗ Capstan \S+ stores .*"),
        why: "says at once that it is not reconciled",
    },
    Difference {
        on: "^get all -n helm",
        flux: Some(r"/new False False .*"),
        capstan: Some(r"/new False False Capstan \S+ stores .*"),
        why: "says that it is not reconciled",
    },
    // Events.
    Difference {
        on: "^events",
        flux: Some(r"^out .*Normal (GarbageCollectionSucceeded|GitOperationSucceeded) .*"),
        capstan: None,
        why: "nothing is told of what changes nothing",
    },
    Difference {
        on: "^events",
        flux: Some(r"Dependencies do not meet ready condition, retrying in 30s"),
        capstan: Some(r"dependency '\S+' is not ready"),
        why: "says which dependency",
    },
    Difference {
        on: "^events",
        flux: None,
        capstan: Some(
            r"^out .*Warning ArtifactFailed Kustomization/\S+ <(says why there is no artifact|sources: says what to do next)>",
        ),
        why: "what a unit lacks is told in events too",
    },
    Difference {
        on: "^events",
        flux: Some(r"GitOperationFailed GitRepository/no-login"),
        capstan: Some(r"AuthenticationFailed GitRepository/no-login"),
        why: "a server that wants credentials is told apart",
    },
    Difference {
        on: "^logs",
        flux: None,
        capstan: Some(r"^out <time> error$"),
        why: "what is not reconciled is told in the log",
    },
    Difference {
        on: "^debug kustomization no-path",
        flux: Some(r"^out message: Fetching manifests.*|^out with a timeout.*|^out no such file.*"),
        capstan: None,
        why: "what is being done is told as long as it is done",
    },
    Difference {
        on: "^debug kustomization no-path",
        flux: None,
        capstan: Some(r"^out push it, or correct spec.path'"),
        why: "paths: says what to do next",
    },
    Difference {
        on: "^events",
        flux: None,
        capstan: Some(r"^out .*Warning (NotSupported|ReconciliationDisabled) .*"),
        why: "Flux's controllers of these kinds are no part of the kit",
    },
];

/// Command lines that are not compared, and why.
pub(crate) const NOT_COMPARED: &[(&str, &str)] = &[
    ("bootstrap bitbucket-server", "needs a server of Bitbucket"),
    ("bootstrap git", "installs the controllers that it downloads"),
    ("bootstrap gitea", "needs a server of Gitea"),
    ("bootstrap github", "needs GitHub"),
    ("bootstrap gitlab", "needs GitLab"),
    ("install", "installs the controllers that it downloads"),
    ("plugin install", "downloads a program"),
    ("plugin search", "asks a catalog in the network"),
    ("plugin update", "downloads programs"),
];

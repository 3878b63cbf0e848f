use std::path::PathBuf;

use capstan_model::FluxDuration;
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Look at what Capstan does in a cluster, and nudge it.
#[derive(Debug, Parser)]
#[command(name = "capstan", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which cluster, and where in it.
#[derive(Debug, clap::Args)]
pub(crate) struct Cluster {
    /// Kubeconfig file; otherwise $KUBECONFIG, ~/.kube/config or the pod's own account
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Namespace to look in
    #[arg(short, long, global = true, default_value = "flux-system", value_name = "NAME")]
    pub(crate) namespace: String,
    /// How long to wait: numbers with the units ms, s, m, h
    #[arg(long, global = true, default_value = "5m", value_name = "DURATION")]
    pub(crate) timeout: FluxDuration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show sources, units, cloud resources, spokes
    Get(Get),
    /// Start a reconciliation at once and wait for its end
    #[command(subcommand)]
    Reconcile(Reconcile),
    /// Stop the reconciliation of an object
    #[command(subcommand)]
    Suspend(Target),
    /// Go on with the reconciliation of an object and wait for it
    #[command(subcommand)]
    Resume(Target),
    /// Print what a directory or a Kustomization builds to, as kustomize and flux do
    Build(Build),
    /// Expand ${variables} of stdin from the environment, as postBuild does
    Envsubst(Envsubst),
    /// Print the version
    Version,
    /// Print a completion script
    Completion {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// Look in all namespaces
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_namespaces: bool,
    /// Output format
    #[arg(short, long, global = true, value_enum)]
    pub(crate) output: Option<Output>,
    /// Label selector, such as team=shop
    #[arg(short = 'l', long, global = true, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    /// Leave out the header line
    #[arg(long, global = true)]
    pub(crate) no_header: bool,
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Wide,
    Json,
    Yaml,
    Name,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Sources: Git repositories and the rest of them
    #[command(alias = "source")]
    Sources {
        #[command(subcommand)]
        kind: Option<SourceKind>,
    },
    /// Kustomizations, the units
    #[command(alias = "kustomization", visible_alias = "ks")]
    Kustomizations {
        /// Only this one
        name: Option<String>,
    },
    /// Helm releases
    #[command(aliases = ["helmrelease"], visible_alias = "hr")]
    Helmreleases {
        /// Only this one
        name: Option<String>,
    },
    /// Managed resources: one object in AWS or in another cluster each
    Managed {
        /// Only those of this name
        name: Option<String>,
    },
    /// Composite resources
    #[command(alias = "composite")]
    Composites {
        /// Only those of this name
        name: Option<String>,
    },
    /// Claims of composite resources
    #[command(alias = "claim")]
    Claims {
        /// Only those of this name
        name: Option<String>,
    },
    /// Workload clusters
    #[command(alias = "spoke")]
    Spokes {
        /// Only this one
        name: Option<String>,
    },
    /// All of these
    All,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourceKind {
    /// Git repositories
    #[command(aliases = ["gitrepository", "gitrepositories", "gitrepo"])]
    Git {
        /// Only this one
        name: Option<String>,
    },
    /// Sources of every kind
    All,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reconcile {
    /// A Kustomization
    #[command(visible_alias = "ks")]
    Kustomization {
        /// Its name
        name: String,
        /// Fetch its source first
        #[arg(long)]
        with_source: bool,
    },
    /// A source
    #[command(subcommand)]
    Source(OneSource),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Target {
    /// A Kustomization
    #[command(visible_alias = "ks")]
    Kustomization {
        /// Its name
        name: String,
    },
    /// A source
    #[command(subcommand)]
    Source(OneSource),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OneSource {
    /// A Git repository
    #[command(alias = "gitrepository")]
    Git {
        /// Its name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Build {
    #[command(subcommand)]
    pub(crate) kind: Option<BuildKind>,
    /// Directory with a kustomization.yaml
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Nothing outside is read; default: the Git work tree, else the current directory
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Refuse bases and files of other repositories and servers
    #[arg(long)]
    pub(crate) no_remote_bases: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BuildKind {
    /// Print what a Kustomization builds to, as `flux build kustomization` does
    #[command(visible_alias = "ks")]
    Kustomization(BuildKustomization),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuildKustomization {
    /// Name of the Kustomization; it is read from the cluster unless a file is given
    pub(crate) name: String,
    /// Directory with the manifests
    #[arg(long, value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// File with the Kustomization
    #[arg(long, value_name = "FILE")]
    pub(crate) kustomization_file: Option<PathBuf>,
    /// Ask no cluster: variables from ConfigMaps and Secrets are left out
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Patterns of paths to leave out, in the format of .gitignore
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    pub(crate) ignore_paths: Vec<String>,
    /// Build the Kustomizations among the objects too
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Where sources are on this machine, for --recursive: Kind/namespace/name=DIR
    #[arg(long, value_delimiter = ',', value_name = "SOURCE=DIR", value_parser = local_source)]
    pub(crate) local_sources: Vec<(String, PathBuf)>,
    /// Fail on a variable that has neither value nor default
    #[arg(long)]
    pub(crate) strict_substitute: bool,
    /// Nothing is ever written, so this changes nothing
    #[arg(long, hide = true)]
    pub(crate) in_memory_build: bool,
    /// Nothing outside is read; default: the Git work tree, else the current directory
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Refuse bases and files of other repositories and servers
    #[arg(long)]
    pub(crate) no_remote_bases: bool,
}

fn local_source(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((source, folder)) if source.split('/').count() == 3 && !folder.is_empty() => {
            Ok((source.to_owned(), PathBuf::from(folder)))
        }
        _ => {
            Err("write Kind/namespace/name=DIR, such as GitRepository/flux-system/fleet=."
                .to_owned())
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Envsubst {
    /// Fail on a variable that has neither value nor default
    #[arg(long)]
    pub(crate) strict: bool,
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Args, BuildKind, Command, OneSource, Output, Reconcile, SourceKind, Target, What};
    use clap::{CommandFactory, Parser};

    fn parse(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn get(line: &str) -> super::Get {
        match parse(line).command {
            Command::Get(get) => get,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn get_takes_flags_anywhere() {
        let args = get("capstan get kustomizations -A -o wide");
        assert!(args.all_namespaces && args.output == Some(Output::Wide));
        assert!(get("capstan get -A ks").all_namespaces);
        assert!(matches!(get("capstan get hr").what, What::Helmreleases { name: None }));
        assert!(matches!(get("capstan get ks apps").what,
            What::Kustomizations { name: Some(name) } if name == "apps"));
    }

    #[test]
    fn sources_may_name_their_kind() {
        assert!(matches!(get("capstan get sources").what, What::Sources { kind: None }));
        assert!(matches!(get("capstan get sources git fleet").what,
            What::Sources { kind: Some(SourceKind::Git { name: Some(name) }) } if name == "fleet"));
        assert!(matches!(
            get("capstan get sources all -A").what,
            What::Sources { kind: Some(SourceKind::All) }
        ));
    }

    #[test]
    fn the_namespace_is_that_of_flux_unless_given() {
        assert_eq!(parse("capstan get all").cluster.namespace, "flux-system");
        assert_eq!(parse("capstan get all -n shop").cluster.namespace, "shop");
        assert_eq!(parse("capstan -n shop get all").cluster.namespace, "shop");
        let timeout = parse("capstan reconcile ks apps --timeout 90s").cluster.timeout;
        assert_eq!(timeout.to_string(), "1m30s");
    }

    #[test]
    fn verbs_take_the_words_of_flux() {
        assert!(matches!(
            parse("capstan reconcile ks apps --with-source").command,
            Command::Reconcile(Reconcile::Kustomization { with_source: true, .. })
        ));
        assert!(matches!(
            parse("capstan reconcile source git fleet").command,
            Command::Reconcile(Reconcile::Source(OneSource::Git { .. }))
        ));
        assert!(matches!(
            parse("capstan suspend kustomization apps").command,
            Command::Suspend(Target::Kustomization { .. })
        ));
        assert!(matches!(
            parse("capstan resume source git fleet").command,
            Command::Resume(Target::Source(OneSource::Git { .. }))
        ));
    }

    #[test]
    fn build_takes_a_directory_or_a_kustomization() {
        let build = |line: &str| match parse(line).command {
            Command::Build(build) => build,
            other => panic!("{line}: {other:?}"),
        };
        assert!(build("capstan build").kind.is_none());
        assert_eq!(build("capstan build ./ks").directory, PathBuf::from("./ks"));
        let line = "capstan build ks app --path . --dry-run --kustomization-file f.yaml \
                    --ignore-paths a,b -r --local-sources GitRepository/a/b=c,OCIRepository/a/b=d";
        let Some(BuildKind::Kustomization(args)) = build(line).kind else { panic!("{line}") };
        assert_eq!(args.ignore_paths, ["a", "b"]);
        assert_eq!(args.local_sources[1], ("OCIRepository/a/b".to_owned(), PathBuf::from("d")));
    }

    #[test]
    fn wrong_words_are_refused() {
        for line in [
            "capstan",
            "capstan get",
            "capstan get pods",
            "capstan get ks -o table",
            "capstan reconcile ks",
            "capstan reconcile ks apps --timeout 5",
            "capstan build ks app",
            "capstan build ks app --path . --local-sources b=c",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}

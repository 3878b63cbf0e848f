//! The command line of the hub.

use std::net::SocketAddr;

use capstan_model::FluxDuration;
use clap::Parser;

/// Turns claims into AWS resources and spokes.
#[derive(Clone, Debug, Parser)]
#[command(name = "capstan-hub", version)]
pub(crate) struct Args {
    /// Where `/healthz` and `/readyz` answer.
    #[arg(long, default_value = "0.0.0.0:9440")]
    pub(crate) health_addr: SocketAddr,
    /// ServiceAccount, as namespace/name, whose annotation eks.amazonaws.com/role-arn names our AWS role.
    #[arg(long, default_value = "crossplane-system/provider-aws-capstan", value_parser = service_account)]
    pub(crate) aws_service_account: (String, String),
    /// How long AWS may not show what it made. A create whose answer was lost is not repeated earlier, unless AWS knows its
    /// name or token.
    #[arg(long, default_value = "2m")]
    pub(crate) aws_visibility_window: FluxDuration,
    /// URL at which spokes reach the API server of this cluster; by default the one that the hub itself uses.
    #[arg(long, env = "CAPSTAN_API_SERVER_URL")]
    pub(crate) api_server_url: Option<String>,
    /// Namespace of the hub: the identities of spokes live in it.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "capstan-system")]
    pub(crate) runtime_namespace: String,
    /// How many objects of a kind are worked on at once.
    #[arg(long, default_value_t = 8)]
    pub(crate) concurrent: usize,
    /// Prints the CRDs of everything that Capstan serves, as a JSON list, and exits.
    #[arg(long)]
    pub(crate) print_crds: bool,
    /// trace, debug, info, warn or error.
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
    /// json or console.
    #[arg(long, default_value = "json")]
    pub(crate) log_encoding: String,
}

fn service_account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write it as <namespace>/<name>".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::Parser;

    #[test]
    fn the_arguments_of_the_deployment_are_understood() {
        let deployment = include_str!("../../deploy/hub/deployment.yaml");
        let given: Vec<_> = deployment
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- --"))
            .map(|argument| format!("--{argument}").replace("$(POD_IP)", "127.0.0.9"))
            .collect();
        assert!(given.len() >= 3, "{given:?}");
        let args = Args::try_parse_from(std::iter::once("hub".to_owned()).chain(given));
        let args = args.expect("the hub takes what deploy/hub passes");
        assert_eq!(args.health_addr.to_string(), "127.0.0.9:9440");
    }

    #[test]
    fn a_service_account_has_two_names() {
        let parse = |text: &str| Args::try_parse_from(["hub", "--aws-service-account", text]);
        assert!(parse("a/b").is_ok());
        assert!(parse("a").is_err() && parse("/b").is_err());
    }
}

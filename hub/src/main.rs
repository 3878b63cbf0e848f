//! The hub: claims to AWS resources and spokes.

mod args;
mod claim;
mod composite;
mod definition;
mod kinds;
mod names;
mod object;
mod run;
mod spoke;
mod wake;
mod world;

use std::process::ExitCode;

use capstan_cluster::ApplyOptions;
use clap::Parser;

/// Who owns the fields that the hub writes.
const FIELD_MANAGER: &str = "capstan-hub";
/// Who tells events.
const COMPONENT: &str = "capstan-hub";
/// How the hub applies its own objects.
const APPLY: ApplyOptions<'static> =
    ApplyOptions { field_manager: FIELD_MANAGER, force: true, dry_run: false };

#[tokio::main]
async fn main() -> ExitCode {
    let args = args::Args::parse();
    if args.print_crds {
        return print_crds();
    }
    let _telling =
        capstan_runtime::init_logging("capstan-hub", args.log_encoding == "json", &args.log_level);
    match run::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the hub ends");
            ExitCode::FAILURE
        }
    }
}

/// The CRDs that an installation needs, for whoever writes deploy/crds or applies them by another way.
fn print_crds() -> ExitCode {
    let mut crds = capstan_api::flux::crds();
    crds.extend(capstan_api::crossplane::crds());
    crds.extend(capstan_api::fleet::crds());
    crds.extend(capstan_kinds::crds());
    match serde_json::to_writer(std::io::stdout().lock(), &crds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}

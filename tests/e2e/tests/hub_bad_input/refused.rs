//! AWS refuses, is too busy, fails, or its answer is lost: each object recovers by itself, and nothing is made twice.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::condition;
use capstan_e2e::network;
use capstan_e2e::stage::Stage;
use capstan_kit::aws::{Fault, FaultKind};
use capstan_model::GroupVersionKind;
use serde_json::Value;

use crate::{aws, objects};

/// A fault of the next calls, and what the object tells while it lasts.
struct Case {
    action: &'static str,
    times: u32,
    kind: FaultKind,
    told: Option<(&'static str, &'static str, &'static str, &'static [&'static str])>,
}

/// Each kind has a line of its own, one case after the other: a fault hits whoever calls next.
pub(crate) async fn all(stage: &Stage) -> Result<()> {
    let vpcs = async {
        let denied: &[&str] = &[
            "ec2 CreateVpc was denied: UnauthorizedOperation",
            "assumed-role/crossplane-role/",
            "Allow ec2:CreateVpc in the policies of the role that makes the call.",
        ];
        let throttled: &[&str] = &["ec2 CreateVpc was throttled", "it is tried again"];
        let cases = [
            case("CreateVpc", 2, FaultKind::Deny, Some(error(denied))),
            case("CreateVpc", 2, FaultKind::Throttle, Some(creating(throttled))),
            case("CreateVpc", 1, FaultKind::LoseResponse, None),
            case("DescribeVpcs", 2, FaultKind::ServerError, None),
        ];
        for (number, case) in cases.into_iter().enumerate() {
            let name = format!("refused-{number}");
            let object = objects::vpc(&name, &format!("10.{number}.0.0/16"));
            run(stage, "ec2", &network::vpc(), "vpc", object, case).await?;
        }
        // Nothing tells this from a lost answer but the time in which AWS may not show what it made.
        stage.kit.aws.inject(Fault::new("ec2", "CreateVpc", 1, FaultKind::LoseRequest));
        stage.put(objects::vpc("refused-unsent", "10.9.0.0/16")).await?;
        let words = ["answer was lost", "it is looked up by its owner tag"];
        let told = ("Ready", "False", "Creating", &words[..]);
        stage.told(&network::vpc(), "refused-unsent", told).await?;
        let made = stage.ready(&network::vpc(), "refused-unsent").await?;
        aws::once(stage, "vpc", &made).await
    };
    let roles = async {
        let failed: &[&str] = &["iam CreateRole got no usable answer", "It is tried again."];
        let cases = [
            case("CreateRole", 2, FaultKind::ServerError, Some(error(failed))),
            case("CreateRole", 1, FaultKind::LoseResponse, None),
            case("CreateRole", 1, FaultKind::LoseRequest, None),
        ];
        for (number, case) in cases.into_iter().enumerate() {
            let object = objects::role(&format!("refused-{number}"));
            run(stage, "iam", &network::role(), "role", object, case).await?;
        }
        anyhow::Ok(())
    };
    let tables = async {
        let throttled: &[&str] = &["dynamodb CreateTable was throttled", "it is tried again"];
        let cases = [
            case("CreateTable", 2, FaultKind::Throttle, Some(creating(throttled))),
            case("CreateTable", 1, FaultKind::LoseResponse, None),
        ];
        for (number, case) in cases.into_iter().enumerate() {
            let object = objects::table(&format!("refused-{number}"));
            run(stage, "dynamodb", &network::table(), "table", object, case).await?;
        }
        anyhow::Ok(())
    };
    let policies = async {
        let denied: &[&str] = &[
            "iam CreatePolicy was denied: AccessDenied",
            "assumed-role/crossplane-role/",
            "Allow iam:CreatePolicy in the policies of the role that makes the call.",
        ];
        let case = case("CreatePolicy", 2, FaultKind::Deny, Some(error(denied)));
        let object = objects::policy("refused-0");
        run(stage, "iam", &network::policy(), "policy", object, case).await
    };
    tokio::try_join!(vpcs, roles, tables, policies)?;
    Ok(())
}

fn case(
    action: &'static str,
    times: u32,
    kind: FaultKind,
    told: Option<(&'static str, &'static str, &'static str, &'static [&'static str])>,
) -> Case {
    Case { action, times, kind, told }
}

fn error(
    words: &'static [&'static str],
) -> (&'static str, &'static str, &'static str, &'static [&'static str]) {
    ("Synced", "False", "ReconcileError", words)
}

fn creating(
    words: &'static [&'static str],
) -> (&'static str, &'static str, &'static str, &'static [&'static str]) {
    ("Ready", "False", "Creating", words)
}

async fn run(
    stage: &Stage,
    service: &str,
    gvk: &GroupVersionKind,
    kind: &str,
    object: Value,
    case: Case,
) -> Result<()> {
    let name = object["metadata"]["name"].as_str().context("a case has a name")?.to_owned();
    let what = || format!("{:?} of {} for {name}", case.kind, case.action);
    stage.kit.aws.inject(Fault::new(service, case.action, case.times, case.kind));
    stage.put(object).await?;
    if let Some(told) = case.told {
        let seen = stage.told(gvk, &name, told).await.with_context(what)?;
        // What passes by itself is not shown as an error that somebody has to fix.
        ensure!(condition(&seen, "Synced") == (told.0 == "Ready"), "{:?}", seen.value()["status"]);
    }
    let ready = stage.ready(gvk, &name).await.with_context(what)?;
    ensure!(condition(&ready, "Synced"), "{:?}", ready.value()["status"]);
    aws::once(stage, kind, &ready).await.with_context(what)
}

//! The hub under bad input and a failing AWS: each fault ends in a condition that says what, where and what next, and
//! touches nothing else.

mod aws;
mod behind;
mod composed;
mod deletion;
mod objects;
mod refused;
mod wrong;

use anyhow::{Result, ensure};
use capstan_e2e::network;
use capstan_e2e::stage::Stage;
use capstan_kit::KitOptions;

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_where_it_is_and_touches_nothing_else() -> Result<()> {
    // AWS shows at once here what it made.
    let stage =
        Stage::with_hub_and(KitOptions::default(), &["--aws-visibility-window=10s"]).await?;
    network::set_up(&stage).await?;
    refused::all(&stage).await?;
    let waiting = deletion::begin(&stage).await?;
    tokio::try_join!(
        wrong::all(&stage),
        composed::all(&stage),
        behind::all(&stage),
        deletion::policies(&stage),
    )?;
    waiting.finish(&stage).await?;
    order_was_kept(&stage)?;
    logs_are_clean(&stage)?;
    stage.end().await;
    Ok(())
}

/// What AWS refuses because it is wrong in itself; everything else would be a call in the wrong order.
const WRONG_IN_ITSELF: [&str; 8] = [
    "AuthFailure",
    "InvalidParameterValue",
    "InvalidSubnet.Conflict",
    "InvalidSubnet.Range",
    "InvalidVpc.Range",
    "MalformedPolicyDocument",
    "AccessDenied",
    "SignatureDoesNotMatch",
];

fn order_was_kept(stage: &Stage) -> Result<()> {
    let mut errors = stage.kit.aws.dependency_errors();
    errors.retain(|call| {
        !call.error_code.as_deref().is_some_and(|code| WRONG_IN_ITSELF.contains(&code))
    });
    ensure!(errors.is_empty(), "calls that came in the wrong order: {errors:#?}");
    Ok(())
}

/// No log shows a panic, a token or a key.
fn logs_are_clean(stage: &Stage) -> Result<()> {
    let logs = stage.kit.pod_logs();
    ensure!(!logs.is_empty(), "there is no log to look into");
    for log in logs {
        let text = std::fs::read_to_string(&log)?;
        for word in ["panicked at", "eyJhbGciOi", wrong::SECRET_KEY] {
            ensure!(!text.contains(word), "{} holds `{word}`", log.display());
        }
    }
    Ok(())
}

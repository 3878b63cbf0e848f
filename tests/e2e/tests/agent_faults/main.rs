//! The agent on a real API server that goes wrong: it restarts, refuses, breaks off, loses answers and forgets what it served.
//! All ends as it ought to, by itself.

mod api_server;
mod fleet;
mod kinds;
mod namespaces;
mod objects;
mod shared;

use anyhow::Result;
use fleet::Fleet;

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_api_server_leave_nothing_behind() -> Result<()> {
    let fleet = Fleet::begin("faults").await?;
    api_server::refuses_and_breaks_off(&fleet).await?;
    api_server::loses_answers(&fleet).await?;
    api_server::is_silent(&fleet).await?;
    api_server::cuts_watches(&fleet).await?;
    api_server::has_conflicts(&fleet).await?;
    objects::are_shared_with_an_autoscaler(&fleet).await?;
    objects::are_held(&fleet).await?;
    objects::may_not_be_deleted(&fleet).await?;
    objects::are_put_right_while_git_is_away(&fleet).await?;
    objects::follow_a_history_that_was_rewritten(&fleet).await?;
    shared::are_left_to_who_has_them(&fleet).await?;
    api_server::restarts(&fleet).await?;
    fleet.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_come_and_go() -> Result<()> {
    let mut fleet = Fleet::begin("kinds").await?;
    kinds::come_late(&fleet).await?;
    kinds::cannot_be_asked_for(&mut fleet).await?;
    kinds::go_with_their_objects(&fleet).await?;
    fleet.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_come_and_go() -> Result<()> {
    let fleet = Fleet::begin_with_controllers("namespaces").await?;
    namespaces::terminate(&fleet).await?;
    fleet.end().await
}

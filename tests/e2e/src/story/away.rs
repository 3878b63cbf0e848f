//! The management control plane is away, with everything in it; the spoke works on.

use anyhow::{Result, ensure};
use capstan_cluster::Cluster;
use capstan_model::Manifest;

use super::{SPOKE, Story};
use crate::look::{condition, kind, wait_for};
use crate::stage::{PATIENCE, ready};

/// A second table of the application.
const TABLE: &str = "apiVersion: dynamodb.aws.crossplane.io/v1alpha1
kind: Table
metadata:
  name: orders
spec:
  forProvider:
    region: ${AWS_REGION}
    billingMode: PAY_PER_REQUEST
    attributeDefinitions:
    - attributeName: id
      attributeType: S
    keySchema:
    - attributeName: id
      keyType: HASH
  providerConfigRef:
    name: default
";

impl Story {
    /// Stops management, pushes another table, sees it ready with nobody but the spoke calling AWS, starts management again.
    pub async fn management_away(&self, spoke: &Cluster) -> Result<()> {
        self.stage.kit.management().stop().await;
        self.timeline.note("the management control plane is stopped, hub and all");
        let calls_before = self.stage.kit.aws.log().len();
        let repository = self.stage.kit.git.repo("product-catalog-manifests").await?;
        let base = "kubernetes/base/kustomization.yaml";
        let kustomization = format!("{}- orders.yaml\n", repository.read("main", base).await?);
        let files = [("kubernetes/base/orders.yaml", Some(TABLE)), (base, Some(&*kustomization))];
        repository.commit_files("main", &files, "a table for orders").await?;
        let table = kind("dynamodb.aws.crossplane.io/v1alpha1", "Table");
        ready(spoke, &table, ("", "orders-staging")).await?;
        let calls = self.stage.kit.aws.log().split_off(calls_before);
        let role = format!("crossplane-role-{SPOKE}");
        let strangers: Vec<_> = calls
            .iter()
            .filter(|call| call.service != "sts")
            .filter(|call| !call.caller_arn.as_deref().unwrap_or_default().contains(&role))
            .map(|call| format!("{}:{} by {:?}", call.service, call.action, call.caller_arn))
            .collect();
        ensure!(strangers.is_empty(), "callers other than {role}: {strangers:?}");
        self.timeline.note("the orders table is ready, made by the spoke's own role alone");
        self.stage.kit.management().start_again().await?;
        self.timeline.note("the management control plane is back");
        let management = self.stage.kit.management();
        self.hook(&self.stage.management, management, &["gitops-system"]).await?;
        let spokes = kind("fleet.capstan.dev/v1alpha1", "Spoke");
        let connected = |object: &Manifest| condition(object, "AgentConnected");
        wait_for(&self.stage.management, &spokes, ("", SPOKE), PATIENCE, connected).await?;
        Ok(())
    }
}

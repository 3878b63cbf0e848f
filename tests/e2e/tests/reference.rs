//! The reference's own XRD, Composition, roles and template of a cluster provision as they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capstan_cluster::Cluster;
use capstan_e2e::look::{kind, text, wait_gone};
use capstan_e2e::shared;
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage, administrator, ready};
use capstan_kit::KitOptions;
use capstan_model::Secret;

/// The name and region that a user puts in place of the template's.
const CLUSTER: &str = "commercial-staging";
const REGION: &str = "eu-west-1";

/// What stands around it: the repository, and a unit for each folder that the test uses.
const UNITS: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata:
  name: provider-aws-capstan
  namespace: crossplane-system
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/crossplane-role
---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 1m0s
  url: GIT_URL/gitops-system
  ref: {branch: main}
  secretRef: {name: flux-system}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata: {name: crossplane-aws-provider-config, namespace: flux-system}
spec:
  interval: 3m0s
  path: ./tools/crossplane/crossplane-aws-provider-config
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata: {name: crossplane-k8s-provider-config, namespace: flux-system}
spec:
  interval: 3m0s
  path: ./k8s-provider-config
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
"#;

/// The one file of the reference that needs the programs it replaces is left out of its folder.
const PROVIDER_CONFIG: &str = "apiVersion: kubernetes.crossplane.io/v1alpha1
kind: ProviderConfig
metadata:
  name: k8s-providerconfig
spec:
  credentials:
    source: InjectedIdentity
";

async fn push(stage: &Stage, system: &std::path::Path) -> Result<()> {
    let used = [
        "tools/crossplane/crossplane-aws-provider-config/",
        "tools-config/crossplane-eks-composition/",
    ];
    let composite = "clusters-config/template/def/";
    let plain = shared::texts(system, &[])?.into_iter();
    let plain = plain.filter(|(path, _)| used.iter().any(|folder| path.starts_with(folder)));
    let named = [("cluster-name", CLUSTER), ("AWS_REGION", REGION)];
    let template = shared::texts(&system.join(composite), &named)?.into_iter();
    let template =
        template.map(|(path, text)| (format!("clusters-config/{CLUSTER}/def/{path}"), text));
    let mut files: BTreeMap<String, String> = plain.chain(template).collect();
    files.insert("k8s-provider-config/provider-config.yaml".into(), PROVIDER_CONFIG.into());
    let files: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let repository = stage.kit.git.repo("gitops-system").await?;
    repository.commit_files("main", &files, "the reference").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_provisions_unchanged() -> Result<()> {
    let reference = "reference/multi-cluster-gitops/repos/gitops-system";
    let Some(system) = shared::folder(reference, "the reference's cluster in the kit") else {
        return Ok(());
    };
    let stage = Stage::with_hub(KitOptions::default()).await?;
    push(&stage, &system).await?;
    stage.apply(&UNITS.replace("GIT_URL", &stage.kit.git.url())).await?;
    let units = [
        "clusters/mgmt/crossplane-eks-composition.yaml",
        "clusters-config/template/eks-cluster.yaml",
    ];
    for unit in units {
        let text = std::fs::read_to_string(system.join(unit))?;
        stage.apply(&text.replace("cluster-name", CLUSTER)).await?;
    }
    let name = composite_is_ready(&stage).await?;
    connection_opens_the_cluster(&stage, &name).await?;
    facts_are_in_both_clusters(&stage, &name).await?;
    everything_goes(&stage).await?;
    stage.end().await;
    Ok(())
}

/// Waits for the unit, as its own health checks say, and for the composite; gives the name of the EKS cluster.
async fn composite_is_ready(stage: &Stage) -> Result<String> {
    let unit = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    let name = format!("{CLUSTER}-eks-cluster");
    ready(&stage.management, &unit, (NAMESPACE, &name)).await?;
    let composites = kind("gitops.k8s.aws/v1beta1", "EKSCluster");
    let composite = ready(&stage.management, &composites, ("", CLUSTER)).await?;
    let name = text(&composite, "/status/eks_cluster_name");
    ensure!(name.starts_with(&format!("{CLUSTER}-")), "named by the composition: {name}");
    assert_eq!(text(&composite, "/status/eks_cluster_name_psuedo"), "commercial");
    assert_eq!(text(&composite, "/status/account_id"), "123456789012");
    dropped_fields_are_told(stage).await?;
    stage.order_was_kept()?;
    Ok(name)
}

/// Two fields of the Composition are in no schema; each is dropped, and each is told.
async fn dropped_fields_are_told(stage: &Stage) -> Result<()> {
    let said: Vec<String> = stage
        .management
        .list(&kind("v1", "Event"), "", "")
        .await?
        .iter()
        .filter(|event| text(event, "/type") == "Warning")
        .filter(|event| text(event, "/involvedObject/kind") == "EKSCluster")
        .map(|event| text(event, "/message"))
        .collect();
    for field in ["forProvider.mapPublicIpOnLaunch", "forProvider.vpcIdSelector"] {
        ensure!(said.iter().any(|text| text.contains(field)), "{field} is not among {said:?}");
    }
    Ok(())
}

/// The Secret that the composite asks for holds the three keys that the XRD lists, and they are true.
async fn connection_opens_the_cluster(stage: &Stage, name: &str) -> Result<()> {
    let place = (NAMESPACE, "commercial-staging-eks-connection");
    let secret = stage.management.get(&kind("v1", "Secret"), place.0, place.1).await?;
    let secret = secret.context("the unit was ready, so its connection Secret is there")?;
    let data = secret.value()["data"].as_object().context("a Secret with data")?;
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    assert_eq!(keys, ["apiserver-endpoint", "cluster-ca", "value"]);
    let decoded = |key: &str| -> Result<String> {
        let text = data[key].as_str().context("a Secret's value is text")?;
        Ok(String::from_utf8(STANDARD.decode(text)?)?)
    };
    let spoke = stage.kit.cluster(name)?;
    let administrator = std::fs::read_to_string(spoke.kubeconfig())?;
    let endpoint = decoded("apiserver-endpoint")?;
    ensure!(administrator.contains(&endpoint), "{endpoint} is not where the cluster is");
    ensure!(decoded("cluster-ca")?.contains("BEGIN CERTIFICATE"), "cluster-ca is a certificate");
    let login = Cluster::from_untrusted_kubeconfig(&Secret::new(decoded("value")?)).await?;
    let nodes = login.list(&kind("v1", "Node"), "", "").await?;
    assert_eq!(nodes.len(), 2, "workers-size of the template");
    Ok(())
}

/// Both clusters hold the facts that everything later substitutes.
async fn facts_are_in_both_clusters(stage: &Stage, name: &str) -> Result<()> {
    let maps = kind("v1", "ConfigMap");
    let spoke = administrator(&stage.kit.cluster(name)?).await?;
    let here = format!("cluster-info-{CLUSTER}");
    for (cluster, map) in [(&stage.management, here.as_str()), (&spoke, "cluster-info")] {
        let facts = cluster.get(&maps, NAMESPACE, map).await?;
        let facts = facts.with_context(|| format!("{map} is missing"))?;
        let data = &facts.value()["data"];
        assert_eq!(data["ACCOUNT_ID"], "123456789012");
        assert_eq!(data["AWS_REGION"], REGION);
        assert_eq!(data["CLUSTER_NAME"], name);
        assert_eq!(data["CLUSTER_NAME_PSUEDO"], "commercial");
        let issuer = data["OIDC_PROVIDER"].as_str().unwrap_or_default();
        assert!(issuer.starts_with("oidc.eks."), "without its scheme: {issuer}");
        let arn = data["CLUSTER_ARN"].as_str().unwrap_or_default();
        assert!(arn.ends_with(&format!("cluster/{name}")), "{arn}");
    }
    Ok(())
}

/// Deleting the units removes the cluster, then the roles, in an order that AWS never refuses.
async fn everything_goes(stage: &Stage) -> Result<()> {
    let unit = kind("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
    for name in [format!("{CLUSTER}-eks-cluster"), "crossplane-eks-composition".into()] {
        stage.management.delete(&unit, NAMESPACE, &name, &Default::default()).await?;
        wait_gone(&stage.management, &unit, (NAMESPACE, &name), PATIENCE).await?;
    }
    stage.nothing_left("AWS to hold nothing", |_| true).await?;
    stage.order_was_kept()
}

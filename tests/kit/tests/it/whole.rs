//! The whole kit at once.

use std::time::Duration;

use anyhow::Result;
use capstan_kit::nodes::STS_AUDIENCE;
use capstan_kit::{Kit, KitOptions, wait_until};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::Api;
use kube::api::{ListParams, PostParams};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_management_cluster_is_set_up_as_a_user_would() -> Result<()> {
    let kit = Kit::start(KitOptions::default()).await?;
    let management = kit.management();
    assert_eq!(kit.clusters(), ["management"]);
    let error = kit.cluster("nowhere").map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("there are management"), "{error}");

    let maps: Api<ConfigMap> = Api::namespaced(management.client(), "flux-system");
    let facts = maps.get("cluster-info").await?.data.unwrap();
    assert_eq!(facts["ACCOUNT_ID"], capstan_kit::aws::ACCOUNT);
    assert_eq!(format!("https://{}", facts["OIDC_PROVIDER"]), management.plane().issuer());

    // The credentials in the cluster open the Git server.
    let secrets: Api<Secret> = Api::namespaced(management.client(), "flux-system");
    let login = secrets.get("flux-system").await?.data.unwrap();
    assert_eq!(login["password"].0, kit.git.password().as_bytes());
    let repo = kit.git.repo("gitops-system").await?;
    repo.commit_files("main", &[("README.md", Some("fleet\n"))], "first").await?;

    // The hub's ServiceAccount may take on its role, and no other may.
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: crossplane-system\n";
    management.apply(namespace).await?;
    let role = format!("arn:aws:iam::{}:role/crossplane-role", capstan_kit::aws::ACCOUNT);
    let token = token(&kit, "provider-aws-capstan").await?;
    let keys = kit.aws.client().assume_role_with_web_identity(&role, "test", &token).await?;
    assert!(keys.session_token.is_some());
    let other = self::token(&kit, "somebody").await?;
    let refused = kit.aws.client().assume_role_with_web_identity(&role, "test", &other).await;
    assert!(refused.is_err());

    assert_eq!(kit.aws.inventory().await?, []);
    kit.finish().await;
    Ok(())
}

async fn token(kit: &Kit, account: &str) -> Result<String> {
    let accounts: Api<ServiceAccount> =
        Api::namespaced(kit.management().client(), "crossplane-system");
    let object = serde_json::from_value(serde_json::json!({ "metadata": { "name": account } }))?;
    accounts.create(&PostParams::default(), &object).await?;
    let spec = TokenRequestSpec {
        audiences: vec![STS_AUDIENCE.to_owned()],
        ..TokenRequestSpec::default()
    };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
    Ok(answer.status.expect("a token").token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kits_run_side_by_side() -> Result<()> {
    let (one, two) =
        tokio::try_join!(Kit::start(KitOptions::default()), Kit::start(KitOptions::default()))?;
    assert_ne!(one.management().plane().endpoint(), two.management().plane().endpoint());
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: only-in-one\n";
    one.management().apply(object).await?;
    let maps: Api<ConfigMap> = Api::namespaced(two.management().client(), "default");
    assert!(maps.get_opt("only-in-one").await?.is_none());

    one.management().stop().await;
    wait_until("the other one", LIMIT, || async { maps.list(&ListParams::default()).await })
        .await?;
    one.management().start_again().await?;
    assert!(one.management().kubectl(&["get", "configmap", "only-in-one"]).await.is_ok());
    one.finish().await;
    two.finish().await;
    Ok(())
}

//! Manifests that ask for what cannot be: each says which field is wrong, and works once it is put right.

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{Told, find_condition, kind, text};
use capstan_e2e::network::{self, REGION};
use capstan_e2e::stage::Stage;
use capstan_model::{GroupVersionKind, Manifest};
use serde_json::{Value, json};

use crate::objects::{managed, policy, role, subnet, table, vpc, with};

/// A key that AWS does not know, and nobody may print.
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";

pub(crate) async fn all(stage: &Stage) -> Result<()> {
    tokio::try_join!(
        ranges(stage),
        regions(stage),
        references(stage),
        provider_configs(stage),
        documents(stage),
        immutable(stage),
        names(stage),
        schemas(stage),
    )?;
    Ok(())
}

async fn synced_error(
    stage: &Stage,
    gvk: &GroupVersionKind,
    name: &str,
    words: &[&str],
) -> Result<Manifest> {
    stage
        .told(gvk, name, ("Synced", "False", "ReconcileError", words))
        .await
        .context(name.to_owned())
}

async fn ranges(stage: &Stage) -> Result<()> {
    let (vpcs, subnets) = (network::vpc(), network::subnet());
    stage.put(vpc("range-much", "10.0.0.0/8")).await?;
    stage.put(vpc("range-none", "banana")).await?;
    stage.put(vpc("range", "10.50.0.0/16")).await?;
    stage.ready(&vpcs, "range").await?;
    stage.put(subnet("range-in", "range", "10.50.0.0/24")).await?;
    stage.ready(&subnets, "range-in").await?;
    stage.put(subnet("range-out", "range", "10.99.0.0/24")).await?;
    stage.put(subnet("range-over", "range", "10.50.0.128/25")).await?;
    let words = ["ec2 CreateVpc failed", "10.0.0.0/8", "Correct the spec."];
    synced_error(stage, &vpcs, "range-much", &words).await?;
    let words = ["ec2 CreateVpc failed", "banana", "Correct the spec."];
    synced_error(stage, &vpcs, "range-none", &words).await?;
    let words = ["ec2 CreateSubnet failed", "10.99.0.0/24", "Correct the spec."];
    synced_error(stage, &subnets, "range-out", &words).await?;
    let words = ["ec2 CreateSubnet failed", "10.50.0.128/25", "Correct the spec."];
    synced_error(stage, &subnets, "range-over", &words).await?;
    stage.put(subnet("range-out", "range", "10.50.1.0/24")).await?;
    stage.ready(&subnets, "range-out").await?;
    stage.put(vpc("range-none", "10.51.0.0/16")).await?;
    stage.ready(&vpcs, "range-none").await?;
    Ok(())
}

async fn regions(stage: &Stage) -> Result<()> {
    let region = "/spec/forProvider/region";
    stage.put(with(vpc("region-far", "10.0.0.0/16"), region, json!("eu-nowhere-9"))).await?;
    stage.put(with(table("region-no"), region, json!("banana"))).await?;
    let words = ["`eu-nowhere-9` is not a region that is known here: check its spelling"];
    synced_error(stage, &network::vpc(), "region-far", &words).await?;
    let words = ["`banana` is not the name of a region", "Correct the spec."];
    synced_error(stage, &network::table(), "region-no", &words).await?;
    stage.put(table("region-no")).await?;
    stage.ready(&network::table(), "region-no").await?;
    Ok(())
}

const fn creating<'a>(words: &'a [&'a str]) -> Told<'a> {
    ("Ready", "False", "Creating", words)
}

async fn references(stage: &Stage) -> Result<()> {
    let subnets = network::subnet();
    let labels = json!({"region": REGION, "cidrBlock": "10.52.0.0/24",
        "vpcIdSelector": {"matchLabels": {"case": "later"}}});
    stage.put(subnet("reference-absent", "later", "10.52.1.0/24")).await?;
    stage.put(managed(&subnets, "reference-nothing", &labels)).await?;
    let controller = json!({"region": REGION, "cidrBlock": "10.52.0.0/24",
        "vpcIdSelector": {"matchControllerRef": true}});
    stage.put(managed(&subnets, "reference-orphan", &controller)).await?;
    let words = ["waits for VPC/later, which does not exist (vpcId)"];
    stage.told(&subnets, "reference-absent", creating(&words)).await?;
    let words = ["waits for a VPC that the selector of vpcId matches"];
    stage.told(&subnets, "reference-nothing", creating(&words)).await?;
    let words = ["vpcId: the selector asks for the same controller, and this object has none"];
    synced_error(stage, &subnets, "reference-orphan", &words).await?;
    let later = with(vpc("later", "10.52.0.0/16"), "/metadata/labels", json!({"case": "later"}));
    stage.put(later).await?;
    for name in ["reference-absent", "reference-nothing"] {
        stage.ready(&subnets, name).await?;
    }
    Ok(())
}

async fn provider_configs(stage: &Stage) -> Result<()> {
    let roles = network::role();
    let named = |config: &str| {
        let object = role(&format!("config-{config}"));
        with(object, "/spec/providerConfigRef", json!({"name": config}))
    };
    stage.kit.aws.client().iam_create_role("trusts-nobody", crate::objects::TRUST).await?;
    let arn = format!("arn:aws:iam::{}:role/trusts-nobody", capstan_kit::aws::ACCOUNT);
    let stranger = json!({"credentials": {"source": "InjectedIdentity"},
        "assumeRoleWithWebIdentity": {"roleARN": arn}});
    stage.put(config("distrusted", &stranger)).await?;
    let secret = |key: &str| {
        json!({"credentials": {"source": "Secret", "secretRef":
            {"namespace": "crossplane-system", "name": "aws-keys", "key": key}}})
    };
    stage.put(config("keys", &secret("credentials"))).await?;
    stage.put(config("keyless", &secret("absent"))).await?;
    let keys = format!(
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET_KEY}\n"
    );
    stage
        .put(json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "aws-keys", "namespace": "crossplane-system"},
            "stringData": {"credentials": keys}}))
        .await?;
    for name in ["absent", "distrusted", "keys", "keyless"] {
        stage.put(named(name)).await?;
    }
    let words = ["AssumeRoleWithWebIdentity was denied", "Check the trust policy of the role"];
    synced_error(stage, &roles, "config-distrusted", &words).await?;
    let words = ["iam GetRole was denied", "Check the credentials that the call is made with"];
    let object = synced_error(stage, &roles, "config-keys", &words).await?;
    ensure!(!object.value().to_string().contains(SECRET_KEY), "a condition holds the key");
    let words = ["Secret crossplane-system/aws-keys has no key `absent`"];
    synced_error(stage, &roles, "config-keyless", &words).await?;
    let words = ["ProviderConfig/absent of group aws.crossplane.io does not exist"];
    synced_error(stage, &roles, "config-absent", &words).await?;
    stage.put(config("absent", &json!({"credentials": {"source": "InjectedIdentity"}}))).await?;
    stage.ready(&roles, "config-absent").await?;
    Ok(())
}

fn config(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "aws.crossplane.io/v1beta1", "kind": "ProviderConfig",
        "metadata": {"name": name}, "spec": spec})
}

async fn documents(stage: &Stage) -> Result<()> {
    let (roles, policies) = (network::role(), network::policy());
    let trust = "/spec/forProvider/assumeRolePolicyDocument";
    let broken = |name: &str| with(role(name), trust, json!("{\"Version\": "));
    stage.put(broken("document-no-json")).await?;
    stage.put(role("document-broken-later")).await?;
    let nonsense = with(policy("document"), "/spec/forProvider/document", json!("{\"a\": 1}"));
    stage.put(nonsense).await?;
    let words = ["spec.forProvider.assumeRolePolicyDocument is not a policy document"];
    synced_error(stage, &roles, "document-no-json", &words).await?;
    let words = ["iam CreatePolicy failed: MalformedPolicyDocument", "Correct the spec."];
    synced_error(stage, &policies, "document", &words).await?;
    stage.put(policy("document")).await?;
    stage.ready(&policies, "document").await?;
    // What works goes on to work, and can be deleted whatever the manifest says now.
    stage.ready(&roles, "document-broken-later").await?;
    stage.put(broken("document-broken-later")).await?;
    let object = synced_error(stage, &roles, "document-broken-later", &words_of_role()).await?;
    ensure!(capstan_e2e::look::condition(&object, "Ready"), "it is not Ready any more");
    for name in ["document-broken-later", "document-no-json"] {
        stage.delete(&roles, name).await?;
        stage.gone(&roles, name).await?;
    }
    crate::aws::role_is_there(stage, "document-broken-later", false).await
}

const fn words_of_role() -> [&'static str; 1] {
    ["spec.forProvider.assumeRolePolicyDocument is not a policy document"]
}

async fn immutable(stage: &Stage) -> Result<()> {
    let vpcs = network::vpc();
    let region = "/spec/forProvider/region";
    stage.put(vpc("immutable-range", "10.60.0.0/16")).await?;
    stage.put(vpc("immutable-region", "10.61.0.0/16")).await?;
    for name in ["immutable-range", "immutable-region"] {
        stage.ready(&vpcs, name).await?;
    }
    stage.put(vpc("immutable-range", "10.62.0.0/16")).await?;
    let moved = with(vpc("immutable-region", "10.61.0.0/16"), region, json!("eu-west-2"));
    stage.put(moved).await?;
    let words = ["spec.forProvider.cidrBlock cannot be changed from", "10.60.0.0/16", "revert"];
    synced_error(stage, &vpcs, "immutable-range", &words).await?;
    let words = ["spec.forProvider.region cannot be changed from \"eu-west-1\" to \"eu-west-2\""];
    let object = synced_error(stage, &vpcs, "immutable-region", &words).await?;
    crate::aws::once(stage, "vpc", &object).await?;
    for name in ["immutable-range", "immutable-region"] {
        stage.delete(&vpcs, name).await?;
        stage.gone(&vpcs, name).await?;
    }
    let left = crate::aws::of(stage, "vpc", &object).await?;
    ensure!(left.is_empty(), "left in AWS: {left:?}");
    Ok(())
}

async fn names(stage: &Stage) -> Result<()> {
    let roles = network::role();
    let shared = |name: &str| {
        let annotations = json!({"crossplane.io/external-name": "one-name"});
        with(role(name), "/metadata/annotations", annotations)
    };
    stage.put(shared("name-first")).await?;
    let first = stage.ready(&roles, "name-first").await?;
    stage.put(shared("name-second")).await?;
    let owner = format!("belongs to the managed resource with UID {}", first.uid());
    let words = ["the external resource exists already", &owner, "choose another name"];
    synced_error(stage, &roles, "name-second", &words).await?;
    stage.delete(&roles, "name-second").await?;
    stage.gone(&roles, "name-second").await?;
    crate::aws::role_is_there(stage, "one-name", true).await?;
    let first = stage.ready(&roles, "name-first").await?;
    ensure!(find_condition(&first, "Synced").is_some_and(|c| c["status"] == "True"), "not synced");
    Ok(())
}

/// What breaks a schema is refused by the API server, in words that name the field.
async fn schemas(stage: &Stage) -> Result<()> {
    let claim = |pointer: &str, value: Value| {
        with(network::claim("schema", "10.70.0.0/24"), pointer, value)
    };
    let parameters = "/spec/parameters";
    for (object, words) in [
        (claim(parameters, json!({"cidr": "10.70.0.0/24"})), ["spec.parameters.size", "Required"]),
        (
            claim("/spec/parameters/size", json!("tiny")),
            ["spec.parameters.size", "Unsupported value"],
        ),
        (claim("/spec/parameters/cidr", json!("here")), ["spec.parameters.cidr", "should match"]),
        (claim("/spec/parameters/cidr", json!(7)), ["spec.parameters.cidr", "expected string"]),
        (
            with(vpc("schema", "10.0.0.0/16"), "/spec/deletionPolicy", json!("Maybe")),
            ["spec.deletionPolicy", "Unsupported value"],
        ),
    ] {
        let object = Manifest::try_from(object)?;
        // The kind of claims is served soon after its XRD.
        capstan_e2e::look::wait_for(
            &stage.management,
            &kind("apiextensions.crossplane.io/v1", "CompositeResourceDefinition"),
            ("", "xnetworks.test.example.com"),
            capstan_e2e::stage::PATIENCE,
            |xrd| capstan_e2e::look::condition(xrd, "Offered"),
        )
        .await?;
        let applied = capstan_e2e::install::apply(&stage.management, &[object]).await;
        let error = format!("{:#}", applied.err().context("a broken object was accepted")?);
        for word in words {
            ensure!(error.contains(word), "`{word}` is missing in: {error}");
        }
    }
    let claims = stage.management.list(&network::claims(), "", "").await?;
    ensure!(claims.is_empty(), "{:?}", claims.iter().map(|c| text(c, "/metadata/name")));
    Ok(())
}

//! Renders a real Composition of twenty children, round by round, until every child is desired.
#![expect(clippy::print_stdout, reason = "says that it was skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use capstan_compose::{
    Composition, Input, Observed, Rendered, ResourceRef, Xrd, configure, render,
};
use capstan_model::{GroupVersionKind, Manifest, Secret};
use serde_json::{Value, json};

const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC";

fn read(path: &str) -> Option<Vec<Value>> {
    let root = match std::env::var_os("CAPSTAN_SHARED") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from("../../../shared"),
    };
    let system = root.join("reference/multi-cluster-gitops/repos/gitops-system");
    let text = std::fs::read_to_string(system.join(path)).ok()?;
    Some(capstan_yaml::read(&text, path).expect("the reference is YAML"))
}

fn manifest(value: Value) -> Manifest {
    Manifest::try_from(value).expect("an object")
}

struct World {
    composition: Composition,
    xrd: Xrd,
    composite: Manifest,
    observed: BTreeMap<String, Observed>,
    names: usize,
}

impl World {
    fn load() -> Option<Self> {
        let tools = "tools-config/crossplane-eks-composition";
        let first = |path: &str| Some(manifest(read(path)?.remove(0)));
        let xrd = first(&format!("{tools}/compositeresourcedefinition.yaml"))?;
        let composition = first(&format!("{tools}/composition.yaml"))?;
        let mut composite = first("clusters-config/template/def/eks-cluster.yaml")?;
        composite.value_mut()["metadata"]["uid"] = "uid-1".into();
        let composition = Composition::parse(&composition).expect("a valid Composition");
        let composite = configure::configure(&composite, &composition).expect("it lacks its label");
        let xrd = Xrd::parse(&xrd).expect("a valid XRD");
        Some(Self { composition, xrd, composite, observed: BTreeMap::new(), names: 0 })
    }

    fn render(&mut self) -> Rendered {
        let own = self.xrd.composite_crd();
        let own = own["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        let schema = |gvk: &GroupVersionKind| match gvk.kind.as_str() {
            "EKSCluster" => Some(own.clone()),
            "Subnet" => Some(lacking("mapPublicIPOnLaunch", &SUBNET)),
            "NATGateway" => Some(lacking("connectivityType", &NAT)),
            _ => None,
        };
        let names = &mut self.names;
        render(Input {
            composite: &self.composite,
            composition: &self.composition,
            observed: &self.observed,
            environment: &Value::Null,
            schema: &schema,
            new_name: &mut |prefix| {
                *names += 1;
                format!("{prefix}{names:05}")
            },
        })
        .expect("mode Resources")
    }

    /// What hub and providers do between two rounds.
    fn advance(&mut self, rendered: &Rendered) {
        self.composite = rendered.composite.clone();
        let refs: Vec<Value> = rendered.resource_refs.iter().map(ResourceRef::to_value).collect();
        self.composite.value_mut()["spec"]["resourceRefs"] = refs.into();
        for child in &rendered.children {
            let Ok(desired) = &child.desired else { continue };
            let mut object = desired.clone();
            object.value_mut()["status"] = status(&child.gvk.kind);
            let connection = if child.gvk.kind == "Cluster" { secret() } else { BTreeMap::new() };
            self.observed.insert(child.template.clone(), Observed { object, connection });
        }
    }
}

const SUBNET: [&str; 6] =
    ["region", "vpcIdSelector", "tags", "cidrBlock", "availabilityZone", "vpcId"];
const NAT: [&str; 5] =
    ["region", "allocationIdSelector", "subnetIdSelector", "tags", "allocationId"];

/// A schema whose `forProvider` knows these fields and one more.
fn lacking(other: &str, fields: &[&str]) -> Value {
    let free = json!({"x-kubernetes-preserve-unknown-fields": true});
    let known = fields.iter().copied().chain([other]);
    let fields: BTreeMap<&str, Value> = known.map(|field| (field, free.clone())).collect();
    let provider = json!({"type": "object", "properties": fields});
    json!({"properties": {"spec": {"properties": {"forProvider": provider}}, "status": free}})
}

fn secret() -> BTreeMap<String, Secret<Vec<u8>>> {
    ["clusterCA", "endpoint", "kubeconfig", "other"]
        .map(|key| (key.to_owned(), Secret::new(key.as_bytes().to_vec())))
        .into()
}

fn status(kind: &str) -> Value {
    let provider = match kind {
        "VPC" => json!({"ownerId": "123456789012"}),
        "Cluster" => json!({
            "arn": "arn:aws:eks:eu-west-1:123456789012:cluster/x",
            "identity": {"oidc": {"issuer": ISSUER}},
        }),
        _ => json!({}),
    };
    json!({"atProvider": provider, "conditions": [{"type": "Ready", "status": "True"}]})
}

fn child<'a>(rendered: &'a Rendered, template: &str) -> &'a Value {
    let child = rendered.children.iter().find(|child| child.template == template);
    child.expect("a template").desired.as_ref().expect("desired").value()
}

fn blocked(rendered: &Rendered) -> Vec<&str> {
    let blocked = rendered.children.iter().filter(|child| child.desired.is_err());
    blocked.map(|child| child.template.as_str()).collect()
}

#[test]
fn the_reference_composition_converges() {
    let Some(mut world) = World::load() else {
        println!("SKIPPED reference composition: the shared folder is absent, set CAPSTAN_SHARED");
        return;
    };
    let first = world.render();
    assert_eq!(first.children.len(), 20);
    let infos = [
        "configmap-cluster-info-workload-cluster",
        "remote-configmap-cluster-info-workload-cluster",
    ];
    assert_eq!(blocked(&first), ["cluster-oidc-idp", infos[0], infos[1]]);
    assert!(
        first
            .children
            .iter()
            .filter_map(|c| c.desired.as_ref().err())
            .all(capstan_compose::Blocked::is_waiting)
    );
    assert_eq!(first.resource_refs.len(), 20);
    assert!(first.resource_refs.iter().all(|reference| !reference.name.is_empty()));
    check_warnings(&first);

    world.advance(&first);
    let second = world.render();
    assert_eq!(
        blocked(&second),
        Vec::<&str>::new(),
        "one round after the cluster shows its issuer"
    );
    assert_eq!(second.errors, []);
    check_children(&second);
    check_status(&second);

    world.advance(&second);
    let third = world.render();
    assert!(third.is_ready(), "{}", third.unready());
    assert!(!third.status_changed && !third.object_changed && !third.refs_changed);
    assert_eq!(third.resource_refs, first.resource_refs, "names are kept");
    let published = third.published(&world.xrd.connection_secret_keys);
    let shown: Vec<(&str, &[u8])> =
        published.iter().map(|(key, value)| (key.as_str(), &value.expose()[..])).collect();
    assert_eq!(
        shown,
        [
            ("apiserver-endpoint", &b"endpoint"[..]),
            ("cluster-ca", b"clusterCA"),
            ("value", b"kubeconfig")
        ]
    );
}

fn check_warnings(rendered: &Rendered) {
    let said: BTreeSet<String> = rendered
        .children
        .iter()
        .flat_map(|child| &child.warnings)
        .map(|warning| warning.to_string().split_once(": ").expect("a template first").1.to_owned())
        .collect();
    let expected = [
        "dropped `spec.forProvider.mapPublicIpOnLaunch`: ec2.aws.crossplane.io/v1beta1 Subnet has no such field",
        "dropped `spec.forProvider.vpcIdSelector`: ec2.aws.crossplane.io/v1beta1 NATGateway has no such field",
    ];
    assert_eq!(said, expected.map(str::to_owned).into());
    assert_eq!(rendered.warnings, []);
}

fn check_children(rendered: &Rendered) {
    let name =
        rendered.children.iter().find(|c| c.template == "eks-cluster").expect("there").name.clone();
    assert!(name.starts_with("cluster-name-"));
    let vpc = child(rendered, "vpc");
    assert_eq!(vpc["spec"]["forProvider"]["cidrBlock"], "10.20.0.0/16");
    assert_eq!(vpc["spec"]["forProvider"]["region"], "AWS_REGION");
    assert_eq!(
        vpc["spec"]["forProvider"]["tags"],
        json!([{"key": "Name", "value": "cluster-name-eks-vpc"}])
    );
    let subnet = child(rendered, "subnet-public-2");
    assert_eq!(subnet["metadata"]["labels"]["zone"], "AWS_REGIONb");
    let tag = &subnet["spec"]["forProvider"]["tags"][0]["value"];
    assert_eq!(tag, "cluster-name-eks-vpc-public-worker-2");
    let cluster = child(rendered, "eks-cluster");
    assert_eq!(
        cluster["spec"]["writeConnectionSecretToRef"],
        json!({"name": "uid-1-ekscluster-connection", "namespace": "crossplane-system"})
    );
    let nodes = &child(rendered, "eks-nodegroup")["spec"]["forProvider"];
    assert_eq!(nodes["amiType"], "AL2_x86_64");
    assert_eq!(nodes["scalingConfig"], json!({"minSize": 1, "desiredSize": 2, "maxSize": 2}));
    let provider = child(rendered, "cluster-oidc-idp");
    assert_eq!(provider["metadata"]["name"], "cluster-oidc-idp-cluster-name");
    assert_eq!(provider["spec"]["forProvider"]["url"], ISSUER);
    let data = json!({
        "ACCOUNT_ID": "123456789012",
        "AWS_REGION": "AWS_REGION",
        "CLUSTER_ARN": "arn:aws:eks:eu-west-1:123456789012:cluster/x",
        "OIDC_PROVIDER": ISSUER.trim_start_matches("https://"),
        "CLUSTER_NAME": name,
        "CLUSTER_NAME_PSUEDO": "cluster",
    });
    let info = child(rendered, "configmap-cluster-info-workload-cluster");
    assert_eq!(info["metadata"]["name"], "configmap-cluster-info-cluster-name");
    let inner = &info["spec"]["forProvider"]["manifest"];
    assert_eq!(inner["metadata"]["name"], "cluster-info-cluster-name");
    assert_eq!(inner["data"], data);
    let remote = child(rendered, "remote-configmap-cluster-info-workload-cluster");
    assert_eq!(
        remote["spec"]["providerConfigRef"]["name"],
        "remote-k8s-providerconfig-cluster-name"
    );
    assert_eq!(remote["spec"]["forProvider"]["manifest"]["data"], data);
    let config = child(rendered, "remote-k8s-providerconfig-workload-cluster");
    assert_eq!(
        config["spec"]["credentials"]["secretRef"],
        json!({"name": "uid-1-ekscluster-connection", "namespace": "crossplane-system", "key": "kubeconfig"})
    );
}

fn check_status(rendered: &Rendered) {
    let status = &rendered.composite.value()["status"];
    assert_eq!(status["account_id"], "123456789012");
    assert_eq!(status["eks_cluster_name_psuedo"], "cluster");
    assert_eq!(status["eks_cluster_oidc_issuer_url"], ISSUER);
}

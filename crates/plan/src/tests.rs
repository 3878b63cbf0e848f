use serde_json::json;

use crate::testing::{GROUP, entry, input, object, owner, plan_of, waves, with};
use crate::{ApplyMode, Because, Input, PlanError, WaitCondition, plan};

fn pod_template(spec: serde_json::Value) -> serde_json::Value {
    let mut pod = json!({"containers": [{"name": "c", "image": "i"}]});
    let serde_json::Value::Object(spec) = spec else { panic!("a pod spec is a map") };
    pod.as_object_mut().expect("a map").extend(spec);
    json!({"spec": {"template": {"spec": pod}}})
}

#[test]
fn nothing_wanted_is_an_empty_plan() {
    let plan = plan_of(Vec::new()).expect("plannable");
    let (owner, takes_over) = (owner(), plan.takes_over.clone());
    assert_eq!(plan, crate::Plan { owner, takes_over, ..crate::Plan::default() });
}

#[test]
fn an_application_goes_out_in_waves() {
    let deployment = with(
        "apps/v1",
        "Deployment",
        "shop",
        "api",
        pod_template(json!({
            "serviceAccountName": "api",
            "volumes": [{"name": "v", "configMap": {"name": "settings"}}],
        })),
    );
    let binding = with(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "shop",
        "api",
        json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "api"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "shop", "name": "api"}],
        }),
    );
    let plan = plan_of(vec![
        deployment,
        binding,
        object("rbac.authorization.k8s.io/v1", "Role", "shop", "api"),
        object("v1", "ConfigMap", "shop", "settings"),
        object("v1", "ServiceAccount", "shop", "api"),
        object("v1", "Service", "shop", "api"),
        object("v1", "Namespace", "", "shop"),
    ])
    .expect("plannable");
    assert_eq!(
        waves(&plan),
        [
            vec!["Namespace/shop"],
            vec![
                "ServiceAccount/shop/api",
                "Role/shop/api",
                "ConfigMap/shop/settings",
                "Service/shop/api"
            ],
            vec!["RoleBinding/shop/api"],
            vec!["Deployment/shop/api"],
        ]
    );
    let waits: Vec<_> = plan.waves.iter().map(|wave| wave.wait_for.len()).collect();
    assert_eq!(waits, [0, 1, 0, 0]);
    assert_eq!(plan.waves[1].wait_for[0].condition, WaitCondition::Active);
}

#[test]
fn each_way_to_use_an_object_orders() {
    let secret = |name: &str| object("v1", "Secret", "shop", name);
    let users = [
        ("volume", json!({"volumes": [{"secret": {"secretName": "s"}}]})),
        (
            "projected",
            json!({"volumes": [{"projected": {"sources": [{"secret": {"name": "s"}}]}}]}),
        ),
        (
            "env",
            json!({"containers": [
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]}),
        ),
        ("envFrom", json!({"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]})),
        ("pull", json!({"imagePullSecrets": [{"name": "s"}]})),
    ];
    for (name, pod) in users {
        let user = with("apps/v1", "StatefulSet", "shop", name, pod_template(pod));
        let plan = plan_of(vec![user, secret("s"), secret("other")]).expect("plannable");
        assert_eq!(plan.waves.len(), 2, "{name}");
        assert_eq!(plan.report.edges.len(), 1, "{name}");
        assert_eq!(plan.report.edges[0].because, Because::Uses, "{name}");
    }
}

#[test]
fn a_cron_job_and_a_pod_are_workloads_too() {
    let claim = object("v1", "PersistentVolumeClaim", "shop", "data");
    let pod =
        json!({"containers": [], "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]});
    let template = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}});
    for user in [
        with("batch/v1", "CronJob", "shop", "nightly", template),
        with("v1", "Pod", "shop", "once", json!({"spec": pod})),
    ] {
        let plan = plan_of(vec![user, claim.clone()]).expect("plannable");
        assert_eq!(waves(&plan)[0], ["PersistentVolumeClaim/shop/data"]);
    }
}

#[test]
fn a_name_in_another_namespace_is_another_object() {
    let user = with(
        "apps/v1",
        "Deployment",
        "shop",
        "api",
        pod_template(json!({"serviceAccountName": "api"})),
    );
    let plan =
        plan_of(vec![user, object("v1", "ServiceAccount", "till", "api")]).expect("plannable");
    assert_eq!(plan.waves.len(), 1);
}

fn crd(group: &str, plural: &str, kind: &str, scope: &str) -> capstan_model::Manifest {
    let name = format!("{plural}.{group}");
    let spec = json!({"spec": {"group": group, "scope": scope, "names": {"kind": kind}}});
    with("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", &name, spec)
}

#[test]
fn a_definition_comes_before_what_it_defines_and_is_waited_for() {
    let plan = plan_of(vec![
        object("shop.example/v1", "Shelf", "shop", "a"),
        object("other.example/v1", "Shelf", "shop", "a"),
        crd("shop.example", "shelves", "Shelf", "Namespaced"),
    ])
    .expect("plannable");
    assert_eq!(waves(&plan)[1], ["Shelf/shop/a"]);
    let wait = &plan.waves[1].wait_for[0];
    assert_eq!(wait.id.name, "shelves.shop.example");
    assert_eq!(wait.condition, WaitCondition::Established);
}

#[test]
fn scopes_of_new_kinds_come_from_their_definitions() {
    let definition = crd("shop.example", "shelves", "Shelf", "Cluster");
    let shelf = object("shop.example/v1", "Shelf", "shop", "a");
    let plan = plan_of(vec![shelf, definition]).expect("plannable");
    assert_eq!(plan.waves[1].steps[0].id.to_string(), "Shelf/a");
    let definition = crd("shop.example", "shelves", "Shelf", "Namespaced");
    let shelf = object("shop.example/v1", "Shelf", "", "a");
    let errors = plan_of(vec![shelf, definition]).expect_err("no namespace");
    assert!(errors.to_string().starts_with("Shelf/a namespace not specified"), "{errors}");
}

#[test]
fn composites_and_claims_wait_for_definition_and_composition() {
    let xrd = with(
        "apiextensions.crossplane.io/v1",
        "CompositeResourceDefinition",
        "",
        "xclusters.fleet.example",
        json!({"spec": {"group": "fleet.example", "names": {"kind": "XCluster"},
            "claimNames": {"kind": "Cluster"}}}),
    );
    let composition = with(
        "apiextensions.crossplane.io/v1",
        "Composition",
        "",
        "eks",
        json!({
        "spec": {"compositeTypeRef": {"apiVersion": "fleet.example/v1", "kind": "XCluster"}}}),
    );
    let plan = plan_of(vec![
        object("fleet.example/v1", "XCluster", "", "one"),
        object("fleet.example/v1", "Cluster", "teams", "two"),
        xrd,
        composition,
    ])
    .expect("plannable");
    assert_eq!(
        waves(&plan),
        [
            vec!["CompositeResourceDefinition/xclusters.fleet.example", "Composition/eks"],
            vec!["Cluster/teams/two", "XCluster/one"],
        ]
    );
    let conditions: Vec<_> = plan.waves[1].wait_for.iter().map(|wait| wait.condition).collect();
    assert_eq!(conditions, [WaitCondition::Established, WaitCondition::Offered]);
}

#[test]
fn a_managed_resource_comes_after_its_provider_config() {
    let config = object("aws.crossplane.io/v1beta1", "ProviderConfig", "", "default");
    let role = with(
        "iam.aws.crossplane.io/v1beta1",
        "Role",
        "",
        "r",
        json!({
        "spec": {"forProvider": {}}}),
    );
    let elsewhere = with(
        "kubernetes.crossplane.io/v1alpha1",
        "Object",
        "",
        "o",
        json!({
        "spec": {"forProvider": {}}}),
    );
    let plan = plan_of(vec![role, elsewhere, config]).expect("plannable");
    assert_eq!(waves(&plan)[1], ["Role/r"]);
}

#[test]
fn a_flux_unit_comes_after_its_source_and_rights() {
    let kustomization = with(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        "team",
        "app",
        json!({
        "spec": {"serviceAccountName": "deployer", "sourceRef": {"kind": "GitRepository", "name": "app"},
            "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "cluster-info"}]}}}),
    );
    let source = with(
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "team",
        "app",
        json!({
        "spec": {"secretRef": {"name": "git"}}}),
    );
    let plan = plan_of(vec![
        kustomization,
        source,
        object("v1", "Secret", "team", "git"),
        object("v1", "ConfigMap", "team", "cluster-info"),
        object("v1", "ServiceAccount", "team", "deployer"),
    ])
    .expect("plannable");
    assert_eq!(waves(&plan)[2], ["Kustomization/team/app"]);
    assert_eq!(waves(&plan)[1], ["GitRepository/team/app"]);
}

#[test]
fn webhooks_come_last() {
    let admission = "admissionregistration.k8s.io/v1";
    let plan = plan_of(vec![
        object(admission, "ValidatingWebhookConfiguration", "", "v"),
        object(admission, "MutatingWebhookConfiguration", "", "m"),
        object("apps/v1", "Deployment", "shop", "api"),
        object("v1", "Namespace", "", "shop"),
    ])
    .expect("plannable");
    let last = waves(&plan).pop().expect("waves");
    assert_eq!(last, ["MutatingWebhookConfiguration/m", "ValidatingWebhookConfiguration/v"]);
}

#[test]
fn limits_come_before_the_pods_they_limit() {
    let deployment = with("apps/v1", "Deployment", "shop", "api", pod_template(json!({})));
    let plan =
        plan_of(vec![deployment, object("v1", "LimitRange", "shop", "l")]).expect("plannable");
    assert_eq!(plan.waves.len(), 2);
}

#[test]
fn objects_are_made_final() {
    let mut secret = with(
        "v1",
        "Secret",
        "shop",
        "s",
        json!({
        "stringData": {"user": "me", "none": null}, "data": {"user": "b2xk", "kept": "aw=="},
        "status": {"any": 1}}),
    );
    secret.value_mut()["metadata"]["resourceVersion"] = "12".into();
    secret.value_mut()["metadata"]["creationTimestamp"] = serde_json::Value::Null;
    let plan = plan_of(vec![secret]).expect("plannable");
    let step = &plan.waves[0].steps[0];
    assert_eq!(
        *step.manifest.value(),
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "namespace": "shop", "labels": {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
            "data": {"user": "bWU=", "none": "", "kept": "aw=="},
        })
    );
    assert_eq!(step.digest, step.manifest.digest());
    assert_eq!(step.field_manager, "kustomize-controller");
}

#[test]
fn objects_take_the_form_in_which_flux_sends_them() {
    let ports = json!([{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]);
    let limits = json!({"cpu": 0.5});
    let container =
        json!({"name": "a", "ports": ports, "resources": {"limits": limits}, "typo": 1});
    let pod = with("v1", "Pod", "shop", "a", json!({"spec": {"containers": [container]}}));
    let role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "aggregated");
    let config = json!({"webhook": {"clientConfig": {"caBundle": "Cg==", "url": "https://a"}}});
    let spec = json!({"spec": {"names": {"kind": "Shelf"}, "conversion": config}});
    let crd = with(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "",
        "shelves.example.org",
        spec,
    );
    let plan = plan_of(vec![pod, role, crd]).expect("plannable");
    let sent = |kind: &str| {
        let mut steps = plan.waves.iter().flat_map(|wave| &wave.steps);
        steps.find(|step| step.id.kind == kind).expect("a step").manifest.value()
    };
    assert_eq!(
        sent("Pod")["spec"],
        json!({"containers": [{
            "name": "a",
            "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "500m"}},
        }]})
    );
    assert_eq!(sent("ClusterRole").get("rules"), None);
    let client = &sent("CustomResourceDefinition")["spec"]["conversion"]["webhook"]["clientConfig"];
    assert_eq!(*client, json!({"url": "https://a"}));
}

#[test]
fn a_cluster_scoped_object_loses_its_namespace() {
    let role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "shop", "reader");
    let plan = plan_of(vec![role]).expect("plannable");
    assert_eq!(plan.waves[0].steps[0].manifest.namespace(), "");
    assert_eq!(plan.final_inventory, [entry("_reader_rbac.authorization.k8s.io_ClusterRole")]);
}

#[test]
fn every_error_is_reported_at_once() {
    let generated = serde_json::from_value::<capstan_model::Manifest>(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "run-"}}));
    let errors = plan_of(vec![
        object("v1", "ConfigMap", "", "a"),
        generated.expect("a manifest"),
        with("v1", "ConfigMap", "shop", "twice", json!({"data": {"a": "1"}})),
        with("v1", "ConfigMap", "shop", "twice", json!({"data": {"a": "2"}})),
        with("v1", "Secret", "shop", "sealed", json!({"sops": {"mac": "ENC[]"}})),
        with("v1", "Secret", "shop", "number", json!({"stringData": {"port": 80}})),
    ])
    .expect_err("five errors");
    let kinds: Vec<_> = errors.0.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 5, "{errors}");
    let text = errors.to_string();
    for part in [
        "ConfigMap/a namespace not specified",
        "generateName is `run-`",
        "ConfigMap/shop/twice is defined twice",
        "Secret/shop/sealed is SOPS encrypted",
        "Secret/shop/number stringData.port is not a string",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(matches!(errors.0[0], PlanError::NoNamespace(_)));
}

#[test]
fn a_ciphertext_that_is_wanted_is_applied() {
    let sealed = |decrypt: &str| {
        let annotations = json!({"kustomize.toolkit.fluxcd.io/decrypt": decrypt});
        let metadata = json!({"name": "sealed", "namespace": "shop", "annotations": annotations});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata,
            "sops": {"mac": "ENC[]"}, "stringData": {"password": "ENC[]"}});
        plan_of(vec![serde_json::from_value(secret).expect("a manifest")])
    };
    let plan = sealed("Disabled").expect("plannable");
    assert!(plan.waves[0].steps[0].manifest.value().get("sops").is_none(), "no field of a Secret");
    assert!(sealed("enabled").is_err());
}

#[test]
fn equal_duplicates_count_once() {
    let twice = || object("v1", "ConfigMap", "shop", "a");
    assert_eq!(plan_of(vec![twice(), twice()]).expect("plannable").steps().count(), 1);
}

fn annotated(key: &str, value: &str) -> capstan_model::Manifest {
    let mut object = object("v1", "ConfigMap", "shop", "a");
    object.set_annotation(&format!("{GROUP}/{key}"), value);
    object
}

#[test]
fn annotations_of_flux_are_honoured() {
    let step = |object| plan_of(vec![object]).expect("plannable").waves.remove(0).steps.remove(0);
    assert_eq!(step(annotated("ssa", "Merge")).mode, ApplyMode::Merge);
    assert_eq!(step(annotated("ssa", "ifnotpresent")).mode, ApplyMode::IfNotPresent);
    assert_eq!(step(annotated("ssa", "Override")).mode, ApplyMode::Override);
    assert!(step(annotated("force", "enabled")).recreate);
    assert!(!step(annotated("force", "disabled")).recreate);
    let mut labelled = object("v1", "ConfigMap", "shop", "a");
    labelled.set_label(&format!("{GROUP}/ssa"), "Merge");
    assert_eq!(step(labelled).mode, ApplyMode::Merge);
}

#[test]
fn a_skipped_object_is_neither_applied_nor_pruned() {
    for (key, value) in [("reconcile", "disabled"), ("ssa", "Ignore")] {
        let wanted = vec![annotated(key, value)];
        let plan = plan(input(wanted, vec![entry("shop_a__ConfigMap")])).expect("plannable");
        assert_eq!(plan.steps().count(), 0);
        assert_eq!(plan.prune, []);
        assert_eq!(plan.final_inventory, [entry("shop_a__ConfigMap")]);
        assert_eq!(plan.report.skipped[0].because, format!("{GROUP}/{key}: {value}"));
    }
}

#[test]
fn pruning_goes_from_dependents_to_containers() {
    let inventory = [
        "_shop__Namespace",
        "shop_api_apps_Deployment",
        "shop_api__ServiceAccount",
        "shop_settings__ConfigMap",
        "_shelves.shop.example_apiextensions.k8s.io_CustomResourceDefinition",
        "shop_a_shop.example_Shelf",
        "_guard_admissionregistration.k8s.io_ValidatingWebhookConfiguration",
        "_default_aws.crossplane.io_ProviderConfig",
        "_r_iam.aws.crossplane.io_Role",
    ];
    let plan = plan(input(Vec::new(), inventory.map(entry).to_vec())).expect("plannable");
    let order: Vec<_> = plan.prune.iter().map(|s| (s.stage, s.id.to_string())).collect();
    let order: Vec<_> = order.iter().map(|(stage, id)| (*stage, id.as_str())).collect();
    assert_eq!(
        order,
        [
            (0, "ValidatingWebhookConfiguration/guard"),
            (0, "Shelf/shop/a"),
            (1, "Deployment/shop/api"),
            (1, "ConfigMap/shop/settings"),
            (1, "Role/r"),
            (1, "ServiceAccount/shop/api"),
            (2, "ProviderConfig/default"),
            (3, "Namespace/shop"),
            (3, "CustomResourceDefinition/shelves.shop.example"),
        ]
    );
    assert_eq!(plan.union_inventory.len(), inventory.len());
    assert_eq!(plan.final_inventory, []);
}

#[test]
fn without_prune_nothing_is_deleted_and_it_is_said() {
    let input = Input { prune: false, ..input(Vec::new(), vec![entry("shop_a__ConfigMap")]) };
    let plan = plan(input).expect("plannable");
    assert_eq!(plan.prune, []);
    assert_eq!(plan.report.orphaned[0].to_string(), "ConfigMap/shop/a");
}

#[test]
fn a_namespace_with_wanted_objects_is_retained() {
    let inventory = vec![entry("_shop__Namespace"), entry("shop_a__ConfigMap")];
    let wanted = vec![object("v1", "ConfigMap", "shop", "b")];
    let first = plan(input(wanted, inventory.clone())).expect("plannable");
    assert_eq!(first.prune.len(), 1);
    assert_eq!(first.report.retained, [inventory[0].id.clone()]);
    assert_eq!(first.final_inventory, [inventory[0].clone(), entry("shop_b__ConfigMap")]);
    let last = plan(input(Vec::new(), first.final_inventory)).expect("plannable");
    assert_eq!(last.prune.len(), 2);
}

#[test]
fn a_new_version_of_a_kind_is_the_same_object() {
    let mut old = entry("shop_api_autoscaling_HorizontalPodAutoscaler");
    old.version = "v2beta2".to_owned();
    let hpa = object("autoscaling/v2", "HorizontalPodAutoscaler", "shop", "api");
    let plan = plan(input(vec![hpa], vec![old])).expect("plannable");
    assert_eq!(plan.prune, []);
    assert_eq!(plan.union_inventory[0].version, "v2");
}

#[test]
fn the_live_object_has_the_last_word() {
    let plan = plan(input(Vec::new(), vec![entry("shop_a__ConfigMap")])).expect("plannable");
    let step = &plan.prune[0];
    let mut live = object("v1", "ConfigMap", "shop", "a");
    assert!(step.spares(&live).expect("not ours").contains(GROUP));
    for (key, value) in owner().labels() {
        live.set_label(&key, &value);
    }
    assert_eq!(step.spares(&live), None);
    live.set_annotation(&format!("{GROUP}/prune"), "Disabled");
    assert_eq!(step.spares(&live).expect("spared"), format!("it carries {GROUP}/prune: disabled"));
}

#[test]
fn a_cycle_names_its_path() {
    let account = with("v1", "ServiceAccount", "shop", "a", json!({"secrets": [{"name": "s"}]}));
    let secret = object("v1", "Secret", "shop", "s");
    assert!(plan_of(vec![account, secret]).is_ok());
    // A Composition cannot render what defines it; bad input can still say so.
    let definition = |name: &str, defines: &str| {
        with(
            "apiextensions.crossplane.io/v1",
            "CompositeResourceDefinition",
            "",
            name,
            json!({
            "spec": {"group": "apiextensions.crossplane.io", "names": {"kind": defines}}}),
        )
    };
    let composition = with(
        "apiextensions.crossplane.io/v1",
        "Composition",
        "",
        "c",
        json!({
        "spec": {"compositeTypeRef": {"apiVersion": "apiextensions.crossplane.io/v1",
            "kind": "CompositeResourceDefinition"}}}),
    );
    let errors = plan_of(vec![definition("x", "Composition"), composition]).expect_err("a cycle");
    assert_eq!(
        errors.to_string(),
        "dependency cycle: CompositeResourceDefinition/x -> Composition/c -> CompositeResourceDefinition/x"
    );
}

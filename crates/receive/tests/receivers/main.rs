//! Each type of Receiver as a table: what authenticates a request, and what does not.

mod identity;

use capstan_api::flux::{LocalReference, ReceiverResource, ReceiverSpec};
use capstan_model::{Manifest, NamespacedName, Secret};
use capstan_receive::{Credentials, Facts, Filters, Request, accept, validate, webhook_path};
use serde_json::json;

const TOKEN: &str = "token";
/// HMACs of `{"a":1}` with the key `token`, by OpenSSL.
const BODY: &str = r#"{"a":1}"#;
const SHA1: &str = "f1f439b0057e737fa367eb06612055006154a7f2";
const SHA256: &str = "faee837978e44be8915ecfe70bee314b433634f9e039c865773280f437bc4d61";
const SHA512: &str = "b91592395c2fab52b7a8d0dcf22838a78f0f2bb2d44835540498d6821027f4d75d07c9b6d9d1e070e240f63dcd1db5d52937dc0eef9c50b3604148a6c13cb5f8";
const CDEVENT: &str = r#"{"context": {"version": "0.4.1", "id": "1", "source": "/ci", "timestamp": "2024-01-01T00:00:00Z",
    "type": "dev.cdevents.change.merged.0.2.0"}, "subject": {"id": "c", "content": {}}}"#;

pub(crate) fn spec(type_: &str, events: &[&str]) -> ReceiverSpec {
    ReceiverSpec {
        type_: type_.to_owned(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        secret_ref: Some(LocalReference { name: "token".to_owned() }),
        ..ReceiverSpec::default()
    }
}

fn credentials(token: &str) -> Credentials {
    Credentials { token: Secret::new(token.as_bytes().to_vec()), ..Credentials::default() }
}

/// What a Receiver answers: what it did, or why not.
fn answer(spec: &ReceiverSpec, token: &str, headers: &[(&str, &str)], body: &str) -> String {
    let request = Request { headers, body: body.as_bytes() };
    match accept(spec, &request, &credentials(token), None, 0) {
        Ok(accepted) => accepted.summary,
        Err(refusal) => {
            assert_eq!(refusal.told(), None, "a stranger learns nothing");
            format!("REFUSED {refusal}")
        }
    }
}

type Row<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn each_type_answers_as_notification_controller_does() {
    let (sha1, sha256, sha512) =
        (format!("sha1={SHA1}"), format!("sha256={SHA256}"), format!("sha512={SHA512}"));
    let json = ("Content-Type", "application/json; charset=utf-8");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let rows: &[Row<'_>] = &[
        ("generic", &[], &[], "", "handling generic event"),
        ("generic-hmac", &[], &[("x-signature", &sha256)], BODY, "handling signed event"),
        ("generic-hmac", &[], &[("X-Signature", &sha1)], BODY, "handling signed event"),
        ("generic-hmac", &[], &[("X-Signature", &sha512)], BODY, "handling signed event"),
        (
            "generic-hmac",
            &[],
            &[],
            BODY,
            "REFUSED unable to validate HMAC signature: missing signature",
        ),
        (
            "generic-hmac",
            &[],
            &[("X-Signature", &sha256)],
            "x",
            "REFUSED unable to validate HMAC signature: payload signature check failed",
        ),
        (
            "github",
            &[],
            &[json, ("X-Hub-Signature", &sha1), ("X-GitHub-Event", "push")],
            BODY,
            "handling GitHub event: push",
        ),
        (
            "github",
            &["PUSH"],
            &[json, ("X-Hub-Signature-256", &sha256), ("X-GitHub-Event", "push")],
            BODY,
            "handling GitHub event: push",
        ),
        ("github", &[], &[form, ("X-Hub-Signature-256", &sha256)], BODY, "handling GitHub event: "),
        (
            "github",
            &["ping"],
            &[json, ("X-Hub-Signature-256", &sha256), ("X-GitHub-Event", "push")],
            BODY,
            "REFUSED the GitHub event \"push\" is not authorised",
        ),
        (
            "github",
            &[],
            &[json, ("X-GitHub-Event", "push")],
            BODY,
            "REFUSED the GitHub signature header is invalid, err: missing signature",
        ),
        // The better signature is the one that counts.
        (
            "github",
            &[],
            &[json, ("X-Hub-Signature", &sha1), ("X-Hub-Signature-256", "sha256=00")],
            BODY,
            "REFUSED the GitHub signature header is invalid, err: payload signature check failed",
        ),
        (
            "github",
            &[],
            &[("X-Hub-Signature-256", &sha256)],
            BODY,
            "REFUSED the GitHub signature header is invalid, err: webhook request has unsupported Content-Type \"\"",
        ),
        (
            "bitbucket",
            &["repo:refs_changed"],
            &[json, ("X-Hub-Signature", &sha256), ("X-Event-Key", "repo:refs_changed")],
            BODY,
            "handling Bitbucket server event: repo:refs_changed",
        ),
        (
            "bitbucket",
            &["repo:refs_changed"],
            &[json, ("X-Hub-Signature", &sha256), ("X-Event-Key", "pr:opened")],
            BODY,
            "REFUSED the Bitbucket server event \"pr:opened\" is not authorised",
        ),
        (
            "bitbucket",
            &[],
            &[json, ("X-Hub-Signature", "sha256=00")],
            BODY,
            "REFUSED the Bitbucket server signature header is invalid, err: payload signature check failed",
        ),
        (
            "gitlab",
            &["Push Hook"],
            &[("X-Gitlab-Token", TOKEN), ("X-Gitlab-Event", "push hook")],
            "",
            "handling GitLab event: push hook",
        ),
        (
            "gitlab",
            &["Push Hook"],
            &[("X-Gitlab-Token", TOKEN), ("X-Gitlab-Event", "Tag Push Hook")],
            "",
            "REFUSED the GitLab event \"Tag Push Hook\" is not authorised",
        ),
        (
            "gitlab",
            &[],
            &[("X-Gitlab-Token", "toke")],
            "",
            "REFUSED the X-Gitlab-Token header value does not match the receiver token",
        ),
        (
            "gitlab",
            &[],
            &[],
            "",
            "REFUSED the X-Gitlab-Token header value does not match the receiver token",
        ),
        ("harbor", &[], &[("Authorization", TOKEN)], "", "handling Harbor event"),
        (
            "harbor",
            &[],
            &[("Authorization", "Bearer token")],
            "",
            "REFUSED the Harbor Authorization header value does not match the receiver token",
        ),
        (
            "dockerhub",
            &[],
            &[],
            r#"{"push_data": {"tag": "v1"}, "repository": {"repo_url": "hub/a"}} rest"#,
            "handling DockerHub event from hub/a for tag v1",
        ),
        (
            "dockerhub",
            &[],
            &[],
            r#"{"push_data": {"tag": 1}}"#,
            "REFUSED cannot decode DockerHub webhook payload: invalid type: integer `1`, expected a string",
        ),
        (
            "quay",
            &[],
            &[],
            r#"{"docker_url": "quay.io/a", "updated_tags": ["v1"], "more": 1}"#,
            "handling Quay event from quay.io/a",
        ),
        ("quay", &[], &[], "null", "handling Quay event from "),
        (
            "quay",
            &[],
            &[],
            "",
            "REFUSED cannot decode Quay webhook payload: EOF while parsing a value at line 1 column 0",
        ),
        ("nexus", &[], &[("X-Nexus-Webhook-Signature", SHA1)], BODY, "handling Nexus event from "),
        (
            "nexus",
            &[],
            &[("X-Nexus-Webhook-Signature", SHA256)],
            BODY,
            "REFUSED invalid Nexus signature",
        ),
        ("nexus", &[], &[], BODY, "REFUSED the Nexus signature is missing from header"),
        (
            "acr",
            &[],
            &[],
            r#"{"action": "push", "target": {"repository": "a", "tag": "v1"}}"#,
            "handling ACR event from a for tag v1",
        ),
        (
            "acr",
            &[],
            &[],
            "[1]",
            "REFUSED cannot decode ACR webhook payload: invalid type: sequence, expected a map at line 1 column 0",
        ),
        (
            "cdevents",
            &["dev.cdevents.change.merged.0.2.0"],
            &[("Ce-Type", "dev.cdevents.change.merged.0.2.0")],
            CDEVENT,
            "handling CDEvent: dev.cdevents.change.merged.0.2.0",
        ),
        (
            "cdevents",
            &["dev.cdevents.change.merged.0.2.0"],
            &[("Ce-Type", "dev.cdevents.change.created.0.2.0")],
            CDEVENT,
            "REFUSED the CDEvent \"dev.cdevents.change.created.0.2.0\" is not authorised",
        ),
        (
            "cdevents",
            &[],
            &[],
            "{}",
            "REFUSED unable to validate CDEvent event: context.version is missing or is not a text",
        ),
        ("gcr", &[], &[], "{}", "REFUSED the Authorization header is missing or malformed"),
        (
            "generic-oidc",
            &[],
            &[("Authorization", "Basic x")],
            "{}",
            "REFUSED the Authorization header is missing or malformed",
        ),
        ("telegraph", &[], &[], "", "REFUSED receiver type \"telegraph\" not supported"),
    ];
    for (type_, events, headers, body, wanted) in rows {
        let given = answer(&spec(type_, events), TOKEN, headers, body);
        assert_eq!(given, *wanted, "{type_} {headers:?} {body}");
    }
}

/// A token of no letters must not make a Receiver one that believes everybody.
#[test]
fn an_empty_token_proves_nothing() {
    for (type_, header) in [("gitlab", "X-Gitlab-Token"), ("harbor", "Authorization")] {
        let given = answer(&spec(type_, &[]), "", &[(header, "")], BODY);
        assert!(given.starts_with("REFUSED"), "{type_}: {given}");
    }
    let json = ("Content-Type", "application/json");
    assert!(answer(&spec("github", &[]), "", &[json], BODY).starts_with("REFUSED"));
}

#[test]
fn the_path_is_that_of_flux() {
    // sha256sum of `tokenhookflux-system`.
    let path = webhook_path(b"token", &NamespacedName::new("flux-system", "hook"));
    assert_eq!(path, "/hook/972cfccde884c3c9f7e679bd3637a6c3a8c5b326aed2853ddaea8b0ce0aa1cea");
}

fn object(labels: &serde_json::Value) -> Manifest {
    let object = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "app", "namespace": "n", "labels": labels}, "spec": {"url": "secret"}});
    Manifest::try_from(object).expect("valid")
}

/// Does a Receiver with these filters touch an object?
fn admits(filters: [&str; 2], content_type: &str, body: &str) -> Result<bool, String> {
    let mut spec = spec("generic", &[]);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    spec.resource_filter = given(filters[0]);
    spec.resources = vec![ReceiverResource { filter: given(filters[1]), ..Default::default() }];
    let filters = Filters::read(&spec).map_err(|(field, error)| format!("{field}: {error}"))?;
    let headers = [("Content-Type", content_type)];
    let request = Request { headers: &headers, body: body.as_bytes() };
    let accepted = accept(&spec, &request, &credentials(TOKEN), None, 0).expect("generic");
    let facts = Facts::read(&filters, &accepted).map_err(|error| error.to_string())?;
    let object = object(&json!({"image": "app"}));
    filters.admit(0, &object, &facts).map_err(|error| error.to_string())
}

#[test]
fn filters_see_metadata_and_body() {
    let json = "text/plain, application/json; charset=utf-8";
    let by_tag = "req.tag.contains('v1')";
    for (filters, content_type, body, wanted) in [
        (["", ""], "", "{", Ok(true)),
        ([by_tag, ""], json, r#"{"tag": "v1.2"}"#, Ok(true)),
        ([by_tag, ""], json, r#"{"tag": "v2"}"#, Ok(false)),
        (["", by_tag], json, r#"{"tag": "v2"}"#, Ok(false)),
        ([by_tag, "res.metadata.labels.image == 'app'"], json, r#"{"tag": "v1"}"#, Ok(true)),
        ([by_tag, "res.metadata.labels.image == 'other'"], json, r#"{"tag": "v1"}"#, Ok(false)),
        (["res.kind == 'GitRepository' && !has(res.spec)", ""], json, "{}", Ok(true)),
        // A body that does not say that it is JSON is none.
        (["!has(req.tag)", ""], "text/plain", r#"{"tag": "v1"}"#, Ok(true)),
    ] {
        assert_eq!(admits(filters, content_type, body), wanted, "{filters:?} {body}");
    }
    for (filters, body, why) in [
        ([by_tag, ""], "{", "failed to parse request body as JSON"),
        ([by_tag, ""], "[]", "failed to parse request body as JSON"),
        ([by_tag, ""], "{}", "no such key: tag"),
        (["req.tag", ""], "{}", "spec.resourceFilter: CEL expression output type mismatch"),
        (["", "1 +"], "{}", "spec.resources[0].filter: failed to parse the CEL expression"),
        (["claims.sub == ''", ""], "{}", "undeclared reference to 'claims'"),
    ] {
        let given = admits(filters, json, body).expect_err("it fails");
        assert!(given.contains(why), "{given}");
    }
}

#[test]
fn what_can_never_work_is_said() {
    let mut both = spec("generic-oidc", &[]);
    assert_eq!(validate(&both).expect_err("no provider").reason, "ValidationFailed");
    both.oidc_providers = vec![identity::provider(&[("true", "m")])];
    let why = validate(&both).expect_err("with a Secret").message;
    assert_eq!(why, "secretRef cannot be set when type is generic-oidc");
    both.secret_ref = None;
    assert_eq!(validate(&both), Ok(()));
    both.oidc_providers.push(both.oidc_providers[0].clone());
    assert!(validate(&both).expect_err("twice").message.contains("duplicate issuerURL"));
    both.oidc_providers = vec![identity::provider(&[("claims.sub", "m")])];
    let why = validate(&both).expect_err("no boolean");
    assert_eq!(why.reason, "InvalidCELExpression");
    assert!(why.message.contains("validation \"m\""), "{}", why.message);
    let mut filtered = spec("github", &[]);
    filtered.resource_filter = Some("nonsense(".to_owned());
    assert_eq!(validate(&filtered).expect_err("no CEL").reason, "InvalidCELExpression");
}

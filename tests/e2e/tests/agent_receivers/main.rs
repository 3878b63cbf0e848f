//! Each type of Receiver: who proves who he is starts a reconciliation, nobody else does.

mod issuer;

use anyhow::{Context, Result, ensure};
use capstan_e2e::look::{condition, kind, summary, text, told, wait_for};
use capstan_e2e::stage::{NAMESPACE, PATIENCE, Stage, ready};
use capstan_kit::KitOptions;
use capstan_model::{GroupVersionKind, Manifest};
use hmac::{Hmac, KeyInit, Mac};
use issuer::Issuer;
use serde_json::{Value, json};

const TOKEN: &str = "right-t0ken";
const BODY: &str = r#"{"tag": "v1"}"#;
const CDEVENT: &str = r#"{"context": {"version": "0.4.1", "id": "1", "source": "/ci", "timestamp": "2024-01-01T00:00:00Z",
    "type": "dev.cdevents.change.merged.0.2.0"}, "subject": {"id": "c", "content": {}}}"#;
/// `{"action": "INSERT", "digest": "gcr.io/a", "tag": "v1"}` as Pub/Sub carries it.
const PUBSUB: &str = r#"{"message": {"data": "eyJhY3Rpb24iOiAiSU5TRVJUIiwgImRpZ2VzdCI6ICJnY3IuaW8vYSIsICJ0YWciOiAidjEifQ=="}}"#;

/// Headers and body of a request.
type Sent = (Vec<(&'static str, String)>, &'static str);

/// A type, the events that its Receiver is for, a request that it believes, and one that it does not.
struct Row {
    type_: &'static str,
    events: &'static [&'static str],
    right: Sent,
    wrong: Option<Sent>,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_of_receiver_believes_its_sender_alone() -> Result<()> {
    let issuer = Issuer::start().await?;
    let google = format!("--google-keys-url={}/keys", issuer.url);
    let stage = Stage::with_agent_and(KitOptions::default(), &[&google]).await?;
    let hooks = Hooks::of(&stage).await?;
    for row in rows(&issuer)? {
        hooks.check(&row, &issuer).await.with_context(|| row.type_)?;
    }
    hooks.filters().await?;
    hooks.answers().await?;
    hooks.invalid().await?;
    stage.end().await;
    Ok(())
}

fn signature<M: Mac + KeyInit>(token: &str, body: &str) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(token.as_bytes()).expect("any key");
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn sha256(token: &str) -> String {
    format!("sha256={}", signature::<Hmac<sha2::Sha256>>(token, BODY))
}

fn rows(issuer: &Issuer) -> Result<Vec<Row>> {
    let json = || ("Content-Type", "application/json".to_owned());
    let hub = |token: &str, header, event: &str| {
        (vec![json(), ("X-Hub-Signature-256", sha256(token)), (header, event.to_owned())], BODY)
    };
    let with = |header, value: &str, body| (vec![json(), (header, value.to_owned())], body);
    let gitlab = |token: &str| {
        let event = ("X-Gitlab-Event", "Push Hook".to_owned());
        (vec![json(), ("X-Gitlab-Token", token.to_owned()), event], BODY)
    };
    let google = |email: &str| {
        issuer.bearer(json!({"iss": "https://accounts.google.com", "aud": "https://hook",
            "email": email, "email_verified": true}))
    };
    let oidc = |owner: &str| {
        issuer.bearer(json!({"iss": issuer.url, "aud": "notification-controller", "owner": owner}))
    };
    let nexus = |token| signature::<Hmac<sha1::Sha1>>(token, BODY);
    let none: &[&str] = &[];
    let row = |type_, events, right, wrong| Row { type_, events, right, wrong };
    let (nexus_header, cdevents) =
        ("X-Nexus-Webhook-Signature", "dev.cdevents.change.merged.0.2.0");
    Ok(vec![
        row("generic", none, (vec![json()], BODY), None),
        row(
            "generic-hmac",
            none,
            with("X-Signature", &sha256(TOKEN), BODY),
            Some(with("X-Signature", &sha256("x"), BODY)),
        ),
        row(
            "generic-oidc",
            none,
            with("Authorization", &oidc("acme")?, BODY),
            Some(with("Authorization", &oidc("evil")?, BODY)),
        ),
        row(
            "github",
            &["push"],
            hub(TOKEN, "X-GitHub-Event", "push"),
            Some(hub(TOKEN, "X-GitHub-Event", "ping")),
        ),
        row("gitlab", &["Push Hook"], gitlab(TOKEN), Some(gitlab("x"))),
        row(
            "bitbucket",
            &["repo:refs_changed"],
            hub(TOKEN, "X-Event-Key", "repo:refs_changed"),
            Some(hub("x", "X-Event-Key", "repo:refs_changed")),
        ),
        row(
            "harbor",
            none,
            with("Authorization", TOKEN, BODY),
            Some(with("Authorization", "x", BODY)),
        ),
        row("dockerhub", none, (vec![json()], BODY), Some((vec![json()], "no JSON"))),
        row("quay", none, (vec![json()], BODY), Some((vec![json()], "[]"))),
        row(
            "gcr",
            none,
            with("Authorization", &google("push@project")?, PUBSUB),
            Some(with("Authorization", &google("x@project")?, PUBSUB)),
        ),
        row(
            "nexus",
            none,
            with(nexus_header, &nexus(TOKEN), BODY),
            Some(with(nexus_header, &nexus("x"), BODY)),
        ),
        row("acr", none, (vec![json()], BODY), Some((vec![json()], "1"))),
        row(
            "cdevents",
            &["dev.cdevents.change.merged.0.2.0"],
            with("Ce-Type", cdevents, CDEVENT),
            Some(with("Ce-Type", cdevents, BODY)),
        ),
    ])
}

fn source_kind() -> GroupVersionKind {
    kind("source.toolkit.fluxcd.io/v1", "GitRepository")
}

fn receiver_kind() -> GroupVersionKind {
    kind("notification.toolkit.fluxcd.io/v1", "Receiver")
}

/// When an object was last asked to be reconciled.
fn requested(object: &Manifest) -> String {
    object.annotation("reconcile.fluxcd.io/requestedAt").unwrap_or_default().to_owned()
}

struct Hooks<'a> {
    stage: &'a Stage,
    client: reqwest::Client,
    address: String,
}

impl<'a> Hooks<'a> {
    async fn of(stage: &'a Stage) -> Result<Self> {
        let pods =
            stage.management.list(&kind("v1", "Pod"), NAMESPACE, "app=capstan-agent").await?;
        let pod = pods.iter().find(|pod| condition(pod, "Ready")).context("no agent is ready")?;
        let address = format!("http://{}:9292", text(pod, "/status/podIP"));
        Ok(Self { stage, client: reqwest::Client::new(), address })
    }

    /// A Receiver with a Secret and a source, all of one name; the source is suspended, so that nothing but the Receiver
    /// touches it.
    async fn receiver(&self, name: &str, more: Value) -> Result<String> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "stringData": {"token": TOKEN, "email": "push@project", "audience": "https://hook"}});
        self.source(name, name).await?;
        let mut spec = json!({"secretRef": {"name": name},
            "resources": [{"kind": "GitRepository", "name": name}]});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        if spec["type"] == "generic-oidc" {
            spec.as_object_mut().context("a spec")?.remove("secretRef");
        }
        let receiver = json!({"apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
        self.stage.apply(&format!("{secret}\n---\n{receiver}")).await?;
        let live = ready(&self.stage.management, &receiver_kind(), (NAMESPACE, name)).await?;
        Ok(text(&live, "/status/webhookPath"))
    }

    async fn source(&self, name: &str, label: &str) -> Result<()> {
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"for": label}},
            "spec": {"interval": "30m", "url": "https://git.example/x.git", "suspend": true}});
        self.stage.apply(&source.to_string()).await
    }

    async fn send(&self, path: &str, (headers, body): &Sent) -> Result<(u16, String)> {
        let mut request = self.client.post(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.body((*body).to_owned()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn when_requested(&self, name: &str) -> Result<String> {
        let found = self.stage.management.get(&source_kind(), NAMESPACE, name).await?;
        Ok(requested(&found.context("the source is there")?))
    }

    async fn check(&self, row: &Row, issuer: &Issuer) -> Result<()> {
        let Row { type_, events, right, wrong } = row;
        let mut more = json!({"type": type_, "events": events});
        if *type_ == "generic-oidc" {
            let validation =
                json!({"expression": "claims.owner == 'acme'", "message": "not of acme"});
            more["oidcProviders"] = json!([{"issuerURL": issuer.url, "validations": [validation]}]);
        }
        let name = format!("type-{type_}");
        let path = self.receiver(&name, more).await?;
        if let Some(wrong) = wrong {
            let (code, said) = self.send(&path, wrong).await?;
            ensure!(code == 400, "the wrong sender is answered with {code}");
            let may_learn = *type_ == "generic-oidc";
            ensure!(may_learn == said.contains("not of acme"), "he is told: {said}");
            ensure!(self.when_requested(&name).await?.is_empty(), "he started a reconciliation");
        }
        let (code, said) = self.send(&path, right).await?;
        ensure!(code == 200, "the right sender is answered with {code}: {said}");
        ensure!(!self.when_requested(&name).await?.is_empty(), "nothing was started");
        Ok(())
    }

    /// All sources with a label, of which the filters admit one.
    async fn filters(&self) -> Result<()> {
        for name in ["filtered-v1", "filtered-v2"] {
            self.source(name, "filtered").await?;
        }
        let filter = "res.metadata.name.endsWith(req.tag)";
        let path = self
            .receiver("filters", json!({"type": "generic", "resourceFilter": "has(req.tag)", "resources": [
                {"kind": "GitRepository", "name": "*", "matchLabels": {"for": "filtered"}, "filter": filter}]}))
            .await?;
        let sent = (vec![("Content-Type", "application/json".to_owned())], BODY);
        let (code, _) = self.send(&path, &sent).await?;
        ensure!(code == 200, "answered with {code}");
        ensure!(!self.when_requested("filtered-v1").await?.is_empty(), "v1 was admitted");
        ensure!(self.when_requested("filtered-v2").await?.is_empty(), "v2 was not");
        let no_json = (vec![("Content-Type", "application/json".to_owned())], "{");
        let (code, _) = self.send(&path, &no_json).await?;
        ensure!(code == 500, "a filter without its facts is answered with {code}");
        Ok(())
    }

    async fn answers(&self) -> Result<()> {
        let path = self.receiver("answers", json!({"type": "generic"})).await?;
        let nothing: Sent = (Vec::new(), "");
        let (code, _) = self.send(&format!("{path}0"), &nothing).await?;
        ensure!(code == 404, "an unknown path is answered with {code}");
        let long: &'static str = Box::leak("x".repeat(3 * 1024 * 1024 + 1).into_boxed_str());
        let (code, _) = self.send(&path, &(Vec::new(), long)).await?;
        ensure!(code == 413, "a long body is answered with {code}");
        // At once, since what is allowed grows with time.
        let flood = (0..200).map(|_| self.send(&path, &nothing));
        let answers = futures::future::try_join_all(flood).await?;
        let codes: Vec<u16> = answers.into_iter().map(|(code, _)| code).collect();
        ensure!(codes.contains(&200) && codes.contains(&429), "a flood is answered with {codes:?}");
        let rotated = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "answers", "namespace": NAMESPACE}, "stringData": {"token": "new"}});
        self.stage.apply(&rotated.to_string()).await?;
        let moved = |live: &Manifest| text(live, "/status/webhookPath") != path;
        let place = (NAMESPACE, "answers");
        let live =
            wait_for(&self.stage.management, &receiver_kind(), place, PATIENCE, moved).await?;
        let path = text(&live, "/status/webhookPath");
        let suspend = json!({"spec": {"suspend": true}});
        self.stage
            .management
            .merge(&receiver_kind(), NAMESPACE, "answers", &suspend, "test")
            .await?;
        capstan_kit::wait_until("a suspended Receiver to say so", PATIENCE, async || {
            let (code, _) = self.send(&path, &nothing).await.map_err(|error| error.to_string())?;
            if code == 503 { Ok(()) } else { Err(format!("answered with {code}")) }
        })
        .await
    }

    /// What only an edit can mend is stalled, and well after the edit.
    async fn invalid(&self) -> Result<()> {
        self.receiver("invalid", json!({"type": "generic"})).await?;
        let (cluster, place) = (&self.stage.management, (NAMESPACE, "invalid"));
        let set = |filter: Value| async move {
            let patch = json!({"spec": {"resourceFilter": filter}});
            cluster.merge(&receiver_kind(), NAMESPACE, "invalid", &patch, "test").await
        };
        set(json!("req.")).await?;
        let words: &[&str] =
            &["terminally", "spec.resourceFilter", "failed to parse the CEL expression"];
        for type_ in ["Ready", "Stalled"] {
            let status = if type_ == "Ready" { "False" } else { "True" };
            let what = (type_, status, "InvalidCELExpression", words);
            told(cluster, &receiver_kind(), place, what, PATIENCE).await?;
        }
        set(Value::Null).await?;
        let live = ready(cluster, &receiver_kind(), place).await?;
        ensure!(!condition(&live, "Stalled"), "{}", summary(&live));
        let message = "Receiver initialized for path: /hook/";
        let what = ("Ready", "True", "Succeeded", &[message][..]);
        told(cluster, &receiver_kind(), place, what, PATIENCE).await?;
        Ok(())
    }
}

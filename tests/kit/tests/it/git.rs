//! The Git server, judged by git itself.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use capstan_kit::git::{GitServer, Push, WebHook};
use capstan_kit::wait_until;
use tokio::process::Command;

async fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@capstan.example"])
        .args(args)
        .current_dir(dir)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("no_proxy", "127.0.0.1")
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "git {}: {said}", args.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn git_clones_and_pushes_with_credentials_only() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let server = GitServer::start(&dir.path().join("repos")).await?;
    let repo = server.repo("fleet").await?;
    let first = repo.commit_files("main", &[("a/x.yaml", Some("x: 1\n"))], "first").await?;

    let error = git(dir.path(), &["clone", &repo.url(), "denied"]).await.unwrap_err();
    assert!(error.to_string().contains("could not read Username"), "{error}");
    let wrong = repo.url().replace("http://", "http://git:wrong@");
    let error = git(dir.path(), &["clone", &wrong, "denied"]).await.unwrap_err();
    assert!(error.to_string().contains("Authentication failed"), "{error}");

    git(dir.path(), &["clone", &repo.url_with_credentials(), "clone"]).await?;
    let clone = dir.path().join("clone");
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]).await?, first);

    let pushes = Arc::new(Mutex::new(Vec::<Push>::new()));
    let seen = Arc::clone(&pushes);
    repo.on_push(move |push| seen.lock().unwrap().push(push.clone()));
    std::fs::write(clone.join("a/y.yaml"), "y: 2\n")?;
    git(&clone, &["add", "--all"]).await?;
    git(&clone, &["commit", "--quiet", "--message", "second"]).await?;
    git(&clone, &["push", "--quiet"]).await?;
    let second = git(&clone, &["rev-parse", "HEAD"]).await?;
    assert_eq!(repo.head("main").await?, Some(second.clone()));
    assert_eq!(repo.read("main", "a/y.yaml").await?, "y: 2\n");
    let expected = Push { repo: "fleet".into(), branch: "main".into(), commit: second };
    assert_eq!(*pushes.lock().unwrap(), [expected]);

    // One commit by its id, without history, as sources are fetched.
    git(dir.path(), &["init", "--quiet", "shallow"]).await?;
    let shallow = dir.path().join("shallow");
    let url = repo.url_with_credentials();
    git(&shallow, &["fetch", "--quiet", "--depth=1", &url, &first]).await?;
    assert_eq!(git(&shallow, &["rev-parse", "FETCH_HEAD"]).await?, first);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_build_on_each_other() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let server = GitServer::start(&dir.path().join("repos")).await?;
    let repo = server.repo("apps").await?;
    let folder = dir.path().join("tree");
    std::fs::create_dir_all(folder.join("base"))?;
    std::fs::write(folder.join("base/one"), "1")?;
    std::fs::write(folder.join("two"), "2")?;
    repo.push_dir("main", &folder, "all").await?;
    let changed =
        repo.commit_files("main", &[("two", None), ("base/three", Some("3"))], "change").await?;
    assert_eq!(repo.read("main", "base/one").await?, "1");
    assert_eq!(repo.read(&changed, "base/three").await?, "3");
    assert!(repo.read("main", "two").await.is_err());

    // A folder replaces everything.
    repo.push_dir("main", &folder, "back").await?;
    assert!(repo.read("main", "base/three").await.is_err());
    repo.tag("v1", &changed).await?;
    assert_eq!(repo.head("v1").await?, Some(changed));
    assert_eq!(repo.head("nowhere").await?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_posted_with_a_signature() -> Result<()> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&seen);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route(
        "/hook/abc",
        post(async move |headers: HeaderMap, body: String| {
            let signature = headers["x-signature"].to_str().unwrap().to_owned();
            into.lock().unwrap().push((signature, body));
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await });

    let dir = tempfile::tempdir()?;
    let server = GitServer::start(dir.path()).await?;
    let repo = server.repo("apps").await?;
    repo.add_hook(WebHook { url: format!("http://{address}/hook/abc"), token: "secret".into() });
    let commit = repo.commit_files("main", &[("x", Some("1"))], "one").await?;
    let delivery = wait_until("the delivery", Duration::from_secs(10), || async {
        repo.deliveries().pop().ok_or("none yet")
    })
    .await?;
    assert_eq!(delivery.outcome, Ok(200));
    let (signature, body) = seen.lock().unwrap().pop().unwrap();
    assert!(signature.starts_with("sha256=") && body.contains(&commit), "{signature} {body}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_can_be_down() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let server = GitServer::start(dir.path()).await?;
    let repo = server.repo("apps").await?;
    server.set_down(true);
    let url = repo.url_with_credentials();
    assert!(git(dir.path(), &["ls-remote", &url]).await.is_err());
    server.set_down(false);
    git(dir.path(), &["ls-remote", &url]).await?;
    assert_eq!(server.requests()[0].status, 503);
    Ok(())
}

//! Remote bases from real servers: git's own over HTTP, and one for files.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::get;
use capstan_build::{Built, Need, Options, Place, Remote, render_with};
use capstan_git::Repositories;
use capstan_kit::git::{GitServer, PASSWORD, Repo};
use capstan_model::{Fault, Retry};
use capstan_remote::{Fetcher, Policy, RemoteError};
use capstan_tree::MemTree;

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ";

struct World {
    folder: tempfile::TempDir,
    server: GitServer,
    repo: Repo,
    first: String,
}

impl World {
    async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = GitServer::start(&folder.path().join("repos")).await?;
        let repo = server.repo("base").await?;
        let files = [
            ("d/kustomization.yaml", Some("resources: [x.yaml]\n")),
            ("d/x.yaml", Some(&*format!("{MAP}first\n"))),
        ];
        let first = repo.commit_files("main", &files, "first").await?;
        repo.tag("v1", &first).await?;
        let second = [("d/x.yaml", Some(&*format!("{MAP}second\n")))];
        repo.commit_files("main", &second, "second").await?;
        Ok(Self { folder, server, repo, first })
    }

    fn fetcher(&self, policy: Policy) -> Fetcher {
        Fetcher::new(Repositories::new(self.folder.path().join("fetched")), policy)
    }

    fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.repo.url_with_credentials())
    }

    async fn build(&self, entry: &str) -> Result<String, RemoteError> {
        self.build_with(Policy::COMMAND_LINE, &format!("resources: ['{entry}']")).await
    }

    async fn build_with(&self, policy: Policy, text: &str) -> Result<String, RemoteError> {
        let files = [
            ("a/kustomization.yaml".to_owned(), text.as_bytes().to_vec()),
            ("secret.yaml".to_owned(), format!("{MAP}secret\n").into_bytes()),
        ];
        let tree: MemTree = files.into_iter().collect();
        let fetcher = self.fetcher(policy);
        let run =
            move || fetcher.run(|remotes| render_with(&tree, "a", Options::KUSTOMIZE, remotes));
        tokio::task::spawn_blocking(run).await.expect("no panic")
    }

    async fn refused(&self, entry: &str) -> (String, Retry) {
        let error = self.build(entry).await.expect_err(entry);
        let said = format!("{error}\n{error:?}\n{:?}", error.hints());
        assert!(!said.contains(PASSWORD), "{said}");
        assert!(error.to_string().contains("a/kustomization.yaml:1"), "{said}");
        (error.to_string(), error.retry())
    }
}

/// Serves files until the runtime ends.
async fn serve(app: Router) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn branches_tags_commits_and_heads_are_fetched() -> Result<()> {
    let world = World::new().await?;
    let heads = "//d?ref=refs/heads/main";
    let commit = format!("//d?ref={}", world.first);
    for (rest, name) in [
        ("//d?ref=main", "second"),
        ("//d", "second"),
        ("/d?ref=HEAD", "second"),
        (heads, "second"),
        ("//d?ref=v1", "first"),
        ("//d/?version=v1&timeout=20s&submodules=false", "first"),
        (&*commit, "first"),
    ] {
        let built = world.build(&world.url(rest)).await?;
        assert_eq!(built, format!("{MAP}{name}\n"), "{rest}");
    }
    // A tag comes before a branch of the same name.
    world.repo.tag("main", &world.first).await?;
    assert_eq!(world.build(&world.url("//d?ref=main")).await?, format!("{MAP}first\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bases_name_bases_and_files() -> Result<()> {
    let world = World::new().await?;
    let text = format!("{MAP}file\n");
    let files = serve(Router::new().route("/x/y/f.yaml", get(|| async move { text }))).await?;
    let outer = world.server.repo("outer").await?;
    let kustomization =
        format!("resources: ['{}', '{files}/x/y/f.yaml']\n", world.url("//d?ref=v1"));
    outer.commit_files("main", &[("kustomization.yaml", Some(&kustomization))], "outer").await?;
    let built = world.build(&outer.url_with_credentials()).await?;
    assert_eq!(built, format!("{MAP}file\n---\n{MAP}first\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_say_what_and_where_and_no_password() -> Result<()> {
    let world = World::new().await?;
    let (said, retry) = world.refused(&world.url("//d?ref=nope")).await;
    assert!(said.contains("has no reference 'nope'"), "{said}");
    assert_eq!(retry, Retry::AfterChange);
    let wrong = world.url("//d").replace(PASSWORD, "hunter2");
    let (said, _) = world.refused(&wrong).await;
    assert!(said.contains("refused the credentials") && !said.contains("hunter2"), "{said}");
    let (said, _) = world.refused(&format!("{}//d", world.repo.url())).await;
    assert!(said.contains("wants authentication"), "{said}");
    let (said, _) = world.refused(&world.url("//d").replace("base.git", "other.git")).await;
    assert!(said.contains("not found"), "{said}");
    let (said, _) = world.refused(&world.url("//nope")).await;
    assert!(said.contains("base.git//nope' doesn't exist"), "{said}");
    world.server.set_down(true);
    let (said, retry) = world.refused(&world.url("//d")).await;
    assert!(said.contains("cannot fetch from") && retry == Retry::Transient, "{said}");
    // Nobody listens any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let away = format!("http://git:{PASSWORD}@{}/o/r.git//d", listener.local_addr()?);
    drop(listener);
    let (said, retry) = world.refused(&away).await;
    assert!(said.contains("failed to fetch `http://127.0.0.1:"), "{said}");
    assert_eq!(retry, Retry::Transient);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_fails_is_told_at_once() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.url("//d?ref=a"), world.url("//d?ref=b"));
    let text = format!("resources:\n- '{a}'\n- '{b}'\n");
    let said = world.build_with(Policy::COMMAND_LINE, &text).await.expect_err("two").to_string();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("a/kustomization.yaml:2: ") && lines[0].contains("'a'"), "{said}");
    assert!(lines[1].starts_with("a/kustomization.yaml:3: ") && lines[1].contains("'b'"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn references_are_names_and_nothing_else() -> Result<()> {
    let world = World::new().await?;
    for reference in [
        "--upload-pack=touch%20x",
        "-x",
        "*",
        "refs/heads/*",
        "main:refs/heads/x",
        "%5Emain",
        "a%0Ab",
        "refs/heads/../../config",
        "a..b",
        "main~1",
        "@%7B1%7D",
    ] {
        let (said, _) =
            world.refused(&format!("git::{}", world.url(&format!("//d?ref={reference}")))).await;
        assert!(said.contains("cannot exist"), "{reference}: {said}");
    }
    assert_eq!(world.server.requests(), []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_schemes_are_refused() -> Result<()> {
    let world = World::new().await?;
    let local = format!("file://{}//d", world.repo.path().display());
    for url in
        [&*local, "ssh://git@127.0.0.1/o/r//d", "git@127.0.0.1:o/r", "ssh://-oProxyCommand=x/o/r"]
    {
        let (said, _) = world.refused(url).await;
        assert!(said.contains("over https or http only"), "{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_reads_nothing_of_this_machine() -> Result<()> {
    let world = World::new().await?;
    let folder = world.folder.path().join("hostile");
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder"))?;
        std::fs::write(path, text)
    };
    write("file/kustomization.yaml", "resources: [link.yaml]\n")?;
    write("folder/kustomization.yaml", "resources: [link]\n")?;
    write("climb/kustomization.yaml", "resources: [../../../secret.yaml]\n")?;
    write("map/kustomization.yaml", "configMapGenerator: [{name: g, files: [link]}]\n")?;
    write("inside/kustomization.yaml", "resources: [link]\n")?;
    write("target/kustomization.yaml", "resources: [x.yaml]\n")?;
    write("target/x.yaml", &format!("{MAP}inside\n"))?;
    let secret = world.folder.path().join("secret.yaml");
    std::fs::write(&secret, format!("{MAP}secret\n"))?;
    let link = |target: &Path, path: &str| std::os::unix::fs::symlink(target, folder.join(path));
    link(&secret, "file/link.yaml")?;
    link(world.folder.path(), "folder/link")?;
    link(Path::new("../../../../../../../../../../etc/passwd"), "map/link")?;
    link(Path::new("../target"), "inside/link")?;
    link(Path::new("/etc"), "etc")?;
    let repo = world.server.repo("hostile").await?;
    repo.push_dir("main", &folder, "links").await?;
    for path in ["file", "folder", "climb", "map", "etc"] {
        let (said, _) = world.refused(&format!("{}//{path}", repo.url_with_credentials())).await;
        assert!(said.contains("leads out of the source tree"), "{path}: {said}");
    }
    let built = world.build(&format!("{}//inside", repo.url_with_credentials())).await?;
    assert_eq!(built, format!("{MAP}inside\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_are_bounded() -> Result<()> {
    let world = World::new().await?;
    // Text that no compression makes small.
    let mut state = 1_u64;
    let noise: String = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + (state >> 33) as u8 % 90)
        })
        .collect();
    world.repo.commit_files("large", &[("noise", Some(&noise))], "large").await?;
    let policy = Policy { repository_size: 50_000, file_size: 1000, ..Policy::COMMAND_LINE };
    let text = format!("resources: ['{}']", world.url("//d?ref=large"));
    let said = world.build_with(policy, &text).await.expect_err("too large").to_string();
    assert!(said.contains("sends more than 50000 bytes"), "{said}");
    assert!(world.build(&world.url("//d?ref=large")).await.is_err(), "d is not in that branch");
    let small = format!("resources: ['{}']", world.url("//d?ref=v1"));
    assert!(world.build_with(policy, &small).await.is_ok());

    let files = serve(Router::new().route("/noise.yaml", get(|| async move { noise }))).await?;
    let text = format!("resources: ['{files}/noise.yaml']");
    let said = world.build_with(policy, &text).await.expect_err("too large").to_string();
    assert!(said.contains("more than 1000 bytes"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_left() -> Result<()> {
    let world = World::new().await?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let policy = Policy { timeout: Duration::from_millis(300), ..Policy::COMMAND_LINE };
    for (url, words) in [
        (format!("git::http://{address}/o/r//d?timeout=1h"), "took longer than 300ms"),
        (format!("http://{address}/f.yaml"), ""),
    ] {
        let text = format!("resources: ['{url}']");
        let error = world.build_with(policy, &text).await.expect_err("silence");
        let said = error.to_string();
        assert!(
            said.starts_with("a/kustomization.yaml:1: failed to fetch `http://")
                && said.contains(words),
            "{said}"
        );
        assert_eq!(error.retry(), Retry::Transient);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_controller_asks_nothing_near() -> Result<()> {
    let world = World::new().await?;
    let port = world.server.url().rsplit(':').next().expect("a port").to_owned();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        for url in [
            format!("http://{host}:{port}/base.git//d"),
            format!("git::http://{host}:{port}/base.git//d"),
        ] {
            let text = format!("resources: ['{url}']");
            let said =
                world.build_with(Policy::CONTROLLER, &text).await.expect_err("near").to_string();
            assert!(said.contains("address of this machine"), "{said}");
        }
    }
    assert_eq!(world.server.requests(), []);
    // A server elsewhere cannot send us there either.
    let near = world.server.url();
    let app = Router::new()
        .route("/a.yaml", get(move || async move { Redirect::temporary(&near) }))
        .route("/b.yaml", get(|| async { Redirect::temporary("ftp://127.0.0.1/x") }))
        .route("/c.yaml", get(|| async { Redirect::temporary("/c.yaml") }))
        .route("/page.yaml", get(|| async { Html("<html>") }));
    let files = serve(app).await?;
    for (path, words) in [
        ("b.yaml", "failed to fetch"),
        ("c.yaml", "sends us on without an end"),
        ("page.yaml", "answers with a page"),
        ("none.yaml", "the server answers 404"),
    ] {
        let (said, _) = world.refused(&format!("{files}/{path}")).await;
        assert!(said.contains(words), "{path}: {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_an_end() -> Result<()> {
    let world = World::new().await?;
    let files = serve(Router::new().route("/{n}", get(|| async { "x" }))).await?;
    let fetcher = world.fetcher(Policy::COMMAND_LINE);
    let build = move || {
        let next = std::cell::Cell::new(0);
        fetcher.run(|_| -> Result<Built<()>, _> {
            next.set(next.get() + 1);
            let remote = Remote::File(format!("{files}/{}", next.get()));
            Ok(Built::Needs(vec![Need { remote, instead: None, place: Place::default() }]))
        })
    };
    let error = tokio::task::spawn_blocking(build).await?.expect_err("no end");
    assert!(error.to_string().contains("too many remote bases"), "{error}");
    Ok(())
}

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::Request;
use axum::response::Redirect;
use capstan_git::{Credentials, Proxy, Remote, Tls};
use capstan_kit::git::{PASSWORD, Proxy as KitProxy, TOKEN, USER};
use capstan_model::{Fault, Secret};

use super::{World, basic, main, remote};

fn bearer(token: &str) -> Credentials {
    Credentials::Bearer(Secret::new(token.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_door() -> Result<()> {
    let world = World::new().await?;
    let fetched = world.fetch(&remote(&world.repo.url(), Some(bearer(TOKEN))), main()).await?;
    assert_eq!(fetched.commit.subject(), "the first");
    for wrong in [bearer("wrong"), basic("wrong")] {
        let refused = world.refused(&remote(&world.repo.url(), Some(wrong)), main()).await?;
        ensure!(refused.contains("refused the credentials"), "{refused}");
        ensure!(!refused.contains("wrong"), "{refused}");
    }
    let missing = world.refused(&remote(&world.repo.url(), None), main()).await?;
    ensure!(missing.contains("no credentials are given"), "{missing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn own_authorities_and_certificates_are_taken() -> Result<()> {
    let world = World::new().await?;
    let door = world.server.tls(true).await?;
    let over = |tls: Tls| {
        let url = format!("{}/repo.git", door.url());
        Remote { tls, ..remote(&url, Some(basic(PASSWORD))) }
    };
    let authorities = Some(door.authority.clone().into_bytes());
    let (certificate, key) = door.client.clone();
    let identity = Some((certificate.into_bytes(), Secret::new(key.into_bytes())));
    world
        .fetch(&over(Tls { authorities: authorities.clone(), identity: identity.clone() }), main())
        .await?;

    let unknown =
        world.refused(&over(Tls { authorities: None, identity: identity.clone() }), main()).await?;
    ensure!(unknown.to_lowercase().contains("certificate"), "{unknown}");
    let unasked = world
        .refused(&over(Tls { authorities: authorities.clone(), identity: None }), main())
        .await?;
    ensure!(unasked.contains("cannot fetch from"), "{unasked}");
    let broken = Tls { authorities: Some(b"nonsense".to_vec()), identity: None };
    let said = world.fetch(&over(broken), main()).await.expect_err("no certificate");
    assert_eq!(said.reason(), "AuthenticationFailed");
    ensure!(said.to_string().contains("'ca.crt'"), "{said}");
    let broken =
        Tls { authorities, identity: Some((b"a".to_vec(), Secret::new(b"hush".to_vec()))) };
    let said = world.refused(&over(broken), main()).await?;
    ensure!(said.contains("'tls.key'") && !said.contains("hush"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_stands_between() -> Result<()> {
    let world = World::new().await?;
    let proxy = KitProxy::start().await?;
    let door = world.server.tls(false).await?;
    let tls = Tls { authorities: Some(door.authority.clone().into_bytes()), identity: None };
    for url in [world.repo.url(), format!("{}/repo.git", door.url())] {
        let through = |password: &str| {
            let credentials = Some((USER.to_owned(), Secret::new(password.to_owned())));
            let proxy = Some(Proxy { address: proxy.url(), credentials });
            Remote { proxy, tls: tls.clone(), ..remote(&url, Some(basic(PASSWORD))) }
        };
        let before = proxy.passed();
        world.fetch(&through(PASSWORD), main()).await?;
        ensure!(proxy.passed() > before, "{url} was fetched past the proxy");
        let refused = world.refused(&through("wrong"), main()).await?;
        ensure!(refused.contains("cannot fetch from"), "{refused}");
    }
    let odd = Some(Proxy { address: "ftp://\u{0}".to_owned(), credentials: None });
    let said = world.refused(&Remote { proxy: odd, ..world.remote() }, main()).await?;
    ensure!(said.contains("failed to configure proxy options"), "{said}");
    Ok(())
}

/// A server that sends everybody to another place.
async fn redirecting(to: String) -> Result<(String, tokio::task::JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = move |request: Request| {
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let is_login = to.ends_with("/login");
        let to =
            if is_login { to.clone() } else { format!("{to}{}", path.trim_start_matches("/old")) };
        async move { Redirect::temporary(&to) }
    };
    let app = Router::new().fallback(answer);
    let task = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Ok((format!("http://{address}/old/repo.git"), task))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_without_the_credentials_of_another_host() -> Result<()> {
    let world = World::new().await?;
    let (moved, task) = redirecting(world.server.url()).await?;
    let refused = world.refused(&remote(&moved, Some(basic(PASSWORD))), main()).await?;
    ensure!(refused.contains("no credentials are given"), "{refused}");
    let (around, other) = redirecting(moved.replace("/old/repo.git", "")).await?;
    let lost = world.refused(&remote(&around, Some(basic(PASSWORD))), main()).await?;
    ensure!(lost.contains("no credentials are given"), "{lost}");
    let (circle, third) = redirecting("http://127.0.0.1:1/login".to_owned()).await?;
    let odd = world.refused(&remote(&circle, Some(basic(PASSWORD))), main()).await?;
    ensure!(odd.contains("not one of a repository"), "{odd}");
    for task in [task, other, third] {
        task.abort();
    }
    Ok(())
}

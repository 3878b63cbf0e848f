//! Waiting for a state, bounded in time. Tests never sleep: they say what they wait for.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// First pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Looks until `look` returns `Ok`, and returns what it found.
///
/// `what` completes the sentence "waiting for …". An `Err` of `look` is not a failure but the state
/// that was seen: the last one is part of the error when `timeout` is over. A look that hangs is
/// cut off at the same moment.
///
/// # Errors
/// When `timeout` passed without an `Ok`.
pub async fn wait_until<T, E, F, Fut>(what: &str, timeout: Duration, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut last = String::from("nothing was seen yet");
    loop {
        let left = timeout.saturating_sub(start.elapsed());
        match tokio::time::timeout(left.max(FIRST_PAUSE), look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(state)) => last = format!("{state:#}"),
            Err(_) => last = format!("{last} (and the last look did not return)"),
        }
        if start.elapsed() + pause > timeout {
            bail!("waited {:.1} s for {what}; last seen: {last}", start.elapsed().as_secs_f64());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_what_was_found() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            let now = looks;
            async move { if now == 3 { Ok(now) } else { Err(format!("look {now}")) } }
        })
        .await
        .unwrap();
        assert_eq!(found, 3);
    }

    #[tokio::test]
    async fn says_what_was_last_seen() {
        let error = wait_until("rain", Duration::from_millis(30), || async { Err::<(), _>("sun") })
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("for rain") && text.contains("last seen: sun"), "{text}");
    }

    #[tokio::test]
    async fn cuts_off_a_look_that_hangs() {
        let error = wait_until("an answer", Duration::from_millis(30), || {
            std::future::pending::<Result<(), String>>()
        })
        .await
        .unwrap_err();
        assert!(error.to_string().contains("did not return"), "{error}");
    }
}

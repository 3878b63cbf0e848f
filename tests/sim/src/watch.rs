use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tower::BoxError;

use crate::api::{Asked, Entry, Refusal};
use crate::door::{AnyBody, Door, WatchFault};

/// A watch that goes on.
struct Watch {
    door: Door,
    asked: Asked,
    fault: Option<WatchFault>,
    at: u64,
    began: tokio::time::Instant,
    versions: tokio::sync::watch::Receiver<u64>,
    is_over: bool,
}

/// How often a watch says that nothing happened.
const BOOKMARK: Duration = Duration::from_secs(60);

/// Begins a watch.
pub(crate) fn watch(door: Door, asked: Asked, fault: Option<WatchFault>) -> Response<AnyBody> {
    let versions = door.shared.versions();
    let (at, began) = (asked.version, tokio::time::Instant::now());
    let watch = Watch { door, asked, fault, at, began, versions, is_over: false };
    let lines: BoxStream<'static, Result<Frame<Bytes>, BoxError>> =
        stream::unfold(watch, Watch::next).boxed();
    let body = StreamBody::new(lines).boxed_unsync();
    let builder = Response::builder().status(200).header("content-type", "application/json");
    builder.body(body).expect("a status and headers that fit")
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, BoxError>, Self)> {
        if self.is_over {
            return None;
        }
        let end = self.began + Duration::from_secs(self.asked.seconds);
        loop {
            self.door.alive().await;
            self.versions.mark_unchanged();
            if let Some(ended) = self.broken().await {
                self.is_over = true;
                return ended.map(|line| (line, self));
            }
            let lines = self.lines();
            if !lines.is_empty() {
                if let Some(WatchFault::Late(by)) = self.fault
                    && self.door.shared.is_faulty()
                {
                    tokio::time::sleep(by).await;
                    self.door.alive().await;
                }
                return Some((Ok(Frame::data(Bytes::from(lines))), self));
            }
            let break_at = self.break_at().unwrap_or(end).min(end);
            tokio::select! {
                _ = self.versions.changed() => {}
                () = tokio::time::sleep_until(break_at) => {
                    if tokio::time::Instant::now() >= end {
                        return None;
                    }
                }
                () = tokio::time::sleep(BOOKMARK) => {
                    let line = self.bookmark();
                    return Some((Ok(Frame::data(Bytes::from(line))), self));
                }
            }
        }
    }

    /// When the fault shows.
    fn break_at(&self) -> Option<tokio::time::Instant> {
        match self.fault? {
            WatchFault::Cut(after) | WatchFault::Stall(after) | WatchFault::Expired(after) => {
                Some(self.began + after)
            }
            WatchFault::Late(_) => None,
        }
    }

    /// Has the fault shown? Then the last line, if there is one.
    async fn broken(&self) -> Option<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.break_at().is_none_or(|at| tokio::time::Instant::now() < at) {
            return None;
        }
        match self.fault? {
            WatchFault::Cut(_) => Some(Some(Err("connection reset by peer".into()))),
            WatchFault::Stall(_) => std::future::pending().await,
            WatchFault::Expired(_) => {
                let gone = Refusal::new(410, "Expired", "too old resource version");
                let line = format!("{}\n", json!({"type": "ERROR", "object": gone.status()}));
                Some(Some(Ok(Frame::data(Bytes::from(line)))))
            }
            WatchFault::Late(_) => None,
        }
    }

    /// What happened since the last lines.
    fn lines(&mut self) -> String {
        let world = self.door.shared.world();
        let Some(key) = &self.asked.key else { return String::new() };
        let mut lines = String::new();
        for entry in world.store.since(self.at) {
            if entry.key.0 == key.0
                && let Some((type_, object)) = self.event(entry)
            {
                lines.push_str(&json!({"type": type_, "object": object}).to_string());
                lines.push('\n');
            }
        }
        self.at = world.store.version().max(self.at);
        lines
    }

    fn event(&self, entry: &Entry) -> Option<(&'static str, Value)> {
        let selects = |object: &Option<Arc<Value>>| {
            object.as_ref().is_some_and(|object| self.asked.selector.selects(object))
        };
        let type_ = match (selects(&entry.before), selects(&entry.after)) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        // One that is selected no more is told as it was, with the version at which it left.
        let mut object = match &entry.before {
            Some(before) if type_ == "DELETED" && entry.after.is_some() => (**before).clone(),
            _ => (*entry.last).clone(),
        };
        object["metadata"]["resourceVersion"] = entry.version.to_string().into();
        Some((type_, self.asked.form(&object)))
    }

    fn bookmark(&self) -> String {
        let world = self.door.shared.world();
        let kind = self.asked.key.as_ref().map(|key| &world.store.kinds[key.0]);
        let (api_version, kind) =
            kind.map(|kind| (kind.api_version(), kind.kind.clone())).unwrap_or_default();
        let object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"resourceVersion": self.at.to_string()}});
        format!("{}\n", json!({"type": "BOOKMARK", "object": self.asked.form(&object)}))
    }
}

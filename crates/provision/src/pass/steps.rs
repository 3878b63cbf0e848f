//! The steps of a pass: each one effect, and what is learned from it.

use std::sync::Arc;
use std::time::Duration;

use capstan_cloud::CloudError;
use capstan_cluster::{ClusterError, EventType};
use capstan_model::Manifest;
use capstan_runtime::Next;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Pass, Stop};
use crate::decide::{AfterRefusal, Rest, Seen, Sight, Step, after_failed_create};
use crate::erased::AnyProvider;
use crate::graph::Topic;
use crate::kind::{InitialName, Observed};
use crate::managed::Intent;
use crate::names;
use crate::provider::Connected;
use crate::status;
use crate::world::CONFIG_KIND;

/// How often a record that must not be lost is written again.
const RECORD_TRIES: u32 = 6;

impl Pass<'_> {
    pub(super) async fn step(&mut self, step: Step) -> Result<(), Stop> {
        if !matches!(step, Step::Rest(_)) {
            self.failure = failure_of(&step);
        }
        match step {
            Step::Initialise => self.initialise().await,
            Step::Observe => self.observe().await,
            Step::RecordIntent { forget } => self.record_intent(forget).await,
            Step::Create => self.create().await,
            Step::RecordCreated { external_name } => self.record_created(external_name).await,
            Step::RecordFailed => self.record_failed().await,
            Step::Update => self.update().await,
            Step::Delete => self.delete().await,
            Step::RemoveFinalizer => self.remove_finalizer().await,
            Step::Rest(rest) => Err(rest.into()),
        }
    }

    async fn initialise(&mut self) -> Result<(), Stop> {
        let mut metadata = json!({});
        let mut finalizers = self.managed().finalizers();
        if !finalizers.contains(&names::FINALIZER) {
            finalizers.push(names::FINALIZER);
            metadata["finalizers"] = json!(finalizers);
        }
        if self.managed().external_name().is_none()
            && self.shape.meta.initial_external_name == InitialName::MetadataName
        {
            metadata["annotations"] = json!({names::EXTERNAL_NAME: self.object.name()});
        }
        self.write(metadata, true).await
    }

    async fn observe(&mut self) -> Result<(), Stop> {
        let Some(provider) = self.connect().await? else {
            self.sight = Sight::Gone;
            return Ok(());
        };
        let inputs = self.inputs();
        let observed = self.kind.observe(inputs.request(&self.resolution.spec, &*provider)).await;
        match observed {
            Err(error) => return Err(self.failed(&error)),
            Ok(Observed::Absent) => self.sight = Sight::Absent,
            Ok(Observed::Present(mut present)) => {
                present.diff.extend(self.moved.clone());
                self.at_provider = Some(present.status);
                self.connection = present.connection;
                self.sight = Sight::Present(Seen {
                    state: present.state,
                    diff: present.diff,
                    owner: present.owner,
                    created_at: present.created_at,
                    external_name: present.external_name,
                });
            }
        }
        Ok(())
    }

    /// The connection of this pass; nothing when what the resource lives in is gone.
    async fn connect(&mut self) -> Result<Option<AnyProvider>, Stop> {
        if let Some(provider) = &self.provider {
            return Ok(Some(Arc::clone(provider)));
        }
        let (group, _) = self.kind.config();
        let name = self.managed().config_name();
        self.world.wait_for(Topic::object(group, CONFIG_KIND, name), self.key);
        let mut object = self.object.clone();
        if let Some(moved) = &self.moved {
            object.value_mut()["spec"]["forProvider"]["region"] = moved.found.clone();
        }
        match self.kind.connect(self.world, &object).await {
            Err(error) => Err(self.failed(&error)),
            Ok(Connected::Gone) => Ok(None),
            Ok(Connected::Live(provider)) => {
                self.provider = Some(Arc::clone(&provider));
                Ok(Some(provider))
            }
        }
    }

    /// The write that makes a create safe: it fails if anybody changed the object since it was read.
    async fn record_intent(&mut self, forget: bool) -> Result<(), Stop> {
        let at = self.managed().next_intent(Timestamp::now());
        let mut resolved = self.resolution.values.clone();
        if let Some(region) = self.resolution.spec.get("region") {
            resolved.insert("region".to_owned(), region.clone());
        }
        let mut annotations = json!({names::CREATE_PENDING: at.to_string()});
        if !resolved.is_empty() {
            annotations[names::RESOLVED] = json!(resolved).to_string().into();
        }
        if forget {
            annotations[names::EXTERNAL_NAME] = Value::Null;
            self.sight = Sight::NotLooked;
        }
        self.write(json!({"annotations": annotations}), true).await?;
        self.done.intended = true;
        Ok(())
    }

    async fn create(&mut self) -> Result<(), Stop> {
        let Some(provider) = self.connect().await? else {
            self.sight = Sight::Gone;
            return Ok(());
        };
        self.done.intended = false;
        let inputs = self.inputs();
        let created = self.kind.create(inputs.request(&self.resolution.spec, &*provider)).await;
        match created {
            Ok(created) => {
                tracing::info!(object = %self.object.id(), id = created.external_name, "created");
                self.record_created(created.external_name).await?;
                let message = "Successfully requested creation of external resource";
                self.event(EventType::Normal, "CreatedExternalResource", message).await;
                Ok(())
            }
            Err(error) => self.refused(&error).await,
        }
    }

    async fn refused(&mut self, error: &CloudError) -> Result<(), Stop> {
        match after_failed_create(self.shape.meta.create, error) {
            AfterRefusal::Look if !self.existed => {
                self.existed = true;
                self.sight = Sight::NotLooked;
                Ok(())
            }
            AfterRefusal::KeepIntent => Err(self.failed(error)),
            AfterRefusal::Look | AfterRefusal::RecordFailed => {
                self.record_failed().await?;
                Err(self.failed(error))
            }
        }
    }

    /// After a create this record is all that leads back to the resource by name, so it is tried again.
    async fn record_created(&mut self, external_name: Option<String>) -> Result<(), Stop> {
        let intended = matches!(self.managed().intent(), Intent::Pending(_));
        let at = if intended { self.managed().pending_text().to_owned() } else { String::new() };
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
        let succeeded = at.parse().map_or(now, |pending: Timestamp| pending.max(now));
        let mut annotations = json!({names::CREATE_SUCCEEDED: succeeded.to_string()});
        if let Some(name) = external_name {
            annotations[names::EXTERNAL_NAME] = name.into();
        }
        let keys = self.kind.tag_keys(&self.resolution.spec);
        if !keys.is_empty() {
            annotations[names::APPLIED_TAGS] = json!(keys).to_string().into();
        }
        self.sight = Sight::NotLooked;
        let mut tries = 0;
        loop {
            match self.write(json!({"annotations": annotations.clone()}), false).await {
                Err(Stop::Again(Next::Backoff)) if tries < RECORD_TRIES => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(tries)).await;
                }
                result => return result,
            }
        }
    }

    async fn record_failed(&mut self) -> Result<(), Stop> {
        let at = self.managed().next_intent(Timestamp::now());
        let annotations = json!({names::CREATE_FAILED: at.to_string()});
        self.write(json!({"annotations": annotations}), false).await
    }

    async fn update(&mut self) -> Result<(), Stop> {
        let Sight::Present(seen) = &self.sight else { return Ok(()) };
        let mut diff = seen.diff.clone();
        diff.retain(|drift| !drift.immutable);
        let Some(provider) = self.connect().await? else { return Ok(()) };
        let inputs = self.inputs();
        let request = inputs.request(&self.resolution.spec, &*provider);
        let updated = self.kind.update(request, &diff).await;
        self.done.updated = true;
        self.sight = Sight::NotLooked;
        if let Err(error) = updated {
            return Err(self.failed(&error));
        }
        let fields: Vec<_> = diff.iter().map(|drift| drift.field.as_str()).collect();
        tracing::info!(object = %self.object.id(), ?fields, "updated");
        let message = format!("Successfully requested update of {}", fields.join(", "));
        self.event(EventType::Normal, "UpdatedExternalResource", &message).await;
        self.record_tags().await
    }

    /// Remembers which tags are ours, where that changed.
    async fn record_tags(&mut self) -> Result<(), Stop> {
        let keys = self.kind.tag_keys(&self.resolution.spec);
        if self.managed().applied_tags() == keys.iter().cloned().collect() {
            return Ok(());
        }
        let annotations = json!({names::APPLIED_TAGS: json!(keys).to_string()});
        self.write(json!({"annotations": annotations}), false).await
    }

    async fn delete(&mut self) -> Result<(), Stop> {
        let Some(provider) = self.connect().await? else {
            self.sight = Sight::Gone;
            return Ok(());
        };
        let inputs = self.inputs();
        let deleted = self.kind.delete(inputs.request(&self.resolution.spec, &*provider)).await;
        self.done.deleted = true;
        self.sight = Sight::NotLooked;
        match deleted {
            Ok(()) => {
                tracing::info!(object = %self.object.id(), "deletion asked for");
                let message = "Successfully requested deletion of external resource";
                self.event(EventType::Normal, "DeletedExternalResource", message).await;
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn remove_finalizer(&mut self) -> Result<(), Stop> {
        let mut finalizers = self.managed().finalizers();
        finalizers.retain(|finalizer| *finalizer != names::FINALIZER);
        self.write(json!({"finalizers": finalizers}), true).await?;
        self.world.forget(self.key);
        Err(Stop::Again(Next::Wait))
    }

    /// Merges metadata into the object, by its UID; `guarded` also refuses when anybody else changed it.
    async fn write(&mut self, mut metadata: Value, guarded: bool) -> Result<(), Stop> {
        metadata["uid"] = self.object.uid().into();
        if guarded {
            metadata["resourceVersion"] = self.object.resource_version().into();
        }
        let patch = json!({"metadata": metadata});
        let cluster = self.world.cluster();
        let written =
            cluster.merge(&self.gvk, "", self.object.name(), &patch, names::FIELD_MANAGER).await;
        self.take(written)
    }

    pub(super) async fn write_status(&mut self, rest: &Rest) -> Result<(), Stop> {
        let now = Timestamp::now();
        let Some(patch) = status::patch(self.managed(), rest, self.at_provider.as_ref(), now)
        else {
            return Ok(());
        };
        let cluster = self.world.cluster();
        let name = self.object.name();
        let written = cluster.merge_status(&self.gvk, "", name, &patch, names::FIELD_MANAGER).await;
        self.take(written)
    }

    fn take(&mut self, written: Result<Manifest, ClusterError>) -> Result<(), Stop> {
        match written {
            Ok(object) => {
                self.world.remember_written(self.key, &object);
                self.object = object;
                Ok(())
            }
            // Gone meanwhile, or served without the status subresource: then the watch still shows it.
            Err(error) if error.is_not_found() => {
                tracing::debug!(object = %self.object.id(), %error, "not found");
                Err(Stop::Again(Next::Backoff))
            }
            Err(error) if error.is_conflict() => {
                Err(Stop::Again(Next::After(Duration::from_millis(100))))
            }
            Err(error) => {
                tracing::warn!(object = %self.object.id(), %error, "failed to write");
                Err(Stop::Again(Next::Backoff))
            }
        }
    }

    /// A failed call as the end of a pass.
    pub(super) fn failed(&self, error: &CloudError) -> Stop {
        if status::passes(error) {
            tracing::debug!(object = %self.object.id(), %error, "not yet");
        } else {
            tracing::warn!(object = %self.object.id(), %error, "call failed");
        }
        status::of_failure(self.managed(), error).into()
    }
}

/// What an event calls the failure of a step.
const fn failure_of(step: &Step) -> &'static str {
    match step {
        Step::Create
        | Step::RecordCreated { .. }
        | Step::RecordIntent { .. }
        | Step::RecordFailed => "CannotCreateExternalResource",
        Step::Update => "CannotUpdateExternalResource",
        Step::Delete | Step::RemoveFinalizer => "CannotDeleteExternalResource",
        Step::Initialise => "CannotInitializeManagedResource",
        Step::Observe | Step::Rest(_) => "CannotObserveExternalResource",
    }
}

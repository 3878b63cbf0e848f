use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use capstan_cloud::CloudError;
use capstan_model::Secret;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::provider::Provider;

/// What a kind of managed resource is called and how it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindMeta {
    /// API group, for example `ec2.aws.crossplane.io`.
    pub group: &'static str,
    /// The version that is stored and watched.
    pub version: &'static str,
    /// Kind in CamelCase.
    pub kind: &'static str,
    /// Lower-case plural: the resource name of the API.
    pub plural: &'static str,
    /// What keeps a create from happening twice.
    pub create: CreateClass,
    /// What `crossplane.io/external-name` holds before the resource exists.
    pub initial_external_name: InitialName,
}

/// What keeps a create from happening twice, whatever crashes in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateClass {
    /// The client chooses the name: a second create is refused by the service, and the owner is verified.
    Named,
    /// The call takes a client token, made from the UID and the recorded intent.
    Token,
    /// Neither: the owner tag is part of the create call and is looked up before any second one.
    Tagged,
}

/// What `crossplane.io/external-name` is set to when an object is first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialName {
    /// `metadata.name`: the user names the resource.
    MetadataName,
    /// Nothing: the service gives the id.
    None,
}

/// A field of `spec.forProvider` that can be filled from another managed resource.
///
/// Paths lie below `spec.forProvider`; `[*]` walks an array, as in `routes[*].natGatewayId`. The three paths differ in
/// their last segment only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where the value goes.
    pub value: &'static str,
    /// The field with `{name}`, or with a list of them where `many` is set.
    pub reference: &'static str,
    /// The field with `{matchControllerRef, matchLabels}`.
    pub selector: &'static str,
    /// Group and kind of the resource that is meant.
    pub to: (&'static str, &'static str),
    /// Which of its values is taken.
    pub extract: Extract,
    /// A list of values instead of one.
    pub many: bool,
}

/// Which value of a referenced resource is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extract {
    /// `crossplane.io/external-name`.
    ExternalName,
    /// A dotted path below `status`, for example `atProvider.arn`.
    Status(&'static str),
}

/// An order that no reference declares: what must be Ready before a create, and is deleted only after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Every managed resource of that kind with the same controller.
    SameController {
        /// Their API group.
        group: &'static str,
        /// Their kind.
        kind: &'static str,
    },
    /// Every managed resource of that kind that refers to something that we refer to as well:
    /// the attachments of our role, the route tables of our subnets.
    Shared {
        /// Their API group.
        group: &'static str,
        /// Their kind.
        kind: &'static str,
        /// `value` path of their reference.
        theirs: &'static str,
        /// `value` path of our reference.
        ours: &'static str,
    },
}

/// What one call sees: the resolved spec and who asks.
#[derive(Debug)]
pub struct Context<'a, K: Kind> {
    /// `spec.forProvider` with references resolved.
    pub spec: &'a K::Spec,
    /// `metadata.name`.
    pub name: &'a str,
    /// `metadata.uid`: the value of the owner tag.
    pub uid: &'a str,
    /// `metadata.labels`.
    pub labels: &'a BTreeMap<String, String>,
    /// `crossplane.io/external-name`. Absent for a kind without an initial name until it is created: `observe` then looks
    /// the resource up by its owner tag.
    pub external_name: Option<&'a str>,
    /// `spec.forProvider.region`, or the region of the process for a kind without one.
    pub region: &'a str,
    /// The connected provider: for AWS kinds the clients of the region.
    pub clients: &'a K::Provider,
    /// The same for every retry of one intended create: at most 64 characters of `[a-z0-9-]`.
    pub client_token: &'a str,
    /// The tag keys that were applied last: only those, and the owner tag, may be removed.
    pub applied_tags: &'a BTreeSet<String>,
}

/// What was seen of the resource.
#[derive(Debug)]
pub enum Observed<S> {
    /// There is none. What AWS still lists as deleted counts as absent.
    Absent,
    /// It exists.
    Present(Box<Present<S>>),
}

impl<S> Observed<S> {
    /// It exists.
    pub fn present(present: Present<S>) -> Self {
        Self::Present(Box::new(present))
    }
}

/// A resource that exists.
#[derive(Debug)]
pub struct Present<S> {
    /// What `status.atProvider` shows.
    pub status: S,
    /// Where it stands.
    pub state: State,
    /// What differs from what the user wrote; nothing while the service would refuse an update anyway.
    pub diff: Vec<Drift>,
    /// What the connection Secret holds; empty until it can be used.
    pub connection: BTreeMap<String, Secret<Vec<u8>>>,
    /// Whose it is.
    pub owner: Owner,
    /// When it was created, where the service tells.
    pub created_at: Option<Timestamp>,
    /// Its id, where it was found by its tag; absent when the external name stays as it is.
    pub external_name: Option<String>,
}

impl<S> Present<S> {
    /// A resource in a state, without drift, connection, owner and date.
    pub fn new(status: S, state: State) -> Self {
        Self {
            status,
            state,
            diff: Vec::new(),
            connection: BTreeMap::new(),
            owner: Owner::Unknown,
            created_at: None,
            external_name: None,
        }
    }
}

/// Whose a resource is, by its owner tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It carries an owner tag with this UID.
    Uid(String),
    /// Its tags were read and name no owner.
    Nobody,
    /// It has no tags, or they may not be read.
    Unknown,
}

impl Owner {
    /// Whose a resource is whose tags were read.
    pub fn from_tags<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        tags.into_iter()
            .find(|(key, _)| *key == crate::tags::OWNER_TAG)
            .map_or(Self::Nobody, |(_, uid)| Self::Uid(uid.to_owned()))
    }
}

/// Where a resource that exists stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Ready,
    /// The service is still making it.
    Creating,
    /// It can be used, and the service is changing it.
    Updating,
    /// The service is removing it.
    Deleting,
    /// It cannot be used; the service says why.
    Failed {
        /// What the service says.
        message: String,
        /// It will never recover, never worked and can be made again: a gateway whose creation failed.
        replace: bool,
    },
}

/// One difference between what the user wrote and what is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// Path below `spec.forProvider`.
    pub field: String,
    /// What the user wrote.
    pub wanted: Value,
    /// What is there.
    pub found: Value,
    /// The service cannot change it: the user has to revert the edit or make a new resource.
    pub immutable: bool,
}

/// What a create returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// The id that the service gave; absent when the external name stays as it is.
    pub external_name: Option<String>,
}

impl Created {
    /// Created under the id that the service gave.
    pub fn with_id(id: impl Into<String>) -> Self {
        Self { external_name: Some(id.into()) }
    }
}

/// One kind of managed resource: what it looks like, and the four calls of its life.
///
/// Calls are made one at a time for an object. None of them retries, waits or remembers: the lifecycle does.
pub trait Kind: Send + Sync + Sized + 'static {
    /// Names and create class.
    const META: KindMeta;
    /// `spec.forProvider`. A referenced field is optional, because it may be resolved.
    type Spec: DeserializeOwned + Serialize + JsonSchema + Send + Sync;
    /// `status.atProvider`.
    type Status: Serialize + JsonSchema + Send;
    /// What the calls are made with: `capstan_cloud::Clients` for AWS.
    type Provider: Provider;

    /// The fields that other managed resources fill.
    fn references() -> &'static [Reference] {
        &[]
    }

    /// The orders that no reference declares.
    fn edges() -> &'static [Edge] {
        &[]
    }

    /// Extra printer columns beside READY, SYNCED, EXTERNAL-NAME and AGE: name and JSON path.
    fn columns() -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The tags that the user wrote; their keys are remembered as applied.
    fn tags(spec: &Self::Spec) -> BTreeMap<String, String> {
        let _ = spec;
        BTreeMap::new()
    }

    /// Looks at the resource: by external name, or by owner tag where there is none yet.
    fn observe(
        &self,
        cx: &Context<'_, Self>,
    ) -> impl Future<Output = Result<Observed<Self::Status>, CloudError>> + Send;

    /// Creates the resource, owner tag and client token in the call. An error that says that it exists already is
    /// returned as it is.
    fn create(
        &self,
        cx: &Context<'_, Self>,
    ) -> impl Future<Output = Result<Created, CloudError>> + Send;

    /// Puts right what differs; where the service takes one change at a time, the first of them.
    fn update(
        &self,
        cx: &Context<'_, Self>,
        diff: &[Drift],
    ) -> impl Future<Output = Result<(), CloudError>> + Send;

    /// Asks for the removal. A resource that is not there is removed.
    fn delete(&self, cx: &Context<'_, Self>)
    -> impl Future<Output = Result<(), CloudError>> + Send;
}

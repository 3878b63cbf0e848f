use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use capstan_cloud::CloudError;
use capstan_model::Manifest;
use serde_json::Value;

use crate::graph::Shape;
use crate::kind::{Context, Created, Drift, Kind, Observed, Present};
use crate::provider::{Connected, Provider};
use crate::world::World;

/// A future that is sent between threads.
pub(crate) type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected provider of any kind.
pub(crate) type AnyProvider = Arc<dyn Any + Send + Sync>;

/// A [`Kind`] whose types are forgotten: a row of the registry.
pub trait DynKind: sealed::Calls {}

impl<K: Kind> DynKind for K {}

/// What a call is made with, as JSON.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(crate) spec: &'a Value,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) external_name: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) provider: &'a (dyn Any + Send + Sync),
    pub(crate) client_token: &'a str,
    pub(crate) applied_tags: &'a BTreeSet<String>,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("name", &self.name)
            .field("external_name", &self.external_name)
            .finish_non_exhaustive()
    }
}

pub(crate) mod sealed {
    use super::{
        AnyProvider, CloudError, Connected, Created, Drift, Manifest, Observed, Promise, Request,
        Shape, Value, World,
    };

    /// The calls of a kind over JSON.
    #[allow(
        unnameable_types,
        private_interfaces,
        reason = "only this crate calls kinds; others only register them"
    )]
    pub trait Calls: Send + Sync + 'static {
        fn shape(&self) -> Shape;
        fn config(&self) -> (&'static str, &'static str);
        /// Keys of the tags that a spec asks for.
        fn tag_keys(&self, spec: &Value) -> Vec<String>;
        fn connect<'a>(
            &'a self,
            world: &'a World,
            object: &'a Manifest,
        ) -> Promise<'a, Result<Connected<AnyProvider>, CloudError>>;
        fn observe<'a>(
            &'a self,
            request: Request<'a>,
        ) -> Promise<'a, Result<Observed<Value>, CloudError>>;
        fn create<'a>(&'a self, request: Request<'a>) -> Promise<'a, Result<Created, CloudError>>;
        fn update<'a>(
            &'a self,
            request: Request<'a>,
            diff: &'a [Drift],
        ) -> Promise<'a, Result<(), CloudError>>;
        fn delete<'a>(&'a self, request: Request<'a>) -> Promise<'a, Result<(), CloudError>>;
    }
}

#[allow(private_interfaces, reason = "see the trait")]
impl<K: Kind> sealed::Calls for K {
    fn shape(&self) -> Shape {
        Shape { meta: K::META, references: K::references(), edges: K::edges() }
    }

    fn config(&self) -> (&'static str, &'static str) {
        K::Provider::CONFIG
    }

    fn tag_keys(&self, spec: &Value) -> Vec<String> {
        let spec: Option<K::Spec> = serde_json::from_value(spec.clone()).ok();
        spec.map(|spec| K::tags(&spec).into_keys().collect()).unwrap_or_default()
    }

    fn connect<'a>(
        &'a self,
        world: &'a World,
        object: &'a Manifest,
    ) -> Promise<'a, Result<Connected<AnyProvider>, CloudError>> {
        Box::pin(async move {
            Ok(match K::Provider::connect(world, object).await? {
                Connected::Live(provider) => Connected::Live(provider as AnyProvider),
                Connected::Gone => Connected::Gone,
            })
        })
    }

    fn observe<'a>(
        &'a self,
        request: Request<'a>,
    ) -> Promise<'a, Result<Observed<Value>, CloudError>> {
        Box::pin(async move {
            let spec = spec::<K>(&request)?;
            let observed = Kind::observe(self, &context(&request, &spec)).await?;
            Ok(match observed {
                Observed::Absent => Observed::Absent,
                Observed::Present(present) => Observed::present(untyped::<K>(*present)?),
            })
        })
    }

    fn create<'a>(&'a self, request: Request<'a>) -> Promise<'a, Result<Created, CloudError>> {
        Box::pin(async move {
            let spec = spec::<K>(&request)?;
            Kind::create(self, &context(&request, &spec)).await
        })
    }

    fn update<'a>(
        &'a self,
        request: Request<'a>,
        diff: &'a [Drift],
    ) -> Promise<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let spec = spec::<K>(&request)?;
            Kind::update(self, &context(&request, &spec), diff).await
        })
    }

    fn delete<'a>(&'a self, request: Request<'a>) -> Promise<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let spec = spec::<K>(&request)?;
            Kind::delete(self, &context(&request, &spec)).await
        })
    }
}

fn spec<K: Kind>(request: &Request<'_>) -> Result<K::Spec, CloudError> {
    serde_json::from_value(request.spec.clone()).map_err(|cause| {
        CloudError::invalid(
            "capstan",
            "read spec.forProvider",
            format!("spec.forProvider: {cause}"),
        )
    })
}

fn untyped<K: Kind>(present: Present<K::Status>) -> Result<Present<Value>, CloudError> {
    let status = serde_json::to_value(present.status).map_err(|cause| {
        CloudError::invalid("capstan", "write status.atProvider", cause.to_string())
    })?;
    Ok(Present {
        status,
        state: present.state,
        diff: present.diff,
        connection: present.connection,
        owner: present.owner,
        created_at: present.created_at,
        external_name: present.external_name,
    })
}

fn context<'a, K: Kind>(request: &Request<'a>, spec: &'a K::Spec) -> Context<'a, K> {
    Context {
        spec,
        name: request.name,
        uid: request.uid,
        labels: request.labels,
        external_name: request.external_name,
        region: request.region,
        clients: request
            .provider
            .downcast_ref::<K::Provider>()
            .expect("a kind is called with what its own provider connected"),
        client_token: request.client_token,
        applied_tags: request.applied_tags,
    }
}

//! AWS on this machine: [moto](https://docs.getmoto.org) for what it does well, and in front of
//! it what it leaves out.
//!
//! moto creates at once, deletes whatever it is told to, checks no identity and knows no cluster.
//! The stand-in is a proxy that adds
//! - identity: web identity tokens checked against issuer, provider and trust policy; every
//!   signature checked; every call allowed or denied by the caller's policies;
//! - EKS, asynchronous, with clusters that are control planes of the kit ([`Planes`]);
//! - the edges between resources in both directions: what must be there before, gone before;
//! - a log of every call, faults on demand, and an inventory of what is left.
//!
//! Point an SDK at [`AwsStandIn::endpoint`] with `AWS_ENDPOINT_URL`.

mod access;
mod assume;
mod client;
mod directory;
mod ec2;
mod eks;
mod error;
mod faults;
mod form;
mod iam_edges;
mod identity;
mod inventory;
mod log;
mod moto;
mod route;
mod server;
mod sigv4;
mod trust;
mod xml;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use client::AwsClient;
pub use eks::{KitPlane, KitPlanes, NodeOrder, Plane, PlaneOrder, Planes};
pub use faults::{Fault, FaultKind};
pub use inventory::Resource;
pub use log::Call;
pub use sigv4::Keys;
pub use xml::Element;

use directory::Directory;
use ec2::Ec2;
use eks::Eks;
use iam_edges::Iam;
use identity::Identities;
use moto::Moto;
use server::State;

/// The account that everything lives in.
pub const ACCOUNT: &str = "123456789012";

/// The least time that AWS takes for what moto does at once. Zero is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwsDelays {
    /// A NAT gateway from `pending` to `available`.
    pub nat_available: Duration,
    /// A NAT gateway from `deleting` to `deleted`.
    pub nat_deleted: Duration,
    /// A cluster from `CREATING` to `ACTIVE`, its control plane's own start included.
    pub cluster_active: Duration,
    /// A cluster from `DELETING` to gone.
    pub cluster_deleted: Duration,
    /// A node group from `CREATING` to `ACTIVE` or `CREATE_FAILED`.
    pub nodegroup_active: Duration,
    /// A node group from `DELETING` to gone.
    pub nodegroup_deleted: Duration,
    /// An update from `InProgress` to `Successful`.
    pub update: Duration,
    /// How long EC2's descriptions leave out what was just created.
    pub ec2_visible: Duration,
    /// How long EKS does not see a role that was just created.
    pub role_propagated: Duration,
}

impl Default for AwsDelays {
    /// Short, and long enough that nothing which ignores a state gets away with it.
    fn default() -> Self {
        Self {
            nat_available: Duration::from_millis(1500),
            nat_deleted: Duration::from_millis(1000),
            cluster_active: Duration::from_secs(2),
            cluster_deleted: Duration::from_millis(1000),
            nodegroup_active: Duration::from_millis(1000),
            nodegroup_deleted: Duration::from_millis(1000),
            update: Duration::from_millis(500),
            ec2_visible: Duration::ZERO,
            role_propagated: Duration::ZERO,
        }
    }
}

impl fmt::Display for AwsDelays {
    /// The delays that are not zero, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delays = [
            ("NAT gateway until available", self.nat_available),
            ("NAT gateway until deleted", self.nat_deleted),
            (
                "EKS cluster until ACTIVE, its control plane's own start included",
                self.cluster_active,
            ),
            ("EKS cluster until gone", self.cluster_deleted),
            ("node group until ACTIVE", self.nodegroup_active),
            ("node group until gone", self.nodegroup_deleted),
            ("EKS update until Successful", self.update),
            ("EC2 until a description shows what was created", self.ec2_visible),
            ("IAM until EKS sees a new role", self.role_propagated),
        ];
        let told = delays.iter().filter(|(_, delay)| !delay.is_zero());
        for (at, (what, delay)) in told.enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{:>6.1} s  {what}", delay.as_secs_f64())?;
        }
        Ok(())
    }
}

/// How to start the stand-in.
pub struct AwsOptions {
    /// The `moto_server` program.
    pub moto_server: PathBuf,
    /// An existing folder for its log.
    pub folder: PathBuf,
    /// The region of the kit's own client; the stand-in serves all of them.
    pub region: String,
    /// Where clusters get their control planes.
    pub planes: Arc<dyn Planes>,
    /// The simulated delays.
    pub delays: AwsDelays,
}

/// A running stand-in. Cheap to clone; the last handle that is dropped ends it.
#[derive(Clone)]
pub struct AwsStandIn {
    state: Arc<State>,
    client: AwsClient,
    endpoint: String,
    baseline: Arc<Mutex<BTreeSet<String>>>,
    _server: Arc<Server>,
}

struct Server(JoinHandle<std::convert::Infallible>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl AwsStandIn {
    /// Starts moto and the proxy before it, on free ports of the loopback interface.
    ///
    /// # Errors
    /// When moto cannot be run or does not answer; the message names its log.
    pub async fn start(options: AwsOptions) -> anyhow::Result<Self> {
        let AwsOptions { moto_server, folder, region, planes, delays } = options;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let moto = Arc::new(Moto::start(&moto_server, &folder, ACCOUNT).await?);
        tokio::spawn(warm_up(moto.clone(), region.clone()));
        let state = Arc::new(assemble(moto, &endpoint, &region, planes, delays));
        let server = tokio::spawn(server::run(listener, state.clone()));
        let client = AwsClient::new(&endpoint, &region, root_keys())?;
        Ok(Self {
            state,
            client,
            endpoint,
            baseline: Arc::default(),
            _server: Arc::new(Server(server)),
        })
    }

    /// `http://127.0.0.1:<port>`, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The account's root keys, which may do everything.
    #[must_use]
    pub fn root_keys(&self) -> Keys {
        root_keys()
    }

    /// A signed client with the root keys.
    #[must_use]
    pub fn client(&self) -> &AwsClient {
        &self.client
    }

    /// Makes the tokens of an issuer verifiable, as AWS does by fetching its keys: for clusters
    /// that EKS did not make. Those that it makes are known by themselves.
    pub fn register_issuer(&self, issuer: &str, public_key_pem: &str) {
        self.state.identities.register_issuer(issuer, public_key_pem);
    }

    /// Ends all sessions of a role at once, as if their keys had run out.
    pub fn expire_sessions(&self, role_arn: &str) {
        self.state.identities.expire_sessions(role_arn);
    }

    /// The calls of an action so far, of callers whose ARN contains this text.
    #[must_use]
    pub fn calls_of(&self, action: &str, caller: &str) -> usize {
        self.calls_by(caller).iter().filter(|call| call.action == action).count()
    }

    /// The control plane behind a cluster, once it runs.
    #[must_use]
    pub fn plane(&self, region: &str, cluster: &str) -> Option<Arc<dyn Plane>> {
        self.state.eks.plane(region, cluster)
    }

    /// Every call so far.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        self.state.log.all()
    }

    /// Every call that was refused, or accepted to fail later.
    #[must_use]
    pub fn errors(&self) -> Vec<Call> {
        self.log().into_iter().filter(|call| call.error_code.is_some()).collect()
    }

    /// The errors that show things done in the wrong order ([`Call::is_dependency_error`]).
    #[must_use]
    pub fn dependency_errors(&self) -> Vec<Call> {
        self.log().into_iter().filter(Call::is_dependency_error).collect()
    }

    /// The calls of callers whose ARN contains this text.
    #[must_use]
    pub fn calls_by(&self, caller: &str) -> Vec<Call> {
        let by = |call: &Call| call.caller_arn.as_ref().is_some_and(|arn| arn.contains(caller));
        self.log().into_iter().filter(by).collect()
    }

    /// The calls to come, as they are answered.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Call> {
        self.state.log.subscribe()
    }

    /// Lets the next calls that match go wrong.
    pub fn inject(&self, fault: Fault) {
        self.state.faults.add(fault);
    }

    /// Forgets all faults that are not spent.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Everything that exists and did not at the last [`AwsStandIn::set_baseline`].
    ///
    /// # Errors
    /// When moto does not answer.
    pub async fn inventory(&self) -> anyhow::Result<Vec<Resource>> {
        let all = self.everything().await?;
        let baseline = self.baseline.lock().expect("because no holder of the baseline panics");
        Ok(all.into_iter().filter(|resource| !baseline.contains(&resource.id)).collect())
    }

    /// What exists now does not count as left over later: what a setup made before the story.
    ///
    /// # Errors
    /// When moto does not answer.
    pub async fn set_baseline(&self) -> anyhow::Result<()> {
        let ids = self.everything().await?.into_iter().map(|resource| resource.id).collect();
        *self.baseline.lock().expect("because no holder of the baseline panics") = ids;
        Ok(())
    }

    async fn everything(&self) -> anyhow::Result<Vec<Resource>> {
        inventory::everything(&self.state)
            .await
            .map_err(|e| anyhow!("the inventory cannot be taken: {}: {}", e.code, e.message))
    }
}

/// moto loads a service at the first call to it, seconds for some: that need not be a test's call.
async fn warm_up(moto: Arc<Moto>, region: String) {
    let calls = [("iam", "ListOpenIDConnectProviders"), ("ec2", "DescribeVpcs")];
    for (service, action) in calls {
        if let Err(error) = moto.query(service, &region, action, &[]).await {
            tracing::warn!("moto does not answer {action}: {}", error.message);
        }
    }
}

/// Keys that no real account has.
fn root_keys() -> Keys {
    Keys {
        access_key: "AKIACAPSTANKITROOT00".into(),
        secret_key: "capstan-kit-root-secret-0000000000000000".into(),
        session_token: None,
    }
}

fn assemble(
    moto: Arc<Moto>,
    endpoint: &str,
    region: &str,
    planes: Arc<dyn Planes>,
    delays: AwsDelays,
) -> State {
    let directory = Arc::new(Directory::new(moto.clone(), delays.role_propagated));
    let identities = Arc::new(Identities::new(ACCOUNT, root_keys(), directory.clone()));
    let ec2_delays = ec2::Delays {
        nat_available: delays.nat_available,
        nat_deleted: delays.nat_deleted,
        visible: delays.ec2_visible,
    };
    let ec2 = Arc::new(Ec2::new(moto.clone(), ec2_delays));
    let eks = Eks::new(eks::Parts {
        account: ACCOUNT.into(),
        directory: directory.clone(),
        identities: identities.clone(),
        ec2: ec2.clone(),
        planes,
        delays: eks::Delays {
            cluster_active: delays.cluster_active,
            cluster_deleted: delays.cluster_deleted,
            nodegroup_active: delays.nodegroup_active,
            nodegroup_deleted: delays.nodegroup_deleted,
            update: delays.update,
        },
        address: endpoint.into(),
    });
    State {
        account: ACCOUNT.into(),
        iam: Iam::new(moto.clone(), directory.clone()),
        moto,
        directory,
        identities,
        ec2,
        eks,
        log: log::Log::default(),
        faults: faults::Faults::default(),
        regions: Mutex::new(BTreeSet::from([region.to_owned()])),
    }
}

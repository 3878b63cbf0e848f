//! A control plane: etcd, kube-apiserver and kube-controller-manager, without root.

pub(crate) mod certs;
mod flags;
mod kubeconfig;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::dir::MemoryDir;
use crate::parts::{Part, Parts};
use crate::ports;
use crate::process::{Process, ProcessSpec};
use crate::wait::wait_until;
use certs::Certs;
use flags::Ports;

pub use kubeconfig::{Target, User, kubeconfig};

/// How long a control plane may take to answer, on a busy machine.
const START: Duration = Duration::from_secs(90);
/// How often a start is tried again when another process took one of the ports.
const TRIES: u32 = 4;

/// What makes one control plane differ from another.
#[derive(Debug, Clone, Default)]
pub struct ControlPlaneSpec {
    /// The name of cluster and context in kubeconfigs.
    pub name: String,
    /// The issuer of its ServiceAccount tokens, an `https` URL. It need not resolve.
    pub issuer: String,
    /// The URL that is asked about tokens which the API server does not know itself
    /// (`TokenReview`, version v1).
    pub token_webhook: Option<String>,
    /// Without kube-controller-manager: nothing runs beside what is measured, and nothing makes
    /// pods or default ServiceAccounts.
    pub bare: bool,
}

/// A running control plane. Dropping it ends its programs and removes its database.
pub struct ControlPlane {
    spec: ControlPlaneSpec,
    dir: PathBuf,
    data: MemoryDir,
    programs: Programs,
    certs: Certs,
    ports: Ports,
    admin_kubeconfig: PathBuf,
    webhook: Option<PathBuf>,
    client: Client,
    running: Mutex<Vec<Process>>,
}

#[derive(Debug, Clone)]
struct Programs {
    etcd: PathBuf,
    apiserver: PathBuf,
    controllers: PathBuf,
}

/// Why a start did not succeed.
enum StartFault {
    /// Another process took a port between choosing and using it.
    PortTaken,
    Other(anyhow::Error),
}

impl From<anyhow::Error> for StartFault {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl ControlPlane {
    /// Starts a control plane with its files and logs in `dir`, and waits until it answers and its
    /// controllers work.
    ///
    /// # Errors
    /// When a program does not start or does not become ready; the message has the end of its log.
    pub async fn start(dir: &Path, parts: &Parts, spec: ControlPlaneSpec) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let programs = Programs {
            etcd: parts.path(Part::Etcd)?.to_owned(),
            apiserver: parts.path(Part::KubeApiserver)?.to_owned(),
            controllers: parts.path(Part::KubeControllerManager)?.to_owned(),
        };
        let what = format!("cannot start the control plane `{}`", spec.name);
        let mut plane = Self::prepare(dir, programs, spec).await.context(what.clone())?;
        for _ in 0..TRIES {
            match plane.launch().await {
                Ok(()) => return Ok(plane),
                Err(StartFault::PortTaken) => plane.choose_ports().await.context(what.clone())?,
                Err(StartFault::Other(error)) => return Err(error.context(what)),
            }
        }
        Err(anyhow!("other processes took its ports {TRIES} times in a row").context(what))
    }

    /// The name of cluster and context.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The URL of the API server.
    pub fn endpoint(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// The certificate authority of the API server.
    pub fn ca_pem(&self) -> &str {
        &self.certs.ca_pem
    }

    /// The issuer of its ServiceAccount tokens.
    pub fn issuer(&self) -> &str {
        &self.spec.issuer
    }

    /// The RSA public key (SubjectPublicKeyInfo) that its ServiceAccount tokens verify with (RS256).
    pub fn sa_public_key_pem(&self) -> &str {
        &self.certs.sa_public_pem
    }

    /// A kubeconfig file of an administrator (group `system:masters`).
    pub fn admin_kubeconfig(&self) -> &Path {
        &self.admin_kubeconfig
    }

    /// A client with the administrator's rights.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// What a kubeconfig for this cluster points to.
    pub fn target(&self) -> Target {
        Target {
            name: self.spec.name.clone(),
            endpoint: self.endpoint(),
            ca_pem: self.certs.ca_pem.clone(),
        }
    }

    /// The folder with logs and kubeconfig.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process id of one of its programs; nothing while that does not run.
    pub fn process_id(&self, part: Part) -> Option<u32> {
        let running = self.running();
        let named = |process: &&Process| process.program().ends_with(part.program());
        running.iter().find(named).map(Process::id)
    }

    /// Whether all of its programs run.
    pub fn is_running(&self) -> bool {
        let running = self.running();
        !running.is_empty() && running.iter().all(|process| process.try_exit().is_none())
    }

    /// Ends its programs; the database stays, for [`ControlPlane::start_again`].
    pub async fn stop(&self) {
        let processes = std::mem::take(&mut *self.running());
        // Clients first. A server that has open watches takes a minute to end politely, and only
        // the database has something to write.
        for process in processes.iter().rev() {
            if process.program() == self.programs.etcd {
                process.stop(Duration::from_secs(5)).await;
            } else {
                process.kill();
                process.wait().await;
            }
        }
    }

    /// Starts it again after [`ControlPlane::stop`], at the same address and with what it held.
    ///
    /// # Errors
    /// When it does not become ready, or another process took one of its ports meanwhile.
    pub async fn start_again(&self) -> Result<()> {
        match self.launch().await {
            Ok(()) => Ok(()),
            Err(StartFault::PortTaken) => bail!(
                "cannot start `{}` again: another process took one of its ports meanwhile",
                self.spec.name
            ),
            Err(StartFault::Other(error)) => Err(error),
        }
    }

    /// Waits until the API server says that it is ready and the controllers have made the
    /// ServiceAccount `default/default`.
    ///
    /// # Errors
    /// When that does not happen within a minute and a half.
    pub async fn wait_ready(&self) -> Result<()> {
        self.wait_for_apiserver().await.map_err(|fault| match fault {
            StartFault::PortTaken => anyhow!("another process took a port"),
            StartFault::Other(error) => error,
        })?;
        if self.spec.bare { Ok(()) } else { self.wait_for_controllers().await }
    }

    async fn prepare(dir: &Path, programs: Programs, spec: ControlPlaneSpec) -> Result<Self> {
        // Making an RSA key takes a while.
        let certs = tokio::task::spawn_blocking({
            let dir = dir.to_owned();
            move || Certs::write(&dir)
        })
        .await
        .context("making certificates panicked")??;
        let webhook = match &spec.token_webhook {
            Some(url) => Some(write(dir, "token-webhook", &kubeconfig::token_webhook(url))?),
            None => None,
        };
        let ports = choose_ports()?;
        let admin_kubeconfig = write_admin(dir, &spec.name, ports, &certs)?;
        Ok(Self {
            client: client(&admin_kubeconfig).await?,
            data: MemoryDir::new()?,
            dir: dir.to_owned(),
            running: Mutex::new(Vec::new()),
            spec,
            programs,
            certs,
            ports,
            admin_kubeconfig,
            webhook,
        })
    }

    async fn choose_ports(&mut self) -> Result<()> {
        self.ports = choose_ports()?;
        self.admin_kubeconfig = write_admin(&self.dir, &self.spec.name, self.ports, &self.certs)?;
        self.client = client(&self.admin_kubeconfig).await?;
        Ok(())
    }

    /// Starts the programs and waits for them; when that fails, none of them is left.
    async fn launch(&self) -> Result<(), StartFault> {
        let started = self.launch_in_order().await;
        if started.is_err() {
            self.running().clear();
        }
        started
    }

    async fn launch_in_order(&self) -> Result<(), StartFault> {
        let data = self.data.path().join("etcd");
        self.spawn(&flags::etcd(&self.programs.etcd, self.ports, &data, self.log("etcd")))?;
        // The API server waits for etcd by itself.
        self.spawn(&flags::apiserver(&flags::ApiServer {
            program: &self.programs.apiserver,
            ports: self.ports,
            certs: &self.certs,
            issuer: &self.spec.issuer,
            webhook: self.webhook.as_deref(),
            log: self.log("kube-apiserver"),
        }))?;
        self.wait_for_apiserver().await?;
        if self.spec.bare {
            return Ok(());
        }
        self.spawn(&flags::controllers(
            &self.programs.controllers,
            &self.admin_kubeconfig,
            &self.certs,
            self.log("kube-controller-manager"),
        ))?;
        self.wait_for_controllers().await?;
        Ok(())
    }

    async fn wait_for_apiserver(&self) -> Result<(), StartFault> {
        // An early end of a program is found here, not after the timeout.
        let what = format!("the API server of `{}`", self.spec.name);
        let seen = wait_until(&what, START, || async {
            if let Some(fault) = self.ended_early() {
                return Ok(Err(fault));
            }
            let request = http::Request::get("/readyz").body(Vec::new())?;
            self.client.request_text(request).await?;
            anyhow::Ok(Ok(()))
        });
        seen.await.with_context(|| self.tails())?
    }

    async fn wait_for_controllers(&self) -> Result<()> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), "default");
        let what = format!("the controllers of `{}`", self.spec.name);
        let seen = wait_until(&what, START, || accounts.get("default"));
        seen.await.with_context(|| self.tails())?;
        Ok(())
    }

    fn ended_early(&self) -> Option<StartFault> {
        let running = self.running();
        let ended = running.iter().find(|process| process.try_exit().is_some())?;
        let tail = ended.tail(12);
        if tail.contains("address already in use") {
            return Some(StartFault::PortTaken);
        }
        Some(StartFault::Other(anyhow!(
            "{} ended; the end of {}:\n{tail}",
            ended.program().display(),
            ended.log().display()
        )))
    }

    fn spawn(&self, spec: &ProcessSpec) -> Result<()> {
        let process = Process::spawn(spec)?;
        self.running().push(process);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Vec<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, program: &str) -> PathBuf {
        self.dir.join(format!("{program}.log"))
    }

    fn tails(&self) -> String {
        let tail = |process: &Process| format!("{}:\n{}", process.log().display(), process.tail(6));
        self.running().iter().map(tail).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // The database last, and all of them before their folder goes.
        while let Some(process) = self.running().pop() {
            drop(process);
        }
    }
}

fn choose_ports() -> Result<Ports> {
    let [api, etcd, etcd_peer] = ports::free()?;
    Ok(Ports { api, etcd, etcd_peer })
}

fn write_admin(dir: &Path, name: &str, ports: Ports, certs: &Certs) -> Result<PathBuf> {
    let target = Target {
        name: name.to_owned(),
        endpoint: format!("https://127.0.0.1:{}", ports.api),
        ca_pem: certs.ca_pem.clone(),
    };
    let user = User::Certificate {
        cert_pem: certs.admin_pem.clone(),
        key_pem: certs.admin_key_pem.clone(),
    };
    write(dir, "kubeconfig", &kubeconfig(&target, &user, None))
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// A client for a kubeconfig file.
///
/// # Errors
/// When the file cannot be read.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("cannot read {}", kubeconfig.display()))?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("{} does not make sense", kubeconfig.display()))?;
    // A proxy of the machine must not stand between us and 127.0.0.1.
    config.proxy_url = None;
    Client::try_from(config).context("cannot make a Kubernetes client")
}

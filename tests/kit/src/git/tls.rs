//! TLS in front of the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::plane::certs::Authority;

/// A door with TLS to a server without. It closes when it is dropped.
pub struct TlsDoor {
    address: SocketAddr,
    /// The authority that signed the door's certificate, as PEM.
    pub authority: String,
    /// A certificate that the door lets in, and its key, as PEM.
    pub client: (String, String),
    task: JoinHandle<()>,
}

impl Drop for TlsDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsDoor {
    pub(crate) async fn open(at: Ipv4Addr, to: &str, asks: bool) -> Result<Self> {
        let authority = Authority::new()?;
        let server = authority.issue(&server_params()?)?;
        let client = authority.issue(&client_params()?)?;
        let acceptor = TlsAcceptor::from(Arc::new(config(&authority.pem, &server, asks)?));
        let listener = TcpListener::bind((at, 0)).await.context("no free TCP port")?;
        let address = listener.local_addr().context("a listener without an address")?;
        let task = tokio::spawn(serve(listener, acceptor, to.to_owned()));
        Ok(Self { address, authority: authority.pem, client, task })
    }

    /// The URL of the server behind the door.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

fn config(authority: &str, server: &(String, String), asks: bool) -> Result<ServerConfig> {
    let certificate =
        |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).context("no certificate");
    let builder = ServerConfig::builder();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(authority)?)?;
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(server.1.as_bytes()).context("no key")?;
    builder.with_single_cert(vec![certificate(&server.0)?], key).context("a bad certificate")
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, to: String) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, to) = (acceptor.clone(), to.clone());
        tokio::spawn(async move {
            let inside = acceptor.accept(socket).await;
            let outside = TcpStream::connect(to).await;
            if let (Ok(mut inside), Ok(mut outside)) = (inside, outside) {
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}

fn server_params() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(["localhost".to_owned()]).context("a bad DNS name")?;
    params.subject_alt_names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client_params() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).context("no names are fine")?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

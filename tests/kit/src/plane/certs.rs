//! Certificates and keys of one control plane.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SanType,
};

/// Files that the programs of a control plane read, and their text where others need it.
#[derive(Debug)]
pub(super) struct Certs {
    pub(super) ca: PathBuf,
    pub(super) ca_pem: String,
    pub(super) server: PathBuf,
    pub(super) server_key: PathBuf,
    pub(super) admin_pem: String,
    pub(super) admin_key_pem: String,
    pub(super) sa_key: PathBuf,
    pub(super) sa_public: PathBuf,
    pub(super) sa_public_pem: String,
}

impl Certs {
    /// Makes a certificate authority, a server and an administrator certificate, and the key pair of
    /// ServiceAccount tokens (RSA with SHA-256, as EKS signs them).
    pub(super) fn write(dir: &Path) -> Result<Self> {
        let authority = Authority::new()?;
        let (server_pem, server_key_pem) = authority.issue(&server_params()?)?;
        let (admin_pem, admin_key_pem) = authority.issue(&admin_params()?)?;
        let tokens = KeyPair::generate_for(&PKCS_RSA_SHA256).context("cannot make an RSA key")?;
        let sa_public_pem = tokens.public_key_pem();
        Ok(Self {
            ca: write(dir, "ca.crt", &authority.pem)?,
            server: write(dir, "server.crt", &server_pem)?,
            server_key: write(dir, "server.key", &server_key_pem)?,
            sa_key: write(dir, "sa.key", &tokens.serialize_pem())?,
            sa_public: write(dir, "sa.pub", &sa_public_pem)?,
            ca_pem: authority.pem,
            admin_pem,
            admin_key_pem,
            sa_public_pem,
        })
    }
}

/// Who signs certificates.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "capstan-kit");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).context("cannot sign the authority")?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Result<(String, String)> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let cert = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        Ok((cert.pem(), key.serialize_pem()))
    }
}

fn server_params() -> Result<CertificateParams> {
    let names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let mut params = CertificateParams::new(names.map(String::from)).context("a bad DNS name")?;
    for address in [Ipv4Addr::LOCALHOST, super::flags::SERVICE_ADDRESS] {
        params.subject_alt_names.push(SanType::IpAddress(address.into()));
    }
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn admin_params() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).context("no names are fine")?;
    params.distinguished_name.push(DnType::CommonName, "kubernetes-admin");
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_programs_read() {
        let dir = tempfile::tempdir().unwrap();
        let certs = Certs::write(dir.path()).unwrap();
        for file in [&certs.ca, &certs.server, &certs.server_key, &certs.sa_key, &certs.sa_public] {
            assert!(fs::read_to_string(file).unwrap().starts_with("-----BEGIN "), "{file:?}");
        }
        assert!(certs.sa_public_pem.starts_with("-----BEGIN PUBLIC KEY-----"));
    }
}

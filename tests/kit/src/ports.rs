//! Free TCP ports and loopback addresses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};
use rand::Rng as _;

/// The port whose listener marks a block of loopback addresses as taken.
const MARK: u16 = 20_253;

/// Ports of 127.0.0.1 that were free a moment ago, all different.
///
/// Another process may take one before it is used, so whoever starts a server on it tries again
/// with new ones when that happens.
///
/// # Errors
/// When the system has no free port left.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port")?;
        *port = listener.local_addr().context("a listener without an address")?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// A block of 127.x.y.1 to 127.x.y.254 that no other kit on this machine uses.
///
/// Pods get their addresses from it. Held by a listener, so it is free again when this process ends,
/// however it ends.
#[derive(Debug)]
pub struct LoopbackBlock {
    prefix: [u8; 2],
    _mark: TcpListener,
}

impl LoopbackBlock {
    /// Takes a block at random.
    ///
    /// # Errors
    /// When no block out of many tries is free.
    pub fn take() -> Result<Self> {
        for _ in 0..256 {
            let prefix = [rand::rng().random_range(1..=254), rand::rng().random_range(0..=255)];
            let address = Ipv4Addr::new(127, prefix[0], prefix[1], 1);
            if let Ok(mark) = TcpListener::bind(SocketAddr::from((address, MARK))) {
                return Ok(Self { prefix, _mark: mark });
            }
        }
        bail!("found no free block of loopback addresses in 256 tries (port {MARK} of 127.x.y.1)")
    }

    /// The address with this last octet.
    pub fn address(&self, octet: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.prefix[0], self.prefix[1], octet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ() {
        let ports = free::<8>().unwrap();
        let distinct: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(distinct.len(), 8);
    }

    #[test]
    fn blocks_do_not_overlap() {
        let (a, b) = (LoopbackBlock::take().unwrap(), LoopbackBlock::take().unwrap());
        assert_ne!(a.address(7), b.address(7));
        assert!(a.address(7).is_loopback());
    }
}

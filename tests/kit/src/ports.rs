//! Free TCP ports and loopback addresses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use rand::Rng as _;

/// The port whose listener marks a block of loopback addresses as taken.
const MARK: u16 = 20_253;
/// Ports for servers: outside the range that Linux takes the ports of clients from.
const SERVERS: RangeInclusive<u16> = 12_000..=32_000;

/// Ports of 127.0.0.1 that were free a moment ago, all different.
///
/// They are below those that the system gives to clients, so that a stopped server finds its port
/// free again. Another process may take one before it is used, so whoever starts a server on it
/// tries again with new ones when that happens.
///
/// # Errors
/// When none out of many is free.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    for _ in 0..1000 {
        let port = rand::rng().random_range(SERVERS);
        if port != MARK
            && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        {
            held.push((port, listener));
        }
        if held.len() == N {
            return Ok(std::array::from_fn(|at| held[at].0));
        }
    }
    bail!("found no {N} free TCP ports in 1000 tries ({SERVERS:?} of 127.0.0.1)")
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

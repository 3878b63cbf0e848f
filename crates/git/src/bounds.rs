//! What a fetch may cost and where it may go.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gix::progress::{Count, Id, MessageLevel, NestedProgress, Progress, Step, StepShared, Unit};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Bounds of one fetch. The default bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes that the server may send.
    pub bytes: Option<usize>,
    /// Refuses addresses of this machine and of its link: where a cloud's metadata and our own ports are. Who may write a
    /// kustomization could otherwise make us ask there.
    pub guarded: bool,
}

/// Knows which hosts may be asked. As a resolver it looks after the name was looked up, so no name leads around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guard;

impl Guard {
    /// May this URL be asked, as far as the address is written in it? A name is looked at when it is resolved.
    pub fn allows(url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.parse().map_or(true, |address| !is_near(address))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        // The client that asks has a thread of its own, which has nothing else to do meanwhile.
        let found = (name.as_str(), 0).to_socket_addrs();
        let allowed = found.map(|found| found.filter(|address| !is_near(address.ip())).collect());
        let answer = match allowed {
            Ok(allowed) => checked(name.as_str(), allowed),
            Err(error) => Err(error.into()),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn checked(
    name: &str,
    allowed: Vec<SocketAddr>,
) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
    if allowed.is_empty() {
        return Err(format!("`{name}` is an address of this machine or of its link").into());
    }
    Ok(Box::new(allowed.into_iter()))
}

/// Is this an address of this machine, of its link, of many machines at once, or of AWS's metadata?
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.octets()[0] == 0
                || v4.is_broadcast()
                || v4.is_multicast()
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_near(IpAddr::V4(v4)),
            None => is_near_v6(v6),
        },
    }
}

fn is_near_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || (first, second) == (0xfd00, 0x0ec2)
}

/// The name under which gix tells how much of a pack came.
const PACK_BYTES: Id = *b"BWRB";

/// Counts what the server sends, and ends the fetch at the bound.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    shared: Arc<Shared>,
    counts: bool,
}

#[derive(Debug)]
struct Shared {
    bytes: StepShared,
    most: usize,
    interrupt: Arc<AtomicBool>,
}

impl Meter {
    pub(crate) fn new(bounds: Bounds, interrupt: &Arc<AtomicBool>) -> Self {
        let shared = Shared {
            bytes: Arc::new(AtomicUsize::new(0)),
            most: bounds.bytes.unwrap_or(usize::MAX),
            interrupt: Arc::clone(interrupt),
        };
        Self { shared: Arc::new(shared), counts: false }
    }

    /// The bound, when it was passed.
    pub(crate) fn passed(&self) -> Option<usize> {
        let Shared { bytes, most, .. } = &*self.shared;
        (bytes.load(Ordering::Relaxed) > *most).then_some(*most)
    }
}

impl Count for Meter {
    fn set(&self, _: Step) {}

    fn step(&self) -> Step {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        if self.counts {
            self.shared.bytes.fetch_add(step, Ordering::Relaxed);
            if self.passed().is_some() {
                self.shared.interrupt.store(true, Ordering::Relaxed);
            }
        }
    }

    fn counter(&self) -> StepShared {
        if self.counts { Arc::clone(&self.shared.bytes) } else { StepShared::default() }
    }
}

impl Progress for Meter {
    fn init(&mut self, _: Option<Step>, _: Option<Unit>) {}

    fn set_name(&mut self, _: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        gix::progress::UNKNOWN
    }

    fn message(&self, _: MessageLevel, _: String) {}
}

impl NestedProgress for Meter {
    type SubProgress = Self;

    fn add_child(&mut self, _: impl Into<String>) -> Self {
        Self { counts: false, ..self.clone() }
    }

    fn add_child_with_id(&mut self, _: impl Into<String>, id: Id) -> Self {
        Self { counts: id == PACK_BYTES, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;

    #[test]
    fn near_addresses_are_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1:9090/x",
            "https://[::1]/",
            "http://169.254.169.254/latest",
            "http://0x7f000001/",
            "http://2852039166/",
            "http://[::ffff:169.254.169.254]/",
            "http://0.0.0.0/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://user:pass@127.0.0.1/",
            "http://0/",
            "nonsense",
        ] {
            assert!(!Guard::allows(url), "{url}");
        }
        for url in [
            "https://github.com/o/r",
            "http://10.0.0.1/",
            "https://[2001:db8::1]/",
            "http://git.internal:3000/",
        ] {
            assert!(Guard::allows(url), "{url}");
        }
    }
}

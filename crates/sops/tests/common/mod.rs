//! Keys and files of `fixtures`.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::path::{Path, PathBuf};

use capstan_sops::Keys;

pub fn path(name: &str) -> PathBuf {
    Path::new("tests/fixtures").join(name)
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect(name)
}

pub fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect(name)
}

/// The keys of a Secret with these files of `fixtures/keys`.
pub fn keys(names: &[&str]) -> Keys {
    let data: Vec<_> = names.iter().map(|name| (*name, fixture(&format!("keys/{name}")))).collect();
    let data = data.iter().map(|(name, value)| (*name, value.as_slice()));
    Keys::of_secret("flux-system/sops", data).expect("keys")
}

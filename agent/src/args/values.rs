use std::net::SocketAddr;
use std::time::Duration;

use capstan_model::{FluxDuration, LabelSelector};

/// Go's form of an address: without a host it is every address of this machine.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| "write it as <address>:<port> or :<port>".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<FluxDuration>().map(|duration| duration.0).map_err(|error| error.to_string())
}

pub(super) fn percentage(text: &str) -> Result<u8, String> {
    let percentage = text.parse::<u8>().ok().filter(|percentage| *percentage < 100);
    percentage.ok_or_else(|| "it must be a whole number, at least 0 and less than 100".to_owned())
}

/// A label selector, as it is given to the API server.
pub(super) fn selector(text: &str) -> Result<String, String> {
    let read = text.parse::<LabelSelector>();
    read.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn service_account(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write it as <namespace>/<name>".to_owned()),
    }
}

use reqwest::Url;
use serde::Deserialize;

/// What a registry wants before it answers: the header `WWW-Authenticate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// Reads the header; nothing when it asks for something that we cannot do.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let value = |name: &str| {
            parameters(rest).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
        };
        Some(Self::Bearer { realm: value("realm")?, service: value("service") })
    }
}

/// `key="value"` and `key=value`, divided by commas.
fn parameters(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', ',']);
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        rest = after;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    })
}

/// What pulling from a repository is called.
pub(crate) fn scope(name: &str) -> String {
    format!("repository:{name}:pull")
}

/// Text of a query or a form.
pub(crate) fn encoded(parameters: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://localhost", parameters);
    url.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

/// The answer of the authority.
#[derive(Deserialize)]
pub(crate) struct Token {
    #[serde(default)]
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) access_token: String,
}

#[cfg(test)]
mod tests {
    use super::{Challenge, encoded};

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
        };
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a,b""#;
        let parsed = Challenge::parse(header);
        assert_eq!(parsed, bearer("https://auth.docker.io/token", Some("registry.docker.io")));
        assert_eq!(Challenge::parse("bearer realm=http://a/b"), bearer("http://a/b", None));
        assert_eq!(Challenge::parse(r#"Basic realm="x""#), Some(Challenge::Basic));
        for wrong in ["", "Negotiate", "Bearer", r#"Bearer service="x""#, r#"Bearer realm="x"#] {
            assert_eq!(Challenge::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(encoded(&[("a", "b c"), ("d", "&")]), "a=b+c&d=%26");
    }
}

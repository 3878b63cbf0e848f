use http::{Method, Uri};
use serde_json::{Value, json};

use super::{Answer, Change, Key, Kind, Refusal, Selector, Store, Write};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Which kinds a group version has.
    Discover,
    /// One object.
    Get,
    /// Objects.
    List,
    /// What happens to objects.
    Watch,
    /// A new object.
    Create,
    /// The whole object.
    Update,
    /// A merge patch.
    Merge,
    /// Server-side apply.
    Apply,
    /// Its end.
    Delete,
}

impl Verb {
    /// May it change something?
    pub const fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Merge | Self::Apply | Self::Delete)
    }
}

/// A request, understood.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is asked for.
    pub verb: Verb,
    /// The path of its URL.
    pub path: String,
    /// Where: a kind, or an object of it; nothing for discovery and what is not served.
    pub key: Option<Key>,
    /// Is it about the status alone?
    pub is_status: bool,
    /// Nothing is stored.
    pub dry_run: bool,
    /// Only metadata is wanted.
    pub metadata_only: bool,
    /// Which objects.
    pub selector: Selector,
    /// From which version on to watch.
    pub version: u64,
    /// How long to watch, in seconds.
    pub seconds: u64,
    /// Field manager.
    pub manager: String,
    /// May fields be taken from others?
    pub force: bool,
    /// What was sent.
    pub body: Value,
}

/// Method, URL, and the headers `Content-Type` and `Accept`.
pub(crate) type Head<'a> = (&'a Method, &'a Uri, &'a str, &'a str);

impl Asked {
    /// Understands a request.
    pub(crate) fn read(kinds: &[Kind], head: Head<'_>, body: &[u8]) -> Self {
        let (method, uri, content, accept) = head;
        let query = query(uri.query().unwrap_or_default());
        let given =
            |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        let (key, is_status) = place(kinds, uri.path());
        let is_named = key.as_ref().is_some_and(|key| !key.2.is_empty());
        let verb = match *method {
            Method::GET if key.is_none() => Verb::Discover,
            Method::GET if given("watch").is_some_and(|watch| watch != "false") => Verb::Watch,
            Method::GET if is_named => Verb::Get,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::PATCH if content.contains("apply-patch") => Verb::Apply,
            Method::PATCH => Verb::Merge,
            Method::DELETE => Verb::Delete,
            _ => Verb::List,
        };
        let number = |name: &str| given(name).and_then(|text| text.parse().ok());
        let name = given("fieldSelector").and_then(|text| text.strip_prefix("metadata.name="));
        let selector = Selector {
            namespace: key.as_ref().map(|key| key.1.clone()).unwrap_or_default(),
            labels: given("labelSelector").and_then(|text| text.parse().ok()).unwrap_or_default(),
            name: name.map(str::to_owned),
        };
        Self {
            verb,
            path: uri.path().to_owned(),
            key,
            is_status,
            dry_run: given("dryRun") == Some("All"),
            metadata_only: accept.contains("PartialObjectMetadata"),
            selector,
            version: number("resourceVersion").unwrap_or_default(),
            seconds: number("timeoutSeconds").unwrap_or(290),
            manager: given("fieldManager").unwrap_or("unknown").to_owned(),
            force: given("force") == Some("true"),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }

    /// The change that is asked for.
    pub(crate) fn change(&self) -> Change<'_> {
        match self.verb {
            Verb::Apply => Change::Apply(&self.body, self.force),
            Verb::Create => Change::Create(&self.body),
            Verb::Update => Change::Replace(&self.body),
            _ => Change::Merge(&self.body),
        }
    }

    /// An object in the form that is asked for.
    pub(crate) fn form(&self, object: &Value) -> Value {
        if !self.metadata_only {
            return object.clone();
        }
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"]})
    }
}

impl Store {
    /// Answers anything but a watch. Lists show what was at `version`.
    pub(crate) fn answer(&mut self, asked: &Asked, version: u64) -> Answer {
        self.try_answer(asked, version).unwrap_or_else(Into::into)
    }

    fn try_answer(&mut self, asked: &Asked, version: u64) -> Result<Answer, Refusal> {
        let absent =
            || Refusal::new(404, "NotFound", "the server could not find the requested resource");
        if asked.verb == Verb::Discover {
            let path = asked.path.trim_start_matches("/apis/").trim_start_matches("/api/");
            let body = Kind::discovery(&self.kinds, path).ok_or_else(absent)?;
            return Ok(Answer { code: 200, body });
        }
        let key = asked.key.as_ref().ok_or_else(absent)?;
        let (code, body) = match asked.verb {
            Verb::Get => (200, asked.form(&*self.get(key)?)),
            Verb::List | Verb::Watch | Verb::Discover => (200, self.listed(asked, key, version)),
            Verb::Delete => {
                let object = self.delete(key, &asked.body)?;
                let is_gone = self.find(key).is_none();
                (
                    200,
                    if is_gone {
                        deleted(key, &self.kinds[key.0], &object)
                    } else {
                        (*object).clone()
                    },
                )
            }
            Verb::Create => {
                let name = asked.body["metadata"]["name"].as_str().unwrap_or_default();
                let key = (key.0, key.1.clone(), name.to_owned());
                let (_, object) = self.write(&key, &asked.write())?;
                (201, (*object).clone())
            }
            Verb::Update | Verb::Merge | Verb::Apply => {
                let (is_new, object) = self.write(key, &asked.write())?;
                (if is_new { 201 } else { 200 }, (*object).clone())
            }
        };
        Ok(Answer { code, body })
    }

    fn listed(&self, asked: &Asked, key: &Key, version: u64) -> Value {
        let kind = &self.kinds[key.0];
        let objects = if version == self.version() {
            self.list(key.0, &asked.selector)
        } else {
            self.list_at(key.0, &asked.selector, version)
        };
        let items: Vec<Value> = objects.iter().map(|object| asked.form(object)).collect();
        let (list, api_version) = if asked.metadata_only {
            ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
        } else {
            (format!("{}List", kind.kind), kind.api_version())
        };
        json!({"kind": list, "apiVersion": api_version,
            "metadata": {"resourceVersion": version.to_string()}, "items": items})
    }
}

impl Asked {
    fn write(&self) -> Write<'_> {
        let (is_status, dry_run) = (self.is_status, self.dry_run);
        Write { manager: &self.manager, is_status, dry_run, change: self.change() }
    }
}

fn deleted(key: &Key, kind: &Kind, object: &Value) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": key.2, "kind": kind.plural, "uid": object["metadata"]["uid"]}})
}

/// The kind, namespace and name of a path, and whether it is about the status.
fn place(kinds: &[Kind], path: &str) -> (Option<Key>, bool) {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return (None, false),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && *rest != ["status"] => {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    let [plural, rest @ ..] = rest else { return (None, false) };
    let is_it =
        |kind: &Kind| kind.group == group && kind.version == version && kind.plural == *plural;
    let kind = kinds.iter().position(is_it);
    let key = kind.map(|kind| {
        let name = rest.first().copied().unwrap_or_default();
        (kind, namespace.to_owned(), name.to_owned())
    });
    // What is not served is asked for all the same.
    (key, rest.get(1) == Some(&"status"))
}

/// The parameters of a URL.
fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = |part: &str| {
        let part = part.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = part.as_bytes();
        while let [first, tail @ ..] = rest {
            let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
            let byte =
                hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &tail[2..] } else { tail };
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

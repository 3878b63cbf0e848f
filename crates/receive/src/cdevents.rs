//! CDEvents 0.4: <https://cdevents.dev>. The context and the subject are checked, the content of a subject is not.

use serde_json::Value;

/// Subjects and what can happen to them.
const TYPES: &[(&str, &[&str])] = &[
    ("artifact", &["deleted", "downloaded", "packaged", "published", "signed"]),
    ("branch", &["created", "deleted"]),
    ("build", &["finished", "queued", "started"]),
    ("change", &["abandoned", "created", "merged", "reviewed", "updated"]),
    ("environment", &["created", "deleted", "modified"]),
    ("incident", &["detected", "reported", "resolved"]),
    ("pipelinerun", &["finished", "queued", "started"]),
    ("repository", &["created", "deleted", "modified"]),
    ("service", &["deployed", "published", "removed", "rolledback", "upgraded"]),
    ("taskrun", &["finished", "started"]),
    ("testcaserun", &["finished", "queued", "skipped", "started"]),
    ("testoutput", &["published"]),
    ("testsuiterun", &["finished", "queued", "started"]),
    ("ticket", &["closed", "created", "updated"]),
];

/// Is a body a CDEvent?
pub(crate) fn check(body: &[u8]) -> Result<(), String> {
    let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for name in ["version", "id", "source", "type", "timestamp"] {
        text(&event, "context", name)?;
    }
    check_type(&text(&event, "context", "type")?)?;
    text(&event, "subject", "id")?;
    match event.pointer("/subject/content") {
        Some(Value::Object(_)) => Ok(()),
        _ => Err("subject.content is not an object".to_owned()),
    }
}

fn text(event: &Value, of: &str, name: &str) -> Result<String, String> {
    match event.get(of).and_then(|part| part.get(name)).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("{of}.{name} is missing or is not a text")),
    }
}

/// `dev.cdevents.<subject>.<predicate>.<version>`, or `dev.cdeventsx.<tool>-<subject>.<predicate>.<version>` for one's own.
fn check_type(type_: &str) -> Result<(), String> {
    let wrong = || format!("context.type `{type_}` is not a type of CDEvents");
    let parts = type_.strip_prefix("dev.cdevents").and_then(|rest| rest.split_once('.'));
    let (family, rest) = parts.ok_or_else(wrong)?;
    let mut parts = rest.splitn(3, '.');
    let (Some(subject), Some(predicate), Some(version)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let numbers = version.split(['-', '+']).next().unwrap_or_default().split('.');
    let is_version =
        numbers.clone().count() == 3 && numbers.clone().all(|number| number.parse::<u32>().is_ok());
    let is_known = match family {
        "" => TYPES
            .iter()
            .any(|(name, predicates)| *name == subject && predicates.contains(&predicate)),
        "x" => {
            let is_word = |word: &str| {
                !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            subject.split_once('-').is_some_and(|(tool, subject)| is_word(tool) && is_word(subject))
                && is_word(predicate)
        }
        _ => false,
    };
    if is_version && is_known { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::{check, check_type};

    #[test]
    fn types_are_those_of_the_specification() {
        for right in [
            "dev.cdevents.change.merged.0.2.0",
            "dev.cdevents.testcaserun.skipped.0.1.0",
            "dev.cdevents.artifact.published.0.2.0-draft",
            "dev.cdeventsx.mytool-resource.created.0.1.0",
        ] {
            assert_eq!(check_type(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "push",
            "dev.cdevents",
            "dev.cdevents.change.merged",
            "dev.cdevents.change.exploded.0.2.0",
            "dev.cdevents.change.merged.0.2",
            "dev.cdeventsx.resource.created.0.1.0",
            "dev.cdeventsy.change.merged.0.2.0",
        ] {
            assert!(check_type(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn context_and_subject_must_be_whole() {
        let whole = r#"{"context": {"version": "0.4.1", "id": "1", "source": "/ci", "timestamp": "2024-01-01T00:00:00Z",
            "type": "dev.cdevents.change.merged.0.2.0"}, "subject": {"id": "c", "content": {}}}"#;
        assert_eq!(check(whole.as_bytes()), Ok(()));
        for (part, without) in [
            (r#""id": "1", "#, ""),
            (r#""content": {}"#, r#""content": 1"#),
            (r#""source": "/ci""#, r#""source": 1"#),
        ] {
            let broken = whole.replacen(part, without, 1);
            assert!(check(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(check(b"{").is_err());
    }
}

//! Commits and tags as Git stores them.

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// 40 hex digits.
    pub id: String,
    /// Headers and message, as they are hashed.
    pub content: Vec<u8>,
}

/// A tag that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// Id and content of the tag object; a lightweight tag has none.
    pub object: Option<(String, Vec<u8>)>,
}

/// Characters of a subject that are told.
const SUBJECT: usize = 50;

impl Commit {
    /// The first line of the message, cut after 50 characters, as Flux tells it.
    pub fn subject(&self) -> String {
        let text = String::from_utf8_lossy(&self.content);
        let message = text.split_once("\n\n").map_or("", |(_, message)| message);
        let line = message.lines().next().unwrap_or_default();
        let cut: String = line.chars().take(SUBJECT).collect();
        if cut.len() < line.len() { format!("{cut}...") } else { cut }
    }

    /// When it was committed, in seconds since 1970.
    pub(crate) fn time(&self) -> i64 {
        let decoded = gix::objs::CommitRef::from_bytes(&self.content, gix::hash::Kind::Sha1);
        decoded.ok().and_then(|commit| commit.time().ok()).map_or(0, |time| time.seconds)
    }
}

impl Tag {
    /// The tag behind an id.
    pub(crate) fn read(
        repository: &gix::Repository,
        name: &str,
        id: gix::ObjectId,
    ) -> Result<Self, gix::Error> {
        let object = repository.find_object(id)?;
        let object = (object.kind == gix::objs::Kind::Tag)
            .then(|| (object.id.to_string(), object.data.clone()));
        Ok(Self { name: name.to_owned(), object })
    }
}

#[cfg(test)]
mod tests {
    use super::Commit;

    #[test]
    fn a_subject_is_a_line_of_fifty_characters() {
        let subject = |message: &str| {
            Commit { id: String::new(), content: format!("tree x\n\n{message}").into_bytes() }
                .subject()
        };
        assert_eq!(subject("one\n\ntwo\n"), "one");
        assert_eq!(subject(&"ä".repeat(50)), "ä".repeat(50));
        assert_eq!(subject(&"ä".repeat(51)), format!("{}...", "ä".repeat(50)));
        assert_eq!(subject(""), "");
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Anything; encrypted, it is JSON with one value `data`.
    Binary,
    /// `KEY=value`, a line each.
    Dotenv,
    /// Sections of keys.
    Ini,
    /// One JSON object.
    Json,
    /// YAML documents.
    Yaml,
}

/// Formats in the order in which a content is tried. Binary files look like JSON.
const MARKED: [Format; 4] = [Format::Json, Format::Yaml, Format::Dotenv, Format::Ini];

impl Format {
    /// The format that a file's name says, as Flux reads it: names that end in `.dockerconfigjson` are JSON, and what
    /// says nothing is binary.
    pub fn for_path(path: &str) -> Self {
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        if ends(&[".dockerconfigjson", ".json"]) {
            Self::Json
        } else if ends(&[".yaml", ".yml"]) {
            Self::Yaml
        } else if ends(&[".env"]) {
            Self::Dotenv
        } else if ends(&[".ini"]) {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// The format that an encrypted content shows by the line of its MAC; nothing for a content that is not encrypted.
    pub fn of_encrypted(content: &[u8]) -> Option<Self> {
        MARKED.into_iter().find(|format| format.marks(content))
    }

    /// Does the content carry the mark of an encrypted file of this format?
    pub fn marks(self, content: &[u8]) -> bool {
        let mark: &[u8] = match self {
            Self::Binary | Self::Json => b"\"mac\": \"ENC[",
            Self::Dotenv => b"sops_mac=ENC[",
            Self::Ini => b"[sops]",
            Self::Yaml => b"mac: ENC[",
        };
        content.windows(mark.len()).any(|window| window == mark)
    }

    /// The name that Flux gives it in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Dotenv => "dotenv",
            Self::Ini => "INI",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn names_say_formats() {
        for (path, format) in [
            ("a/b.yaml", Format::Yaml),
            ("b.yml", Format::Yaml),
            ("b.json", Format::Json),
            (".dockerconfigjson", Format::Json),
            ("my.dockerconfigjson", Format::Json),
            (".env", Format::Dotenv),
            ("a.ini", Format::Ini),
            ("a.yaml.bak", Format::Binary),
            ("yaml", Format::Binary),
        ] {
            assert_eq!(Format::for_path(path), format, "{path}");
        }
    }

    #[test]
    fn contents_show_formats() {
        for (content, format) in [
            ("a: 1\nsops:\n    mac: ENC[x]\n", Some(Format::Yaml)),
            ("{\"sops\": {\"mac\": \"ENC[x]\"}}", Some(Format::Json)),
            // Flux looks for the space that SOPS writes.
            ("{\"sops\":{\"mac\":\"ENC[x]\"}}", None),
            ("A=b\nsops_mac=ENC[x]\n", Some(Format::Dotenv)),
            ("[a]\nb = c\n[sops]\n", Some(Format::Ini)),
            ("", None),
        ] {
            assert_eq!(Format::of_encrypted(content.as_bytes()), format, "{content}");
        }
    }
}

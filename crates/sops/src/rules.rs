//! Which values of a file are encrypted.

use regex::bytes::Regex;

use crate::document::Value;

/// What SOPS takes when a file says nothing.
const DEFAULT_SUFFIX: &str = "_unencrypted";

/// How keys or comments choose values. A file has one rule.
pub(crate) enum Rule {
    UnencryptedSuffix(String),
    EncryptedSuffix(String),
    UnencryptedRegex(Regex),
    EncryptedRegex(Regex),
    UnencryptedCommentRegex(Regex),
    EncryptedCommentRegex(Regex),
}

impl Rule {
    /// Reads the rule of a file.
    pub(crate) fn of(metadata: &Value) -> Result<Self, String> {
        const FIELDS: [&str; 6] = [
            "unencrypted_suffix",
            "encrypted_suffix",
            "unencrypted_regex",
            "encrypted_regex",
            "unencrypted_comment_regex",
            "encrypted_comment_regex",
        ];
        let given = |field: &'static str| Some((field, text(metadata.get(field)?)?));
        let rules: Vec<_> = FIELDS.into_iter().filter_map(given).collect();
        let (field, text) = match rules.as_slice() {
            [] => return Ok(Self::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned())),
            [one] => one,
            _ => {
                return Err(
                    "Cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, \
                     unencrypted_regex, encrypted_comment_regex, or unencrypted_comment_regex in the same file"
                        .to_owned(),
                );
            }
        };
        let regex =
            || Regex::new(text).map_err(|_| format!("{field} `{text}` is no regular expression"));
        Ok(match *field {
            "unencrypted_suffix" => Self::UnencryptedSuffix(text.clone()),
            "encrypted_suffix" => Self::EncryptedSuffix(text.clone()),
            "unencrypted_regex" => Self::UnencryptedRegex(regex()?),
            "encrypted_regex" => Self::EncryptedRegex(regex()?),
            "unencrypted_comment_regex" => Self::UnencryptedCommentRegex(regex()?),
            _ => Self::EncryptedCommentRegex(regex()?),
        })
    }

    /// Does a key on the way to a value choose it?
    pub(crate) fn chooses_key(&self, key: &str) -> bool {
        match self {
            Self::UnencryptedSuffix(suffix) | Self::EncryptedSuffix(suffix) => {
                key.ends_with(suffix)
            }
            Self::UnencryptedRegex(regex) | Self::EncryptedRegex(regex) => {
                regex.is_match(key.as_bytes())
            }
            Self::UnencryptedCommentRegex(_) | Self::EncryptedCommentRegex(_) => false,
        }
    }

    /// Does a comment choose what follows it?
    pub(crate) fn chooses_comment(&self, comment: &[u8]) -> bool {
        match self {
            Self::UnencryptedCommentRegex(regex) | Self::EncryptedCommentRegex(regex) => {
                regex.is_match(comment)
            }
            _ => false,
        }
    }

    /// Is it encrypted, what is chosen or not?
    pub(crate) const fn encrypts(&self, is_chosen: bool) -> bool {
        match self {
            Self::UnencryptedSuffix(_)
            | Self::UnencryptedRegex(_)
            | Self::UnencryptedCommentRegex(_) => !is_chosen,
            Self::EncryptedSuffix(_) | Self::EncryptedRegex(_) | Self::EncryptedCommentRegex(_) => {
                is_chosen
            }
        }
    }

    /// Does a comment choose itself too? One that asks for encryption stays readable.
    pub(crate) const fn chooses_itself(&self) -> bool {
        matches!(self, Self::UnencryptedCommentRegex(_))
    }

    /// Is it comments that choose?
    pub(crate) const fn reads_comments(&self) -> bool {
        matches!(self, Self::UnencryptedCommentRegex(_) | Self::EncryptedCommentRegex(_))
    }
}

/// A text of the metadata, unless it is empty.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => {
            let text = String::from_utf8_lossy(text).into_owned();
            (!text.is_empty()).then_some(text)
        }
        Value::Int(number) => Some(number.to_string()),
        Value::Time(time) => Some(time.clone()),
        _ => None,
    }
}

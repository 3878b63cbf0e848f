use crate::TreeError;

/// The path in its one spelling: no `.`, no `..`, no doubled or closing slashes; the root is empty.
///
/// # Errors
/// [`TreeError::Escapes`] when the path is absolute or climbs above the root.
pub fn normalise(path: &str) -> Result<String, TreeError> {
    join("", path)
}

/// The path that `relative` names when it is written in the directory `base`.
///
/// # Errors
/// [`TreeError::Escapes`] when `relative` is absolute or the result lies above the root.
pub fn join(base: &str, relative: &str) -> Result<String, TreeError> {
    let escapes = || TreeError::Escapes(relative.to_owned());
    if relative.starts_with('/') {
        return Err(escapes());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(relative.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(escapes)?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

/// The directory of a normalised path; that of a name in the root is empty.
pub fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::{join, normalise, parent};
    use crate::TreeError;

    #[test]
    fn one_spelling() {
        for (path, normal) in
            [("", ""), (".", ""), ("./a//b/", "a/b"), ("a/../b", "b"), ("a/./b/../..", "")]
        {
            assert_eq!(normalise(path).as_deref(), Ok(normal), "{path}");
        }
        assert_eq!(join("apps/overlays", "../base").as_deref(), Ok("apps/base"));
        assert_eq!((parent("a/b"), parent("a")), ("a", ""));
    }

    #[test]
    fn nothing_above_the_root_has_a_name() {
        for path in ["..", "a/../..", "/etc/passwd", "../a"] {
            assert_eq!(normalise(path), Err(TreeError::Escapes(path.to_owned())));
        }
        assert!(join("a", "../../b").is_err());
    }
}

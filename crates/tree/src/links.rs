use crate::{TreeError, normalise};

/// Links in one path; Linux gives up at the same number.
const MOST: usize = 40;

/// The path without symbolic links in it, as a file system finds it: each part is looked up, and a link is replaced by
/// its target, which is written from the directory of the link.
///
/// `target` says where the link at a path leads; nothing when there is no link. It is asked only for paths whose
/// directories are no links.
///
/// # Errors
/// [`TreeError::Escapes`] when the path or a link is absolute or climbs above the root, [`TreeError::Loop`] for links
/// without end, and what `target` fails with.
pub fn follow(
    path: &str,
    mut target: impl FnMut(&str) -> Result<Option<String>, TreeError>,
) -> Result<String, TreeError> {
    let normal = normalise(path)?;
    let escapes = || TreeError::Escapes(path.to_owned());
    let mut ahead: Vec<String> = normal.rsplit('/').map(str::to_owned).collect();
    let mut real: Vec<String> = Vec::new();
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                real.pop().ok_or_else(escapes)?;
                continue;
            }
            _ => real.push(part),
        }
        let Some(to) = target(&real.join("/"))? else { continue };
        links += 1;
        if links > MOST {
            return Err(TreeError::Loop(path.to_owned()));
        }
        if to.starts_with('/') {
            return Err(escapes());
        }
        real.pop();
        ahead.extend(to.rsplit('/').map(str::to_owned));
    }
    Ok(real.join("/"))
}

#[cfg(test)]
mod tests {
    use super::follow;
    use crate::TreeError;

    fn real(path: &str) -> Result<String, TreeError> {
        let links = [
            ("a/base", "../shared/base"),
            ("shared/base", "v2"),
            ("a/up", ".."),
            ("a/out", "../../etc/passwd"),
            ("a/abs", "/etc/passwd"),
            ("x", "y"),
            ("y", "x"),
            ("self", "self/self"),
            ("v2/up", "../a"),
        ];
        follow(path, |at| {
            Ok(links.iter().find(|(from, _)| *from == at).map(|(_, to)| (*to).to_owned()))
        })
    }

    #[test]
    fn links_lead_on_inside_the_tree_only() {
        for (path, expected) in [
            ("", ""),
            ("a/b.yaml", "a/b.yaml"),
            ("a/base/b.yaml", "shared/v2/b.yaml"),
            // `..` in a path is resolved by name, as kustomize does; in a link by place.
            ("a/base/../b", "a/b"),
            ("a/up/a/base", "shared/v2"),
        ] {
            assert_eq!(real(path).as_deref(), Ok(expected), "{path}");
        }
        for path in ["a/out", "a/abs", "../a", "a/abs/x", "/a"] {
            assert_eq!(real(path), Err(TreeError::Escapes(path.to_owned())));
        }
        for path in ["x", "y/z", "self"] {
            assert_eq!(real(path), Err(TreeError::Loop(path.to_owned())));
        }
    }
}

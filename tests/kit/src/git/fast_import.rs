//! Commits as a stream for `git fast-import`: one process however many files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A change of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    RemoveAll,
    Remove(String),
    Write {
        path: String,
        mode: &'static str,
        content: Vec<u8>,
    },
    /// The commit of another repository, as a submodule stands in a tree.
    Submodule {
        path: String,
        commit: String,
    },
}

impl Change {
    pub(super) fn file(path: impl Into<String>, content: Vec<u8>) -> Self {
        Self::Write { path: path.into(), mode: "100644", content }
    }

    pub(super) fn remove(path: impl Into<String>) -> Self {
        Self::Remove(path.into())
    }
}

/// The stream of one commit; fast-import answers with its id.
pub(super) fn commit_stream(
    branch: &str,
    parent: Option<&str>,
    changes: &[Change],
    message: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    line(&mut out, &format!("commit refs/heads/{branch}"));
    line(&mut out, "mark :1");
    line(&mut out, "committer Capstan Kit <kit@capstan.example> now");
    data(&mut out, message.as_bytes());
    if let Some(parent) = parent {
        line(&mut out, &format!("from {parent}"));
    }
    for change in changes {
        match change {
            Change::RemoveAll => line(&mut out, "deleteall"),
            Change::Remove(path) => line(&mut out, &format!("D {}", quoted(path))),
            Change::Write { path, mode, content } => {
                line(&mut out, &format!("M {mode} inline {}", quoted(path)));
                data(&mut out, content);
            }
            Change::Submodule { path, commit } => {
                line(&mut out, &format!("M 160000 {commit} {}", quoted(path)));
            }
        }
    }
    line(&mut out, "");
    line(&mut out, "get-mark :1");
    out
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

fn data(out: &mut Vec<u8>, content: &[u8]) {
    line(out, &format!("data {}", content.len()));
    out.extend_from_slice(content);
    out.push(b'\n');
}

/// A path as fast-import reads it, whatever is in it.
fn quoted(path: &str) -> String {
    let mut out = String::from("\"");
    for c in path.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out + "\""
}

/// The files of a folder as changes, without any `.git`, in a stable order.
pub(super) fn read_dir(dir: &Path, prefix: &str, changes: &mut Vec<Change>) -> io::Result<()> {
    let mut entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if name == ".git" {
            continue;
        } else if kind.is_dir() {
            read_dir(&entry.path(), &path, changes)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?.into_os_string().into_encoded_bytes();
            changes.push(Change::Write { path, mode: "120000", content: target });
        } else {
            let runs = entry.metadata()?.permissions().mode() & 0o100 != 0;
            let mode = if runs { "100755" } else { "100644" };
            changes.push(Change::Write { path, mode, content: fs::read(entry.path())? });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_names_parent_and_changes() {
        let changes = [Change::file("a b.yaml", b"x: 1\n".to_vec()), Change::remove("old")];
        let stream = commit_stream("main", Some("abc"), &changes, "two\nlines");
        let text = String::from_utf8(stream).unwrap();
        assert!(text.starts_with("commit refs/heads/main\nmark :1\ncommitter "), "{text}");
        assert!(text.contains("data 9\ntwo\nlines\nfrom abc\n"), "{text}");
        assert!(text.contains("M 100644 inline \"a b.yaml\"\ndata 5\nx: 1\n\n"), "{text}");
        assert!(text.ends_with("D \"old\"\n\nget-mark :1\n"), "{text}");
    }

    #[test]
    fn a_folder_keeps_modes_and_links() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sub/.git")).unwrap();
        fs::write(dir.path().join("sub/run.sh"), "#!").unwrap();
        fs::set_permissions(dir.path().join("sub/run.sh"), fs::Permissions::from_mode(0o755))
            .unwrap();
        std::os::unix::fs::symlink("sub/run.sh", dir.path().join("link")).unwrap();
        let mut changes = Vec::new();
        read_dir(dir.path(), "", &mut changes).unwrap();
        let modes: Vec<_> = changes
            .iter()
            .map(|change| match change {
                Change::Write { path, mode, .. } => (path.as_str(), *mode),
                _ => panic!("only files"),
            })
            .collect();
        assert_eq!(modes, [("link", "120000"), ("sub/run.sh", "100755")]);
    }
}

//! What is signed, and the signature, in a commit and in a tag.

/// Headers of a commit that hold its signature, in one hash or the other.
const HEADERS: [&str; 2] = ["gpgsig", "gpgsig-sha256"];
/// Beginnings of signatures, as git knows them.
const BEGINNINGS: [&str; 4] = [
    "-----BEGIN PGP SIGNATURE-----",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN SSH SIGNATURE-----",
    "-----BEGIN SIGNED MESSAGE-----",
];

/// Something and its signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
    /// Without white space around it; empty when there is none.
    pub(super) signature: String,
}

impl Signed {
    /// What kind of signature it is, in Flux's words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.signature {
            empty if empty.is_empty() => "empty",
            pgp if pgp.starts_with(BEGINNINGS[0]) => "openpgp",
            ssh if ssh.starts_with(BEGINNINGS[2]) => "ssh",
            x509 if x509.starts_with(BEGINNINGS[3]) => "x509",
            _ => "unknown",
        }
    }
}

/// A commit without its signature, which stands in a header.
pub(super) fn of_commit(content: &[u8]) -> Signed {
    let (mut payload, mut signature) = (Vec::with_capacity(content.len()), Vec::new());
    let mut rest = content;
    // Which header a line goes on with: of one that is left out, and whether it is the signature.
    let mut left_out = None;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\n" {
            payload.extend_from_slice(rest);
            break;
        }
        rest = after;
        if let Some(more) = line.strip_prefix(b" ") {
            match left_out {
                Some(true) => signature.extend_from_slice(more),
                Some(false) => {}
                None => payload.extend_from_slice(line),
            }
            continue;
        }
        let header = HEADERS.iter().position(|name| {
            line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
        });
        left_out = header.map(|at| at == 0);
        match left_out {
            Some(true) => signature.extend_from_slice(&line[HEADERS[0].len() + 1..]),
            Some(false) => {}
            None => payload.extend_from_slice(line),
        }
    }
    Signed { payload, signature: String::from_utf8_lossy(&signature).trim().to_owned() }
}

/// A tag without its signature, which stands at its end.
pub(super) fn of_tag(content: &[u8]) -> Signed {
    let mut at = 0;
    let mut begins = content.len();
    while at < content.len() {
        if BEGINNINGS.iter().any(|begin| content[at..].starts_with(begin.as_bytes())) {
            begins = at;
        }
        at = content[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(content.len(), |end| at + end + 1);
    }
    let (payload, signature) = content.split_at(begins);
    Signed {
        payload: payload.to_vec(),
        signature: String::from_utf8_lossy(signature).trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{of_commit, of_tag};

    #[test]
    fn a_signature_is_taken_out_of_a_commit() {
        let content = "tree t\nauthor a\n ä\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\ngpgsig-sha256 x\n y\nencoding e\n\ngpgsig in the text\n z\n";
        let signed = of_commit(content.as_bytes());
        let payload = "tree t\nauthor a\n ä\nencoding e\n\ngpgsig in the text\n z\n";
        assert_eq!(String::from_utf8_lossy(&signed.payload), payload);
        assert_eq!(
            signed.signature,
            "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----"
        );
        assert_eq!(signed.kind(), "openpgp");
        let unsigned = of_commit(b"tree t\n\nno");
        assert_eq!(
            (&*unsigned.signature, &*unsigned.payload, unsigned.kind()),
            ("", &b"tree t\n\nno"[..], "empty")
        );
    }

    #[test]
    fn a_signature_is_taken_off_a_tag() {
        let text = "object o\n\nsays -----BEGIN SSH SIGNATURE-----\n";
        let signed = of_tag(
            format!("{text}-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n")
                .as_bytes(),
        );
        assert_eq!(signed.payload, text.as_bytes());
        assert_eq!((signed.signature.lines().count(), signed.kind()), (3, "ssh"));
        assert_eq!(of_tag(text.as_bytes()).signature, "");
    }
}

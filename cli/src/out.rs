//! Where words go: data to stdout, talk to stderr.

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Writes data. A reader that has seen enough, as in `| head`, is no failure.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("failed to write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Tells the user something.
pub(crate) fn say(sign: &str, text: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{sign} {text}");
}

/// A step begins.
pub(crate) fn begin(text: &str) {
    say("►", text);
}

/// A step ended well.
pub(crate) fn done(text: &str) {
    say("✔", text);
}

/// Something is waited for.
pub(crate) fn waiting(text: &str) {
    say("◎", text);
}

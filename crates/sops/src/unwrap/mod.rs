//! Data keys out of what age and PGP made of them.

pub(crate) mod age;
pub(crate) mod pgp;

use std::io::Read;

/// A data key has 32 bytes, and a share of one 33: whatever is far longer is none.
const MOST_BYTES: u64 = 1024;

fn read(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let read = reader.take(MOST_BYTES + 1).read_to_end(&mut plain);
    read.map_err(|error| error.to_string())?;
    match u64::try_from(plain.len()) {
        Ok(length) if length <= MOST_BYTES => Ok(plain),
        _ => Err(format!("it holds more than {MOST_BYTES} bytes, and no data key")),
    }
}

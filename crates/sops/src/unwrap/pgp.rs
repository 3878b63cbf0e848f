//! PGP: private keys without a passphrase.

use std::io::Cursor;

use pgp::composed::{DecryptionOptions, Deserializable, Message, SignedSecretKey, TheRing};
use pgp::types::{KeyDetails, Password};

const BEGIN: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";
const END: &str = "-----END PGP PRIVATE KEY BLOCK-----";

/// The PGP keys of a Secret.
#[derive(Default)]
pub(crate) struct PgpKeys(Vec<SignedSecretKey>);

impl PgpKeys {
    /// Adds private keys, armored or not. Public ones beside them say nothing.
    pub(crate) fn import(&mut self, content: &[u8]) -> Result<(), String> {
        let fault = |error: pgp::errors::Error| format!("it is no PGP key: {error}");
        let before = self.0.len();
        if let Ok(text) = str::from_utf8(content) {
            for block in text.split(BEGIN).skip(1) {
                let block = block.split_once(END).map_or(block, |(block, _)| block);
                let block = format!("{BEGIN}{block}{END}\n");
                let (keys, _) =
                    SignedSecretKey::from_armor_many(block.as_bytes()).map_err(fault)?;
                for key in keys {
                    self.0.push(key.map_err(fault)?);
                }
            }
        } else {
            for key in SignedSecretKey::from_bytes_many(Cursor::new(content)).map_err(fault)? {
                self.0.push(key.map_err(fault)?);
            }
        }
        match self.0.len() > before {
            true => Ok(()),
            false => {
                Err("it holds no private key: export it by `gpg --export-secret-keys --armor`"
                    .to_owned())
            }
        }
    }

    /// The data key in a message.
    pub(crate) fn unwrap(&self, message: &str) -> Result<Vec<u8>, String> {
        if self.0.is_empty() {
            return Err("the decryption Secret holds no *.asc with a private key".to_owned());
        }
        let message = message.trim();
        let (message, _) = Message::from_armor(message.as_bytes())
            .map_err(|_| "the data key is no PGP message".to_owned())?;
        let empty = Password::empty();
        let ring = TheRing {
            secret_keys: self.0.iter().collect(),
            key_passwords: vec![&empty],
            // GnuPG since 2.3 takes it for keys of its own making.
            decrypt_options: DecryptionOptions::new().enable_gnupg_aead(),
            ..TheRing::default()
        };
        let (message, _) = message.decrypt_the_ring(ring, true).map_err(|error| why(&error))?;
        let message = match message.is_compressed() {
            true => message.decompress().map_err(|error| why(&error))?,
            false => message,
        };
        match message.is_literal() || message.is_signed() {
            true => super::read(message),
            false => Err("the PGP message holds no data".to_owned()),
        }
    }

    /// Fingerprints and key ids, to say which keys there are.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|key| key.fingerprint().to_string().to_uppercase()).collect()
    }
}

fn why(error: &pgp::errors::Error) -> String {
    match error {
        pgp::errors::Error::MissingKey => {
            "no private key of the Secret matched, or it has a passphrase".to_owned()
        }
        error => format!("the PGP message does not decrypt: {error}"),
    }
}

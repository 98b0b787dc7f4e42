//! The fingerprint of secrets that is kept with a data source when the task asks for it.
//!
//! Everybody who may read the data source sees it and may try guesses against it at leisure, so it is
//! made by Argon2id: each guess costs memory as well as time, which takes from graphics cards most of
//! what they gain on PBKDF2. A salt for each data source lets nobody compare two of them.

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::module::{Error, Result, Secret};

/// The algorithm with its cost, 19 MiB and two passes: OWASP's first choice. Fingerprints that begin
/// otherwise do not fit, so nobody can make this process spend more by writing a costlier one.
const PREFIX: &str = "argon2id$19456$2$";
const LENGTH: usize = 24;

/// Random bytes that make a fingerprint different from every other one of the same secrets.
pub type Salt = [u8; 16];

/// A new salt.
pub fn salt() -> Result<Salt> {
    let mut salt = Salt::default();
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut salt)
        .map_err(|_| Error::local("the system gives no random bytes"))?;
    Ok(salt)
}

/// The fingerprint of these secrets.
pub fn made(secrets: &BTreeMap<&str, &Secret>, salt: &Salt) -> Result<String> {
    let told: BTreeMap<&str, &str> = secrets.iter().map(|(key, secret)| (*key, secret.expose())).collect();
    let told = serde_json::to_vec(&told).map_err(|error| Error::local(format!("secrets cannot be told: {error}")))?;
    let failed = |error: argon2::Error| Error::local(format!("the fingerprint of the secrets failed: {error}"));
    let params = Params::new(19_456, 2, 1, Some(LENGTH)).map_err(failed)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let mut hash = [0; LENGTH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(&told, salt, &mut hash, &mut memory)
        .map_err(failed)?;
    Ok(format!("{PREFIX}{}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash)))
}

/// Whether a fingerprint is that of these secrets.
pub fn fits(fingerprint: &str, secrets: &BTreeMap<&str, &Secret>) -> Result<bool> {
    let salt = fingerprint
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('$'))
        .and_then(|(salt, _)| STANDARD_NO_PAD.decode(salt).ok())
        .and_then(|salt| Salt::try_from(salt).ok());
    match salt {
        Some(salt) => Ok(made(secrets, &salt)? == fingerprint),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_fits_its_own_secrets_only() {
        let (one, two) = (Secret::new("one-secret"), Secret::new("two-secret"));
        let salt = salt().expect("random bytes");
        let first = made(&[("password", &one)].into(), &salt).expect("a fingerprint");
        assert!(fits(&first, &[("password", &one)].into()).expect("a comparison"));
        for other in
            [[("password", &two)].into(), [("token", &one)].into(), [("password", &one), ("token", &two)].into()]
        {
            assert!(!fits(&first, &other).expect("a comparison"));
        }
        let again = made(&[("password", &one)].into(), &super::salt().expect("random bytes")).expect("a fingerprint");
        assert_ne!(first, again, "the salt makes them differ");
        assert!(!first.contains("one-secret"));
    }

    #[test]
    fn a_strange_fingerprint_does_not_fit_and_costs_nothing() {
        let secret = Secret::new("one-secret");
        for strange in
            ["", "x", "argon2id$4194304$99$AAAAAAAAAAAAAAAAAAAAAA$x", "argon2id$19456$2$short$x", "argon2id$19456$2$"]
        {
            assert!(!fits(strange, &[("a", &secret)].into()).expect("a comparison"), "{strange}");
        }
    }
}

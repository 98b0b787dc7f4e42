//! What authentik shows of a certificate that it was given.

use base64::Engine as _;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::text::civil;

/// The DER inside of the first PEM block with that label.
fn decoded(pem: &str, label: &str) -> Option<Vec<u8>> {
    let lines: Vec<&str> = pem.lines().map(str::trim).collect();
    let begin = lines.iter().position(|line| line.starts_with("-----BEGIN ") && line.contains(label))?;
    let end = lines[begin..].iter().position(|line| line.starts_with("-----END "))? + begin;
    base64::prelude::BASE64_STANDARD.decode(lines[begin + 1..end].concat()).ok()
}

/// Whether it is a private key, as far as its outside tells; encrypted ones are not taken.
pub(crate) fn is_key(pem: &str) -> bool {
    !pem.contains("ENCRYPTED") && decoded(pem, "PRIVATE KEY").is_some_and(|der| der.first() == Some(&0x30))
}

/// The fields that are worked out from a certificate; none where it cannot be read.
pub(crate) fn read(pem: &str) -> Option<Vec<(&'static str, Value)>> {
    let der = decoded(pem, "CERTIFICATE")?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let colons = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    let digest = |how| colons(ring::digest::digest(how, &der).as_ref());
    // As RFC 4514 writes names: the last part first.
    let mut parts: Vec<String> = Vec::new();
    for name in certificate.subject().iter_rdn() {
        for attribute in name.iter() {
            let value = attribute.as_str().unwrap_or_default();
            let key = match attribute.attr_type().to_id_string().as_str() {
                "2.5.4.3" => "CN",
                "2.5.4.6" => "C",
                "2.5.4.7" => "L",
                "2.5.4.8" => "ST",
                "2.5.4.10" => "O",
                "2.5.4.11" => "OU",
                _ => continue,
            };
            parts.insert(0, format!("{key}={value}"));
        }
    }
    let kind = match certificate.public_key().algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => "rsa",
        "1.2.840.10045.2.1" => "ec",
        "1.2.840.10040.4.1" => "dsa",
        "1.3.101.112" => "ed25519",
        "1.3.101.113" => "ed448",
        _ => "",
    };
    Some(vec![
        ("fingerprint_sha256", json!(digest(&ring::digest::SHA256))),
        ("fingerprint_sha1", json!(digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY))),
        ("cert_expiry", json!(format!("{}Z", civil(certificate.validity().not_after.timestamp())))),
        ("cert_subject", json!(parts.join(","))),
        ("key_type", if kind.is_empty() { Value::Null } else { json!(kind) }),
    ])
}

//! `authentik_certificate`: certificates with their keys, given or made by authentik.

use ring::digest;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Declares, Proof, Prune, Wanted},
    options::{self, PrefixPrune, State, UpdateSecrets, row},
};
use crate::module::{About, Declared, Error, Result, Return, Secret};

/// The kind of object.
pub struct CertificateKind;

/// Options of one certificate.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(extend("x-mutually-exclusive" = [["certificate_data", "generate"], ["key_data", "generate"]]))]
pub struct CertificateOptions {
    /// The name, by which it is found.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// The certificate, and those above it, as PEM text. authentik never shows it; it is compared by its fingerprint.
    pub certificate_data: Option<String>,
    /// Its key, as PEM text. It is sent with a new certificate, and when the certificate differs.
    pub key_data: Option<Secret>,
    /// Whether certificate and key are sent with every run, since a key alone shows nowhere.
    #[schemars(extend("x-default" = "on_create"))]
    pub update_secrets: Option<UpdateSecrets>,
    /// Lets authentik make a self-signed one, where there is none of this name.
    pub generate: Option<Generate>,
    /// Whether the certificate is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether one that authentik manages itself may be deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// What authentik makes. Its common name is the name of the certificate.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Generate {
    /// Other names, separated by commas.
    pub subject_alt_name: Option<String>,
    /// For how many days it is good.
    #[schemars(extend("x-default" = 365))]
    pub validity_days: Option<i64>,
    /// The algorithm of the key.
    #[schemars(extend("enum" = ["rsa", "ecdsa"]))]
    pub alg: Option<String>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct CertificateSettings {
    /// Deletes certificates in a stated scope that the task does not declare.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: A key to sign tokens with, made by authentik
  authentik_certificate:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: lab-signing
    generate:
      validity_days: 3650
"#;

impl Declares for CertificateKind {
    const NAME: &'static str = "authentik_certificate";
    const NOUN: &'static str = "certificate";
    const PLURAL: &'static str = "certificates";

    type Object = CertificateOptions;
    type Settings = CertificateSettings;

    fn about() -> About {
        About {
            short_description: "Manage certificates of authentik",
            description: &["Puts certificates with their keys into authentik, lets it make some, and deletes them."],
            notes: &["A certificate that differs is told by its fingerprint, so a second run changes nothing."],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The certificate as it is after the task, without its key.",
                kind: "dict",
                returned: "for a single certificate",
                sample: r#"{"pk": "3082ffab-aecf-41c0-936f-a88f47da3efd", "name": "lab-signing"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<CertificateOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let mut fields = options::fields(options, &["update_secrets", "generate", "state", "force"]);
        options::secret(&mut fields, "key_data", options.key_data.as_ref());
        let row = row("crypto/certificatekeypairs")?;
        let mut wanted = options::wanted(row, &declared.at, fields, options.state);
        wanted.force = options.force == Some(true);
        wanted.send = options.update_secrets.unwrap_or_default().into();
        if let Some(text) = &options.certificate_data {
            let value = fingerprint(text).map_err(|error| wanted.wrong(error))?;
            wanted.proofs.push(Proof {
                fields: &["certificate_data", "key_data"],
                shown_as: "fingerprint_sha256",
                value: json!(value),
            });
        }
        if let Some(generate) = &options.generate {
            let mut body = options::fields(generate, &[]);
            body.insert("common_name".into(), json!(options.name));
            body.entry("validity_days").or_insert(json!(365));
            wanted.made_by = Some(("generate", body));
        }
        Ok(wanted)
    }

    fn prune(settings: &CertificateSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("crypto/certificatekeypairs")
    }
}

/// The fingerprint of the first certificate in a text, as authentik shows it: pairs of hexadecimal digits with colons.
fn fingerprint(text: &str) -> Result<String, Error> {
    let first = CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|error| Error::bad_options(format!("certificate_data holds no certificate as PEM text: {error}")))?;
    let digest = digest::digest(&digest::SHA256, &first);
    Ok(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

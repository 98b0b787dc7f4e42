//! TLS: verified unless the task says otherwise, and a self-signed leaf trusted for itself.

use std::{path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::Scripted,
    support::{failed, fine, run},
};

struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
    key_pem: String,
}

/// A self-signed certificate as `openssl req -x509` makes it: an end entity that calls itself a CA.
fn self_signed(name: &str, ended: bool) -> Identity {
    made(name, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if ended {
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
    })
}

fn made(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    identity(&certificate, &key)
}

/// A certificate that an authority signed, and that authority's own.
fn signed_by_an_authority(name: &str) -> (Identity, Identity) {
    let mut root = CertificateParams::new(Vec::new()).expect("no names");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().expect("a key");
    let authority = identity(&root.self_signed(&root_key).expect("a certificate"), &root_key);
    let issuer = Issuer::new(root, root_key);
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    (identity(&certificate, &key), authority)
}

fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
    Identity {
        certificate: certificate.der().clone(),
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}

fn server(identity: &Identity, clients: Option<&Identity>) -> Scripted {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.certificate.clone()).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config =
        builder.with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key()).expect("an identity");
    Scripted::start(Some(Arc::new(config)), |_| None)
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("hearth-tls-{}-{name}.pem", std::process::id()));
    std::fs::write(&path, text).expect("written");
    path
}

fn ask(host: &str, port: u16, more: Value) -> Value {
    let mut args =
        json!({"url": format!("https://{host}:{port}"), "name": "x", "retries": 0, "_ansible_check_mode": true});
    args.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
    run(MODULE, &args, &[])
}

#[test]
fn a_self_signed_leaf_is_refused_then_trusted_for_itself_with_its_name_checked() {
    let identity = self_signed("localhost", false);
    let server = server(&identity, None);
    let ca = file("leaf", &identity.pem);
    failed(
        ask("localhost", server.port, json!({})),
        "hint: the server's certificate is signed by nobody whom this host trusts",
    );
    fine(ask("localhost", server.port, json!({"ca_path": ca})));
    failed(ask("127.0.0.1", server.port, json!({"ca_path": ca})), "hint: the server's certificate is for another name");
    let other = file("other", &self_signed("localhost", false).pem);
    failed(ask("localhost", server.port, json!({"ca_path": other})), "failed to connect");
    fine(ask("127.0.0.1", server.port, json!({"validate_certs": false})));
    assert!(server.seen().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_certificate_that_has_ended_is_refused_also_when_it_is_named() {
    let identity = self_signed("localhost", true);
    let server = server(&identity, None);
    let ca = file("ended", &identity.pem);
    failed(ask("localhost", server.port, json!({"ca_path": ca})), "renew it, or look at this host's clock");
}

#[test]
fn a_certificate_that_has_not_begun_is_refused_and_asked_for_once() {
    let identity = made("localhost", |params| params.not_before = rcgen::date_time_ymd(2100, 1, 1));
    let server = server(&identity, None);
    let ca = file("early", &identity.pem);
    // Nine tries would take many seconds, and say so.
    let result = failed(
        ask("localhost", server.port, json!({"ca_path": ca, "retries": 9})),
        "has ended or has not begun: renew it, or look at this host's clock",
    );
    assert!(!result["msg"].to_string().contains("tries"), "{result}");
}

#[test]
fn a_client_certificate_is_shown() {
    let identity = self_signed("localhost", false);
    let (client, authority) = signed_by_an_authority("client");
    let server = server(&identity, Some(&authority));
    let (ca, cert, key) = (file("mutual", &identity.pem), file("client", &client.pem), file("key", &client.key_pem));
    let without = ask("localhost", server.port, json!({"ca_path": ca, "retries": 9}));
    assert!(failed(without, "client_cert")["msg"].to_string().find(" tries)").is_none());
    let both = file("both", &format!("{}{}", client.pem, client.key_pem));
    for options in
        [json!({"ca_path": ca, "client_cert": cert, "client_key": key}), json!({"ca_path": ca, "client_cert": both})]
    {
        fine(ask("localhost", server.port, options));
    }
    // One that calls itself a CA is refused by the server, and not by us.
    let own = self_signed("client", false);
    let own = file("own", &format!("{}{}", own.pem, own.key_pem));
    failed(ask("localhost", server.port, json!({"ca_path": ca, "client_cert": own})), "client_cert");
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_is_sent() {
    let empty = file("empty", "nothing\n");
    for (options, part) in [
        (json!({"ca_path": "/nonexistent.pem"}), "failed to read ca_path `/nonexistent.pem`"),
        (json!({"ca_path": empty}), "there is no PEM certificate in it"),
        (json!({"client_cert": "/nonexistent.pem"}), "failed to read client_cert"),
    ] {
        failed(ask("localhost", 9, options), part);
    }
}

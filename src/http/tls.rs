//! TLS by rustls with ring: the system's roots, a CA of one's own, a self-signed leaf, a client
//! certificate. Made only when the address is https, since loading the roots takes milliseconds.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use crate::module::error::{Error, Result};

/// What the task says about TLS.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// A PEM file of certificates to trust beside the system's.
    pub ca: Option<String>,
    /// A PEM file with the client's certificate, and perhaps its key.
    pub client_cert: Option<String>,
    /// A PEM file with the client's key, where the certificate's file has none.
    pub client_key: Option<String>,
}

/// The TLS configuration for a run.
pub fn configure(tls: &Tls) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::local(format!("failed to set up TLS: {error}")))?;
    let verifier: Arc<dyn ServerCertVerifier> = if tls.verify {
        let pinned = match &tls.ca {
            Some(file) => certificates(file, "ca_path")?,
            None => Vec::new(),
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(pinned.iter().cloned());
        if roots.is_empty() && pinned.is_empty() {
            return Err(Error::local("this host has no certificates to trust")
                .hint("install the package `ca-certificates`, or give `ca_path`"));
        }
        let inner = (!roots.is_empty())
            .then(|| WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build())
            .transpose()
            .map_err(|error| Error::local(format!("failed to set up the check of certificates: {error}")))?;
        Arc::new(Verifier { inner, pinned, provider: provider.clone() })
    } else {
        Arc::new(Unverified(provider.clone()))
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    match &tls.client_cert {
        None => Ok(builder.with_no_client_auth()),
        Some(file) => {
            let chain = certificates(file, "client_cert")?;
            let key_file = tls.client_key.as_ref().unwrap_or(file);
            let key = PrivateKeyDer::from_pem_file(Path::new(key_file)).map_err(|error| {
                Error::bad_options(format!("failed to read the client's key from `{key_file}`: {error}"))
                    .hint("it is to be a PEM file without a passphrase")
            })?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| Error::bad_options(format!("the client certificate `{file}` cannot be used: {error}")))
        }
    }
}

fn certificates(file: &str, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |why: String| Error::bad_options(format!("failed to read {option} `{file}`: {why}"));
    let all: Vec<_> = CertificateDer::pem_file_iter(Path::new(file))
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() { Err(wrong("there is no PEM certificate in it".to_owned())) } else { Ok(all) }
}

/// The usual check, and beside it: a certificate that the task itself names is trusted for itself.
///
/// People give a server's own self-signed certificate as `ca_path`; rustls refuses it, since such a
/// leaf is no certificate authority. Its host name is checked all the same.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let usual = match &self.inner {
            Some(inner) => inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)),
        };
        let expired = matches!(
            usual,
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::Expired
                    | rustls::CertificateError::ExpiredContext { .. }
                    | rustls::CertificateError::NotValidYet
                    | rustls::CertificateError::NotValidYetContext { .. }
            ))
        );
        if usual.is_ok() || expired || !self.pinned.iter().any(|pinned| pinned.as_ref() == end_entity.as_ref()) {
            return usual;
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// `validate_certs: false`: whoever answers is believed.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

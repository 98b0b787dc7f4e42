//! What a failed exchange says: the causes in one line, and what to do.

use reqwest::{Url, header::LOCATION};

use super::{download::without_credentials, response::Response};
use crate::module::error::{Error, ErrorKind};

/// The whole chain of causes, without the address that reqwest repeats in each.
pub(super) fn story(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        cause = inner.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

/// What a person can do about a connection that could not be made.
pub(super) fn connect_hint(story: &str) -> &'static str {
    let has = |text: &str| story.contains(text);
    if has("UnknownIssuer") || has("CaUsedAsEndEntity") {
        "the server's certificate is signed by nobody whom this host trusts: give its certificate or its CA as `ca_path`"
    } else if has("certificate expired") || has("certificate not valid yet") {
        "the server's certificate has ended or has not begun: renew it, or look at this host's clock"
    } else if has("certificate not valid for name") || has("NotValidForName") {
        "the server's certificate is for another name: use that name in the address"
    } else if wants_certificate(story) {
        "the server wants to see a certificate of yours that it trusts: give it as `client_cert`"
    } else if has("invalid peer certificate") || is_tls(story) {
        "check that the address has the right scheme and port"
    } else if has("dns") || has("lookup") || has("resolve") {
        "check the host name in the address, and this host's resolver"
    } else {
        "check the address, that the server runs, and that a firewall or proxy lets it through"
    }
}

/// Whether a server ended the connection for want of a client's certificate, or for one that it does not trust.
pub(super) fn wants_certificate(story: &str) -> bool {
    ["CertificateRequired", "BadCertificate", "CertificateUnknown", "UnknownCA"]
        .iter()
        .any(|alert| story.contains(&format!("received fatal alert: {alert}")))
}

fn is_tls(story: &str) -> bool {
    ["invalid peer certificate", "received fatal alert", "received corrupt message", "InvalidContentType"]
        .iter()
        .any(|text| story.contains(text))
}

/// Whether another try of what was not answered may help. Where certificates do not fit, none does.
pub(super) fn may_pass(error: &Error) -> bool {
    (matches!(error.kind, ErrorKind::CannotConnect | ErrorKind::TimedOut) || error.uncertain) && !is_tls(&error.message)
}

/// Where a redirect points.
pub(super) fn target(response: &Response, address: &str) -> Option<Url> {
    let location = response.headers.get(LOCATION)?.to_str().ok().filter(|text| !text.is_empty())?;
    Url::parse(address).ok()?.join(location).ok()
}

/// The failure that a redirect is which is not followed.
pub(super) fn redirected(response: &Response, target: Option<Url>) -> Error {
    let Some(mut target) = target else { return response.error().hint("it is a redirect that does not say where to") };
    let same_path = target.path().ends_with(response.path.split('?').next().unwrap_or_default());
    // Queries hold where a login is to lead back to, or what it knows already.
    target.set_query(None);
    target.set_fragment(None);
    let target = without_credentials(target.as_str());
    let Response { method, path, status, .. } = response;
    let mut error =
        Error::new(ErrorKind::Rejected, format!("{method} {path} answered {status}: it points to {target}"));
    error.status = Some(*status);
    if same_path {
        let better = target.split(path.split('?').next().unwrap_or_default()).next().unwrap_or_default();
        error.hint(format!("use the address {}", better.trim_end_matches('/')))
    } else {
        error.hint("a proxy or a login page stands before the service: use an address that reaches the service itself")
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    fn points_to(location: &'static str) -> String {
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
        let (method, path) = ("GET".to_owned(), "/api/user?a=b".to_owned());
        let response = Response { method, path, status: 302, headers, body: Vec::new() };
        redirected(&response, target(&response, "http://h/api/user?a=b")).to_string()
    }

    #[test]
    fn a_redirect_tells_the_better_address_and_no_secrets() {
        let told = points_to("https://h/sub/api/user?a=b");
        assert!(told.ends_with("use the address https://h/sub"), "{told}");
        let told = points_to("https://u:secret@login.h/login?rd=http://h/api/user");
        assert!(told.contains("it points to https://login.h/login; hint: a proxy or a login page"), "{told}");
        assert!(points_to("").contains("does not say where to"));
    }

    #[test]
    fn what_rustls_says_of_certificates_has_its_hint() {
        for (told, part) in [
            ("invalid peer certificate: UnknownIssuer", "ca_path"),
            (
                "invalid peer certificate: certificate not valid for name \"h\"; certificate is only valid for x",
                "another name",
            ),
            ("invalid peer certificate: certificate not valid yet: verification time 1 (UNIX)", "clock"),
            ("invalid peer certificate: certificate expired: verification time 1 (UNIX)", "clock"),
            ("received fatal alert: CertificateRequired", "client_cert"),
            ("received corrupt message of type InvalidContentType", "scheme and port"),
            ("dns error: failed to lookup address information", "resolver"),
        ] {
            assert!(connect_hint(told).contains(part), "{told}: {}", connect_hint(told));
        }
    }
}

//! What a failed exchange says: the causes in one line, and what to do.

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
    } else if has("Expired") || has("expired") {
        "the server's certificate has ended: renew it, or look at this host's clock"
    } else if has("NotValidForName") {
        "the server's certificate is for another name: use that name in the address"
    } else if has("invalid peer certificate") || has("InvalidContentType") || has("corrupt message") {
        "check that the address has the right scheme and port"
    } else if has("dns") || has("lookup") || has("resolve") {
        "check the host name in the address, and this host's resolver"
    } else {
        "check the address, that the server runs, and that a firewall or proxy lets it through"
    }
}

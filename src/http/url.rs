//! Addresses: the service's base address and paths below it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::module::error::{Error, Result};

/// What may stand in a path segment or a query value as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The service's address; a path in it (`https://home.example/grafana`) is kept.
#[derive(Clone, Debug)]
pub struct Base(Url);

impl Base {
    /// Reads an address; `option` names the option that it came from in errors.
    pub fn new(address: &str, option: &str) -> Result<Base> {
        let wrong = |why: &str| {
            Error::bad_options(format!("{option} `{address}` is not an address of a server: {why}"))
                .hint(format!("write it as {option}: https://host[:port][/path]"))
        };
        let mut url = Url::parse(address.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it begins with neither http:// nor https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::bad_options(format!("{option} holds a user name or a password"))
                .hint("write them as options of their own, where they are masked"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let trimmed = url.path().trim_end_matches('/').to_owned();
        url.set_path(&trimmed);
        Ok(Base(url))
    }

    /// Whether it is reached by TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of a path below the base; `path` begins with `/` and is encoded already.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The base as text, without a `/` at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether an address has the same scheme, host and port.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.0.origin() == other.origin()
    }
}

/// A path from its segments, each encoded: `path(&["api", "folders", uid])`.
pub fn path(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, PLAIN))).collect()
}

/// A path with a query, each value encoded.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(key, value)| format!("{}={}", utf8_percent_encode(key, PLAIN), utf8_percent_encode(value, PLAIN)))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_address_is_kept() {
        for address in ["http://h:3000/grafana", "http://h:3000/grafana/"] {
            let base = Base::new(address, "url").expect("a good address");
            assert_eq!(base.join("/api/org"), "http://h:3000/grafana/api/org");
        }
        assert_eq!(Base::new("http://h", "url").expect("a good address").join("/api"), "http://h/api");
    }

    #[test]
    fn addresses_that_cannot_be_meant_are_refused() {
        for address in ["", "grafana.lab", "ftp://h", "http://", "http://a:b@h"] {
            assert!(Base::new(address, "url").is_err(), "{address} was taken");
        }
    }

    #[test]
    fn segments_and_queries_are_encoded() {
        assert_eq!(path(&["api", "a/b c", "ä"]), "/api/a%2Fb%20c/%C3%A4");
        assert_eq!(with_query("/s", &[("q", "a&b")]), "/s?q=a%26b");
    }
}

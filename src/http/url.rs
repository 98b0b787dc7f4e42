//! Addresses: the service's base address and paths below it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;

use crate::module::{
    error::{Error, Result},
    secret,
};

/// What may stand in a path segment or a query value as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The service's address; a path in it (`https://home.example/grafana`) is kept.
#[derive(Clone, Debug)]
pub struct Base(Url);

/// A user name of so many characters that stands alone in an address is no person's.
const LIKE_A_TOKEN: usize = 16;

impl Base {
    /// Reads an address; `option` names the option that it came from in errors.
    pub fn new(address: &str, option: &str) -> Result<Base> {
        // It is refused below, and the invocation would show it all the same.
        secret::hide(Base::passwords_in(address).iter().map(String::as_str));
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

    /// The password in an address, as it is written and decoded; without one a user name as long as a token,
    /// which it then is (`https://TOKEN@host`). By hand: what nobody can use as an address
    /// is refused, and then it is shown.
    pub fn passwords_in(address: &str) -> Vec<String> {
        let behind = address.split_once("://").map_or(address, |(_, behind)| behind);
        let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
        // A password may hold a `/` that nobody encoded; a port does not.
        let is_port = |text: &str| text.chars().all(|character| character.is_ascii_digit());
        let cut_short = !authority.contains('@') && authority.split_once(':').is_some_and(|(_, text)| !is_port(text));
        let user_info = if cut_short { behind } else { authority }.rsplit_once('@').map(|(info, _)| info);
        let password = match user_info.map(|info| (info, info.split_once(':'))) {
            Some((_, Some((_, password)))) => password,
            Some((token, None)) if token.len() >= LIKE_A_TOKEN => token,
            _ => return Vec::new(),
        };
        let mut all = vec![password.to_owned(), percent_decode_str(password).decode_utf8_lossy().into_owned()];
        all.dedup();
        all.retain(|one| !one.is_empty());
        all
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
    fn the_password_in_an_address_is_found_and_hidden() {
        for (address, found) in [
            ("http://u:p%40w@h/x", vec!["p%40w", "p@w"]),
            ("https://u:a@b:c@h:1", vec!["a@b:c"]),
            ("u:pw@db:5432", vec!["pw"]),
            ("http://u:a/b@h", vec!["a/b"]),
            ("http://u@h:80/a:b@c", vec![]),
            ("http://h:80/a?b=c@d", vec![]),
            ("http://u:@h", vec![]),
            ("http://somebody@h", vec![]),
            ("https://glpat-0123456789abcdef@h/x", vec!["glpat-0123456789abcdef"]),
        ] {
            assert_eq!(Base::passwords_in(address), found, "{address}");
        }
        assert!(Base::new("http://u:hidden-in-address@h", "url").is_err());
        assert_eq!(secret::mask("http://u:hidden-in-address@h"), format!("http://u:{}@h", secret::STARS));
    }

    #[test]
    fn segments_and_queries_are_encoded() {
        assert_eq!(path(&["api", "a/b c", "ä"]), "/api/a%2Fb%20c/%C3%A4");
        assert_eq!(with_query("/s", &[("q", "a&b")]), "/s?q=a%26b");
    }
}

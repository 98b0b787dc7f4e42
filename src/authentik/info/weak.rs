//! Weak settings: of providers, and of users. Each is told with what to do about it.

use serde_json::{Value, json};

use super::time::{DAY, moment};

/// One finding.
fn finding(id: &str, severity: &str, kind: &str, object: &str, what: String, fix: String) -> Value {
    json!({"id": id, "severity": severity, "kind": kind, "object": object, "what": what, "fix": fix})
}

/// How urgent a word is.
fn weight(finding: &Value) -> u8 {
    match finding["severity"].as_str() {
        Some("high") => 0,
        Some("medium") => 1,
        Some("low") => 2,
        _ => 3,
    }
}

/// The most urgent first.
pub fn sorted(mut findings: Vec<Value>) -> Vec<Value> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    findings.sort_by_cached_key(|one| (weight(one), text(one, "id"), text(one, "object")));
    findings
}

/// What is weak in providers of the kind at that path.
pub fn providers(path: &str, all: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for provider in all {
        let name = provider["name"].as_str().unwrap_or_default();
        let mut say = |id: &str, severity: &str, what: String, fix: String| {
            found.push(finding(id, severity, path, name, what, fix));
        };
        match path {
            "providers/oauth2" => oauth2(name, provider, &mut say),
            "providers/proxy" => proxy(name, provider, &mut say),
            "providers/saml" => saml(name, provider, &mut say),
            "providers/ldap" => ldap(name, provider, &mut say),
            "providers/radius" => radius(name, provider, &mut say),
            _ => {}
        }
    }
    // Where no provider says which grants it gives, the server gives all of them to all.
    if path == "providers/oauth2" && !all.is_empty() && all.iter().all(|one| one.get("grant_types").is_none()) {
        found.push(finding(
            "oauth2-implicit-always",
            "note",
            path,
            "all OAuth2 providers",
            "this version of authentik gives tokens by the implicit flow to whichever client asks for it, and has no \
             setting against that"
                .to_owned(),
            "have clients ask for `response_type=code` only, with strict redirect addresses".to_owned(),
        ));
    }
    found
}

type Say<'s> = dyn FnMut(&str, &str, String, String) + 's;

fn oauth2(name: &str, provider: &Value, say: &mut Say<'_>) {
    let fix = |what: &str| format!("`authentik_provider_oauth2` with `name: {name}` and {what}");
    let public = provider["client_type"] == "public";
    let addresses = provider["redirect_uris"].as_array().map_or(&[][..], Vec::as_slice);
    let is_login = |one: &&Value| one["redirect_uri_type"].as_str().is_none_or(|kind| kind == "authorization");
    if addresses.iter().filter(is_login).count() == 0 {
        say(
            "oauth2-redirect-none",
            "medium",
            "it has no redirect address: the first one that anybody uses is taken, and kept".to_owned(),
            fix("the addresses of the client in `redirect_uris`"),
        );
    }
    for address in addresses.iter().filter(is_login) {
        let url = address["url"].as_str().unwrap_or_default();
        let strict = fix("the exact addresses in `redirect_uris`, with `matching_mode: strict`");
        match address["matching_mode"] == "regex" {
            true if is_wide(url) => say(
                "oauth2-redirect-wildcard",
                "high",
                format!(
                    "the redirect address `{url}` matches hosts that are not named: codes and tokens can be sent there"
                ),
                strict,
            ),
            true => say(
                "oauth2-redirect-regex",
                "medium",
                format!("the redirect address `{url}` is a pattern: a dot in it matches any character"),
                strict,
            ),
            false if url.contains('*') => say(
                "oauth2-redirect-star",
                "low",
                format!("the redirect address `{url}` has a star, which a strict address takes as it is"),
                strict,
            ),
            false if is_plain(url) => say(
                "oauth2-redirect-http",
                "low",
                format!("the redirect address `{url}` is without TLS: whoever is on the way reads the code"),
                fix("an address that begins with https:// in `redirect_uris`"),
            ),
            false => {}
        }
    }
    if provider["signing_key"].is_null() {
        let (severity, why) = match public {
            true => ("high", "and its client is public, so it cannot keep that secret"),
            false => ("medium", "so whoever checks tokens can make them too"),
        };
        say(
            "oauth2-hs256",
            severity,
            format!("it has no signing key: tokens are signed by HS256 with the client secret, {why}"),
            fix("a certificate in `signing_key`"),
        );
    }
    if public {
        say(
            "oauth2-public-pkce",
            "low",
            "its client is public, and authentik does not insist on PKCE: a client that leaves it out is served"
                .to_owned(),
            fix("`client_type: confidential` where the client can keep a secret, else see that it uses PKCE (S256)"),
        );
    } else if provider["client_secret"].as_str().is_some_and(str::is_empty) {
        say(
            "oauth2-secret-empty",
            "high",
            "its client is confidential and its client secret is empty".to_owned(),
            fix("a long random `client_secret`"),
        );
    }
    for grant in provider["grant_types"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if matches!(grant, "implicit" | "hybrid" | "password") {
            say(
                "oauth2-grant",
                "medium",
                format!("it gives the grant `{grant}`, which hands out tokens where others can see them"),
                fix("`authorization_code` and `refresh_token` as the only grants"),
            );
        }
    }
}

fn proxy(name: &str, provider: &Value, say: &mut Say<'_>) {
    let fix = |what: &str| format!("`authentik_provider_proxy` with `name: {name}` and {what}");
    for pattern in provider["skip_path_regex"].as_str().unwrap_or_default().lines().map(str::trim) {
        if matches!(pattern, "^" | "/" | "^/" | ".*" | "^.*" | "/.*" | "^/.*" | ".*$" | "^.*$" | "^/.*$" | "/*" | "^/*")
        {
            say(
                "proxy-open",
                "high",
                format!("paths that fit `{pattern}` need no login, which are all"),
                fix("narrower patterns in `skip_path_regex`"),
            );
        }
    }
    if provider["mode"] == "proxy" && provider["internal_host_ssl_validation"] == false {
        say(
            "proxy-unchecked",
            "low",
            "the certificate of the host behind it is not checked".to_owned(),
            fix("`internal_host_ssl_validation: true`"),
        );
    }
    if provider["external_host"].as_str().is_some_and(is_plain) {
        say(
            "proxy-http",
            "medium",
            "its external address is without TLS: session cookies can be read on the way".to_owned(),
            fix("an `external_host` that begins with https://"),
        );
    }
}

fn saml(name: &str, provider: &Value, say: &mut Say<'_>) {
    let fix = |what: &str| format!("`authentik_provider_saml` with `name: {name}` and {what}");
    if provider["signing_kp"].is_null() || (provider["sign_assertion"] == false && provider["sign_response"] == false) {
        say(
            "saml-unsigned",
            "high",
            "neither its assertions nor its responses are signed: anybody can make them".to_owned(),
            fix("a certificate in `signing_kp`, and `sign_assertion: true`"),
        );
    }
    for field in ["digest_algorithm", "signature_algorithm"] {
        if provider[field].as_str().is_some_and(|name| name.ends_with("sha1")) {
            say(
                "saml-sha1",
                "medium",
                format!("`{field}` is SHA-1, which is broken"),
                fix(&format!("a `{field}` of SHA-256")),
            );
        }
    }
}

fn ldap(name: &str, provider: &Value, say: &mut Say<'_>) {
    let fix = |what: &str| format!("`authentik_provider_ldap` with `name: {name}` and {what}");
    if provider["certificate"].is_null() {
        say(
            "ldap-no-tls",
            "medium",
            "it has no certificate: passwords are sent in the clear".to_owned(),
            fix("a certificate in `certificate`, and clients that use LDAPS or StartTLS"),
        );
    }
    if provider["mfa_support"] == false {
        say(
            "ldap-no-mfa",
            "note",
            "a login through it asks for no second factor".to_owned(),
            fix("`mfa_support: true`, where its users have a code as second factor"),
        );
    }
}

fn radius(name: &str, provider: &Value, say: &mut Say<'_>) {
    let fix = |what: &str| format!("`authentik_object` with `kind: providers/radius`, `name: {name}` and {what}");
    let networks = provider["client_networks"].as_str().unwrap_or_default();
    if networks.split(',').any(|network| matches!(network.trim(), "0.0.0.0/0" | "::/0")) {
        say(
            "radius-any-client",
            "medium",
            format!("it answers clients of any network: `{networks}`"),
            fix("the networks of the clients in `client_networks`"),
        );
    }
    if provider["shared_secret"].as_str().is_some_and(|secret| secret.len() < 16) {
        say(
            "radius-short-secret",
            "medium",
            "its shared secret is shorter than 16 characters".to_owned(),
            fix("a long random `shared_secret`"),
        );
    }
}

/// What is to be known of users: those who have not come for `stale` seconds, and superusers.
pub fn users(all: &[Value], now: i64, stale: i64) -> Vec<Value> {
    let mut found = Vec::new();
    for user in all.iter().filter(|user| user["is_active"] != false) {
        let name = user["username"].as_str().unwrap_or_default();
        let kind = user["type"].as_str().unwrap_or_default();
        let superuser = user["is_superuser"] == true;
        let away =
            |absent: &Value| absent.as_str().and_then(moment).map(|then| now - then).filter(|away| *away > stale);
        // Accounts for services use tokens, which are no logins.
        if matches!(kind, "internal" | "external") {
            let what = match user["last_login"].is_null() {
                true => away(&user["date_joined"]).map(|_| "has never logged in".to_owned()),
                false => away(&user["last_login"]).map(|away| format!("last logged in {} days ago", away / DAY)),
            };
            if let Some(what) = what {
                let (severity, also) = if superuser { ("medium", ", and is a superuser") } else { ("low", "") };
                found.push(finding(
                    "user-stale",
                    severity,
                    "core/users",
                    name,
                    format!("{what}{also}"),
                    format!("`authentik_user` with `username: {name}` and `is_active: false`, or `state: absent`"),
                ));
            }
        }
        if superuser {
            let service = kind.ends_with("service_account");
            let (severity, what) = match service {
                true => ("medium", "is an account for a service, and a superuser"),
                false => ("note", "is a superuser"),
            };
            found.push(finding(
                "user-superuser",
                severity,
                "core/users",
                name,
                what.to_owned(),
                format!(
                    "if that is not meant: `authentik_user` with `username: {name}` and `groups` without those that \
                     make superusers; permissions can be given by a role"
                ),
            ));
        }
    }
    found
}

/// Whether a pattern of an address leaves the host open.
fn is_wide(pattern: &str) -> bool {
    let plain = pattern.trim_start_matches('^').replace("\\/", "/");
    let host = match plain.split_once("://") {
        Some((_, rest)) => rest.split('/').next().unwrap_or_default().to_owned(),
        // Without a scheme of its own it is a pattern from the first character on.
        None => plain,
    };
    let mut before = ' ';
    for character in host.chars() {
        let repeats = matches!(character, '*' | '+') && before != '\\';
        if repeats || (character == '|' && before != '\\') {
            return true;
        }
        before = if before == '\\' { ' ' } else { character };
    }
    false
}

/// Whether an address is without TLS, and not of the host itself.
fn is_plain(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    !(host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(findings: &[Value]) -> Vec<&str> {
        findings.iter().filter_map(|one| one["id"].as_str()).filter(|id| *id != "oauth2-implicit-always").collect()
    }

    fn client(changes: Value) -> Value {
        let mut provider = json!({
            "name": "wiki", "client_type": "confidential", "client_secret": "a-long-secret-value",
            "signing_key": "f00",
            "redirect_uris": [{"matching_mode": "strict", "url": "https://wiki.test/cb", "redirect_uri_type": "authorization"}],
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            provider[name.as_str()] = value.clone();
        }
        provider
    }

    #[test]
    fn a_sound_oauth2_provider_has_no_finding() {
        assert!(ids(&providers("providers/oauth2", &[client(json!({}))])).is_empty());
    }

    #[test]
    fn weak_oauth2_providers_are_found() {
        let regex = |url: &str| json!({"redirect_uris": [{"matching_mode": "regex", "url": url}]});
        for (changes, id) in [
            (regex("https://.*\\.lab\\.test/cb"), "oauth2-redirect-wildcard"),
            (regex(".*"), "oauth2-redirect-wildcard"),
            (regex("https:\\/\\/[a-z]+/cb"), "oauth2-redirect-wildcard"),
            (regex("https://wiki\\.test/.*"), "oauth2-redirect-regex"),
            (json!({"redirect_uris": []}), "oauth2-redirect-none"),
            (
                json!({"redirect_uris": [{"matching_mode": "strict", "url": "http://wiki.test/cb"}]}),
                "oauth2-redirect-http",
            ),
            (json!({"redirect_uris": [{"matching_mode": "strict", "url": "https://*/cb"}]}), "oauth2-redirect-star"),
            (json!({"signing_key": null}), "oauth2-hs256"),
            (json!({"client_secret": ""}), "oauth2-secret-empty"),
            (json!({"client_type": "public"}), "oauth2-public-pkce"),
            (json!({"grant_types": ["authorization_code", "implicit"]}), "oauth2-grant"),
        ] {
            let found = providers("providers/oauth2", &[client(changes.clone())]);
            assert_eq!(ids(&found), [id], "{changes}");
            assert!(found[0]["fix"].as_str().is_some_and(|fix| fix.contains("wiki")), "{found:?}");
            assert!(!json!(found).to_string().contains("a-long-secret-value"));
        }
        let local = json!({"redirect_uris": [{"matching_mode": "strict", "url": "http://localhost:8080/cb"}]});
        assert!(ids(&providers("providers/oauth2", &[client(local)])).is_empty());
        let both = providers("providers/oauth2", &[client(json!({"client_type": "public", "signing_key": null}))]);
        assert_eq!(both[0]["severity"], "high");
    }

    #[test]
    fn implicit_is_told_once_where_no_provider_can_refuse_it() {
        let told = |all: &[Value]| {
            providers("providers/oauth2", all).iter().filter(|one| one["id"] == "oauth2-implicit-always").count()
        };
        assert_eq!(told(&[client(json!({})), client(json!({}))]), 1);
        assert_eq!(told(&[client(json!({"grant_types": []}))]), 0);
        assert_eq!(told(&[]), 0);
    }

    #[test]
    fn weak_providers_of_other_kinds_are_found() {
        for (path, provider, expected) in [
            ("providers/proxy", json!({"name": "p", "skip_path_regex": "^/health\n^/.*"}), vec!["proxy-open"]),
            ("providers/proxy", json!({"name": "p", "external_host": "http://a.test"}), vec!["proxy-http"]),
            ("providers/saml", json!({"name": "s", "signing_kp": null}), vec!["saml-unsigned"]),
            (
                "providers/saml",
                json!({"name": "s", "signing_kp": "k", "digest_algorithm": "http://www.w3.org/2000/09/xmldsig#sha1"}),
                vec!["saml-sha1"],
            ),
            ("providers/ldap", json!({"name": "l", "certificate": null}), vec!["ldap-no-tls"]),
            (
                "providers/radius",
                json!({"name": "r", "client_networks": "0.0.0.0/0, ::/0", "shared_secret": "short"}),
                vec!["radius-any-client", "radius-short-secret"],
            ),
        ] {
            assert_eq!(ids(&providers(path, &[provider])), expected, "{path}");
        }
    }

    #[test]
    fn stale_users_and_superusers_are_found() {
        let now = moment("2026-11-25T00:00:00Z").expect("a time");
        let user = |name: &str, kind: &str, joined: &str, login: Value, superuser: bool| {
            json!({
                "username": name, "type": kind, "is_active": name != "left", "date_joined": joined,
                "last_login": login, "is_superuser": superuser,
            })
        };
        let old = "2020-01-01T00:00:00Z";
        let found = users(
            &[
                user("here", "internal", old, json!("2026-11-20T00:00:00Z"), false),
                user("away", "external", old, json!("2026-01-01T00:00:00Z"), false),
                user("never", "internal", old, Value::Null, true),
                user("new", "internal", "2026-11-24T00:00:00Z", Value::Null, false),
                user("robot", "service_account", old, Value::Null, true),
                user("left", "internal", old, Value::Null, true),
            ],
            now,
            90 * DAY,
        );
        let told: Vec<_> = sorted(found)
            .iter()
            .map(|one| format!("{} {} {}", one["severity"], one["id"], one["object"]).replace('"', ""))
            .collect();
        assert_eq!(
            told,
            [
                "medium user-stale never",
                "medium user-superuser robot",
                "low user-stale away",
                "note user-superuser never"
            ]
        );
    }
}

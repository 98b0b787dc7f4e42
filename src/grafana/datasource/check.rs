//! What is refused before anything is sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Desired,
    compare::{needs_url, text},
    health,
    options::Prune,
};
use crate::{grafana::bounded, module::Result};

/// So many bytes a name may have (fact 12).
pub const LONGEST_NAME: usize = 190;
/// So many bytes an address may have.
const LONGEST_URL: usize = 255;

/// Refuses what Grafana would refuse, before anything is sent (fact 12).
pub fn check(desired: &Desired) -> Result<()> {
    let options = &desired.options;
    let name = options.name();
    if name.is_empty() {
        return Err(desired.wrong("name is empty, and a data source needs one".to_owned()));
    }
    too_long(desired, "name", name, LONGEST_NAME)?;
    too_long(desired, "ds_url", options.ds_url.as_deref().unwrap_or_default(), LONGEST_URL)?;
    if desired.single && options.is_present() {
        let missing: Vec<&str> = [("ds_type", options.ds_type.is_none()), ("ds_url", options.ds_url.is_none())]
            .into_iter()
            .filter_map(|(option, missing)| missing.then_some(option))
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(desired.wrong(format!("state is present but all of the following are missing: {missing}")));
        }
    }
    if options.ds_type.as_deref() == Some("") {
        return Err(desired.wrong("ds_type is empty, and a data source needs one".to_owned()));
    }
    health::window(options.test_timeout).map(drop)
}

/// Refuses a text that is longer than Grafana takes: it counts bytes, and a letter such as `ü` has two.
fn too_long(desired: &Desired, option: &str, text: &str, most: usize) -> Result<()> {
    if text.len() <= most {
        return Ok(());
    }
    Err(desired.wrong(format!("{option} has {} bytes, and at most {most} are possible", text.len())))
}

/// Refuses an empty scope, which a template makes of a variable that is empty: every name begins so.
pub fn check_prune(prune: &Prune) -> Result<()> {
    let scope = [("name_prefix", &prune.name_prefix), ("type", &prune.kind)];
    bounded(&scope, "write the beginning of a name, or a type, or leave `prune` out")
}

/// Refuses what cannot be declared together: each name and uid once, and one default.
pub fn check_together(all: &[Desired]) -> Result<()> {
    let (mut names, mut uids) = (BTreeSet::new(), BTreeSet::new());
    let mut default: Option<&Desired> = None;
    for desired in all {
        let name = desired.options.name();
        if !names.insert(name) {
            return Err(desired.wrong(format!("data source `{name}` is declared twice")));
        }
        if let Some(uid) = desired.options.uid().filter(|uid| !uids.insert(*uid)) {
            return Err(desired.wrong(format!("the uid `{uid}` is declared twice")));
        }
        if desired.is_to_be_default() {
            if let Some(other) = default {
                let other = other.options.name();
                return Err(desired
                    .wrong(format!("`{other}` and `{name}` are both to be the default data source"))
                    .hint("an organisation has one: write `is_default` for one of them only"));
            }
            default = Some(desired);
        }
    }
    Ok(())
}

/// Refuses a change of a type that needs an address and has none (fact 16).
pub fn check_url(desired: &Desired, after: &Value) -> Result<()> {
    let kind = text(after, "type");
    if !needs_url(kind) || !text(after, "url").trim().is_empty() {
        return Ok(());
    }
    let told =
        format!("data source `{}` has no address, and Grafana takes no `{kind}` one without", desired.options.name());
    Err(desired.wrong(told).hint("write it as `ds_url`"))
}

/// A uid that is to be given must be one of those that every Grafana takes: 11.5 takes any text and 12.4
/// does not (facts 12, 59). One that is there already is left as it is.
pub fn check_uid(desired: &Desired) -> Result<()> {
    let Some(uid) = desired.options.uid() else { return Ok(()) };
    let fits = uid.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    let why = match (fits, uid.chars().count()) {
        (true, ..=40) => return Ok(()),
        (false, _) => "has characters other than letters, digits, `-` and `_`".to_owned(),
        (true, length) => format!("has {length} characters, and at most 40 are possible"),
    };
    Err(desired.wrong(format!("uid `{uid}` {why}")))
}

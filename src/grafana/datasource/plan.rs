//! From what is declared and what is there to the changes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    DatasourceKind, Desired, Snapshot,
    check::{check_uid, check_url},
    compare::{FINGERPRINT, laid_over, needs_url, secrets_set, shown, text},
    find::{Found, claimed, find, in_scope},
    fingerprint,
    order::{order_by_default, order_by_names},
    payload::Form,
};
use crate::module::{Action, Change, Context, Error, ErrorKind, Object, Result, Secret, diff::differing};

/// Deletions come last.
const LAST: u32 = 1000;

/// What is needed to carry out one change and to undo it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The data source as it was found, whole where the change needs that.
    pub found: Option<Value>,
    /// What is sent, without secrets.
    pub body: Value,
    /// The secrets that are sent; an empty one is removed.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether it is declared to be the default one.
    pub is_default: Option<bool>,
    /// The uid of the one that it takes the default from.
    pub default_before: Option<String>,
    /// Whether an earlier run, or an earlier try, has made the new one of a replacement already.
    pub resumes: bool,
}

/// What is declared, for the type that it has or is to have.
pub fn form(desired: &Desired, stored: Option<&Value>) -> Form {
    let kind = desired.options.ds_type.as_deref().or(stored.map(|stored| text(stored, "type"))).unwrap_or_default();
    Form::of(&desired.options, &desired.written, desired.single, kind)
}

/// The changes.
pub fn plan(context: &Context<'_, DatasourceKind>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    let mut changes = Vec::new();
    let mut meant: BTreeMap<&str, &str> = BTreeMap::new();
    let claimed = claimed(context.desired, &snapshot.listed);
    for (index, desired) in context.desired.iter().enumerate() {
        let found = find(desired, &claimed, &snapshot.listed);
        if let Some(stored) = found.stored()
            && let Some(other) = meant.insert(text(stored, "uid"), desired.options.name())
        {
            let (uid, name) = (text(stored, "uid"), desired.options.name());
            return Err(desired.wrong(format!("`{other}` and `{name}` are one data source, that of uid `{uid}`")));
        }
        if let (Found::HalfReplaced(_), Some(uid)) = (&found, desired.options.uid()) {
            // It must not look as if nobody had declared the one beside it.
            meant.insert(uid, desired.options.name());
        }
        changes.push(match one(index, desired, found, snapshot) {
            Ok(change) => change,
            Err(error) => context.refuse(index, desired.options.name(), error, Step::default())?,
        });
    }
    order_by_names(context, snapshot, &mut changes)?;
    order_by_default(context, snapshot, &mut changes);
    if let Some(prune) = &context.task.settings.prune {
        let left = |stored: &&Value| !meant.contains_key(text(stored, "uid")) && in_scope(prune, stored);
        changes.extend(snapshot.listed.iter().filter(left).map(|stored| deletion(None, stored, snapshot)));
    }
    Ok(changes)
}

fn one(index: usize, desired: &Desired, found: Found<'_>, snapshot: &Snapshot) -> Result<Change<Step>> {
    let (options, name) = (&desired.options, desired.options.name());
    let change = match (&found, options.is_present()) {
        (Found::Missing, false) => {
            return Ok(Change::new(Some(index), name, Action::Unchanged, Value::Null, Value::Null, Step::default()));
        }
        (Found::There(stored) | Found::OtherUid(stored) | Found::HalfReplaced(stored), false) => {
            deletion(Some(index), stored, snapshot)
        }
        (Found::Missing, true) => creation(index, desired, snapshot)?,
        (Found::There(stored) | Found::OtherUid(stored) | Found::HalfReplaced(stored), true) => {
            update(index, desired, snapshot.whole(stored), &found, snapshot)?
        }
    };
    if let (true, Some(stored)) = (change.is_change(), found.stored())
        && stored["readOnly"] == json!(true)
    {
        return Err(Error::new(
            ErrorKind::Refused,
            format!(
                "data source `{}` is provisioned from a file on Grafana's host, and nobody can {} it by the API",
                change.name,
                change.action.verb()
            ),
        )
        .hint("change it in that file, or write `editable: true` there and reload it"));
    }
    Ok(change)
}

fn creation(index: usize, desired: &Desired, snapshot: &Snapshot) -> Result<Change<Step>> {
    let (options, name) = (&desired.options, desired.options.name());
    let missing = |option: &str, why: &str| {
        Err(desired.wrong(format!("data source `{name}` is not there, and to make it {option} is needed{why}")))
    };
    let Some(kind) = &options.ds_type else { return missing("ds_type", "") };
    if options.ds_url.is_none() && needs_url(kind) {
        return missing("ds_url", &format!(": a `{kind}` data source has an address"));
    }
    let mut form = form(desired, None);
    form.secrets.retain(|_, secret| secret.is_some());
    check_uid(desired)?;
    form.fields.entry("access").or_insert_with(|| json!("proxy"));
    let after = laid_over(&json!({}), &form);
    check_url(desired, &after)?;
    let secrets: BTreeMap<String, Secret> =
        form.secrets_to_set().into_iter().map(|(key, secret)| (key.to_owned(), secret.clone())).collect();
    let fingerprint = match options.secret_fingerprint {
        Some(true) if !secrets.is_empty() => Mark::Set(desired.fingerprint(&form)?),
        _ => Mark::Keep,
    };
    let step = Step {
        body: body(&after, None, fingerprint),
        secrets,
        is_default: options.is_default,
        default_before: loses_default(&after, &Value::Null, snapshot),
        found: None,
        resumes: false,
    };
    let mut change = Change::new(Some(index), name, Action::Create, Value::Null, after, step).at_rank(1);
    change.warnings = form.warnings;
    if let Some(uid) = options.uid() {
        change = change.with_id("uid", uid);
    }
    Ok(change)
}

fn update(
    index: usize,
    desired: &Desired,
    stored: &Value,
    found: &Found<'_>,
    snapshot: &Snapshot,
) -> Result<Change<Step>> {
    let options = &desired.options;
    let resumes = matches!(found, Found::HalfReplaced(_));
    let other_uid = resumes || matches!(found, Found::OtherUid(_));
    let form = form(desired, Some(stored));
    let before = shown(stored);
    let after = laid_over(&before, &form);
    let set: BTreeSet<&str> = secrets_set(stored).collect();
    // From 12 on a PUT with another uid is answered 500; 11.5 takes it (facts 18, 59).
    let anew = resumes || other_uid && snapshot.version.as_ref().is_none_or(|version| version.major >= 12);
    let (other_secrets, mark) = fingerprint_of(desired, stored, &form)?;
    let differs = !differing(&before, &after).is_empty();
    let send_all = other_secrets || anew || options.sends_always() || differs && sends_with_changes(desired);
    let mut secrets = BTreeMap::new();
    let mut sent = Vec::new();
    for (key, secret) in &form.secrets {
        match secret {
            Some(secret) if !set.contains(key.as_str()) => secrets.insert(key.clone(), secret.clone()),
            Some(secret) if send_all => {
                sent.push(format!("secureJsonData.{key}"));
                secrets.insert(key.clone(), secret.clone())
            }
            None if set.contains(key.as_str()) && !anew => secrets.insert(key.clone(), Secret::new("")),
            _ => None,
        };
    }
    let action = match (differs, sent.is_empty()) {
        (true, _) if anew => Action::Replace,
        (false, true) => Action::Unchanged,
        _ => Action::Update,
    };
    // A fingerprint that does not belong to the secrets any more would hide a later difference.
    let stale = mark == Mark::Keep && !secrets.is_empty() && options.secret_fingerprint != Some(true);
    let body = body(&after, Some(stored), if stale { Mark::Drop } else { mark });
    if action != Action::Unchanged {
        check_url(desired, &after)?;
    }
    let step = Step {
        found: Some(stored.clone()),
        body,
        secrets,
        is_default: options.is_default,
        default_before: loses_default(&after, &before, snapshot),
        resumes,
    };
    let mut change = Change::new(Some(index), options.name(), action, before, after, step).at_rank(1);
    change.sent = sent;
    change.key = text(stored, "uid").to_owned();
    change.warnings = form.warnings.clone();
    if let (Some(""), false) = (options.ds_url.as_deref(), text(&change.after, "url").is_empty()) {
        let told = "its address stays, since Grafana empties none: delete it and make it anew to have none";
        change.warnings.push(told.to_owned());
    }
    if other_uid {
        check_uid(desired)?;
        let old = text(stored, "uid");
        if action == Action::Replace {
            can_be_replaced(desired, stored, &form)?;
        }
        change
            .warnings
            .push(format!("what names its old uid `{old}` (dashboards, alert rules) does not find it any more"));
    }
    let uid = change.after["uid"].clone();
    Ok(change.with_id("uid", uid))
}

/// For a single data source each write brings all secrets of the task, as with community.grafana, unless the task
/// says what is done with them.
fn sends_with_changes(desired: &Desired) -> bool {
    let options = &desired.options;
    desired.single && options.update_secrets.is_none() && options.secret_fingerprint != Some(true)
}

/// It is made anew from what can be read and from the task: so the task must have each of its secrets.
fn can_be_replaced(desired: &Desired, stored: &Value, form: &Form) -> Result<()> {
    let missing: Vec<&str> = secrets_set(stored).filter(|key| !form.secrets.contains_key(*key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(desired
        .wrong(format!(
            "data source `{}` has the uid `{}`; this Grafana gives it another one only by making it anew, and its \
             secrets cannot be read: {}",
            desired.options.name(),
            text(stored, "uid"),
            missing.join(", ")
        ))
        .hint("give these secrets in the task too, or leave `uid` out"))
}

fn deletion(index: Option<usize>, stored: &Value, snapshot: &Snapshot) -> Change<Step> {
    let stored = snapshot.whole(stored);
    let step = Step { found: Some(stored.clone()), ..Step::default() };
    let uid = text(stored, "uid");
    let mut change =
        Change::new(index, text(stored, "name"), Action::Delete, shown(stored), Value::Null, step).at_rank(LAST);
    change.key = uid.to_owned();
    if stored["isDefault"] == json!(true) {
        // Fact 19.
        change.warnings.push("it is the default data source, and no other one becomes that".to_owned());
    }
    change.with_id("uid", uid)
}

/// What happens to the fingerprint that is kept.
#[derive(Clone, Debug, PartialEq)]
enum Mark {
    Keep,
    Set(String),
    Drop,
}

/// Whether the fingerprint says that the secrets differ, and the one to keep.
fn fingerprint_of(desired: &Desired, stored: &Value, form: &Form) -> Result<(bool, Mark)> {
    let declared = form.secrets_to_set();
    if desired.options.secret_fingerprint != Some(true) || declared.is_empty() {
        return Ok((false, Mark::Keep));
    }
    let fresh = desired.made_fingerprint();
    let kept = stored["jsonData"][FINGERPRINT].as_str();
    let fits = match kept {
        Some(kept) => fresh.is_some_and(|fresh| fresh == kept) || fingerprint::fits(kept, &declared)?,
        None => false,
    };
    if fits { Ok((false, Mark::Keep)) } else { Ok((true, Mark::Set(desired.fingerprint(form)?))) }
}

/// What is sent: the whole data source, since a PUT resets what it does not name (fact 15), with the
/// version that was read, since without one Grafana checks nothing and falls back to 1 (fact 14).
fn body(after: &Value, stored: Option<&Value>, mark: Mark) -> Value {
    let mut out: Object = after
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "secureJsonFields" | "orgId"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(stored) = stored {
        out.insert("version".into(), stored["version"].clone());
        if !text(stored, "apiVersion").is_empty() {
            out.insert("apiVersion".into(), stored["apiVersion"].clone());
        }
    }
    let kept = stored.map(|stored| stored["jsonData"][FINGERPRINT].clone()).filter(|kept| !kept.is_null());
    let mark = match mark {
        Mark::Keep => kept,
        Mark::Set(fresh) => Some(json!(fresh)),
        Mark::Drop => None,
    };
    let json = out.entry("jsonData").or_insert_with(|| json!({}));
    if let (Some(json), Some(mark)) = (json.as_object_mut(), mark) {
        json.insert(FINGERPRINT.to_owned(), mark);
    }
    Value::Object(out)
}

/// The uid of the one that loses the default to this one (fact 19).
fn loses_default(after: &Value, before: &Value, snapshot: &Snapshot) -> Option<String> {
    let gets = after["isDefault"] == json!(true) && before["isDefault"] != json!(true);
    let had = snapshot.listed.iter().find(|stored| stored["isDefault"] == json!(true)).filter(|_| gets)?;
    Some(text(had, "uid").to_owned())
}

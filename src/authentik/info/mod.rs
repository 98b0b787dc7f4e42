//! `authentik_info`: reads and never writes. Objects by filters, who may open what, the audit log, what ends soon, and
//! what is weak.
//!
//! Each query is a declared object whose change is always [`Action::Unchanged`]: the harness then ends after the plan,
//! whether in check mode or not.

mod about;
mod access;
mod conceal;
mod ends;
mod events;
mod filters;
mod found;
mod lists;
mod time;
mod weak;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::lists::Lists;
use super::Connection;
use crate::{
    http::{Client, Reader, Settings, Writer},
    module::{About, Action, Applied, Change, Context, Declared, Error, Kind, Object, Result, Task},
};

/// The kind of object: a query.
pub struct InfoKind;

/// Options of one query. It may ask for several things at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend(
    "x-required-one-of" = [["kind", "access", "events", "ends_within", "weak"]],
    "x-required-by" = {"filters": ["kind"], "search": ["kind"], "limit": ["kind"]}
))]
pub struct InfoOptions {
    /// The kind of the objects to read: the path of a list in the API, such as `core/users`, `providers/all`,
    /// `core/authenticated_sessions` or `rbac/permissions`, or the name of Terraform's resource, such as
    /// `stage_password`.
    pub kind: Option<String>,
    /// Only objects that fit all of these: filters of the API, or fields of the object. A list means any of its values.
    pub filters: Option<Object>,
    /// Only objects in which this text is found, as authentik searches.
    pub search: Option<String>,
    /// The most objects of `kind`.
    pub limit: Option<usize>,
    /// Whether to tell who may open which application.
    pub access: Option<bool>,
    /// Only these applications in `access`, by slug.
    pub applications: Option<Vec<String>>,
    /// Only these users in `access`, by user name; what is open to everybody is told all the same.
    pub users: Option<Vec<String>>,
    /// Which events of the audit log to read.
    pub events: Option<events::Events>,
    /// Tokens, app passwords and certificates that end within this span, such as `30d`, and tokens that never end.
    pub ends_within: Option<String>,
    /// Whether to tell weak settings of providers, stale users and superusers.
    pub weak: Option<bool>,
    /// After which span without a login a user is stale.
    #[schemars(extend("x-default" = "90d"))]
    pub stale_after: Option<String>,
}

/// Options of the run: there are none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct InfoSettings {}

/// One query, checked.
pub struct Query {
    name: String,
    found: Option<found::Wanted>,
    access: Option<Narrow>,
    events: Option<events::Wanted>,
    ends_within: Option<i64>,
    stale_after: Option<i64>,
    now: i64,
}

/// What `access` is narrowed to.
#[derive(Clone, Debug, Default)]
struct Narrow {
    applications: Option<Vec<String>>,
    users: Option<Vec<String>>,
}

/// Providers that are looked at for weak settings.
const PROVIDERS: [&str; 5] =
    ["providers/oauth2", "providers/proxy", "providers/saml", "providers/ldap", "providers/radius"];

impl Query {
    fn of(declared: &Declared<InfoOptions>, now: i64) -> Result<Query> {
        let options = &declared.options;
        let filters = options.filters.clone().unwrap_or_default();
        let found = options
            .kind
            .as_deref()
            .map(|kind| found::Wanted::of(kind, &filters, options.search.as_deref(), options.limit))
            .transpose()?;
        let access = (options.access == Some(true))
            .then(|| Narrow { applications: options.applications.clone(), users: options.users.clone() });
        if access.is_none() && (options.applications.is_some() || options.users.is_some()) {
            return Err(Error::bad_options("`applications` and `users` narrow `access`, which is not asked for").hint(
                "add `access: true`; objects themselves are read by `kind: core/applications` and `kind: core/users`",
            ));
        }
        let stale = || time::span(options.stale_after.as_deref().unwrap_or("90d"), "stale_after");
        let query = Query {
            name: String::new(),
            found,
            access,
            events: options.events.as_ref().map(|events| events.wanted(now)).transpose()?,
            ends_within: options.ends_within.as_deref().map(|text| time::span(text, "ends_within")).transpose()?,
            stale_after: (options.weak == Some(true)).then(stale).transpose()?,
            now,
        };
        let asked = [
            query.found.as_ref().map(found::Wanted::path),
            query.access.as_ref().map(|_| "access"),
            query.events.as_ref().map(|_| "events"),
            query.ends_within.map(|_| "ends"),
            query.stale_after.map(|_| "weak"),
        ];
        let asked: Vec<&str> = asked.into_iter().flatten().collect();
        if asked.is_empty() {
            return Err(Error::bad_options("nothing is asked for")
                .hint("give one of `kind`, `access: true`, `events`, `ends_within` and `weak: true`"));
        }
        Ok(Query { name: asked.join(", "), ..query })
    }

    fn answer(&self, lists: &mut Lists<'_>) -> Result<Object> {
        let mut answer = Object::new();
        let mut truncated = false;
        if let Some(wanted) = &self.found {
            let (found, more) = wanted.read(lists)?;
            truncated |= more;
            answer.insert("found".into(), found.into());
        }
        if let Some(narrow) = &self.access {
            answer.insert("access".into(), narrow.read(lists)?.into());
        }
        if let Some(wanted) = &self.events {
            let (mut rows, more) = events::read(wanted, lists.reader)?;
            rows.iter_mut().for_each(|row| conceal::conceal("events/events", row));
            truncated |= more;
            answer.insert("events".into(), rows.into());
        }
        if let Some(within) = self.ends_within {
            let tokens = lists.whole("core/tokens", &[])?;
            let certificates = lists.whole("crypto/certificatekeypairs", &[])?;
            answer.insert("ends".into(), ends::rows(&tokens, &certificates, self.now, within).into());
        }
        if let Some(stale) = self.stale_after {
            let mut findings = weak::users(&lists.users()?, self.now, stale);
            for path in PROVIDERS {
                findings.extend(weak::providers(path, &lists.whole(path, &[])?));
            }
            answer.insert("findings".into(), weak::sorted(findings).into());
        }
        if self.found.is_some() || self.events.is_some() {
            answer.insert("truncated".into(), truncated.into());
        }
        Ok(answer)
    }
}

impl Narrow {
    fn read(&self, lists: &mut Lists<'_>) -> Result<Vec<Value>> {
        let (applications, users) = (lists.applications()?, lists.users()?);
        let (groups, bindings) = (lists.groups()?, lists.whole("policies/bindings", &[])?);
        let known = |all: &[Value], field: &str, named: &Option<Vec<String>>, what: &str| match named
            .iter()
            .flatten()
            .find(|name| all.iter().all(|one| one[field] != name.as_str()))
        {
            Some(name) => Err(Error::bad_options(format!("access: there is no {what} `{name}`"))),
            None => Ok(()),
        };
        known(&applications, "slug", &self.applications, "application")?;
        known(&users, "username", &self.users, "user")?;
        let mut rows = access::rows(&access::Facts {
            applications: &applications,
            bindings: &bindings,
            users: &users,
            groups: &groups,
            open: open_by_default(lists.reader),
        });
        let among = |names: &Option<Vec<String>>, value: &Value| {
            names.as_ref().is_none_or(|names| names.iter().any(|name| *value == name.as_str()))
        };
        rows.retain(|row| {
            let user = &row["user"];
            among(&self.applications, &row["application"]) && (*user == access::EVERYBODY || among(&self.users, user))
        });
        Ok(rows)
    }
}

/// Whether applications without bindings are open. A flag of the settings can say no; where it is not set, or the
/// caller may not see it, they are, as by default.
fn open_by_default(reader: Reader<'_>) -> bool {
    let settings = reader.get("/api/v3/admin/settings/").map(|answer| answer.value());
    settings.map_or(true, |settings| settings["flags"]["core_default_app_access"] != false)
}

impl Kind for InfoKind {
    const NAME: &'static str = "authentik_info";
    const NOUN: &'static str = "query";
    const PLURAL: &'static str = "queries";

    type Connection = Connection;
    type Settings = InfoSettings;
    type Object = InfoOptions;
    type Desired = Query;
    /// The server's version.
    type Session = Option<String>;
    /// The answer to each query.
    type Snapshot = Vec<Object>;
    type Step = ();

    fn about() -> About {
        about::about()
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        super::client(task)
    }

    fn load(task: &Task<Self>) -> Result<Vec<Query>> {
        let now = time::now();
        let query = |declared: &Declared<InfoOptions>| {
            Query::of(declared, now).map_err(|error| match declared.at.is_empty() {
                true => error,
                false => error.context(&declared.at),
            })
        };
        task.declared.iter().map(query).collect()
    }

    fn open(_: &Task<Self>, client: &mut Client) -> Result<Option<String>> {
        super::open(client)?;
        super::version(client.reader())
    }

    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Vec<Object>> {
        let mut lists = Lists::new(reader);
        context.desired.iter().map(|query| query.answer(&mut lists)).collect()
    }

    fn plan(context: &Context<'_, Self>, answers: &Vec<Object>) -> Result<Vec<Change<()>>> {
        let change = |(index, (query, answer)): (usize, (&Query, &Object))| {
            let mut change = Change::new(Some(index), &*query.name, Action::Unchanged, Value::Null, Value::Null, ());
            if answer.get("truncated") == Some(&Value::Bool(true)) {
                change.warnings.push("there is more than `limit` lets through".to_owned());
            }
            // A single one's answer stands at the top of the result, and not in its entry too.
            if !context.task.single {
                change.ids.extend(answer.clone());
            }
            change
        };
        Ok(context.desired.iter().zip(answers).enumerate().map(change).collect())
    }

    fn apply(_: &Context<'_, Self>, _: Writer<'_>, _: &Change<()>) -> Result<Applied> {
        Err(Error::local("a query changes nothing"))
    }

    fn undo(_: &Context<'_, Self>, _: Writer<'_>, _: &Change<()>, _: &Applied) -> Result<()> {
        Err(Error::local("a query changes nothing"))
    }

    fn single(
        context: &Context<'_, Self>,
        answers: &Vec<Object>,
        change: &Change<()>,
        _: Option<&Applied>,
        _: bool,
    ) -> Object {
        let mut result = change.index.and_then(|index| answers.get(index)).cloned().unwrap_or_default();
        let counted =
            result.iter().filter_map(|(name, rows)| Some(format!("{} {}", rows.as_array()?.len(), word(name))));
        let msg = counted.collect::<Vec<_>>().join(", ");
        result.insert("msg".into(), msg.into());
        result.insert("authentik_version".into(), json!(context.session));
        result
    }
}

/// What rows are called in a sentence.
fn word(name: &str) -> &str {
    match name {
        "access" => "rows of access",
        "ends" => "that end or never do",
        name => name,
    }
}

//! Who may open which application: bindings resolved to users, as authentik's own policy engine takes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Everybody who is logged in.
pub const EVERYBODY: &str = "*";

/// Why an application with bindings has no user.
const NOBODY: &str = "nobody: no active user fits its bindings";

/// What it is worked out from.
pub struct Facts<'v> {
    /// Applications.
    pub applications: &'v [Value],
    /// Bindings of policies, groups and users to anything.
    pub bindings: &'v [Value],
    /// Users with their groups.
    pub users: &'v [Value],
    /// Groups with their parents.
    pub groups: &'v [Value],
    /// Whether an application without bindings is open; a flag of the system's settings can say no.
    pub open: bool,
}

/// Rows of who may open what: `{application, user, why, certain}`, in the order of applications and users. The user of
/// an application that nobody may open is null.
pub fn rows(facts: &Facts<'_>) -> Vec<Value> {
    let directory = Directory::of(facts);
    let mut rows = Vec::new();
    for application in facts.applications {
        let slug = application["slug"].as_str().unwrap_or_default();
        let mut bound: Vec<&Value> = facts
            .bindings
            .iter()
            .filter(|binding| binding["target"] == application["pk"] && binding["enabled"] != false)
            .collect();
        bound.sort_by_key(|binding| binding["order"].as_i64());
        let access = directory.access(&bound, application["policy_engine_mode"] == "all", facts.open);
        if access.is_empty() {
            let why =
                if bound.is_empty() { "nobody: no bindings, and a flag closes such applications" } else { NOBODY };
            rows.push(json!({"application": slug, "user": null, "why": why, "certain": true}));
        }
        for (user, why, certain) in access {
            rows.push(json!({"application": slug, "user": user, "why": why, "certain": certain}));
        }
    }
    rows
}

/// Users and the groups that each is in, by itself or through a group below.
struct Directory<'v> {
    users: Vec<Person<'v>>,
    names: BTreeMap<&'v str, &'v str>,
}

struct Person<'v> {
    id: &'v Value,
    name: &'v str,
    /// Groups by id, each with the group that the user is in directly.
    groups: BTreeMap<&'v str, &'v str>,
}

impl<'v> Directory<'v> {
    fn of(facts: &Facts<'v>) -> Directory<'v> {
        let names = facts.groups.iter().filter_map(|group| Some((group["pk"].as_str()?, group["name"].as_str()?)));
        let parents: BTreeMap<&str, Vec<&str>> =
            facts.groups.iter().filter_map(|group| Some((group["pk"].as_str()?, texts(&group["parents"])))).collect();
        // An inactive user cannot log in.
        let active = facts.users.iter().filter(|user| user["is_active"] != false);
        let mut users: Vec<Person> = active
            .map(|user| Person {
                id: &user["pk"],
                name: user["username"].as_str().unwrap_or_default(),
                groups: with_ancestors(&texts(&user["groups"]), &parents),
            })
            .collect();
        users.sort_by_key(|person| person.name);
        Directory { users, names: names.collect() }
    }

    /// Who passes, why, and whether that is sure: what a policy says is known only when it is asked.
    fn access(&self, bound: &[&Value], all: bool, open: bool) -> Vec<(String, String, bool)> {
        let (by_policy, rest): (Vec<&Value>, Vec<&Value>) =
            bound.iter().copied().partition(|binding| !binding["policy"].is_null());
        // A binding of nothing counts for nothing.
        let fixed: Vec<&Value> =
            rest.into_iter().filter(|one| !one["group"].is_null() || !one["user"].is_null()).collect();
        let policies: Vec<String> = by_policy.iter().map(|binding| decided_by(binding)).collect();
        if fixed.is_empty() && policies.is_empty() {
            let everybody = (EVERYBODY.to_owned(), "no bindings: open to everybody who is logged in".to_owned(), true);
            return open.then_some(everybody).into_iter().collect();
        }
        let mut found = Vec::new();
        if fixed.is_empty() && all {
            return vec![(EVERYBODY.to_owned(), policies.join(" and "), false)];
        }
        for person in &self.users {
            let reasons: Vec<Option<String>> = fixed.iter().map(|binding| self.passes(person, binding)).collect();
            let passes = if all { reasons.iter().all(Option::is_some) } else { reasons.iter().any(Option::is_some) };
            if !passes || fixed.is_empty() {
                continue;
            }
            let mut why = reasons.into_iter().flatten().collect::<Vec<_>>().join(if all { " and " } else { "; " });
            let certain = !all || policies.is_empty();
            if !certain {
                why = format!("{why}, and {}", policies.join(" and "));
            }
            found.push((person.name.to_owned(), why, certain));
        }
        if !all {
            found.extend(policies.into_iter().map(|policy| (EVERYBODY.to_owned(), policy, false)));
        }
        found
    }

    /// Why a binding lets a person in, if it does.
    fn passes(&self, person: &Person<'_>, binding: &Value) -> Option<String> {
        let negated = binding["negate"] == true;
        if let Some(group) = binding["group"].as_str() {
            let named = |id: &str| self.names.get(id).copied().unwrap_or(id).to_owned();
            return match (person.groups.get(group), negated) {
                (Some(direct), false) if *direct == group => Some(format!("in group `{}`", named(group))),
                (Some(direct), false) => {
                    Some(format!("in group `{}`, which is below `{}`", named(direct), named(group)))
                }
                (None, true) => Some(format!("not in group `{}`", named(group))),
                _ => None,
            };
        }
        match (*person.id == binding["user"], negated) {
            (true, false) => Some("named".to_owned()),
            (false, true) => {
                let named = self.users.iter().find(|other| *other.id == binding["user"]);
                let name = named.map_or_else(|| binding["user"].to_string(), |other| other.name.to_owned());
                Some(format!("not the user `{name}`"))
            }
            _ => None,
        }
    }
}

fn decided_by(binding: &Value) -> String {
    let name = binding["policy_obj"]["name"].as_str().or(binding["policy"].as_str()).unwrap_or_default();
    let negated = if binding["negate"] == true { ", negated" } else { "" };
    format!("decided by policy `{name}`{negated}")
}

/// Groups and all above them; groups may form a loop (trap 21).
fn with_ancestors<'v>(direct: &[&'v str], parents: &BTreeMap<&'v str, Vec<&'v str>>) -> BTreeMap<&'v str, &'v str> {
    let mut found: BTreeMap<&str, &str> = direct.iter().map(|group| (*group, *group)).collect();
    for group in direct {
        let mut open = vec![*group];
        let mut seen = BTreeSet::from([*group]);
        while let Some(here) = open.pop() {
            for parent in parents.get(here).into_iter().flatten() {
                if seen.insert(parent) {
                    found.entry(parent).or_insert(group);
                    open.push(parent);
                }
            }
        }
    }
    found
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(mode: &str, bindings: Value, open: bool) -> Vec<(String, String, bool)> {
        let mut bindings = bindings.as_array().cloned().unwrap_or_default();
        for binding in &mut bindings {
            for (name, value) in [("target", json!("A")), ("enabled", json!(true)), ("negate", json!(false))] {
                if binding.get(name).is_none() {
                    binding[name] = value;
                }
            }
        }
        let facts = Facts {
            applications: &[json!({"pk": "A", "slug": "wiki", "policy_engine_mode": mode})],
            bindings: &bindings,
            users: &[
                json!({"pk": 1, "username": "ann", "is_active": true, "groups": ["parent"]}),
                json!({"pk": 2, "username": "bob", "is_active": true, "groups": ["child"]}),
                json!({"pk": 3, "username": "cay", "is_active": true, "groups": []}),
                json!({"pk": 4, "username": "old", "is_active": false, "groups": ["parent"]}),
            ],
            // The two are above each other.
            groups: &[
                json!({"pk": "parent", "name": "staff", "parents": ["loop"]}),
                json!({"pk": "child", "name": "night shift", "parents": ["parent"]}),
                json!({"pk": "loop", "name": "all", "parents": ["parent"]}),
            ],
            open,
        };
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let rows = rows(&facts);
        assert!(rows.iter().all(|row| row["application"] == "wiki"));
        rows.iter().map(|row| (text(row, "user"), text(row, "why"), row["certain"] == true)).collect()
    }

    fn who(mode: &str, bindings: Value) -> Vec<String> {
        resolved(mode, bindings, true).into_iter().map(|(user, ..)| user).collect()
    }

    #[test]
    fn without_bindings_it_is_open_unless_the_settings_say_no() {
        let everybody = resolved("any", json!([]), true);
        assert_eq!(everybody.len(), 1);
        assert_eq!((everybody[0].0.as_str(), everybody[0].2), (EVERYBODY, true));
        let closed = resolved("any", json!([]), false);
        assert_eq!((closed.len(), closed[0].0.as_str()), (1, ""), "{closed:?}");
        assert!(closed[0].1.starts_with("nobody: no bindings"), "{closed:?}");
        // What is disabled, what is bound to nothing and what is bound elsewhere are no bindings.
        for other in [
            json!([{"group": "parent", "enabled": false}]),
            json!([{"policy": null, "group": null, "user": null}]),
            json!([{"group": "parent", "target": "B"}]),
        ] {
            assert_eq!(who("any", other), [EVERYBODY]);
        }
    }

    #[test]
    fn a_group_stands_for_its_members_and_those_of_groups_below_that_are_active() {
        let rows = resolved("any", json!([{"group": "parent"}]), true);
        let row = |user: &str, why: &str| (user.to_owned(), why.to_owned(), true);
        assert_eq!(
            rows,
            [row("ann", "in group `staff`"), row("bob", "in group `night shift`, which is below `staff`")]
        );
        assert_eq!(who("any", json!([{"group": "child"}])), ["bob"]);
    }

    #[test]
    fn any_and_all_and_negation_are_respected() {
        let two = json!([{"group": "parent"}, {"user": 2}]);
        assert_eq!(who("any", two.clone()), ["ann", "bob"]);
        assert_eq!(who("all", two), ["bob"]);
        assert_eq!(who("any", json!([{"group": "parent", "negate": true}])), ["cay"]);
        assert_eq!(who("any", json!([{"user": 2, "negate": true}])), ["ann", "cay"]);
        assert_eq!(who("all", json!([{"group": "parent"}, {"user": 2, "negate": true}])), ["ann"]);
        assert_eq!(who("any", json!([{"user": 4}])), [""], "the user is inactive");
    }

    #[test]
    fn what_a_policy_decides_is_said_and_not_guessed() {
        let policy = json!({"policy": "P", "policy_obj": {"name": "office hours"}});
        let both = json!([{"group": "child"}, policy]);
        let row = |user: &str, why: &str, certain| (user.to_owned(), why.to_owned(), certain);
        assert_eq!(
            resolved("any", both.clone(), true),
            [row("bob", "in group `night shift`", true), row("*", "decided by policy `office hours`", false)]
        );
        assert_eq!(
            resolved("all", both, true),
            [row("bob", "in group `night shift`, and decided by policy `office hours`", false)]
        );
        for mode in ["any", "all"] {
            assert_eq!(
                resolved(mode, json!([policy]), false),
                [row("*", "decided by policy `office hours`", false)],
                "{mode}"
            );
        }
    }
}

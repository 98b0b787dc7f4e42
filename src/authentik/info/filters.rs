//! What of authentik can be read, and by what it can be filtered, from `filters.txt`.

use std::sync::OnceLock;

use crate::authentik::table;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// A list by pages.
    Pages,
    /// A list without pages (trap 10).
    Array,
    /// One object.
    Single,
}

/// Something that can be read.
#[derive(Clone, Debug)]
pub struct Readable {
    /// Its path below `/api/v3/`, without slashes around.
    pub path: &'static str,
    /// What comes back.
    pub form: Form,
    /// The filters that the server knows: name and type.
    pub filters: Vec<(&'static str, &'static str)>,
}

impl Readable {
    /// The type of a filter that the server knows.
    pub fn filter(&self, name: &str) -> Option<&'static str> {
        self.filters.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// Everything that can be read.
pub fn all() -> &'static [Readable] {
    static ALL: OnceLock<Vec<Readable>> = OnceLock::new();
    ALL.get_or_init(|| parse(include_str!("../filters.txt")))
}

/// What a path means, or an alias of the table of kinds.
pub fn find(name: &str) -> Option<&'static Readable> {
    let plain = table::row(name).map_or_else(|| name.trim_matches('/').trim_start_matches("api/v3/"), |row| row.path);
    all().iter().find(|one| one.path == plain)
}

/// Paths that nobody reads for what they are: they do something, or describe the API itself.
const NOT_READ: [&str; 2] = ["core/users/impersonate_end", "schema"];

fn parse(text: &'static str) -> Vec<Readable> {
    let mut all: Vec<Readable> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(name), second) = (words.next(), words.next()) else { continue };
        match (line.starts_with(' '), all.last_mut()) {
            (true, Some(readable)) => readable.filters.push((name, second.unwrap_or("str"))),
            _ => all.push(Readable {
                path: name,
                form: match second {
                    Some("array") => Form::Array,
                    Some("object") => Form::Single,
                    _ => Form::Pages,
                },
                filters: Vec::new(),
            }),
        }
    }
    all.retain(|one| !NOT_READ.contains(&one.path));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_path_and_alias_and_know_their_filters() {
        for name in ["core/users", "/core/users/", "user", "authentik_user"] {
            let users = find(name).expect("users can be read");
            assert_eq!((users.path, users.form, users.filter("is_active")), ("core/users", Form::Pages, Some("bool")));
        }
        assert_eq!(find("providers/all/types").map(|one| one.form), Some(Form::Array));
        assert_eq!(find("system_settings").map(|one| one.form), Some(Form::Single));
        for name in ["providers/all", "core/authenticated_sessions", "rbac/permissions", "events/events"] {
            assert_eq!(find(name).map(|one| one.form), Some(Form::Pages), "{name}");
        }
        assert!(find("core/nonsense").is_none() && find("core/users/impersonate_end").is_none());
    }

    #[test]
    fn every_kind_of_the_table_can_be_read() {
        for row in table::rows() {
            let readable = find(row.path).unwrap_or_else(|| panic!("{} cannot be read", row.path));
            // A filter that the table uses has to be one, or everything comes back (trap 8).
            let known = row.filter.is_empty() || readable.filter(row.filter).is_some();
            assert!(known, "{} has no filter {}", row.path, row.filter);
        }
    }
}

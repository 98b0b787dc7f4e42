//! The name that was meant, for errors about one that is not known.

/// " Did you mean `name`?" with the name that is nearest to what was written, at most so many letters away; empty
/// where none is.
pub fn did_you_mean<'n>(written: &str, names: impl IntoIterator<Item = &'n str>, most: usize) -> String {
    let distance = |name: &'n str| (strsim::damerau_levenshtein(written, name), name);
    let near = names.into_iter().map(distance).filter(|(distance, _)| *distance <= most).min();
    near.map_or(String::new(), |(_, name)| format!(" Did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_enough_was_meant() {
        assert_eq!(did_you_mean("is_superusr", ["name", "is_superuser"], 3), " Did you mean `is_superuser`?");
        assert_eq!(did_you_mean("colour", ["name", "roles"], 3), "");
        assert_eq!(did_you_mean("colour", ["name", "roles"], usize::MAX), " Did you mean `roles`?");
    }
}

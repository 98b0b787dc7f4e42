//! What is said of options that a module does not have.

use super::{OptionSpec, Spec};

/// An option that the spec of its place does not know.
pub(super) struct Unknown<'a> {
    pub(super) parents: Vec<String>,
    pub(super) name: String,
    pub(super) spec: &'a Spec,
}

impl Unknown<'_> {
    fn path(&self) -> String {
        let mut path = self.parents.clone();
        path.push(self.name.clone());
        path.join(".")
    }
}

/// The option that is nearest to what was written, if one is near, and its name or alias that is.
pub(in super::super) fn nearest<'s>(spec: &'s Spec, written: &str) -> Option<(&'s OptionSpec, &'s str)> {
    let written = written.to_lowercase().replace('-', "_");
    let near = (written.chars().count() / 3).max(1);
    let names = |option: &'s OptionSpec| {
        std::iter::once(&option.name).chain(&option.aliases).map(move |name| (option, name.as_str()))
    };
    spec.options
        .iter()
        .flat_map(names)
        .map(|(option, name)| (strsim::damerau_levenshtein(&written, name), option, name))
        .filter(|(distance, _, name)| *distance <= near && *distance < name.chars().count())
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, option, name)| (option, name))
}

/// The message over all unknown options of a task; where they lie in several places, the supported
/// ones are those of the first.
pub(super) fn message(module: &str, mut unknown: Vec<Unknown>) -> String {
    unknown.sort_by_key(Unknown::path);
    let Some(first) = unknown.first() else { return String::new() };
    let options = &first.spec.options;
    let mut names: Vec<_> = options.iter().map(|option| option.name.as_str()).collect();
    let mut aliases: Vec<_> = options.iter().flat_map(|option| &option.aliases).map(String::as_str).collect();
    names.sort_unstable();
    aliases.sort_unstable();
    let mut supported = names.join(", ");
    if !aliases.is_empty() {
        supported += &format!(" ({})", aliases.join(", "));
    }
    let paths = unknown.iter().map(Unknown::path).collect::<Vec<_>>().join(", ");
    let mut message =
        format!("Unsupported parameters for ({module}) module: {paths}. Supported parameters include: {supported}.");
    let hints: Vec<_> = unknown
        .iter()
        .filter_map(|one| {
            let nearest = nearest(one.spec, &one.name)?.1;
            Some(if unknown.len() == 1 { format!("`{nearest}`") } else { format!("`{nearest}` for `{}`", one.name) })
        })
        .collect();
    if !hints.is_empty() {
        message += &format!(" Did you mean {}?", hints.join(", "));
    }
    message
}

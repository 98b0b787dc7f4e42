//! Markdown, as doc comments have it, in Ansible's own markup.

use super::Spec;

/// Where a text stands: what a name between backticks can mean there.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) top: &'a Spec,
    /// The names of the options around the text, and the innermost's own suboptions.
    pub(super) inner: Option<(&'a [String], &'a Spec)>,
}

impl Scope<'_> {
    /// The full name of an option that is called so here.
    fn option(&self, name: &str) -> Option<String> {
        if let Some((path, spec)) = self.inner
            && spec.options.iter().any(|option| option.name == name)
        {
            return Some(format!("{}.{name}", path.join(".")));
        }
        let mut spec = self.top;
        for part in name.split('.') {
            // Past a list of objects or a free map nothing is known.
            let option = spec.options.iter().find(|option| option.name == part)?;
            match &option.options {
                Some(inner) => spec = inner,
                None if name.ends_with(part) => {}
                None => return None,
            }
        }
        Some(name.to_owned())
    }
}

/// A paragraph in Ansible's markup: `` `name` `` becomes `O(name)` where it is an option, `E(NAME)` where
/// it looks like an environment variable, else `C(…)`; links become `L(…)`, bold text `B(…)`.
pub(super) fn ansible(text: &str, scope: Scope) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[', '*', '<']) {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        match special(rest, scope) {
            Some((marked, len)) => {
                done.push_str(&marked);
                rest = &rest[len..];
            }
            None => {
                done.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    done + rest
}

/// What the text begins with, and how many bytes of it that is.
fn special(text: &str, scope: Scope) -> Option<(String, usize)> {
    if let Some(after) = text.strip_prefix('`') {
        let (code, _) = after.split_once('`').filter(|(code, _)| !code.is_empty())?;
        return Some((inline(code, scope), code.len() + 2));
    }
    if let Some(after) = text.strip_prefix('[') {
        let (label, after) = after.split_once("](")?;
        let (address, _) = after.split_once(')')?;
        let plain = !label.contains(['[', ')', ',']) && address.starts_with("http");
        return plain.then(|| (format!("L({label}, {address})"), label.len() + address.len() + 4));
    }
    if let Some(after) = text.strip_prefix("**") {
        let (bold, _) = after.split_once("**").filter(|(bold, _)| !bold.is_empty() && !bold.contains(')'))?;
        return Some((format!("B({bold})"), bold.len() + 4));
    }
    let (address, _) = text.strip_prefix('<')?.split_once('>')?;
    address.starts_with("http").then(|| (format!("U({address})"), address.len() + 2))
}

fn inline(code: &str, scope: Scope) -> String {
    let (name, value) = match code.split_once('=').or_else(|| code.split_once(": ")) {
        Some((name, value)) => (name, Some(value)),
        None => (code, None),
    };
    if let Some(name) = scope.option(name) {
        return match value {
            Some(value) => format!("O({name}={})", escaped(value)),
            None => format!("O({name})"),
        };
    }
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if code.starts_with(|c: char| c.is_ascii_uppercase()) && code.contains('_') && code.chars().all(capital) {
        return format!("E({code})");
    }
    if code.contains(')') { format!("V({})", escaped(code)) } else { format!("C({code})") }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(')', "\\)")
}

//! What a module says of itself beside its options: the words of its documentation.

use super::{kind::Kind, run::Invocation, spec::Spec, task};

/// One module, as the registry lists it.
pub struct Module {
    /// Its name, `<service>_<kind>`: also that of its binary, file and page.
    pub name: &'static str,
    /// Its description for people.
    pub about: fn() -> About,
    /// All its options, those of the connection and of every module included.
    pub spec: fn() -> Spec,
    /// The JSON schema of its options.
    pub schema: fn() -> serde_json::Value,
    /// Runs it: takes what Ansible sent, prints the one line of result, and returns the exit code.
    pub run: fn(Invocation) -> i32,
}

impl Module {
    /// The entry of a kind of object.
    pub fn of<K: Kind>() -> Module {
        Module {
            name: K::NAME,
            about: K::about,
            spec: task::spec::<K>,
            schema: task::schema::<K>,
            run: super::run::main::<K>,
        }
    }
}

/// The text around a module's options.
pub struct About {
    /// One line without a final period, as `ansible-doc -l` shows it.
    pub short_description: &'static str,
    /// Paragraphs; the first says what the module does. Each ends with a period.
    pub description: &'static [&'static str],
    /// Things to know before using it.
    pub notes: &'static [&'static str],
    /// What the service must be or have.
    pub requirements: &'static [&'static str],
    /// Tasks in YAML, each with a name, as a list; a test runs them in check mode and for real.
    pub examples: &'static str,
    /// Keys of the result that this kind adds to those of every module.
    pub returns: &'static [Return],
}

/// One key of a result.
pub struct Return {
    /// The key.
    pub name: &'static str,
    /// Sentences that say what it holds.
    pub description: &'static str,
    /// Its type in Ansible's words.
    pub kind: &'static str,
    /// When it is there.
    pub returned: &'static str,
    /// A sample in JSON, or empty.
    pub sample: &'static str,
}

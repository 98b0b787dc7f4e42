//! What a module says of itself beside its options: the words of its documentation.

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

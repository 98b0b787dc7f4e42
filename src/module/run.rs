//! The run of a module from its arguments to its one line of result.

/// What Ansible (or a person) started the binary with.
pub struct Invocation {
    /// The command line, the program's own name first.
    pub argv: Vec<String>,
}

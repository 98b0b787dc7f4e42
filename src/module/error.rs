//! The one error of the boundary: what failed, on which object, what the server said, what to do.

use std::fmt;

/// What kind of failure it is; callers branch on this and on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The task's options cannot be used.
    BadOptions,
    /// No connection could be made.
    CannotConnect,
    /// The service does not know the caller (401) or does not allow it (403).
    Refused,
    /// The object, or something that it refers to, is not there.
    NotFound,
    /// Somebody else changed the object meanwhile.
    Conflict,
    /// The service answered that it will not do this.
    Rejected,
    /// No answer in time.
    TimedOut,
    /// A passing fault that did not pass.
    GaveUp,
    /// The service accepted the change and did not keep it.
    NotKept,
    /// A signal, the deadline, or an earlier failure ended the run before this was tried.
    NotTried,
    /// A file or another thing of this host.
    Local,
}

/// A failure with its story, told once.
#[derive(Clone, Debug)]
pub struct Error {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The sentence, from the outermost ("failed to update folder `Infra`") to the cause.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Whether a write may have happened all the same: to be looked up before it is repeated.
    pub uncertain: bool,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of that kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, status: None, uncertain: false }
    }

    /// The task's options cannot be used.
    pub fn bad_options(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::BadOptions, message)
    }

    /// A file or another thing of this host failed.
    pub fn local(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Local, message)
    }

    /// The same error with a hint, unless it has one.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// The same error with what was being done in front of it.
    pub fn context(mut self, doing: impl fmt::Display) -> Error {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Whether a look and another try may help: a conflict, or a write whose outcome is unknown.
    pub fn can_try_again(&self) -> bool {
        self.kind == ErrorKind::Conflict || self.uncertain
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Adds what was being done to a failure.
pub trait Context<T> {
    /// The sentence is made only when there is a failure.
    fn doing<D: fmt::Display>(self, sentence: impl FnOnce() -> D) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn doing<D: fmt::Display>(self, sentence: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| error.context(sentence()))
    }
}

//! An answer before it goes onto the wire, and Grafana's shapes of errors (grafana.md fact 1).

use serde_json::{Value, json};

/// What a handler gives back; an `Err` is an answer as well, so that `?` may end a handler.
pub(crate) type Answer = Result<Reply, Reply>;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub body: Content,
    pub headers: Vec<(String, String)>,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Nothing at all.
    Empty,
    /// JSON.
    Json(Value),
    /// Text of another type.
    Text(&'static str, String),
}

impl Reply {
    /// JSON with a status.
    pub fn json(status: u16, body: Value) -> Reply {
        Reply { status, body: Content::Json(body), headers: Vec::new() }
    }

    /// Text with a status and a content type.
    pub fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Reply {
        Reply { status, body: Content::Text(kind, body.into()), headers: Vec::new() }
    }

    /// A status alone.
    pub fn empty(status: u16) -> Reply {
        Reply { status, body: Content::Empty, headers: Vec::new() }
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Whether it is a success.
    pub fn is_ok(&self) -> bool {
        self.status < 300
    }
}

/// 200 with JSON.
pub(crate) fn ok(body: Value) -> Answer {
    Ok(Reply::json(200, body))
}

/// `{message}` with a status.
pub(crate) fn message(status: u16, text: impl Into<String>) -> Reply {
    Reply::json(status, json!({ "message": text.into() }))
}

/// `{message, status}`: dashboards and folders.
pub(crate) fn with_status(status: u16, text: &str, kind: &str) -> Reply {
    Reply::json(status, json!({ "message": text, "status": kind }))
}

/// `{statusCode, messageId, message}`.
pub(crate) fn with_id(status: u16, id: &str, text: &str) -> Reply {
    Reply::json(status, json!({ "statusCode": status, "messageId": id, "message": text }))
}

/// The answer to JSON that cannot be read: it names no field (grafana.md fact 5).
pub(crate) fn bad_request() -> Reply {
    message(400, "bad request data")
}

/// An unknown path or a wrong method (grafana.md facts 2 and 4).
pub(crate) fn not_found() -> Reply {
    message(404, "Not found")
}

/// What the stand-in lacks: never an invented success.
pub(crate) fn unsupported(what: &str) -> Reply {
    message(501, format!("the sandbox does not imitate {what}"))
}

/// 401 with its messageId (grafana.md fact 2).
pub(crate) fn unauthorized(id: &str, text: &str) -> Reply {
    Reply::json(401, json!({ "extra": null, "message": text, "messageId": id, "statusCode": 401, "traceID": "" }))
}

/// 403 that names the permission that is missing.
pub(crate) fn forbidden(needed: &str) -> Reply {
    // The id is random in the real one; nothing reads it.
    let id = format!("ACE{:010}", crate::text::micros() % 10_000_000_000);
    let text = format!("You'll need additional permissions to perform this action. Permissions needed: {needed}");
    Reply::json(403, json!({ "accessErrorId": id, "message": text, "title": "Access denied" }))
}

//! authentik's ways to refuse (traps 1, 2, 4 and 5).

use serde_json::{Map, Value, json};

use crate::reply::Reply;

/// `{detail}` with a status.
pub(crate) fn detail(status: u16, text: &str) -> Reply {
    Reply::json(status, json!({ "detail": text }))
}

/// 400 with messages by field.
pub(crate) fn fields(errors: Map<String, Value>) -> Reply {
    Reply::json(400, Value::Object(errors))
}

/// 400 for one field.
pub(crate) fn field(name: &str, text: impl Into<String>) -> Reply {
    Reply::json(400, json!({ name: [text.into()] }))
}

/// 400 for the whole object.
pub(crate) fn object(text: impl Into<String>) -> Reply {
    field("non_field_errors", text)
}

/// A failure inside the server: its page of errors is only for GET, so a write is told 405 (trap 2).
pub(crate) fn crash(method: &str) -> Reply {
    if method == "GET" {
        return Reply::text(500, "text/html; charset=utf-8", "<!DOCTYPE html>\n<title>authentik</title>\n");
    }
    Reply::text(405, "text/html; charset=utf-8", "").with("allow", "GET, HEAD, OPTIONS")
}

/// An unknown address: a page for GET, 405 for a write (trap 5).
pub(crate) fn no_page(method: &str) -> Reply {
    match method {
        "GET" | "HEAD" => Reply::text(404, "text/html; charset=utf-8", "<!DOCTYPE html>\n<title>authentik</title>\n"),
        _ => crash(method),
    }
}

/// 405 in JSON.
pub(crate) fn not_allowed(method: &str) -> Reply {
    detail(405, &format!("Method \"{method}\" not allowed."))
}

/// An unknown object.
pub(crate) fn no_object(class: &str) -> Reply {
    detail(404, &format!("No {class} matches the given query."))
}

/// What the stand-in lacks.
pub(crate) fn unsupported(what: &str) -> Reply {
    detail(501, &format!("the sandbox does not imitate {what}"))
}

//! The keys that the result of every module has.

use serde_json::{Value, json};

/// Every module's keys in the form of RETURN, in Markdown; a kind's own come behind `msg`.
pub(super) fn common() -> Value {
    json!({
        "changed": {
            "description": ["Whether anything was changed, or in check mode would be."],
            "returned": "always",
            "type": "bool",
        },
        "msg": {
            "description": ["One sentence of what was done, or of what failed."],
            "returned": "always",
            "type": "str",
            "sample": "2 created, 1 updated, 97 unchanged",
        },
        "objects": {
            "description": [
                "What became of each object, in the order of the task.",
                "Above a few hundred unchanged ones only their number is given, in `unchanged_objects`, unless \
                 `list_unchanged` asks for them.",
            ],
            "returned": "success, and failure once the options were taken",
            "type": "list",
            "elements": "dict",
            "contains": {
                "name": {"description": ["The object's name."], "returned": "always", "type": "str"},
                "kind": {
                    "description": ["What it is, such as a folder on the way to a dashboard."],
                    "returned": "when it is of another kind than the module's",
                    "type": "str",
                },
                "action": {
                    "description": ["What was done, or in check mode would be."],
                    "returned": "always",
                    "type": "str",
                    "sample": "update",
                },
                "changed": {"description": ["Whether this object was changed."], "returned": "always", "type": "bool"},
                "fields": {
                    "description": ["The fields that differed."],
                    "returned": "when fields differed",
                    "type": "list",
                    "elements": "str",
                },
                "sent": {
                    "description": ["The write-only fields, such as passwords, that were sent without being compared."],
                    "returned": "when there were such fields",
                    "type": "list",
                    "elements": "str",
                },
                "warnings": {
                    "description": ["What to know of this object."],
                    "returned": "when there is something",
                    "type": "list",
                    "elements": "str",
                },
                "failed": {
                    "description": ["That this object failed, or was not tried."],
                    "returned": "when it failed",
                    "type": "bool",
                },
                "error": {
                    "description": ["Why this object failed."],
                    "returned": "when it failed",
                    "type": "str",
                },
                "rolled_back": {
                    "description": ["Whether the change was taken back; if it could not be, `rollback_error` says why."],
                    "returned": "when `on_error=rollback` took changes back",
                    "type": "bool",
                },
                "rollback_error": {
                    "description": ["Why the change could not be taken back."],
                    "returned": "when `rolled_back` is false",
                    "type": "str",
                },
            },
        },
        "status": {
            "description": ["The HTTP status of the answer that ended the run before anything was changed."],
            "returned": "when such an answer was why the task failed",
            "type": "int",
            "sample": 401,
        },
        "unchanged_objects": {
            "description": ["How many unchanged objects `objects` leaves out."],
            "returned": "when some are left out",
            "type": "int",
            "sample": 1200,
        },
        "diff": {
            "description": [
                "What differed, before and after: a map for a single object, else a list with an entry for each \
                 object that changed.",
            ],
            "returned": "when the task runs in diff mode and something changed",
            "type": "raw",
            "sample": {
                "before_header": "folder Plants",
                "after_header": "folder Plants",
                "before": {"title": "Plants"},
                "after": {"title": "House plants"},
            },
        },
        "warnings": {
            "description": ["What to know of the options or the objects."],
            "returned": "when there is something",
            "type": "list",
            "elements": "str",
        },
        "stats": {
            "description": ["What the run cost."],
            "returned": "when the service was asked",
            "type": "dict",
            "contains": {
                "requests": {"description": ["Requests sent."], "returned": "always", "type": "int"},
                "retries": {"description": ["How many of them were repetitions."], "returned": "always", "type": "int"},
                "seconds": {"description": ["Time that the run took."], "returned": "always", "type": "float"},
            },
            "sample": {"requests": 3, "retries": 0, "seconds": 0.041},
        },
    })
}

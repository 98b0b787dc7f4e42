//! What a plan holds of dashboards to show them. Pure.

use serde_json::{Map, Value, json};

use super::{Found, Spec, Step, form::compared, spec::is_second};
use crate::module::{Change, apply::at_path};

/// So many bytes of dashboards are held for showing them; of those behind them only the fields that differ.
/// A difference is cut off long before, and five thousand dashboards would fill the memory.
const SHOWN: usize = 1024 * 1024;

/// How dashboards are shown, and how much of them was held so far.
pub struct Shown {
    used: usize,
    /// Whether the server keeps big integers to the last digit.
    exact: bool,
}

impl Shown {
    /// Nothing is held yet.
    pub fn new(exact: bool) -> Shown {
        Shown { used: 0, exact }
    }

    /// Whether so many bytes more are held.
    pub fn fits(&mut self, length: usize) -> bool {
        self.used += length;
        self.used <= SHOWN
    }

    /// A dashboard that is to be.
    pub fn declared(&mut self, spec: &Spec) -> Value {
        if self.fits(spec.text.len()) { spec.compared(self.exact) } else { json!({"title": spec.title}) }
    }

    /// A dashboard as it is.
    pub fn stored(&mut self, found: &Found) -> Value {
        let length = found.text.as_ref().map_or(0, |text| text.len());
        if self.fits(length) { self.form(found) } else { json!({"title": found.title}) }
    }

    /// Both sides of a change, in full: the fields that differ are found in them. The schema's version does
    /// not count where it is not declared.
    pub fn sides(&self, found: &Found, spec: &Spec) -> (Value, Value) {
        let (mut before, after) = (self.form(found), spec.compared(self.exact));
        if let (Some(before), None) = (before.as_object_mut(), after.get("schemaVersion")) {
            before.shift_remove("schemaVersion");
        }
        (before, after)
    }

    /// Leaves of a change only the fields that differ, where it is not to be shown in full.
    pub fn shorten(&mut self, change: &mut Change<Step>) {
        let length = change.before.to_string().len() + change.after.to_string().len();
        if self.fits(length) {
            return;
        }
        let only = |value: &Value| {
            let at = |path: &String| at_path(value, path).cloned();
            change.fields.iter().filter_map(|path| Some((path.clone(), at(path)?))).collect::<Map<_, _>>().into()
        };
        let (before, after) = (only(&change.before), only(&change.after));
        (change.before, change.after) = (before, after);
    }

    fn form(&self, found: &Found) -> Value {
        let value = found.text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        compared(value.unwrap_or_default(), self.exact, is_second(&found.api))
    }
}

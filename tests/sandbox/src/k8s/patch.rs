//! PATCH: merge patches and JSON patches. Server-side apply fails as it does in the real one.

use serde_json::Value;

/// RFC 7386.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Default::default());
    }
    let map = target.as_object_mut().expect("was just made an object");
    for (key, value) in patch {
        if value.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The operations of RFC 6902 that clients use; none where one does not apply.
pub(super) fn operations(target: &mut Value, patch: &Value) -> Option<()> {
    for step in patch.as_array()? {
        let path = step["path"].as_str()?;
        let (above, key) = path.rsplit_once('/')?;
        let key = key.replace("~1", "/").replace("~0", "~");
        match step["op"].as_str()? {
            "test" => (target.pointer(path)? == &step["value"]).then_some(())?,
            "remove" => match target.pointer_mut(above)? {
                Value::Object(map) => map.shift_remove(&key).map(drop)?,
                Value::Array(list) => {
                    list.get(key.parse::<usize>().ok()?).is_some().then(|| list.remove(0)).map(drop)?
                }
                _ => return None,
            },
            "replace" => *target.pointer_mut(path)? = step["value"].clone(),
            "add" => match target.pointer_mut(above)? {
                Value::Object(map) => drop(map.insert(key, step["value"].clone())),
                Value::Array(list) => {
                    let at = if key == "-" { list.len() } else { key.parse().ok()? };
                    (at <= list.len()).then(|| list.insert(at, step["value"].clone()))?;
                }
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(())
}

//! Options that carry a service's prefix: `authentik_timeout` where an object of the service has a `timeout` of its
//! own.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de, de::DeserializeOwned};
use serde_json::Value;

use super::spec::Object;

/// The text in front of each name.
pub trait Prefix {
    /// `authentik_`.
    const TEXT: &'static str;
}

/// The options of `T`, each with the prefix `P` in front of its name.
pub struct Prefixed<T, P> {
    options: T,
    prefix: PhantomData<P>,
}

impl<T: Clone, P> Clone for Prefixed<T, P> {
    fn clone(&self) -> Self {
        Prefixed { options: self.options.clone(), prefix: PhantomData }
    }
}

impl<T: fmt::Debug, P> fmt::Debug for Prefixed<T, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(formatter)
    }
}

impl<T, P> Deref for Prefixed<T, P> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.options
    }
}

impl<T: JsonSchema, P: Prefix> JsonSchema for Prefixed<T, P> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}{}", P::TEXT, T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            *properties = std::mem::take(properties)
                .into_iter()
                .map(|(name, value)| (P::TEXT.to_owned() + &name, value))
                .collect();
        }
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            for name in required {
                *name = Value::String(format!("{}{}", P::TEXT, name.as_str().unwrap_or_default()));
            }
        }
        schema
    }
}

impl<'de, T: DeserializeOwned, P: Prefix> Deserialize<'de> for Prefixed<T, P> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let plain = |(name, value): (String, Value)| Some((name.strip_prefix(P::TEXT)?.to_owned(), value));
        let values: Object = Object::deserialize(from)?.into_iter().filter_map(plain).collect();
        let options = serde_json::from_value(Value::Object(values)).map_err(|error| {
            // The names in the sentence are those without the prefix.
            de::Error::custom(format!("{}{error}", P::TEXT))
        })?;
        Ok(Prefixed { options, prefix: PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::module::spec::Spec;

    struct Lab;
    impl Prefix for Lab {
        const TEXT: &'static str = "lab_";
    }

    #[derive(Deserialize, JsonSchema)]
    struct Inner {
        /// How long.
        timeout: f64,
    }

    #[derive(Deserialize, JsonSchema)]
    struct Outer {
        /// Where.
        lab_url: String,
        #[serde(flatten)]
        inner: Prefixed<Inner, Lab>,
    }

    #[test]
    fn names_carry_the_prefix_in_schema_and_in_tasks() {
        let spec = Spec::of::<Outer>();
        assert!(spec.find("lab_timeout").is_some_and(|option| option.required && option.description == "How long."));
        assert!(spec.find("timeout").is_none());
        let read: Outer = serde_json::from_value(json!({"lab_url": "u", "lab_timeout": 2.0})).expect("options");
        assert!(read.lab_url == "u" && read.inner.timeout == 2.0);
    }
}

//! `authentik_brand`: brands: how authentik looks under a domain, and which flows it uses there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    engine::{Declares, Prune, Wanted},
    options::{self, PrefixPrune, State, row},
};
use crate::module::{About, Declared, Object, Result, Return};

/// The kind of object.
pub struct BrandKind;

/// Options of one brand.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct BrandOptions {
    /// The domain under which it counts, by which the brand is found. The one that authentik comes with is
    /// `authentik-default`.
    #[schemars(extend("x-required" = true))]
    pub domain: Option<String>,
    /// Whether it counts where no other does.
    pub default: Option<bool>,
    /// The title of the pages.
    pub branding_title: Option<String>,
    /// The logo.
    pub branding_logo: Option<String>,
    /// The little picture of the tab.
    pub branding_favicon: Option<String>,
    /// CSS for all pages.
    pub branding_custom_css: Option<String>,
    /// The picture behind the pages of flows that have none of their own.
    pub branding_default_flow_background: Option<String>,
    /// The flow to log in by, by slug.
    pub flow_authentication: Option<String>,
    /// The flow to log out by.
    pub flow_invalidation: Option<String>,
    /// The flow for a forgotten password; empty for none.
    pub flow_recovery: Option<String>,
    /// The flow to delete one's account by; empty for none.
    pub flow_unenrollment: Option<String>,
    /// The flow for one's own settings.
    pub flow_user_settings: Option<String>,
    /// The flow to let a device in; empty for none.
    pub flow_device_code: Option<String>,
    /// The application that users from outside come to, by slug; empty for none.
    pub default_application: Option<String>,
    /// The certificate of authentik's own web server, by name; empty for its own.
    pub web_certificate: Option<String>,
    /// Certificates that clients are checked against, by name.
    pub client_certificates: Option<Vec<String>>,
    /// Attributes. Only the keys that are written are compared and set, and one with the value null is removed.
    pub attributes: Option<Object>,
    /// Whether the brand is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether the default brand may be deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct BrandSettings {
    /// Deletes brands in a stated scope that the task does not declare. The default one always stays.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: How it looks
  authentik_brand:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    domain: authentik-default
    branding_title: Home lab
    flow_authentication: default-authentication-flow

- name: Another domain
  authentik_brand:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    domain: guests.example.com
    branding_title: Guests
"#;

impl Declares for BrandKind {
    const NAME: &'static str = "authentik_brand";
    const NOUN: &'static str = "brand";
    const PLURAL: &'static str = "brands";

    type Object = BrandOptions;
    type Settings = BrandSettings;

    fn about() -> About {
        About {
            short_description: "Manage brands of authentik",
            description: &["Makes, changes and deletes brands: look, flows and certificates under a domain."],
            notes: &[],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The brand as it is after the task.",
                kind: "dict",
                returned: "for a single brand",
                sample: r#"{"domain": "authentik-default", "branding_title": "Home lab"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<BrandOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["state", "force"]);
        let mut wanted = options::wanted(row("core/brands")?, &declared.at, fields, options.state);
        wanted.force = options.force == Some(true);
        Ok(wanted)
    }

    fn prune(settings: &BrandSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("core/brands")
    }
}

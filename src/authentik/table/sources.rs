//! Sources, and which user or group of a source is which of authentik's. Slugs are unique over all kinds of sources.

use super::Row;

const fn source(path: &'static str, noun: &'static str, alias: &'static str) -> Row {
    Row { address: "slug", key: &["slug"], names: &["slug", "name"], filter: "slug", ..Row::of(path, noun, alias) }
}

const fn user_of(path: &'static str, list: &'static [(&'static str, &'static str)]) -> Row {
    Row {
        key: &["source", "user"],
        names: &["identifier"],
        filter: "",
        references: list,
        ..Row::of(path, "user of a source", "")
    }
}

const fn group_of(path: &'static str, list: &'static [(&'static str, &'static str)]) -> Row {
    Row { key: &["source", "group"], ..user_of_group(path, list) }
}

const fn user_of_group(path: &'static str, list: &'static [(&'static str, &'static str)]) -> Row {
    Row { names: &["identifier"], filter: "", references: list, ..Row::of(path, "group of a source", "") }
}

pub const ROWS: &[Row] = &[
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/kerberos"),
            ("group_property_mappings", "propertymappings/source/kerberos"),
        ],
        ..source("sources/kerberos", "Kerberos source", "source_kerberos")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/ldap"),
            ("group_property_mappings", "propertymappings/source/ldap"),
        ],
        ..source("sources/ldap", "LDAP source", "source_ldap")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/oauth"),
            ("group_property_mappings", "propertymappings/source/oauth"),
        ],
        // The addresses are checked as the type wants them, in the same body only (trap 15).
        always: &[
            "provider_type",
            "authorization_url",
            "access_token_url",
            "profile_url",
            "oidc_well_known_url",
            "oidc_jwks_url",
        ],
        ..source("sources/oauth", "OAuth source", "source_oauth")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/plex"),
            ("group_property_mappings", "propertymappings/source/plex"),
        ],
        ..source("sources/plex", "Plex source", "source_plex")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/saml"),
            ("group_property_mappings", "propertymappings/source/saml"),
        ],
        together: &["verification_kp", "signed_assertion", "signed_response"],
        ..source("sources/saml", "SAML source", "source_saml")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/scim"),
            ("group_property_mappings", "propertymappings/source/scim"),
        ],
        ..source("sources/scim", "SCIM source", "source_scim")
    },
    Row {
        references: &[
            ("user_property_mappings", "propertymappings/source/telegram"),
            ("group_property_mappings", "propertymappings/source/telegram"),
        ],
        ..source("sources/telegram", "Telegram source", "source_telegram")
    },
    user_of("sources/user_connections/kerberos", &[("source", "sources/kerberos")]),
    user_of("sources/user_connections/ldap", &[("source", "sources/ldap")]),
    user_of("sources/user_connections/oauth", &[("source", "sources/oauth")]),
    user_of("sources/user_connections/plex", &[("source", "sources/plex")]),
    user_of("sources/user_connections/saml", &[("source", "sources/saml")]),
    user_of("sources/user_connections/telegram", &[("source", "sources/telegram")]),
    group_of("sources/group_connections/kerberos", &[("source", "sources/kerberos")]),
    group_of("sources/group_connections/ldap", &[("source", "sources/ldap")]),
    group_of("sources/group_connections/oauth", &[("source", "sources/oauth")]),
    group_of("sources/group_connections/plex", &[("source", "sources/plex")]),
    group_of("sources/group_connections/saml", &[("source", "sources/saml")]),
    group_of("sources/group_connections/telegram", &[("source", "sources/telegram")]),
    Row {
        address: "id",
        id: "id",
        key: &["source", "user"],
        names: &["external_id"],
        filter: "",
        references: &[("source", "sources/scim")],
        merged: &["attributes"],
        ..Row::of("sources/scim_users", "SCIM user of a source", "")
    },
    Row {
        address: "id",
        id: "id",
        key: &["source", "group"],
        names: &["external_id"],
        filter: "",
        references: &[("source", "sources/scim")],
        merged: &["attributes"],
        ..Row::of("sources/scim_groups", "SCIM group of a source", "")
    },
];

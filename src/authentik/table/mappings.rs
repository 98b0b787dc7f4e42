//! Property mappings. Their names are unique over all kinds of mappings.

use super::Row;

const fn mapping(path: &'static str, noun: &'static str, alias: &'static str) -> Row {
    Row { names: &["managed", "name"], ..Row::of(path, noun, alias) }
}

pub const ROWS: &[Row] = &[
    Row::of("propertymappings/notification", "notification mapping", "property_mapping_notification"),
    mapping(
        "propertymappings/provider/google_workspace",
        "Google Workspace mapping",
        "property_mapping_provider_google_workspace",
    ),
    mapping(
        "propertymappings/provider/microsoft_entra",
        "Microsoft Entra mapping",
        "property_mapping_provider_microsoft_entra",
    ),
    Row {
        merged: &["static_settings"],
        ..mapping("propertymappings/provider/rac", "RAC mapping", "property_mapping_provider_rac")
    },
    mapping("propertymappings/provider/radius", "RADIUS mapping", "property_mapping_provider_radius"),
    mapping("propertymappings/provider/saml", "SAML mapping", "property_mapping_provider_saml"),
    mapping("propertymappings/provider/scim", "SCIM mapping", "property_mapping_provider_scim"),
    Row {
        names: &["managed", "name", "scope_name"],
        ..mapping("propertymappings/provider/scope", "scope mapping", "property_mapping_provider_scope")
    },
    mapping("propertymappings/source/kerberos", "Kerberos source mapping", "property_mapping_source_kerberos"),
    mapping("propertymappings/source/ldap", "LDAP source mapping", "property_mapping_source_ldap"),
    mapping("propertymappings/source/oauth", "OAuth source mapping", "property_mapping_source_oauth"),
    mapping("propertymappings/source/plex", "Plex source mapping", "property_mapping_source_plex"),
    mapping("propertymappings/source/saml", "SAML source mapping", "property_mapping_source_saml"),
    mapping("propertymappings/source/scim", "SCIM source mapping", "property_mapping_source_scim"),
    mapping("propertymappings/source/telegram", "Telegram source mapping", "property_mapping_source_telegram"),
];

//! Providers: one module for each kind that people use every day; the others are kinds of `authentik_object`.

pub mod ldap;
pub mod oauth2;
pub mod proxy;
pub mod saml;

//! Over the whole table of modules: names, words, binaries, secrets.

use hearth::{
    module::spec::{OptionSpec, Spec, Type},
    registry,
};

use crate::support::binary;

/// Words in an option's name that mean a secret.
const SECRET_WORDS: [&str; 6] = ["password", "token", "secret", "key", "passphrase", "credential"];
/// Options that have such a word in their name and hold none.
const NO_SECRETS: &[&str] = &[
    "access_token_validity",
    "aws_credentials_profile",
    "basic_auth_password_attribute",
    "client_key",
    "encryption_key",
    "enforce_secure_data",
    "password_field",
    "refresh_token_threshold",
    "refresh_token_validity",
    "secret_file",
    "secret_fingerprint",
    // The name of a certificate, whose key signs.
    "signing_key",
    "update_password",
    "update_secrets",
];

fn every_option(spec: &Spec) -> Vec<&OptionSpec> {
    spec.options
        .iter()
        .flat_map(|option| std::iter::once(option).chain(option.options.iter().flat_map(every_option)))
        .collect()
}

#[test]
fn names_are_in_order_and_have_a_binary_a_file_a_test_and_pages() {
    let names: Vec<&str> = registry::modules().iter().map(|module| module.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let root = env!("CARGO_MANIFEST_DIR");
    for name in names {
        let (service, kind) = name.split_once('_').expect("a name is `<service>_<kind>`");
        assert!(binary(name).is_file(), "{name} has no binary");
        let is_room = |path: std::path::PathBuf| path.is_dir() || path.with_extension("rs").is_file();
        let root = std::path::Path::new(root);
        assert!(is_room(root.join("src").join(service).join(kind)), "{name} has no room in src/{service}");
        // A kind's test is called as the kind, or where two services have one of that name as the module; those of a
        // service whose kinds are alike share a folder.
        let tests = root.join("tests/it");
        let test = [kind, name, service].iter().any(|room| is_room(tests.join(room)));
        assert!(test, "{name} has no test in tests/it");
        for page in [format!("docs/modules/{name}.md"), format!("library/{name}.yml")] {
            assert!(root.join(&page).is_file(), "{page} is missing\nhint: run `cargo xtask docs`");
        }
    }
}

#[test]
fn every_description_ends_a_sentence() {
    for module in registry::modules() {
        let about = (module.about)();
        assert!(!about.short_description.ends_with('.'), "{}", module.name);
        for text in about.description.iter().chain(about.notes).chain(about.requirements) {
            assert!(text.ends_with('.'), "{}: {text}", module.name);
        }
        for option in every_option(&(module.spec)()) {
            let text = option.description.trim();
            assert!(text.ends_with('.'), "{}: the description of `{}`: {text}", module.name, option.name);
        }
    }
}

#[test]
fn options_and_aliases_are_unique() {
    for module in registry::modules() {
        let spec = (module.spec)();
        let mut seen = std::collections::BTreeSet::new();
        for name in spec.options.iter().flat_map(|option| std::iter::once(&option.name).chain(&option.aliases)) {
            assert!(seen.insert(name.clone()), "{}: `{name}` stands for two options", module.name);
        }
    }
}

#[test]
fn every_secret_is_marked() {
    for module in registry::modules() {
        for option in every_option(&(module.spec)()) {
            let sounds = SECRET_WORDS.iter().any(|word| option.name.contains(word));
            let could = matches!(option.kind, Type::Str | Type::Dict | Type::Raw);
            if sounds && could && !NO_SECRETS.contains(&option.name.as_str()) {
                assert!(option.no_log, "{}: `{}` is not marked as a secret", module.name, option.name);
            }
        }
    }
}

#[test]
fn defaults_are_among_the_choices() {
    for module in registry::modules() {
        for option in every_option(&(module.spec)()) {
            if let (Some(default), false) = (&option.default, option.choices.is_empty()) {
                assert!(option.choices.contains(default), "{}: {}", module.name, option.name);
            }
        }
    }
}

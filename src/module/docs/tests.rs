//! A made-up module in both forms.

use schemars::JsonSchema;
use serde_json::json;

use super::{
    markup::{Scope, ansible},
    page, paragraphs, sidecar, yaml,
};
use crate::module::{
    About, Object, Return, Spec,
    spec::{Group, OptionSpec, Type},
};

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum State {
    /// It is there.
    Present,
    /// It is not.
    Absent,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Permission {
    /// Who, unless `team` says it.
    user: Option<String>,
    /// A team (by name); see `permissions.user` and `title`.
    team: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(extend("x-required-if" = [["state", "present", ["title"]]], "x-mutually-exclusive" = [["uid", "parent"]]))]
#[expect(dead_code, reason = "only its schema is used")]
struct Folder {
    /// The folder's title: what people
    /// see.
    ///
    /// With `state=absent` it finds the folder. See [the manual](https://example.org/folders).
    #[schemars(extend("x-aliases" = ["name"]))]
    title: Option<String>,
    /// Its identifier.
    uid: Option<String>,
    /// The folder that it lies in; `fn(x)` is not code of ours | nor this.
    parent: Option<String>,
    /// Whether it is there.
    #[schemars(extend("x-default" = "present"))]
    state: State,
    /// Who may do what.
    permissions: Option<Vec<Permission>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Connection {
    /// The address of the server, such as `https://grafana.example.org`, with a base path where it has
    /// one and without a trailing slash.
    #[schemars(extend("x-env" = ["GRAFANA_URL", "GF_URL"]))]
    url: String,
    /// The token.
    #[schemars(extend("x-env" = ["GRAFANA_TOKEN"], "x-no-log" = true))]
    token: Option<String>,
    /// Headers.
    headers: Option<Object>,
}

const ABOUT: About = About {
    short_description: "Manage folders of Grafana",
    description: &["Creates, changes, moves and deletes folders. The identifier `uid` is kept."],
    notes: &["Runs best on the controller, with `delegate_to: localhost`."],
    requirements: &["Grafana 11 or later"],
    examples: "- name: A folder\n  grafana_folder:\n    title: Plants\n",
    returns: &[Return {
        name: "uid",
        description: "The folder's identifier.",
        kind: "str",
        returned: "success, for a single folder",
        sample: "\"plants\"",
    }],
};

fn spec() -> Spec {
    let list = OptionSpec {
        name: "folders".to_owned(),
        description: "A list of folders.".to_owned(),
        kind: Type::List,
        elements: Some(Type::Dict),
        options: Some(Spec::of::<Folder>().as_item()),
        ..OptionSpec::default()
    };
    let items = Spec { options: vec![list], ..Spec::default() };
    Spec::of::<Folder>().and(items.in_group(Group::Run)).and(Spec::of::<Connection>().in_group(Group::Connection))
}

#[test]
fn the_sidecar_has_the_licence_where_ansible_test_looks_for_it() {
    let text = sidecar("grafana_folder", &ABOUT, &spec());
    let head: Vec<_> = text.lines().take(4).collect();
    assert!(head[0].contains("GNU General Public License v3.0"), "{head:?}");
    assert_eq!(head[3], "---");
    assert_eq!(text, sidecar("grafana_folder", &ABOUT, &spec()), "two runs must give the same bytes");
}

#[test]
fn an_option_is_described_with_its_rules_and_in_ansibles_markup() {
    let text = sidecar("grafana_folder", &ABOUT, &spec());
    let title = r#"
    title:
      description:
        - "The folder's title: what people see."
        - With O(state=absent) it finds the folder. See L(the manual, https://example.org/folders).
        - Required if O(state=present).
      type: str
      aliases:
        - name
    uid:
"#;
    assert!(text.contains(title), "{text}");
    let url = r"
    url:
      description:
        - >-
          The address of the server, such as C(https://grafana.example.org), with a base path where it has one
          and without a trailing slash.
        - If not set, the environment variable E(GRAFANA_URL) or E(GF_URL) is used.
      type: str
      required: true
";
    assert!(text.contains(url), "{text}");
    assert!(text.contains("V(fn(x\\)) is not code of ours | nor this."), "{text}");
}

#[test]
fn a_suboption_is_named_with_what_it_lies_in() {
    let text = sidecar("grafana_folder", &ABOUT, &spec());
    assert!(text.contains("- Who, unless O(permissions.team) says it."), "{text}");
    assert!(text.contains("- Who, unless O(folders.permissions.team) says it."), "{text}");
    assert!(text.contains("- A team (by name); see O(permissions.user) and O(title)."), "{text}");
}

#[test]
fn the_kinds_own_return_values_follow_the_sentence() {
    let text = sidecar("grafana_folder", &ABOUT, &spec());
    let own = text.find("\n  uid:\n    description:\n      - The folder's identifier.\n").expect("uid must be there");
    assert!(text.find("\n  msg:\n").is_some_and(|msg| msg < own));
    assert!(text.find("\n  objects:\n").is_some_and(|objects| own < objects));
}

#[test]
fn the_page_has_a_section_for_each_group_and_the_options_of_an_object_once() {
    let text = page("grafana_folder", &ABOUT, &spec());
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        headings,
        [
            "# grafana_folder",
            "## Requirements",
            "## Options",
            "## Options for the whole task",
            "## Connection",
            "## Notes",
            "## Examples",
            "## Return values"
        ]
    );
    assert_eq!(text.matches("| &emsp;`team` | str |").count(), 1, "{text}");
    assert!(text.contains("`fn(x)` is not code of ours \\| nor this."), "{text}");
}

#[test]
fn a_paragraph_is_one_line_and_a_point_of_a_list_a_paragraph() {
    assert_eq!(paragraphs("One\n two.\n\nThree:\n- four\n  five\n- six"), ["One two.", "Three:", "four five", "six"]);
    assert!(paragraphs(" \n\n").is_empty());
}

#[test]
fn markup_that_is_not_closed_stays_as_it_is() {
    let top = spec();
    let scope = Scope { top: &top, inner: None };
    for text in ["a ` b", "[a](b", "[x] and <y>", "2 ** 3", "``", "*", "<https://x"] {
        assert_eq!(ansible(text, scope), text);
    }
    assert_eq!(ansible("`-`, `_` or `A_B`", scope), "C(-), C(_) or E(A_B)");
    assert_eq!(ansible("**never** é `é` <https://x.org>", scope), "B(never) é C(é) U(https://x.org)");
}

#[test]
fn yaml_text_that_could_mean_something_else_is_quoted() {
    let values = json!({
        "plain": "a, [b] 'c'",
        "yes": "No",
        "number": ["1", "1e3", "-", ""],
        "key": ["a: b", "a #b", "a:", "#a", "{a}", "*a", "~"],
        "lines": ["a\nb\n", "a\n\n", " a\n", "a\u{85}", "\ttab", "quote \" back\\slash: "],
        "nested": [[1, {"a": [], "b": {}, "c": null}]],
    });
    let expected = r##"plain: a, [b] 'c'
"yes": "No"
number:
  - "1"
  - "1e3"
  - "-"
  - ""
key:
  - "a: b"
  - "a #b"
  - "a:"
  - "#a"
  - "{a}"
  - "*a"
  - "~"
lines:
  - |
    a
    b
  - "a\n\n"
  - " a\n"
  - "a\u0085"
  - "\ttab"
  - "quote \" back\\slash: "
nested:
  -
    - 1
    - a: []
      b: {}
      c: null
"##;
    assert_eq!(yaml::document(&values), expected);
}

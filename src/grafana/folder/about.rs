//! What `grafana_folder` says of itself.

use crate::module::{About, Return};

const EXAMPLES: &str = r#"- name: Make a folder at the root
  grafana_folder:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Infra
    uid: infra

- name: Make a whole tree in one task, parents before children
  grafana_folder:
    url: http://grafana.example.com:3000
    url_username: admin
    url_password: "{{ grafana_password }}"
    folders:
      - name: Infra
        uid: infra
        description: Machines and networks
        permissions:
          - role: Viewer
            permission: View
          - role: Editor
            permission: Edit
      - name: Network
        parent: Infra
      - name: Databases
        parent: Infra/Storage
        create_parents: true

- name: Rename a folder, and move it below another one
  grafana_folder:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    uid: infra
    name: Infrastructure
    parent: Home
    create_parents: true

- name: Delete the folders below Home that no longer are declared
  grafana_folder:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    folders:
      - name: Infrastructure
        uid: infra
        parent: Home
    prune:
      parent: Home
      limit: 5

- name: Delete a folder with the dashboards in it
  grafana_folder:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    name: Home
    state: absent
    force: true
"#;

/// The text of the documentation.
pub fn about() -> About {
    About {
        short_description: "Manage folders of Grafana",
        description: &[
            "Makes, renames, moves and deletes folders, and sets their descriptions and permissions.",
            "Takes one folder or a list of them, in any order: a folder may lie in one that the same task makes.",
            "Is a drop-in for `community.grafana.grafana_folder`: the same options give the same result, and folders \
             that are there already also get their declared title and place.",
        ],
        notes: &[
            "Titles are not unique in Grafana. Give folders a `uid` where they are to be renamed or moved later.",
            "Deleting a folder deletes the folders in it. One that holds dashboards, alert rules or library panels is \
             deleted only with `force`.",
        ],
        requirements: &["Grafana 11 or later."],
        examples: EXAMPLES,
        returns: &[
            Return {
                name: "folder",
                description: "The folder as it is after the task.",
                kind: "dict",
                returned: "for a single folder with state `present`",
                sample: r#"{"id": 3489147424395264, "uid": "infra", "title": "Infra"}"#,
            },
            Return {
                name: "message",
                description: "What the server said of the deletion, or `No folder found`.",
                kind: "raw",
                returned: "for a single folder with state `absent`",
                sample: r#"{"message": "Folder deleted"}"#,
            },
        ],
    }
}

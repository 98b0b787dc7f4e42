//! What `grafana_dashboard` says of itself.

use crate::module::{About, Return};

const EXAMPLES: &str = r#"- name: Keep a dashboard that is written in the play
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    uid: home
    commit_message: Managed by Ansible
    permissions:
      - role: Viewer
        permission: View
      - role: Editor
        permission: Edit
    dashboard:
      title: Home
      tags: [home]
      panels:
        - id: 1
          type: text
          title: Hello
          gridPos: {h: 4, w: 12, x: 0, y: 0}
          options: {content: Hello, mode: markdown}

- name: Import a file that was exported for sharing, and say which data source it reads
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    path: /srv/dashboards/node-exporter.json
    folder: Infra/Machines
    create_folders: true
    inputs:
      DS_PROMETHEUS: Prometheus

- name: Import a dashboard of grafana.com from a mirror
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    dashboard_id: 1860
    dashboard_revision: 37
    dashboard_source_url: https://mirror.example.com/grafana
    folder: Infra
    inputs:
      DS_PROMETHEUS: Prometheus

- name: Keep a directory of dashboards, its sub-directories as folders, and delete what is no longer in it
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    from_directory: /srv/dashboards
    folder: Infra
    create_folders: true
    tags: [from-git]
    prune:
      folder: Infra
      tag: from-git
      limit: 20

- name: Keep several dashboards in one task, all of them or none
  grafana_dashboard:
    url: http://grafana.example.com:3000
    url_username: admin
    url_password: "{{ grafana_password }}"
    on_error: rollback
    folder: General
    dashboards:
      - uid: disks
        dashboard: {title: Disks, tags: [storage]}
      - uid: power
        dashboard: {title: Power}
        tags: [home]

- name: Export a dashboard
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    state: export
    uid: home
    path: /tmp/home.json

- name: Delete dashboards
  grafana_dashboard:
    url: http://grafana.example.com:3000
    token: "{{ grafana_token }}"
    state: absent
    dashboards:
      - uid: disks
      - uid: power
"#;

/// The text of the documentation.
pub fn about() -> About {
    About {
        short_description: "Manage dashboards of Grafana",
        description: &[
            "Makes, changes, moves, deletes and exports dashboards, and sets their permissions.",
            "Takes one dashboard, a list of them, or a directory of files: inline JSON, files, addresses, and \
             dashboards of grafana.com or of a mirror of it.",
            "A dashboard is changed only where its content differs: ids, versions, the order of keys, values that \
             are null and values that equal Grafana's defaults do not count. So one that was exported and the same \
             one as it was sent are equal.",
            "Is a drop-in for `community.grafana.grafana_dashboard`: the same options give the same result. \
             Unlike there, unchanged dashboards and exports are unchanged, and a new title is an update.",
        ],
        notes: &[
            "On Grafana 12.4 a change that somebody else makes at the same time is never lost: the later write is \
             refused, and the dashboard is read and compared again. Grafana 11 may take both; then a warning names \
             the version in the history that was written over.",
            "Provisioned dashboards that are read-only are never changed or deleted; the task fails before it changes anything.",
            "Dashboards are always placed by the uid of a folder. The numbers that Grafana 13 no longer has are not \
             used.",
        ],
        requirements: &["Grafana 11 or later; for dashboards of the second schema one that has it, such as 12.4."],
        examples: EXAMPLES,
        returns: &[
            Return {
                name: "uid",
                description: "The uid of the dashboard; for a new one without any the one that it got.",
                kind: "str",
                returned: "for a single dashboard, where it is known",
                sample: r#""000000063""#,
            },
            Return {
                name: "slug",
                description: "The part of its address that is made of its title.",
                kind: "str",
                returned: "for a single dashboard that is there, unless its title gives none",
                sample: r#""node-exporter""#,
            },
            Return {
                name: "url",
                description: "Its address.",
                kind: "str",
                returned: "for a single dashboard that is there",
                sample: r#""http://grafana.example.com:3000/d/000000063/node-exporter""#,
            },
            Return {
                name: "version",
                description: "Its version.",
                kind: "int",
                returned: "for a single dashboard that is there",
                sample: "3",
            },
            Return {
                name: "folder_uid",
                description: "The uid of its folder; empty at the root.",
                kind: "str",
                returned: "for a single dashboard that is there",
                sample: r#""infra""#,
            },
        ],
    }
}

//! The options of `grafana_dashboard`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{grafana::permissions::Grant, module::Object};

/// Options of one dashboard. Names and defaults that community.grafana has are the same here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend(
    "x-mutually-exclusive" = [
        ["uid", "slug"], ["path", "dashboard_id"], ["dashboard", "path"], ["dashboard", "dashboard_id"],
        ["folder", "folder_uid"], ["from_directory", "dashboard"], ["from_directory", "path"],
        ["from_directory", "dashboard_id"], ["from_directory", "uid"]
    ],
    "x-required-if" = [["state", "export", ["path"]]]
))]
pub struct DashboardOptions {
    /// Whether the dashboard is to be there, or is to be written to the file `path` on the host where the
    /// module runs. An export of what the file already holds leaves the file alone.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// The uid of the dashboard: 1 to 40 letters, digits, `-` or `_`. It wins over the one in the JSON.
    /// Where neither has one, the dashboard is looked up by its exact title in the folder, and a title
    /// that fits several dashboards is refused.
    pub uid: Option<String>,
    /// Taken for compatibility with community.grafana and without effect: since Grafana 5 a dashboard is
    /// found by its uid.
    pub slug: Option<String>,
    /// The dashboard itself, as a map or as JSON text: bare, in the form that the API gives
    /// (`{"dashboard": …, "meta": …}`), or as a whole resource (`apiVersion`, `kind`, `metadata`,
    /// `spec`), which is the only form of the second schema (`v2beta1`) that Grafana keeps rightly. Id
    /// and version in it do not matter; labels and annotations of its own are not kept, which a warning
    /// says.
    #[schemars(extend("x-type" = "raw"))]
    pub dashboard: Option<Value>,
    /// A JSON file on the host where the module runs, or an address that begins with `http`. An address is
    /// read without the credentials of Grafana, and with `validate_certs`, `ca_path` and `use_proxy`. With
    /// `state: export` the file that is written.
    #[schemars(extend("x-aliases" = ["dashboard_url"]))]
    pub path: Option<String>,
    /// The number of a dashboard on grafana.com.
    pub dashboard_id: Option<String>,
    /// The revision of the dashboard on grafana.com.
    #[schemars(extend("x-default" = "1"))]
    pub dashboard_revision: Option<String>,
    /// Where `dashboard_id` is looked up: grafana.com, or a mirror with the same paths
    /// (`/api/dashboards/<id>/revisions/<revision>/download`).
    #[schemars(extend("x-default" = "https://grafana.com", "x-env" = ["GRAFANA_DASHBOARD_SOURCE_URL"]))]
    pub dashboard_source_url: Option<String>,
    /// A directory on the host where the module runs. Each `.json` file in it is a dashboard with these
    /// options, and its sub-directories are folders below `folder`; names that begin with a dot are left
    /// out.
    #[schemars(extend("x-type" = "path", "x-aliases" = ["dashboards_dir"]))]
    pub from_directory: Option<String>,
    /// Values for the inputs of a dashboard that was exported for sharing: a map from an input's name
    /// (`DS_PROMETHEUS`) to a value. For an input that is a data source it is the name or the uid of one of
    /// this organisation; a constant that is not named keeps its default. Without this option inputs stay
    /// as they are in the JSON, and a warning names them. The library panels that such an export brings
    /// along (`__elements`) are never made, which a warning says; with this option they are taken out of the
    /// JSON, else they stay in it without effect.
    pub inputs: Option<Object>,
    /// The folder: a uid, a title, or a path of titles such as `Infra/Network`; `General` is the root. A
    /// slash in a title is written `\/`. A dashboard that lies elsewhere is moved. In a list a dashboard
    /// without this option stays where it is, and a new one comes to the root. Where no folder is written,
    /// an export or a resource comes to the folder that it says it was in (`meta.folderUid`, or the
    /// annotation `grafana.app/folder`) if that is there, each time, so also one that was moved since;
    /// `folder: General` puts it to the root.
    #[schemars(extend("x-default" = "General"))]
    pub folder: Option<String>,
    /// The uid of the folder; empty for the root.
    pub folder_uid: Option<String>,
    /// The folder in which `folder` is looked up: a uid or a path of titles.
    pub parent_folder: Option<String>,
    /// Whether folders that `folder` names and that are not there are made.
    #[schemars(extend("x-default" = false))]
    pub create_folders: Option<bool>,
    /// What happens when somebody else saves the dashboard between our reading and our writing. By default
    /// the write is refused by Grafana, and the dashboard is read and compared again. With `true` it is
    /// written over whatever came between. A new title never needs it.
    #[schemars(extend("x-default" = false))]
    pub overwrite: Option<bool>,
    /// The message for the history of versions, at most 500 characters. It is sent with a change only.
    pub commit_message: Option<String>,
    /// Tags that the dashboard gets beside those in its JSON.
    pub tags: Option<Vec<String>>,
    /// Who may do what with the dashboard, beside what the folder gives them. The list is complete:
    /// permissions that are not in it are removed. Without this option they are left alone, and a new
    /// dashboard at the root gets Grafana's: Admin for its maker, Edit for editors, View for viewers.
    pub permissions: Option<Vec<Grant>>,
}

/// What is to become of a dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum State {
    #[default]
    Present,
    Absent,
    Export,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct DashboardSettings {
    /// Deletes dashboards in a stated scope that the task does not declare. Provisioned ones are never
    /// deleted.
    pub prune: Option<Prune>,
}

/// Which dashboards `prune` looks at. With both options, those that fit both.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["folder", "tag"]]))]
pub struct Prune {
    /// Those in this folder and in all folders below it: a uid or a path of titles. `General` means those
    /// at the root, without those in folders.
    pub folder: Option<String>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// The most dashboards that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

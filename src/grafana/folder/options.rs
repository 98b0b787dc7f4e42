//! The options of `grafana_folder`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::grafana::permissions::Grant;
pub use crate::module::common::State;

/// Options of one folder. Names and defaults that community.grafana has are the same here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("x-mutually-exclusive" = [["parent_uid", "parent"]]))]
pub struct FolderOptions {
    /// The title of the folder. Without `uid` the folder is looked up by it, among the folders of the
    /// same parent; titles are not unique in Grafana, and one that fits several folders is refused.
    #[schemars(extend("x-aliases" = ["title"], "x-required" = true))]
    pub name: Option<String>,
    /// The uid of the folder: 1 to 40 letters, digits, `-` or `_`. With it the folder is found wherever
    /// it is, and gets the declared title and place.
    pub uid: Option<String>,
    /// Whether the folder is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// The uid of the folder that it is to lie in; empty for the root. A folder that is not there is
    /// refused: Grafana would take it and lose the new folder from its lists.
    pub parent_uid: Option<String>,
    /// The folder that it is to lie in, as a path of titles such as `Infra/Network`; empty or `/` for the
    /// root. A slash in a title is written `\/`.
    pub parent: Option<String>,
    /// Whether folders of `parent` that are not there are made.
    #[schemars(extend("x-default" = false))]
    pub create_parents: Option<bool>,
    /// The description. Grafana before 12 does not show it: there it is sent with a new folder and a
    /// new title only, and not compared.
    pub description: Option<String>,
    /// Who may do what with the folder and all that is in it. The list is complete: permissions that are
    /// not in it are removed. An empty list leaves only administrators. Without this option permissions
    /// are left alone.
    pub permissions: Option<Vec<Grant>>,
    /// Whether a folder is deleted though it holds dashboards, alert rules or library panels. They go
    /// with it, in all folders below, library panels also where dashboards elsewhere use them.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
    /// Taken for compatibility with community.grafana and without effect: every supported version has
    /// the folder API.
    #[schemars(extend("x-default" = false))]
    pub skip_version_check: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct FolderSettings {
    /// Deletes folders in a stated scope that the task does not declare. Folders that something else
    /// manages, that hold a declared folder, or that are not empty are never deleted by it.
    pub prune: Option<Prune>,
}

/// Which folders `prune` looks at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["parent", "parent_uid", "name_prefix"]], "x-mutually-exclusive" = [["parent", "parent_uid"]]))]
pub struct Prune {
    /// Those directly in this folder, a path of titles; `/` for the root.
    pub parent: Option<String>,
    /// Those directly in the folder of this uid.
    pub parent_uid: Option<String>,
    /// Those whose title begins so.
    pub name_prefix: Option<String>,
    /// The most folders that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

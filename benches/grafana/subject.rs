//! What is made, left alone, changed and deleted: N objects of a kind, as tasks and as requests.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A kind of object that the peer has too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Datasource,
    Folder,
    Dashboard,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Datasource, Kind::Folder, Kind::Dashboard];

    /// As the command line and the name of the module have it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Datasource => "datasource",
            Kind::Folder => "folder",
            Kind::Dashboard => "dashboard",
        }
    }

    /// Our module.
    pub fn module(self) -> String {
        format!("grafana_{}", self.name())
    }

    /// The option of our module that takes a list.
    pub fn plural(self) -> String {
        format!("{}s", self.name())
    }

    /// The option that takes an object's title or name.
    fn title_key(self, peer: bool) -> &'static str {
        if self == Kind::Folder && peer { "title" } else { "name" }
    }
}

/// What is done, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Create,
    Unchanged,
    ChangeOne,
    Delete,
}

impl Step {
    pub const ALL: [Step; 4] = [Step::Create, Step::Unchanged, Step::ChangeOne, Step::Delete];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Step::Create => "create",
            Step::Unchanged => "unchanged",
            Step::ChangeOne => "one changed",
            Step::Delete => "delete",
        }
    }

    /// How many of `n` objects are there afterwards, and how many of them are changed.
    pub fn leaves(self, n: usize) -> (usize, usize) {
        match self {
            Step::Create | Step::Unchanged => (n, 0),
            Step::ChangeOne => (n, 1),
            Step::Delete => (0, 0),
        }
    }
}

/// N objects of a kind. Nothing else on the server has uids that begin so.
pub struct Objects {
    pub kind: Kind,
    pub prefix: String,
    pub n: usize,
    /// Where the files of dashboards lie.
    place: PathBuf,
}

impl Objects {
    /// Names them, and writes the files of dashboards.
    pub fn new(kind: Kind, prefix: &str, n: usize, place: &Path) -> std::io::Result<Objects> {
        let objects = Objects { kind, prefix: format!("{prefix}{}-", kind.name()), n, place: place.join("dashboards") };
        if kind == Kind::Dashboard {
            for changed in [false, true] {
                let folder = objects.folder(changed);
                std::fs::create_dir_all(&folder)?;
                for number in 0..if changed { 1 } else { n } {
                    std::fs::write(objects.file(number, changed), objects.dashboard(number, changed).to_string())?;
                }
            }
        }
        Ok(objects)
    }

    /// The uid of one.
    pub fn uid(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    /// Whether that one is the one that differs in this step.
    fn is_changed(number: usize, step: Step) -> bool {
        number == 0 && step == Step::ChangeOne
    }

    fn title(&self, number: usize, changed: bool) -> String {
        format!("{} {number:04}{}", self.prefix, if changed { " changed" } else { "" })
    }

    /// The directory of the dashboards' files.
    pub fn folder(&self, changed: bool) -> PathBuf {
        self.place.join(if changed { "changed" } else { "first" })
    }

    fn file(&self, number: usize, changed: bool) -> PathBuf {
        self.folder(changed).join(format!("{}.json", self.uid(number)))
    }

    /// The options of one object in a task, beside those of the connection.
    pub fn item(&self, number: usize, step: Step, peer: bool) -> Map<String, Value> {
        let changed = Objects::is_changed(number, step);
        let mut item = match (self.kind, step) {
            (Kind::Dashboard, Step::Delete) => json!({"uid": self.uid(number)}),
            (Kind::Dashboard, _) => json!({"path": self.file(number, changed)}),
            (Kind::Folder, Step::Delete) => json!({"uid": self.uid(number)}),
            (Kind::Folder, _) => json!({"uid": self.uid(number)}),
            (Kind::Datasource, Step::Delete) => json!({}),
            (Kind::Datasource, _) => json!({
                "uid": self.uid(number), "ds_type": "prometheus", "ds_url": self.address(number, changed),
                "access": "proxy",
            }),
        };
        match self.kind {
            Kind::Dashboard => {}
            // The title of a folder is what changes; a data source keeps its name.
            Kind::Folder => {
                // The one that was changed has its new title when it is deleted.
                let changed = changed || (number == 0 && step == Step::Delete);
                item[self.kind.title_key(peer)] = json!(self.title(number, changed));
            }
            Kind::Datasource => item[self.kind.title_key(peer)] = json!(self.title(number, false)),
        }
        item.as_object().cloned().unwrap_or_default()
    }

    /// What all objects of a step have in common in a task.
    pub fn common(&self, step: Step, peer: bool) -> Map<String, Value> {
        let mut common = json!({"state": if step == Step::Delete { "absent" } else { "present" }});
        if self.kind == Kind::Dashboard && step != Step::Delete && peer {
            common["overwrite"] = json!(true);
        }
        common.as_object().cloned().unwrap_or_default()
    }

    fn address(&self, number: usize, changed: bool) -> String {
        format!("http://prometheus-{number}{}.example.com:9090", if changed { "-changed" } else { "" })
    }

    /// The body of the request that makes one, or writes it with what is changed.
    pub fn body(&self, number: usize, changed: bool) -> Value {
        match self.kind {
            Kind::Datasource => json!({
                "uid": self.uid(number), "name": self.title(number, false), "type": "prometheus",
                "url": self.address(number, changed), "access": "proxy",
            }),
            Kind::Folder => json!({"uid": self.uid(number), "title": self.title(number, changed)}),
            Kind::Dashboard => json!({
                "apiVersion": "dashboard.grafana.app/v0alpha1", "kind": "Dashboard",
                // Without the annotation nobody but administrators could see what is made at the root.
                "metadata": {
                    "name": self.uid(number), "annotations": {"grafana.app/grant-permissions": "default"},
                },
                "spec": self.dashboard(number, changed),
            }),
        }
    }

    /// A dashboard of twelve panels, about 9 kB.
    fn dashboard(&self, number: usize, changed: bool) -> Value {
        let panel = |panel: usize| {
            json!({
                "id": panel + 1, "type": "timeseries", "title": format!("Panel {panel} of {number}"),
                "description": "What this shows, where it comes from, and whom to ask when it looks wrong.",
                "datasource": {"type": "prometheus", "uid": "prometheus"},
                "gridPos": {"h": 8, "w": 12, "x": 12 * (panel % 2), "y": 8 * (panel / 2)},
                "fieldConfig": {"defaults": {
                    "color": {"mode": "palette-classic"}, "unit": "s", "mappings": [],
                    "custom": {"drawStyle": "line", "lineInterpolation": "linear", "fillOpacity": 10, "spanNulls": false},
                    "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": null}, {"color": "red", "value": 80}]},
                }, "overrides": []},
                "options": {"legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true}},
                "targets": [{
                    "refId": "A", "legendFormat": "{{instance}}",
                    "expr": format!("histogram_quantile(0.95, sum by (le) (rate(requests_{panel}_bucket{{job=\"job-{number}\"}}[5m])))"),
                }],
            })
        };
        json!({
            "uid": self.uid(number), "title": self.title(number, changed), "tags": ["benchmark"],
            "timezone": "browser", "schemaVersion": 42, "editable": true, "refresh": "1m",
            "time": {"from": "now-6h", "to": "now"}, "templating": {"list": []}, "annotations": {"list": []},
            "panels": (0..12).map(panel).collect::<Vec<_>>(),
        })
    }
}

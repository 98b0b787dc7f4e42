//! From the options to what is to be: reads files and addresses, refuses what Grafana would refuse, and
//! sends nothing to it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

use super::{
    DashboardKind, DashboardOptions, Spec, State,
    inputs::{DataSource, Inputs},
    places::Wanted,
    source::{self, Source},
};
use crate::{
    grafana::{folder_tree::FolderTree, permissions::Grant},
    http::{Download, Tls},
    module::{Declared, Error, ErrorContext, Result, Task, common::seconds, parallel},
};

/// What is to be of one dashboard.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Where it was declared, for sentences: `dashboards[3]`, a file, or nothing for a single one.
    pub at: String,
    /// What is to become of it.
    pub state: State,
    /// What it is found by, if anything says it.
    pub uid: Option<String>,
    /// Its content; `None` where it is not needed, and where its inputs are still to be filled in.
    pub spec: Option<Arc<Spec>>,
    /// What fills in its inputs.
    pub pending: Option<Arc<Pending>>,
    /// The folder that it is to lie in, if anything says it.
    pub folder: Option<Wanted>,
    /// The uid of the folder that an export or a resource says it was in, where no option says another.
    pub came_from: Option<String>,
    /// Whether folders are made.
    pub create_folders: bool,
    /// Whether it is written over what came between.
    pub overwrite: bool,
    /// The message for the history.
    pub message: Option<String>,
    /// Its permissions.
    pub permissions: Option<Vec<Grant>>,
    /// The file that it is exported to.
    pub path: Option<String>,
    /// Inputs that are given and that it does not have.
    pub unused_inputs: Vec<String>,
    /// What the person should know of it.
    pub warnings: Vec<String>,
}

impl Desired {
    /// The folder that it is to lie in: that of an export or a resource where there is such a one.
    pub fn wanted(&self, tree: &FolderTree) -> Option<Cow<'_, Wanted>> {
        match self.came_from.as_ref().filter(|uid| tree.get(uid).is_some()) {
            Some(uid) => Some(Cow::Owned(Wanted::Uid(uid.clone()))),
            None => self.folder.as_ref().map(Cow::Borrowed),
        }
    }

    /// What it is called in sentences: its title, its uid, or where it was declared.
    pub fn shown(&self) -> &str {
        let title = self.spec.as_ref().map(|spec| spec.title.as_str());
        title.or(self.uid.as_deref()).unwrap_or(&self.at)
    }
}

/// A dashboard whose inputs name data sources, which only the server knows.
#[derive(Debug)]
pub struct Pending {
    api: String,
    inputs: Inputs,
    /// Taken when it is filled in: of thousands of dashboards it would fill the memory beside what comes of it.
    text: Mutex<String>,
}

impl Pending {
    /// The content, with the inputs filled in; once only.
    pub fn fill(&self, known: &[DataSource], warnings: &mut Vec<String>) -> Result<Spec> {
        let text = std::mem::take(&mut *self.text.lock().unwrap_or_else(PoisonError::into_inner));
        let mut spec: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| Error::bad_options(format!("it cannot be read again: {error}")))?;
        self.inputs.fill(&mut spec, known, warnings)?;
        Spec::declared(&self.api, spec)
    }
}

/// Keeps inline dashboards as text until they are looked at, one by one: as trees a thousand of them would
/// take ten times the memory.
pub fn compact(task: &mut Task<DashboardKind>) {
    for declared in &mut task.declared {
        let inline = declared.options.dashboard.as_mut();
        if let Some(value) = inline.filter(|value| value.is_object()) {
            *value = Value::String(value.to_string());
        }
    }
}

/// What each declared dashboard is to be.
pub fn load(task: &Task<DashboardKind>) -> Result<Vec<Desired>> {
    for Declared { options, .. } in &task.declared {
        options.path.iter().chain(&options.dashboard_source_url).for_each(|address| source::hide_secrets(address));
    }
    let transport = &task.connection.transport;
    let download = Download {
        tls: Tls { verify: transport.validate_certs, ca: transport.ca_path.clone(), ..Tls::default() },
        use_proxy: transport.use_proxy,
        timeout: seconds(transport.timeout, "timeout")?,
        retries: transport.retries,
        deadline: task.common.ends(std::time::Instant::now())?,
    };
    let at_once = transport.concurrency.clamp(1, 8) as usize;
    let all = parallel::each(&task.declared, at_once, |declared| {
        one(declared, &download).map_err(|error| match declared.at.as_str() {
            "" => error,
            // The error of a file names it already.
            at if error.message.contains(at) => error,
            at => error.context(at),
        })
    });
    let all: Vec<Desired> = all.into_iter().collect::<Result<_>>()?;
    let (mut seen, mut files) = (BTreeMap::new(), BTreeMap::new());
    for desired in &all {
        if let Some(path) = desired.path.as_deref().filter(|_| desired.state == State::Export)
            && let Some(first) = files.insert(path, &desired.at)
        {
            return Err(Error::bad_options(format!("{first} and {} are both exported to `{path}`", desired.at)));
        }
        if let Some(uid) = desired.uid.as_deref()
            && let Some(first) = seen.insert(uid, &desired.at)
        {
            return Err(Error::bad_options(format!(
                "{first} and {} both declare the dashboard with the uid `{uid}`",
                desired.at
            ))
            .hint("give one of them another `uid`"));
        }
    }
    refuse_unused_inputs(task, &all)?;
    Ok(all)
}

/// In a list some dashboards may lack an input that others have, since what stands above the list is given
/// to each of them. One that no dashboard has is a mistake.
fn refuse_unused_inputs(task: &Task<DashboardKind>, all: &[Desired]) -> Result<()> {
    for desired in all {
        for name in &desired.unused_inputs {
            let has_it = |(declared, other): (&Declared<DashboardOptions>, &Desired)| {
                let given = declared.options.inputs.as_ref().is_some_and(|inputs| inputs.contains_key(name));
                given && !other.unused_inputs.contains(name)
            };
            if !task.declared.iter().zip(all).any(has_it) {
                let which = if task.single { "the dashboard has no" } else { "no dashboard of the list has" };
                let shown = desired.spec.as_ref().map(|spec| spec.title.clone());
                return Err(Error::bad_options(format!("inputs.{name}: {which} such input")).hint(format!(
                    "look at `__inputs` in the JSON{}",
                    shown.map_or(String::new(), |title| format!(" of `{title}`"))
                )));
            }
        }
    }
    Ok(())
}

fn one(declared: &Declared<DashboardOptions>, download: &Download) -> Result<Desired> {
    let options = &declared.options;
    let state = options.state.unwrap_or_default();
    let mut warnings = Vec::new();
    if options.slug.is_some() {
        warnings.push("`slug` has no effect: a dashboard is found by its uid".to_owned());
    }
    if options.parent_folder.is_some() && !declared.written.contains("folder") {
        warnings.push("`parent_folder` has no effect without `folder`".to_owned());
    }
    let given = options.uid.as_deref().map(str::trim).filter(|uid| !uid.is_empty());
    // One that is to go and whose uid is given needs no file, which may be gone already.
    let needless = state == State::Export || (state == State::Absent && given.is_some());
    let source = if needless { None } else { source::read(options, download)? };
    if let Some(path) = options.path.as_deref().filter(|_| state == State::Export)
        && source::is_address(path)
    {
        return Err(Error::bad_options(format!("path is {path}, and an export goes to a file")));
    }
    if let Some(path) = options.path.as_deref().filter(|_| state == State::Export) {
        let directory = Path::new(path).parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            return Err(Error::local(format!(
                "Can't export dashboard : Can't write json file : [Errno 2] No such file or directory: '{path}': there is no directory `{}`",
                directory.display()
            ))
            .hint("a path is one on the host where the module runs, which is not always the controller"));
        }
    }
    let uid = given.map(str::to_owned).or_else(|| source.as_ref().and_then(|source| source.uid.clone()));
    if let Some(why) = uid.as_deref().and_then(illegal) {
        return Err(Error::bad_options(format!("uid `{}` {why}", uid.unwrap_or_default())));
    }
    match (state, &uid, &source) {
        (State::Present, _, None) => {
            return Err(Error::bad_options("state is present, and nothing says what the dashboard is")
                .hint("give its JSON as `dashboard`, `path`, `dashboard_id` or `from_directory`"));
        }
        (State::Absent, None, None) => return Err(Error::bad_options("Can't delete dashboard : No uid specified")),
        (State::Export, None, _) => return Err(Error::bad_options("Can't export dashboard : No uid specified")),
        _ => {}
    }
    let message = options.commit_message.clone().filter(|text| !text.is_empty());
    if message.as_ref().is_some_and(|text| text.chars().count() > 500) {
        return Err(Error::bad_options("commit_message has more than 500 characters, and Grafana refuses that"));
    }
    let of_source = source.as_ref().and_then(|source| source.folder_uid.clone());
    let mut desired = Desired {
        at: declared.at.clone(),
        state,
        uid,
        spec: None,
        pending: None,
        folder: Wanted::of(options, declared.written.contains("folder"), of_source.as_ref()),
        came_from: source
            .as_ref()
            .and_then(|source| source.came_from.clone())
            .filter(|_| of_source.is_none() && options.folder_uid.is_none() && !declared.written.contains("folder")),
        create_folders: options.create_folders == Some(true),
        overwrite: options.overwrite == Some(true) || source.as_ref().is_some_and(|source| source.overwrite),
        message: message.or_else(|| source.as_ref().and_then(|source| source.message.clone())),
        permissions: options.permissions.clone(),
        path: options.path.clone(),
        warnings: Vec::new(),
        unused_inputs: Vec::new(),
    };
    // Of one that is to go only what finds it matters.
    if let Some(source) = source.filter(|_| state != State::Absent || desired.uid.is_none()) {
        warnings.extend(source.lost.iter().map(|lost| format!("{lost} in its metadata is not kept")));
        content(&mut desired, options, source, &mut warnings).doing(|| named(&declared.options))?;
    }
    desired.warnings = if state == State::Present { warnings } else { Vec::new() };
    Ok(desired)
}

/// Where the JSON comes from, for an error in it.
fn named(options: &DashboardOptions) -> String {
    match (&options.path, &options.dashboard_id) {
        (Some(path), _) => format!("`{}`", crate::http::without_credentials(path)),
        (_, Some(id)) => format!("dashboard {id} of grafana.com"),
        _ => "the option `dashboard`".to_owned(),
    }
}

fn content(
    desired: &mut Desired,
    options: &DashboardOptions,
    source: Source,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let Source { api, mut spec, .. } = source;
    if let Some(tags) = &options.tags {
        add_tags(&mut spec, tags);
    }
    let elements = spec.get("__elements").and_then(Value::as_object);
    if let Some(elements) = elements.filter(|elements| !elements.is_empty()) {
        let names: Vec<&str> = elements.keys().map(String::as_str).collect();
        warnings.push(format!("the library panels in it are not made: {}", names.join(", ")));
    }
    let inputs = Inputs::of(options.inputs.as_ref(), &spec, warnings, &mut desired.unused_inputs)?;
    if let Some(inputs) = inputs {
        if inputs.needs_data_sources() && desired.state == State::Present {
            let text = Mutex::new(Value::Object(spec).to_string());
            desired.pending = Some(Arc::new(Pending { api, inputs, text }));
            return Ok(());
        }
        if !inputs.needs_data_sources() {
            inputs.fill(&mut spec, &[], warnings)?;
        }
    }
    desired.spec = Some(Arc::new(Spec::declared(&api, spec)?));
    Ok(())
}

/// Adds tags behind those that are there; order and what is there twice stay (fact 36).
fn add_tags(spec: &mut Map<String, Value>, tags: &[String]) {
    let list = spec.entry("tags").or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        for tag in tags {
            if !list.iter().any(|there| there == tag.as_str()) {
                list.push(json!(tag));
            }
        }
    }
}

/// Why a uid cannot be one; the same in 11.5 and 12.4 [dashboards].
fn illegal(uid: &str) -> Option<String> {
    if uid.chars().count() > 40 {
        return Some(format!("has {} characters, and at most 40 are possible", uid.chars().count()));
    }
    let fine = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    (!uid.chars().all(fine)).then(|| "has characters other than letters, digits, `-` and `_`".to_owned())
}

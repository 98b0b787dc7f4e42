//! Plays as people write them, run by the real `ansible-playbook`: one task in a loop, or one with a list.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use crate::{
    server::Server,
    subject::{Objects, Step},
};

/// An environment with Ansible and the peer, and our modules.
pub struct Ansible {
    /// The folder of `ansible-playbook` and its Python.
    bin: PathBuf,
    /// Our modules.
    library: PathBuf,
    /// Where plays and outputs lie.
    place: PathBuf,
    /// Its versions.
    pub story: String,
}

impl Ansible {
    /// The one in `.venv`, or in the environment that `HEARTH_VENV` names.
    pub fn find(root: &Path, library: &Path, place: &Path) -> Result<Ansible, String> {
        let bin = std::env::var_os("HEARTH_VENV").map_or_else(|| root.join(".venv"), PathBuf::from).join("bin");
        let ask = "import ansible.release, ansible_collections.community.grafana as c, json, os; \
                   m = json.load(open(os.path.join(list(c.__path__)[0], 'MANIFEST.json'))); \
                   print('ansible-core', ansible.release.__version__ + ', community.grafana', \
                   m['collection_info']['version'])";
        let told = Command::new(bin.join("python")).args(["-c", ask]).output();
        let story = match told {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            _ => {
                return Err(format!(
                    "there is no Ansible with community.grafana in {}\nhint: tests/run/environment.sh makes it, and \
                     HEARTH_VENV names another one",
                    bin.display()
                ));
            }
        };
        let ansible = Ansible { bin, library: library.to_owned(), place: place.to_owned(), story };
        fs::write(place.join("ansible.cfg"), "[defaults]\n").map_err(|error| error.to_string())?;
        Ok(ansible)
    }

    /// Runs a play with one task, or none; the seconds from start to end.
    pub fn play(&self, task: Option<Value>, until: Instant) -> Result<f64, String> {
        let python = self.bin.join("python");
        let play = json!([{
            "hosts": "localhost", "gather_facts": false, "connection": "local",
            "vars": {"ansible_python_interpreter": python}, "tasks": task.into_iter().collect::<Vec<_>>(),
        }]);
        let file = self.place.join("play.yml");
        fs::write(&file, play.to_string()).map_err(|error| error.to_string())?;
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(self.bin.join("ansible-playbook"));
        command
            .args(["-i", "localhost,"])
            .arg(&file)
            .env("ANSIBLE_CONFIG", self.place.join("ansible.cfg"))
            .env("ANSIBLE_LIBRARY", &self.library)
            .env("ANSIBLE_NOCOLOR", "1")
            // Ansible refuses to start in a locale that is not UTF-8 or not installed.
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", path)
            .env("no_proxy", "*");
        run(&mut command, &self.place.join("play.log"), until)
    }
}

/// The peer's task, in a loop: it knows no other way.
pub fn peer(server: &Server, objects: &Objects, step: Step) -> Value {
    looped(server, objects, step, &format!("community.grafana.{}", objects.kind.module()), true)
}

/// Our task, in a loop.
pub fn ours_looped(server: &Server, objects: &Objects, step: Step) -> Value {
    looped(server, objects, step, &objects.kind.module(), false)
}

/// Our task with a list.
pub fn ours_in_bulk(server: &Server, objects: &Objects, step: Step) -> Value {
    json!({objects.kind.module(): options_in_bulk(server, objects, step)})
}

/// The options of our module with a list.
pub fn options_in_bulk(server: &Server, objects: &Objects, step: Step) -> Value {
    let mut options = connection(server);
    options.extend(objects.common(step, false));
    options
        .insert(objects.kind.plural(), (0..objects.n).map(|number| json!(objects.item(number, step, false))).collect());
    Value::Object(options)
}

fn looped(server: &Server, objects: &Objects, step: Step, module: &str, peer: bool) -> Value {
    let items: Vec<Value> = (0..objects.n).map(|number| json!(objects.item(number, step, peer))).collect();
    let mut options = connection(server);
    options.extend(objects.common(step, peer));
    let first = items.first().and_then(Value::as_object).cloned().unwrap_or_default();
    options.extend(first.into_iter().map(|(key, _)| (key.clone(), json!(format!("{{{{ item.{key} }}}}")))));
    json!({module: options, "loop": items})
}

fn connection(server: &Server) -> Map<String, Value> {
    let all = json!({"url": server.url, "url_username": server.user, "url_password": server.password});
    all.as_object().cloned().unwrap_or_default()
}

/// Runs a command to its end, or kills it when the time is over; the seconds that it took.
pub fn run(command: &mut Command, log: &Path, until: Instant) -> Result<f64, String> {
    let out = File::create(log).map_err(|error| error.to_string())?;
    let copy = out.try_clone().map_err(|error| error.to_string())?;
    for name in ["GRAFANA_URL", "GRAFANA_USER", "GRAFANA_PASSWORD", "GRAFANA_TOKEN", "HEARTH_AUDIT_LOG"] {
        command.env_remove(name);
    }
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(copy)
        .spawn()
        .map_err(|error| format!("failed to start {}: {error}", command.get_program().display()))?;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            let seconds = begun.elapsed().as_secs_f64();
            if status.success() {
                return Ok(seconds);
            }
            let text = fs::read_to_string(log).unwrap_or_default();
            let end: Vec<&str> = text.lines().rev().take(12).collect();
            let end: String =
                end.into_iter().rev().map(|line| line.chars().take(400).collect::<String>() + "\n").collect();
            return Err(format!("{} ended with {status}:\n{end}", command.get_program().display()));
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return Err("the time was over".to_owned());
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

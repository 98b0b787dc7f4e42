//! The contest: who does what, in turn and interleaved, for as long as there is time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    ansible::{self, Ansible},
    bare,
    server::{Asked, Server},
    subject::{Kind, Objects, Step},
    tell,
};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// community.grafana by `ansible-playbook`, a task in a loop.
    Peer,
    /// Our module by `ansible-playbook`, a task in a loop.
    Looped,
    /// Our module by `ansible-playbook`, a task with a list.
    Bulk,
    /// Our module with a list, its process started by itself.
    Process,
    /// The bare HTTP client.
    Bare,
}

/// The time of one step, and what it asked of the server.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub seconds: f64,
    pub asked: Option<Asked>,
}

/// One cell of the tables.
pub type Cell = (Kind, usize, Step, Who);

/// A part of the contest: some of those who take part do all steps with N objects of a kind.
#[derive(Clone, Debug)]
pub struct Block {
    pub kind: Kind,
    pub n: usize,
    pub who: Vec<Who>,
}

/// Everything that is measured with, and what came of it.
pub struct Contest<'c> {
    pub server: &'c Server,
    pub ansible: &'c Ansible,
    /// Our modules.
    pub library: PathBuf,
    pub place: PathBuf,
    /// Begins the uids of all objects.
    pub prefix: String,
    pub until: Instant,
    /// The writers that are best for making and for deleting, by kind.
    pub writers: BTreeMap<Kind, (usize, usize)>,
    pub measures: BTreeMap<Cell, Vec<Measure>>,
    /// What went wrong.
    pub failures: Vec<String>,
    /// What there was no time for.
    pub left_out: Vec<String>,
    /// What blocks took so far, by kind, number of objects and who.
    took: BTreeMap<(Kind, usize, Who), f64>,
    turn: usize,
}

impl<'c> Contest<'c> {
    /// Nothing is measured yet.
    pub fn new(server: &'c Server, ansible: &'c Ansible, library: &Path, place: &Path, until: Instant) -> Contest<'c> {
        Contest {
            server,
            ansible,
            library: library.to_owned(),
            place: place.to_owned(),
            prefix: format!("hb{:x}-", std::process::id()),
            until,
            writers: BTreeMap::new(),
            measures: BTreeMap::new(),
            failures: Vec::new(),
            left_out: Vec::new(),
            took: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Finds the number of writers that is best for the bare client, and breaks nothing: more writers have to gain
    /// a tenth, since each one more is a risk.
    pub fn find_writers(&mut self, kind: Kind, n: usize, tried: &[usize]) {
        let mut best: [Option<(f64, usize)>; 2] = [None; 2];
        for writers in tried {
            let both = (*writers, *writers);
            let Ok(objects) = self.objects(kind, n) else { return };
            for (which, step) in [Step::Create, Step::Delete].into_iter().enumerate() {
                let done = self.step(&objects, step, Who::Bare, both);
                match done.and_then(|measure| self.server.check(&objects, step).map(|()| measure.seconds)) {
                    Ok(seconds) if best[which].is_none_or(|(least, _)| seconds < 0.9 * least) => {
                        best[which] = Some((seconds, *writers));
                    }
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            self.clear(&objects);
        }
        let chosen = best.map(|best| best.map_or(1, |(_, writers)| writers));
        tell(&format!("{} by the bare client: best by {} writers, delete by {}", kind.name(), chosen[0], chosen[1]));
        self.writers.insert(kind, (chosen[0], chosen[1]));
    }

    /// Runs a block, unless it would not end in time. Who comes first changes from block to block.
    pub fn run(&mut self, block: &Block) {
        let mut order = block.who.clone();
        order.rotate_left(self.turn % block.who.len().max(1));
        self.turn += 1;
        for who in order {
            let left = self.until.saturating_duration_since(Instant::now());
            let expected = self.expected(block, who);
            if left < expected {
                let what = format!("{} × {} by {who:?}", block.n, block.kind.name());
                tell(&format!("left out for want of time: {what}"));
                self.left_out.push(what);
                continue;
            }
            let mut begun = Instant::now();
            let mut result = self.all_steps(block, who);
            if let (Err(error), Who::Bare) = (&result, who) {
                // It went well when it was tried, by luck.
                tell(&format!("with one writer less, since {error}"));
                if let Some(writers) = self.writers.get_mut(&block.kind) {
                    *writers = ((writers.0 - 1).max(1), (writers.1 - 1).max(1));
                }
                begun = Instant::now();
                result = self.all_steps(block, who);
            }
            if let Err(error) = result {
                tell(&format!("FAILED: {error}"));
                self.failures.push(error);
            }
            self.took.insert((block.kind, block.n, who), begun.elapsed().as_secs_f64());
        }
    }

    /// How long somebody will take: as long as the last time, or in proportion to another number of objects.
    fn expected(&self, block: &Block, who: Who) -> Duration {
        let of = |n: usize| self.took.get(&(block.kind, n, who)).copied();
        let known = of(block.n).or_else(|| {
            let smaller =
                self.took.keys().rev().find(|(kind, n, other)| *kind == block.kind && *other == who && *n < block.n)?;
            Some(of(smaller.1)? * block.n as f64 / smaller.1 as f64)
        });
        Duration::from_secs_f64(1.2 * known.unwrap_or(1.0))
    }

    fn all_steps(&mut self, block: &Block, who: Who) -> Result<(), String> {
        let objects = self.objects(block.kind, block.n)?;
        let (mut result, mut measured_all) = (Ok(()), Vec::new());
        let mut line = format!("{:4} × {:10} {who:8?}", block.n, block.kind.name());
        for step in Step::ALL {
            let writers = self.writers.get(&block.kind).copied().unwrap_or((1, 1));
            let measured =
                self.step(&objects, step, who, writers).and_then(|measure| match leaves_alone(block.kind, step, who) {
                    true => Ok(measure),
                    false => self.server.check(&objects, step).map(|()| measure),
                });
            match measured {
                Ok(measure) => {
                    line.push_str(&format!("  {} {:.2} s", step.name(), measure.seconds));
                    measured_all.push((step, measure));
                }
                Err(error) => {
                    result = Err(format!("{} × {}, {}, {who:?}: {error}", block.n, block.kind.name(), step.name()));
                    break;
                }
            }
        }
        tell(&line);
        self.clear(&objects);
        // Steps before one that failed are good, unless it is done again from the start.
        if result.is_ok() || who != Who::Bare {
            for (step, measure) in measured_all {
                self.measures.entry((block.kind, block.n, step, who)).or_default().push(measure);
            }
        }
        result
    }

    fn step(&self, objects: &Objects, step: Step, who: Who, writers: (usize, usize)) -> Result<Measure, String> {
        let prepared = match who {
            Who::Peer => Some(ansible::peer(self.server, objects, step)),
            Who::Looped => Some(ansible::ours_looped(self.server, objects, step)),
            Who::Bulk => Some(ansible::ours_in_bulk(self.server, objects, step)),
            Who::Process => Some(ansible::options_in_bulk(self.server, objects, step)),
            Who::Bare => None,
        };
        let before = self.server.requests()?;
        let seconds = match (who, prepared) {
            (Who::Process, Some(options)) => {
                let file = self.place.join("args.json");
                fs::write(&file, options.to_string()).map_err(|error| error.to_string())?;
                let mut command = Command::new(self.library.join(objects.kind.module()));
                ansible::run(command.arg(&file), &self.place.join("process.log"), self.until)?
            }
            (_, Some(task)) => self.ansible.play(Some(task), self.until)?,
            (_, None) => {
                let begun = Instant::now();
                bare::run(self.server, objects, step, if step == Step::Delete { writers.1 } else { writers.0 })?;
                begun.elapsed().as_secs_f64()
            }
        };
        let after = self.server.requests()?;
        let asked = before
            .zip(after)
            .map(|(before, after)| Asked { reads: after.reads - before.reads, writes: after.writes - before.writes });
        Ok(Measure { seconds, asked })
    }

    fn objects(&self, kind: Kind, n: usize) -> Result<Objects, String> {
        Objects::new(kind, &self.prefix, n, &self.place).map_err(|error| format!("failed to write files: {error}"))
    }

    fn clear(&mut self, objects: &Objects) {
        if let Err(error) = self.server.clear(objects) {
            self.failures.push(format!("not all was cleared away: {error}"));
        }
    }
}

/// community.grafana never changes a folder that is there.
pub fn leaves_alone(kind: Kind, step: Step, who: Who) -> bool {
    (kind, step, who) == (Kind::Folder, Step::ChangeOne, Who::Peer)
}

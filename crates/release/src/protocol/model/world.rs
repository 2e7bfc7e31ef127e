//! The world of the model: what the machines act upon, every next step from here, and what must hold.

use super::Size;
use crate::guards::Guards;
use crate::key::{Digest, ReleaseId, VersionedKey};
use crate::ledger::{Ledger, Live, Record, Retention, Target};
use crate::protocol::{
    Answer, Assigned, Call, Change, Collect, Failure, Keys, Operation, Publish, PublishSettings,
    Step,
};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

const RETENTION: Retention = Retention {
    releases: 1,
    min_age: 1,
    grace: 1,
    slack: 0,
};

/// The contents of the releases: what was live once, what is live, and what is published. The first
/// publisher brings back content 1, which only the oldest release has; content 3 is new to both.
const OLD: &[u8] = &[0, 1];
const LIVE: &[u8] = &[0, 2];
const PUBLISHED: [&[u8]; 2] = [&[1, 3], &[0, 3]];

#[derive(Debug, Clone)]
pub(super) struct World {
    size: Size,
    guards: Guards,
    now: u64,
    store: Arc<BTreeSet<VersionedKey>>,
    ledger: Arc<Ledger>,
    /// The ledger before, while some reader may not have heard that it was replaced.
    previous: Option<Arc<Ledger>>,
    processes: Vec<Process>,
    /// The page that each reader has open, and since when.
    readers: Vec<Option<(ReleaseId, u64)>>,
    /// When each release was last seen live by anybody: pages of it may be open since then.
    seen: BTreeMap<ReleaseId, u64>,
    /// A write that was sent and has yet to arrive, for the first or the second time.
    late: Option<Effect>,
    broken: Option<String>,
    /// Whether a write took effect at another time than the one it says.
    slow: bool,
    /// What each manifest that was ever made says: a function of the id, so no part of the state.
    manifests: Arc<BTreeMap<ReleaseId, Keys>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    role: Role,
    machine: Machine,
    run: u64,
    call: Option<Call>,
    /// How many keys of the call are done.
    progress: usize,
    /// The epoch of the live release when it named its own.
    over: Option<u64>,
    /// When it asked for its call.
    asked_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Publisher(usize),
    Operator,
    Collector { again: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Machine {
    Publish(Publish),
    Change(Change),
    Collect(Collect),
    /// What it held makes no difference any more.
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Effect {
    /// By a publisher, the epoch of the live release that it planned against.
    Store(Arc<Ledger>, Option<u64>, u64),
    Put(VersionedKey),
    Delete(VersionedKey),
}

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    DoneButUnanswered,
    UnansweredAndLate,
    DoneTwice,
}

impl World {
    pub(super) fn new(size: Size, guards: Guards) -> Self {
        let mut world = Self {
            size,
            guards,
            now: 0,
            store: Arc::default(),
            ledger: Arc::default(),
            previous: None,
            processes: Vec::new(),
            readers: vec![None; size.readers],
            seen: BTreeMap::new(),
            late: None,
            broken: None,
            slow: false,
            manifests: Arc::default(),
        };
        world.found();
        let publishers = (0..size.publishers).map(Role::Publisher);
        let operators = (0..size.rollbacks).map(|_| Role::Operator);
        let collector = (size.collections > 0).then(|| Role::Collector {
            again: size.collections - 1,
        });
        let roles: Vec<Role> = publishers.chain(operators).chain(collector).collect();
        world.processes = roles
            .into_iter()
            .map(|role| world.process(role, 1))
            .collect();
        world
    }

    /// The site at the beginning: one release is live, an older one was.
    fn found(&mut self) {
        let mut ledger = Ledger {
            version: 1,
            epoch: 2,
            ..Ledger::default()
        };
        for (at, contents) in [OLD, LIVE].into_iter().enumerate() {
            let assigned = self.assign(&ledger, contents);
            Arc::make_mut(&mut self.store).extend(assigned.objects.iter().cloned());
            Arc::make_mut(&mut self.store).insert(assigned.manifest);
            let since = at as u64 + 1;
            ledger.releases.push(Record {
                release: assigned.release,
                era: 0,
                published_at: 0,
                live_at: Some(0),
                unused_since: (at == 0).then_some(0),
                condemned: false,
            });
            ledger.live = Some(Live {
                release: assigned.release,
                since,
            });
        }
        self.ledger = Arc::new(ledger);
    }

    fn process(&self, role: Role, run: u64) -> Process {
        let machine = match role {
            Role::Publisher(number) => {
                let settings = PublishSettings {
                    holder: format!("publisher {number}"),
                    run: number as u64 * 100 + run,
                    target: Target::Live,
                    approved_over: None,
                    lease_seconds: 1,
                };
                Machine::Publish(Publish::new(settings, self.guards))
            }
            Role::Operator => Machine::Change(Change::new(Operation::Rollback(None), self.guards)),
            Role::Collector { .. } => Machine::Collect(Collect::new(RETENTION, false, self.guards)),
        };
        let mut process = Process {
            role,
            machine,
            run,
            call: None,
            progress: 0,
            over: None,
            asked_at: 0,
        };
        process.call = match process.step(Answer::Begin, self.now) {
            Step::Call(call) => Some(call),
            Step::End(_) => None,
        };
        process
    }

    /// Every world that one step leads to, with what was done.
    pub(super) fn successors(&self) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        if self.now < self.size.ticks {
            let mut world = self.clone();
            world.now += 1;
            world.previous = None;
            next.push(("tick".to_owned(), world));
        }
        if let Some(effect) = &self.late {
            let mut world = self.clone();
            world.late = None;
            world.carry_out(effect);
            next.push((format!("late: {}", effect.said()), world));
        }
        self.open_pages(&mut next);
        for index in 0..self.processes.len() {
            self.go_on(index, &mut next);
        }
        next.iter_mut().for_each(|(_, world)| world.see());
        next
    }

    /// Whoever opened a page until now may have it still. Longer ago than was promised makes no difference.
    fn see(&mut self) {
        let (now, promised) = (self.now, RETENTION.min_age + RETENTION.grace);
        self.seen.retain(|_, seen| now < *seen + promised);
        let live = [Some(&self.ledger), self.previous.as_ref()]
            .into_iter()
            .flatten();
        for live in live.filter_map(|ledger| ledger.live) {
            self.seen.insert(live.release, now);
        }
    }

    fn open_pages(&self, next: &mut Vec<(String, Self)>) {
        let Some(reader) = self.readers.iter().position(Option::is_none) else {
            return;
        };
        let mut open = |ledger: &Ledger, stale: u8| {
            let mut world = self.clone();
            world.size.stale -= stale;
            world.readers[reader] = ledger.live.map(|live| (live.release, self.now));
            next.push((
                format!("reader {reader} opens a page, stale {stale}"),
                world,
            ));
        };
        open(&self.ledger, 0);
        if let Some(previous) = self.previous.as_ref().filter(|_| self.size.stale > 0) {
            open(previous, 1);
        }
    }

    fn go_on(&self, index: usize, next: &mut Vec<(String, Self)>) {
        let process = &self.processes[index];
        let Some(call) = &process.call else { return };
        let name = format!("{:?} {}", process.role, said(call, process.progress));
        let mut add = |how: &str, world: Self| next.push((format!("{name}{how}"), world));
        match effect_of(call, process) {
            Some(effect) => {
                add("", self.write(index, &effect, Fate::Answered));
                if self.size.lost > 0 {
                    add(
                        ", unanswered",
                        self.write(index, &effect, Fate::DoneButUnanswered),
                    );
                    if self.late.is_none() {
                        add(
                            ", unanswered, late",
                            self.write(index, &effect, Fate::UnansweredAndLate),
                        );
                        add(", twice", self.write(index, &effect, Fate::DoneTwice));
                    }
                }
            }
            None => {
                add("", self.read(index, call, &self.ledger));
                let previous = self.previous.as_ref().filter(|_| self.size.stale > 0);
                if let (Call::Load, Some(previous)) = (call, previous) {
                    let mut world = self.read(index, call, previous);
                    world.size.stale -= 1;
                    add(", stale", world);
                }
            }
        }
        if self.size.kills > 0 {
            let mut world = self.clone();
            world.size.kills -= 1;
            world.processes[index] = self.process(process.role, process.run + 1);
            add(", killed before", world);
        }
    }

    fn read(&self, index: usize, call: &Call, seen: &Arc<Ledger>) -> Self {
        let mut world = self.clone();
        let answer = match call {
            Call::Load => Answer::Ledger(Arc::clone(seen)),
            Call::Assign(ledger) => {
                let Role::Publisher(number) = self.processes[index].role else {
                    panic!("only publishers name releases")
                };
                world.processes[index].over = Some(ledger.live_since());
                Answer::Assigned(world.assign(ledger, PUBLISHED[number]))
            }
            Call::Absent(keys) | Call::Verify(keys) => Answer::Keys(
                keys.iter()
                    .filter(|key| !self.store.contains(key))
                    .cloned()
                    .collect(),
            ),
            Call::Unreferenced(ledger, era) => Answer::Keys(self.unreferenced(ledger, *era)),
            // Nothing to write.
            Call::Put(_) | Call::Delete(_) => Answer::Done,
            Call::Store(_) => panic!("a write"),
        };
        world.answer(index, answer);
        world
    }

    fn write(&self, index: usize, effect: &Effect, fate: Fate) -> Self {
        let mut world = self.clone();
        let done = match fate {
            Fate::UnansweredAndLate => true,
            _ => world.carry_out(effect),
        };
        if matches!(fate, Fate::UnansweredAndLate | Fate::DoneTwice) {
            world.late = Some(effect.clone());
        }
        world.size.lost -= u8::from(fate != Fate::Answered);
        let silent = matches!(fate, Fate::DoneButUnanswered | Fate::UnansweredAndLate);
        match effect {
            Effect::Store(..) if silent => world.answer(index, Answer::Lost),
            Effect::Store(..) if done => world.answer(index, Answer::Stored),
            Effect::Store(..) => world.answer(index, Answer::Conflict),
            // The port's error ends the run; the command is given again.
            Effect::Put(_) | Effect::Delete(_) if silent => {
                let process = &self.processes[index];
                world.processes[index] = self.process(process.role, process.run + 1);
            }
            Effect::Put(_) | Effect::Delete(_) => world.progress(index),
        }
        world
    }

    fn progress(&mut self, index: usize) {
        let process = &mut self.processes[index];
        process.progress += 1;
        let (Some(Call::Put(keys)) | Some(Call::Delete(keys))) = &process.call else {
            return;
        };
        if process.progress == keys.len() {
            self.answer(index, Answer::Done);
        }
    }

    fn answer(&mut self, index: usize, answer: Answer) {
        let now = self.now;
        let process = &mut self.processes[index];
        process.progress = 0;
        let step = process.step(answer, now);
        process.call = None;
        match step {
            // Manifests do not change: when they are read makes no difference.
            Step::Call(call @ Call::Assign(_)) => {
                let ledger = Arc::clone(&self.ledger);
                *self = self.read(index, &call, &ledger);
            }
            Step::Call(call) => {
                process.asked_at = if matches!(call, Call::Store(_)) {
                    now
                } else {
                    0
                };
                process.call = Some(call);
            }
            Step::End(Err(failure @ (Failure::OutOfOrder | Failure::Contended))) => {
                self.broken = Some(format!("{:?} ends: {failure}", process.role));
            }
            Step::End(_) => {
                process.over = None;
                process.machine = Machine::Over;
                if let Role::Collector { again: again @ 1.. } = process.role {
                    let run = process.run + 1;
                    self.processes[index] = self.process(Role::Collector { again: again - 1 }, run);
                }
            }
        }
    }

    /// Whether the write changed anything.
    fn carry_out(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Put(key) => Arc::make_mut(&mut self.store).insert(key.clone()),
            Effect::Delete(key) => Arc::make_mut(&mut self.store).remove(key),
            Effect::Store(next, planned, asked_at) => {
                let in_turn = next.version == self.ledger.version + 1;
                if in_turn {
                    self.note(next, *planned);
                    self.slow |= *asked_at != self.now;
                    let previous = std::mem::replace(&mut self.ledger, Arc::clone(next));
                    self.previous = (self.size.stale > 0).then_some(previous);
                }
                in_turn
            }
        }
    }

    /// Sees a flip over anything else than was planned against.
    fn note(&mut self, next: &Ledger, planned: Option<u64>) {
        let (before, after) = (self.ledger.live_since(), next.live_since());
        if before != after && planned.is_some_and(|planned| planned != before) {
            let broken = "a publisher replaced a release that it had not planned against";
            self.broken = Some(broken.to_owned());
        }
        if next.epoch < self.ledger.epoch || next.era < self.ledger.era || after < before {
            self.broken = Some("an epoch went back".to_owned());
        }
    }

    fn assign(&mut self, ledger: &Ledger, contents: &[u8]) -> Assigned {
        let kept: BTreeSet<VersionedKey> = ledger
            .remaining()
            .filter_map(|record| self.manifests.get(&record.release))
            .flat_map(|keys| keys.iter().cloned())
            .collect();
        let key_of = |content: &u8| {
            let key = VersionedKey::of_object(ledger.era, &identity(*content), None);
            let digest = key.as_str().rsplit('/').next();
            let reused = kept
                .iter()
                .find(|kept| kept.as_str().rsplit('/').next() == digest);
            reused.cloned().unwrap_or(key)
        };
        let objects: Keys = contents.iter().map(key_of).collect();
        let text: String = objects.iter().map(|key| format!("{key}\n")).collect();
        let release = Digest::of(text.as_bytes());
        let manifest = VersionedKey::of_manifest(ledger.era, &release);
        if !self.manifests.contains_key(&release) {
            Arc::make_mut(&mut self.manifests).insert(release, Arc::clone(&objects));
        }
        let fresh = objects.iter().filter(|key| !kept.contains(key));
        let fresh = fresh.cloned().collect();
        Assigned {
            release,
            manifest,
            objects,
            fresh,
        }
    }

    fn unreferenced(&self, ledger: &Ledger, era: u64) -> Keys {
        let mut referred: BTreeSet<VersionedKey> = BTreeSet::new();
        for record in ledger.remaining() {
            referred.insert(record.manifest_key());
            referred.extend(self.manifests[&record.release].iter().cloned());
        }
        let keys = self
            .store
            .iter()
            .filter(|key| key.era() <= era && !referred.contains(key));
        keys.cloned().collect()
    }

    fn is_whole(&self, release: &ReleaseId) -> bool {
        self.manifests[release]
            .iter()
            .all(|key| self.store.contains(key))
    }

    /// What does not hold here.
    pub(super) fn violation(&self) -> Option<String> {
        if self.broken.is_some() {
            return self.broken.clone();
        }
        let ledger = &self.ledger;
        for record in &ledger.releases {
            let is_readable =
                self.store.contains(&record.manifest_key()) && self.is_whole(&record.release);
            let sweep_at = ledger.sweep_at(RETENTION, Guards::ALL).unwrap_or(u64::MAX);
            let in_grace = record.condemned && self.now < sweep_at;
            if !is_readable && (!record.condemned || in_grace) {
                return Some("a release that is kept has lost an object".to_owned());
            }
            if record.condemned && ledger.is_served(&record.release) {
                return Some("a release that is served is condemned".to_owned());
            }
        }
        // What is promised in seconds holds as far as writes say when they are made; the slack of a retention is for that.
        if self.slow {
            return None;
        }
        let open = self
            .readers
            .iter()
            .flatten()
            .map(|(release, opened)| (release, opened));
        for (release, opened) in open.chain(&self.seen) {
            let answers = ledger.live.is_some_and(|live| {
                ledger
                    .lookup_order(live.release, self.guards)
                    .any(|kept| kept == *release)
            });
            if self.now < opened + RETENTION.min_age && !answers {
                return Some("an open page asks for a release that does not answer".to_owned());
            }
            let promised = opened + RETENTION.min_age + RETENTION.grace;
            if self.now < promised && !self.is_whole(release) {
                return Some("an open page has lost an object".to_owned());
            }
        }
        None
    }
}

impl Process {
    fn step(&mut self, answer: Answer, now: u64) -> Step<()> {
        fn over<T>(step: Step<T>) -> Step<()> {
            match step {
                Step::Call(call) => Step::Call(call),
                Step::End(end) => Step::End(end.map(|_| ())),
            }
        }
        match &mut self.machine {
            Machine::Publish(machine) => over(machine.step(answer, now)),
            Machine::Change(machine) => over(machine.step(answer, now)),
            Machine::Collect(machine) => over(machine.step(answer, now)),
            Machine::Over => panic!("nobody asks it"),
        }
    }
}

impl Effect {
    fn said(&self) -> String {
        match self {
            Self::Store(next, ..) => format!("the ledger, version {}", next.version),
            Self::Put(key) => format!("put {key}"),
            Self::Delete(key) => format!("delete {key}"),
        }
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.size.hash(state);
        self.now.hash(state);
        self.store.hash(state);
        self.ledger.hash(state);
        self.previous.hash(state);
        self.processes.hash(state);
        self.readers.hash(state);
        self.seen.hash(state);
        self.late.hash(state);
        self.broken.hash(state);
        self.slow.hash(state);
    }
}

fn identity(content: u8) -> Digest {
    Digest::new([content; 32])
}

fn effect_of(call: &Call, process: &Process) -> Option<Effect> {
    let progress = process.progress;
    match call {
        Call::Store(next) => Some(Effect::Store(
            Arc::clone(next),
            process.over,
            process.asked_at,
        )),
        Call::Put(keys) => keys.get(progress).cloned().map(Effect::Put),
        Call::Delete(keys) => keys.get(progress).cloned().map(Effect::Delete),
        _ => None,
    }
}

fn said(call: &Call, progress: usize) -> String {
    match call {
        Call::Store(next) => format!("writes the ledger, version {}", next.version),
        Call::Put(keys) => format!("puts {:?}", keys.get(progress)),
        Call::Delete(keys) => format!("deletes {:?}", keys.get(progress)),
        Call::Load => "loads".to_owned(),
        Call::Assign(_) => "names".to_owned(),
        Call::Absent(_) => "compares".to_owned(),
        Call::Verify(_) => "verifies".to_owned(),
        Call::Unreferenced(..) => "searches".to_owned(),
    }
}

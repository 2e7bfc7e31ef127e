//! A seeded simulation: the real code over a store and a ledger that fail, in an order that the seed decides.
//!
//! Publishers, an operator and a collector run as tasks; at each step one of them goes on to its next call, or is killed in
//! the middle of one and begun again, or time passes. A call may fail before or after it had its effect. After every step
//! each release that is kept must be whole, byte for byte; at the end, with no more faults, everything must converge.

use super::{ManifestKeys, Site, Source};
use crate::guards::{Guard, Guards};
use crate::key::{Digest, VersionedKey};
use crate::ledger::{Ledger, Retention, Target};
use crate::memory::{MemoryLedger, MemoryObjects};
use crate::port::{
    Body, Clock, Description, LedgerPort, ObjectPort, Page, PortError, Put, Upload, Written,
};
use crate::protocol::{Assigned, Collected, Keys, Operation, PublishSettings, Published};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

const SEEDS: u64 = 1_000;
const STEPS: usize = 600;
const RETENTION: Retention = Retention {
    releases: 1,
    min_age: 40,
    grace: 20,
    slack: 0,
};

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug, Clone)]
struct Dice(Arc<AtomicU64>);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// The two ports and the clock of the simulated world.
#[derive(Debug, Clone)]
struct Faulty {
    objects: MemoryObjects,
    ledger: MemoryLedger,
    now: Arc<AtomicU64>,
    dice: Dice,
    /// One call in so many fails; 0: none.
    fails: Arc<AtomicU64>,
    /// One object in so many is damaged on its way; 0: none.
    damages: u64,
}

/// What happens to one call.
enum Fate {
    Works,
    FailsBefore,
    FailsAfter,
}

impl Faulty {
    /// Lets the others go first, then says what happens.
    async fn turn(&self) -> Fate {
        let mut waited = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        match self.fails.load(Ordering::Relaxed) {
            0 => Fate::Works,
            sides => match self.dice.roll(sides) {
                0 => Fate::FailsBefore,
                1 => Fate::FailsAfter,
                _ => Fate::Works,
            },
        }
    }

    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let broken = || Err(PortError::Unavailable("simulated".to_owned()));
        match self.turn().await {
            Fate::FailsBefore => broken(),
            Fate::FailsAfter => call.await.and_then(|_| broken()),
            Fate::Works => call.await,
        }
    }
}

impl ObjectPort for Faulty {
    async fn put_if_absent(&self, key: &VersionedKey, upload: &Upload) -> Result<Put, PortError> {
        let mut upload = upload.clone();
        if self.damages > 0 && self.dice.roll(self.damages) == 0 {
            upload = described(Bytes::from_static(b"damaged"));
        }
        self.call(self.objects.put_if_absent(key, &upload)).await
    }
    async fn head(&self, key: &VersionedKey) -> Result<Option<Description>, PortError> {
        self.call(self.objects.head(key)).await
    }
    async fn get(&self, key: &VersionedKey, bytes_max: u64) -> Result<Option<Bytes>, PortError> {
        self.call(self.objects.get(key, bytes_max)).await
    }
    async fn list(&self, prefix: &str, from: Option<&str>) -> Result<Page, PortError> {
        self.call(self.objects.list(prefix, from)).await
    }
    async fn delete(&self, keys: &[VersionedKey]) -> Result<(), PortError> {
        // A deletion of many is many deletions, with others in between.
        for key in keys {
            self.call(self.objects.delete(std::slice::from_ref(key)))
                .await?;
        }
        Ok(())
    }
}

impl LedgerPort for Faulty {
    async fn load(&self) -> Result<Ledger, PortError> {
        self.call(self.ledger.load()).await
    }
    async fn store(&self, expected: u64, ledger: &Ledger) -> Result<Written, PortError> {
        self.call(self.ledger.store(expected, ledger)).await
    }
}

impl Clock for Faulty {
    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }
}

/// A release as a list of texts; its manifest lists their keys, one a line.
#[derive(Debug)]
struct Texts {
    texts: Vec<String>,
    uploads: Mutex<BTreeMap<VersionedKey, Upload>>,
}

impl Texts {
    fn new(texts: Vec<String>) -> Self {
        let uploads = Mutex::default();
        Self { texts, uploads }
    }
}

fn described(bytes: Bytes) -> Upload {
    let description = Description {
        size: bytes.len() as u64,
        sha256: Digest::of(&bytes),
        content_type: "text/plain".to_owned(),
        cache_control: "no-store".to_owned(),
        content_encoding: None,
    };
    Upload {
        description,
        body: Body::Bytes(bytes),
    }
}

impl Source for Texts {
    fn assign(&self, era: u64, kept: &[Bytes]) -> Result<Assigned, String> {
        let mut known = BTreeMap::new();
        for key in kept
            .iter()
            .flat_map(|manifest| Lines.keys(manifest))
            .flatten()
        {
            known.entry(content(&key)).or_insert(key);
        }
        let mut uploads = BTreeMap::new();
        for text in &self.texts {
            let digest = Digest::of(text.as_bytes());
            let key = known.get(&digest.to_string()).cloned();
            let key = key.unwrap_or_else(|| VersionedKey::of_object(era, &digest, None));
            uploads.insert(key, described(Bytes::from(text.clone())));
        }
        let objects: Keys = uploads.keys().cloned().collect();
        let manifest = Bytes::from(
            objects
                .iter()
                .map(|key| format!("{key}\n"))
                .collect::<String>(),
        );
        let release = Digest::of(&manifest);
        let key = VersionedKey::of_manifest(era, &release);
        uploads.insert(key.clone(), described(manifest));
        *self.uploads.lock().unwrap() = uploads;
        let kept: Vec<VersionedKey> = known.into_values().collect();
        let fresh = objects.iter().filter(|key| !kept.contains(key));
        let fresh = fresh.cloned().collect();
        Ok(Assigned {
            release,
            manifest: key,
            objects,
            fresh,
        })
    }

    fn description(&self, key: &VersionedKey) -> Option<Description> {
        let upload = self.uploads.lock().unwrap().get(key).cloned();
        upload.map(|upload| upload.description)
    }

    fn body(&self, key: &VersionedKey) -> Result<Body, String> {
        let upload = self.uploads.lock().unwrap().get(key).cloned();
        Ok(upload.ok_or("no such key")?.body)
    }
}

/// The digest in an object's key.
fn content(key: &VersionedKey) -> String {
    key.as_str().rsplit('/').next().unwrap().to_owned()
}

struct Lines;

impl ManifestKeys for Lines {
    fn keys(&self, manifest: &Bytes) -> Result<Vec<VersionedKey>, String> {
        let text = std::str::from_utf8(manifest).map_err(|error| error.to_string())?;
        text.lines()
            .map(|line| VersionedKey::parse(line).map_err(|error| error.to_string()))
            .collect()
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

struct World {
    site: Arc<Site<Faulty, Faulty, Faulty>>,
    faulty: Faulty,
    dice: Dice,
    runs: u64,
    done: Arc<AtomicU64>,
}

impl World {
    fn new(seed: u64, guards: Guards, damages: u64) -> Self {
        let dice = Dice(Arc::new(AtomicU64::new(seed)));
        let faulty = Faulty {
            objects: MemoryObjects::default(),
            ledger: MemoryLedger::default(),
            now: Arc::new(AtomicU64::new(1_000)),
            dice: dice.clone(),
            fails: Arc::new(AtomicU64::new(60)),
            damages,
        };
        let site = Site::new(faulty.clone(), faulty.clone(), faulty.clone()).with(guards);
        Self {
            site: Arc::new(site),
            faulty,
            dice,
            runs: 0,
            done: Arc::default(),
        }
    }

    fn task(&mut self, index: usize) -> Task {
        self.runs += 1;
        let (site, dice, run, done) = (
            Arc::clone(&self.site),
            self.dice.clone(),
            self.runs,
            Arc::clone(&self.done),
        );
        match index {
            0 | 1 => Box::pin(async move {
                let settings = settings(index, run);
                // A few contents in all, so that releases share them and old ones come back.
                let texts = (0..3)
                    .map(|_| format!("content {}", dice.roll(6)))
                    .collect();
                let published = site
                    .publish(&Texts::new(texts), settings, &mut |_| ())
                    .await;
                done.fetch_add(u64::from(published.is_ok()), Ordering::Relaxed);
            }),
            2 => Box::pin(async move {
                let _ = site.change(Operation::Rollback(None)).await;
            }),
            _ => Box::pin(async move {
                let collected = site.collect(&Lines, RETENTION, false, &mut |_| ()).await;
                done.fetch_add(u64::from(collected.is_ok()), Ordering::Relaxed);
            }),
        }
    }

    /// Runs one seed; says what did not hold.
    fn run(&mut self) -> Result<(), String> {
        let mut tasks: Vec<Task> = (0..4).map(|index| self.task(index)).collect();
        let mut epoch = 0;
        for step in 0..STEPS {
            let index = [0, 0, 0, 1, 1, 1, 2, 3, 3, 3][self.dice.roll(10) as usize];
            match self.dice.roll(200) {
                0..=3 => tasks[index] = self.task(index),
                4..=9 => {
                    self.faulty
                        .now
                        .fetch_add(self.dice.roll(25), Ordering::Relaxed);
                }
                _ if poll(&mut tasks[index]) => tasks[index] = self.task(index),
                _ => {}
            }
            let ledger = now(self.faulty.ledger.load()).unwrap();
            self.is_whole(&ledger)
                .map_err(|why| format!("step {step}: {why}"))?;
            if ledger.epoch < epoch {
                return Err(format!("step {step}: the epoch went back"));
            }
            epoch = ledger.epoch;
        }
        self.converges()
    }

    fn is_whole(&self, ledger: &Ledger) -> Result<(), String> {
        let objects = &self.faulty.objects;
        for record in ledger.remaining() {
            let manifest = now(objects.get(&record.manifest_key(), u64::MAX)).unwrap();
            let manifest = manifest.ok_or("a kept release has lost its manifest")?;
            for key in Lines.keys(&manifest)? {
                let bytes = now(objects.get(&key, u64::MAX))
                    .unwrap()
                    .ok_or("a kept release has lost an object")?;
                if Digest::of(&bytes).to_string() != content(&key) {
                    return Err("a kept release has a damaged object".to_owned());
                }
            }
        }
        match ledger
            .releases
            .iter()
            .find(|record| record.condemned && ledger.is_served(&record.release))
        {
            Some(_) => Err("a release that is served is condemned".to_owned()),
            None => Ok(()),
        }
    }

    /// Without faults, one publisher gets its release live, and collection leaves what is referred to and nothing else.
    fn converges(&mut self) -> Result<(), String> {
        self.faulty.fails.store(0, Ordering::Relaxed);
        self.faulty.now.fetch_add(1_000, Ordering::Relaxed);
        self.runs += 1;
        let source = Texts::new(vec!["the last".to_owned()]);
        let published = now(self
            .site
            .publish(&source, settings(9, self.runs), &mut |_| ()));
        let release = match published {
            Ok(Published::Flipped { release, .. } | Published::Unchanged(release)) => release,
            Err(error) => return Err(format!("publishing does not converge: {error}")),
        };
        for _ in 0..6 {
            self.faulty.now.fetch_add(1_000, Ordering::Relaxed);
            let collected = now(self.site.collect(&Lines, RETENTION, false, &mut |_| ()));
            if collected.map_err(|error| error.to_string())? == Collected::Nothing {
                let ledger = now(self.faulty.ledger.load()).unwrap();
                let stored = now(self.faulty.objects.list("", None)).unwrap().keys.len();
                let is_live = ledger.live.is_some_and(|live| live.release == release);
                return match (is_live, ledger.releases.len(), stored) {
                    (true, 1, 2) => Ok(()),
                    other => Err(format!("live, releases and objects at the end: {other:?}")),
                };
            }
        }
        Err("collecting does not converge".to_owned())
    }
}

fn settings(holder: usize, run: u64) -> PublishSettings {
    PublishSettings {
        holder: format!("publisher {holder}"),
        run,
        target: Target::Live,
        approved_over: None,
        lease_seconds: 30,
    }
}

fn poll(task: &mut Task) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    task.as_mut().poll(&mut context).is_ready()
}

/// The result of a future that waits for nobody but itself.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return value;
        }
    }
}

#[test]
fn no_seed_breaks_a_release_and_all_converge() {
    let mut done = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed * 7_919, Guards::ALL, 0);
        if let Err(why) = world.run() {
            panic!("seed {seed}: {why}");
        }
        done += world.done.load(Ordering::Relaxed);
    }
    println!(
        "{SEEDS} seeds of {STEPS} steps, {done} publications and collections ended well, 0 violations"
    );
    assert!(done > SEEDS, "the faults leave nothing done");
}

#[track_caller]
fn finds(guard: Guard, damages: u64, expected: &str) {
    let broken = (0..SEEDS).find_map(|seed| {
        let why = World::new(seed * 7_919, Guards::without(guard), damages)
            .run()
            .err()?;
        Some((seed, why))
    });
    let (seed, why) = broken.expect("some seed finds the planted fault");
    println!("without {guard:?}: seed {seed}, {why}");
    assert!(why.contains(expected), "{why}");
}

#[test]
fn each_guard_taken_out_is_found_by_some_seed() {
    finds(Guard::UploadFirst, 0, "has lost");
    finds(Guard::Reachability, 0, "served is condemned");
    finds(Guard::Tombstones, 0, "served is condemned");
    finds(Guard::Era, 0, "has lost");
}

#[test]
fn an_object_damaged_on_its_way_is_found_before_the_flip() {
    finds(Guard::Verify, 10, "damaged object");
    for seed in 0..SEEDS / 10 {
        let mut world = World::new(seed, Guards::ALL, 10);
        let broken = world.run().err().filter(|why| why.starts_with("step"));
        assert_eq!(broken, None, "seed {seed}");
    }
}

/// Stops one command at each of its awaits in turn, then gives the command again.
#[track_caller]
fn stopped_everywhere(name: &str, index: usize, ends: impl Fn(&Ledger, &Ledger) -> bool) {
    let mut awaits = 0;
    loop {
        let mut world = World::new(1, Guards::ALL, 0);
        world.faulty.fails.store(0, Ordering::Relaxed);
        for text in ["first", "second"] {
            world.runs += 1;
            let source = Texts::new(vec![text.to_owned(), "shared".to_owned()]);
            now(world
                .site
                .publish(&source, settings(0, world.runs), &mut |_| ()))
            .unwrap();
            world.faulty.now.fetch_add(1_000, Ordering::Relaxed);
        }
        let before = now(world.faulty.ledger.load()).unwrap();
        let mut task = world.task(index);
        let finished = (0..awaits).any(|_| poll(&mut task));
        drop(task);
        let after = now(world.faulty.ledger.load()).unwrap();
        world
            .is_whole(&after)
            .unwrap_or_else(|why| panic!("{name}, stopped at await {awaits}: {why}"));
        if finished {
            assert!(ends(&before, &after), "{name} does what it is for");
            println!("{name}: stopped at each of {awaits} awaits, 0 violations");
            return;
        }
        let mut again = world.task(index);
        while !poll(&mut again) {}
        let after = now(world.faulty.ledger.load()).unwrap();
        world
            .is_whole(&after)
            .unwrap_or_else(|why| panic!("{name}, again after {awaits}: {why}"));
        assert!(ends(&before, &after), "{name}, again after await {awaits}");
        world
            .converges()
            .unwrap_or_else(|why| panic!("{name}, stopped at await {awaits}: {why}"));
        awaits += 1;
    }
}

#[test]
fn stopped_at_every_await_each_command_can_be_given_again() {
    let published = |before: &Ledger, after: &Ledger| {
        after.live_since() > before.live_since() && after.lease.is_none()
    };
    stopped_everywhere("publish", 0, published);
    // A second rollback after one that was stopped behind its write goes back again, as it was told to.
    stopped_everywhere("rollback", 2, |before, after| after.epoch > before.epoch);
    stopped_everywhere("collect", 3, |before, after| after.era > before.era);
}

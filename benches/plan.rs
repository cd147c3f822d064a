//! How long it takes to build a world, to plan it, and to print the plan, at three sizes of cluster.
//!
//! Criterion compares each with the run before; the report at the end says what must hold: the time per application, and
//! how it grows. Takes as given that nothing is left to do in the worlds of [`support`], and says so where that is wrong.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use aivenator::plan::{Decision, Plan, Verdict, plan, plan_on, plan_subjects};
use aivenator::render;
use aivenator::world::{Application, SecretKey, Spec, Subject, World};
use criterion::{BenchmarkId, Criterion, SamplingMode};
use rustix::time::{ClockId, clock_gettime};

use self::support::Cluster;

const SIZES: [u32; 3] = [1_000, 10_000, 50_000];

const BUILD: &str = "build";
const ALL: &str = "plan all";
const SHARED: &str = "plan all, on every processor";
const COLD: &str = "plan all, out of the caches";
const COLD_SHARED: &str = "plan all, out of the caches, on every processor";
const EDIT: &str = "change one application";
const ONE: &str = "plan one application and its secrets";
const CLONE: &str = "clone";
const JSON: &str = "render as JSON";
const TEXT: &str = "render as text";

/// Everything that there is to say, so that there is something to print where nothing is to do.
const TEXT_OPTIONS: render::Options = render::Options { colour: false, width: None, all_kept: true };

/// What grows with the cluster; the rest must not.
const WHOLE: [&str; 7] = [BUILD, ALL, SHARED, COLD, COLD_SHARED, JSON, TEXT];
const PARTS: [&str; 3] = [EDIT, ONE, CLONE];

fn main() {
    let mut bench = Bench { criterion: Criterion::default().configure_from_args(), best: RefCell::default() };
    for size in SIZES {
        let cluster = Cluster::new(size);
        println!("{} Kubernetes objects of {size} applications", cluster.objects());
        bench.measure((BUILD, size), || cluster.clone(), Cluster::into_world);
        let world = cluster.into_world();
        bench.measure((ALL, size), || (), |()| plan(&world));
        let processors = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        bench.measure((SHARED, size), || (), |()| plan_on(&world, processors));
        let all = plan(&world);
        say_what_is_left_to_do(&all);
        bench.measure((JSON, size), || (), |()| serde_json::to_vec(&all));
        bench.measure((TEXT, size), || (), |()| render::plan(&all, TEXT_OPTIONS));
        drop(all);
        bench.measure((CLONE, size), || (), |()| world.clone());
        bench.measure_one(size, &world);
        bench.measure_cold(size, world);
    }
    bench.criterion.final_summary();
    bench.report();
}

/// Criterion, and the best sample of each measurement: the one that was disturbed least.
struct Bench {
    criterion: Criterion,
    best: RefCell<BTreeMap<(&'static str, u32), Duration>>,
}

impl Bench {
    /// Measures what `run` takes, without the making of what it is given and the dropping of what it gives.
    fn measure<I, O>(&mut self, key: (&'static str, u32), given: impl Fn() -> I, run: impl Fn(I) -> O) {
        let (name, size) = key;
        let Bench { criterion, best } = self;
        let mut group = criterion.benchmark_group(name);
        group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(500));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|rounds| {
                let time = |_| {
                    let given = given();
                    let watch = Watch::start(![SHARED, COLD_SHARED].contains(&name));
                    let result = run(black_box(given));
                    let time = watch.time();
                    drop(black_box(result));
                    time
                };
                let sum: Duration = (0..rounds).map(time).sum();
                let mean = sum / u32::try_from(rounds).unwrap_or(u32::MAX);
                best.borrow_mut().entry(key).and_modify(|best| *best = mean.min(*best)).or_insert(mean);
                sum
            });
        });
        group.finish();
    }

    /// Measures what the change of one application costs: to take it in, and to plan again.
    fn measure_one(&mut self, size: u32, world: &World) {
        let Some((application, subjects)) = middle(world) else { return };
        let changed = application.with_spec(Spec { protected: true, ..application.spec.clone() });
        let edited = |world: &World| {
            let mut world = world.clone();
            world.put_application(changed.clone());
            world
        };
        self.measure((EDIT, size), || (), |()| edited(world));
        let world = edited(world);
        assert!(plan_subjects(&world, &subjects).changes(), "an application that is now protected has nothing to do");
        self.measure((ONE, size), || (), |()| plan_subjects(&world, &subjects));
    }

    /// Measures planning everything where nothing of the world is in a cache, as after the time that an operator waits.
    ///
    /// A small world that is planned over and over stays in the caches of the processor, and a big one does not: what is
    /// compared then is memory, not the planner. So worlds are planned in turn, as many as make up the biggest.
    #[expect(clippy::indexing_slicing, reason = "the turn is less than how many there are")]
    fn measure_cold(&mut self, size: u32, world: World) {
        let count = SIZES.into_iter().max().unwrap_or(size) / size;
        let others = (1..count).map(|_| Cluster::new(size).into_world());
        let worlds: Vec<World> = std::iter::once(world).chain(others).collect();
        let turn = Cell::new(0);
        let next = || {
            turn.set((turn.get() + 1) % worlds.len());
            &worlds[turn.get()]
        };
        self.measure((COLD, size), next, plan);
        let processors = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.measure((COLD_SHARED, size), next, |world| plan_on(world, processors));
    }

    fn report(&self) {
        let best = self.best.borrow();
        let of = |name, size| best.get(&(name, size)).copied();
        println!("\nBest time, per application:");
        for name in WHOLE {
            line(name, |size| Some(of(name, size)?.as_secs_f64() / f64::from(size)));
        }
        println!("Best time, whatever the size:");
        for name in PARTS {
            line(name, |size| Some(of(name, size)?.as_secs_f64()));
        }
    }
}

/// Measures time of the processor: on a machine that others use, time on a clock says little; of several processors it is
/// all there is.
struct Watch {
    clock: Instant,
    processor: Option<Duration>,
}

impl Watch {
    fn start(alone: bool) -> Self {
        Watch { processor: alone.then(Watch::processor), clock: Instant::now() }
    }

    /// The time since the start. Too short a time to be interrupted in is better read from a clock.
    fn time(&self) -> Duration {
        let time = self.clock.elapsed();
        let processor = self.processor.filter(|_| time >= Duration::from_millis(1));
        processor.map_or(time, |before| Watch::processor().saturating_sub(before))
    }

    fn processor() -> Duration {
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
    }
}

/// Prints the time at each size and how it grows from the first to the last, if it was measured.
fn line(name: &str, seconds: impl Fn(u32) -> Option<f64>) {
    let times: Vec<f64> = SIZES.into_iter().filter_map(seconds).collect();
    let [small, medium, large] = times[..] else { return };
    let [small, medium, large] = [small, medium, large].map(|seconds| seconds * 1e6);
    let ratio = large / small;
    println!("  {name:<48} {small:>9.3} {medium:>9.3} {large:>9.3} µs at 1,000 / 10,000 / 50,000: ratio {ratio:.2}");
}

/// The application in the middle of the world, and the subjects that follow from it.
fn middle(world: &World) -> Option<(Application, BTreeSet<Subject>)> {
    let count = world.namespaces().count();
    let (_, namespace) = world.namespaces().nth(count / 2)?;
    let application = namespace.applications().next()?.clone();
    let secret = |name| Subject::Secret(SecretKey { namespace: application.key.namespace.clone(), name });
    let mut subjects: BTreeSet<Subject> = application.spec.secret_names().cloned().map(secret).collect();
    subjects.insert(Subject::Application(application.key.clone()));
    Some((application, subjects))
}

/// A world in which something is left to do makes the times say less: the first decisions say what is wrong with it.
fn say_what_is_left_to_do(plan: &Plan) {
    let left: Vec<&Decision> = plan.decisions.iter().filter(|decision| decision.verdict != Verdict::Keep).collect();
    let Plan { decisions, reads, .. } = plan;
    println!("{} decisions, {} of them not to keep, {} reads", decisions.len(), left.len(), reads.len());
    for Decision { subject, verdict, reason, parts: _, actions } in left.iter().take(5) {
        println!("  {subject}: {verdict:?}: {reason} {actions:?}");
    }
    assert!(left.is_empty() && !plan.changes(), "something is left to do in a world that should have settled");
}

//! Trials of simulated crews.

use std::cell::Cell;

use plimsoll::agents::coordinate::{Beside, Gathered, coordinate};
use plimsoll::agents::{Assignment, Crew};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::schedule::deal::deal;
use plimsoll::seed::Seed;
use plimsoll::sim::crew::SimCrew;
use plimsoll::sim::crew::plan::{CrewPlan, Service};
use plimsoll::trial::objective::Rule;
use plimsoll::trial::outcome::Outcome;
use plimsoll::trial::tally::Tally;
use plimsoll::trial::verdict::VoidReason;
use plimsoll::trial::{
    Flow, Purpose, StopCause, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload,
};
use plimsoll::units::{Rps, ms_to_ns};

/// Document numbers of a trial begin here.
const FIRST: u64 = 1000;
const TIMEOUT_MS: u64 = 1000;

/// A trial that indexes two documents a request at `rate`, and queries at a fifth of it.
pub(crate) fn trial(id: u32, rate: f64, measure_s: f64, seed: u64) -> TrialPlan {
    let stream = |workload, rate, batch, arrivals| StreamPlan {
        workload,
        offered: Rps::new(rate).unwrap(),
        batch,
        arrivals,
        timeout_ms: TIMEOUT_MS,
        slow_ms: Some(50),
        outstanding_max: None,
    };
    TrialPlan {
        id: TrialId(id),
        purpose: Purpose::Load,
        repeat: None,
        streams: vec![
            stream(Workload::Index, rate, 2, ArrivalLaw::Poisson),
            stream(Workload::Dashboard, rate / 5.0, 1, ArrivalLaw::Stratified),
        ],
        warmup_s: 0.2,
        measure_s,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(seed),
    }
}

/// A crew to which nothing happens.
pub(crate) fn sound(agents: usize, seed: u64) -> CrewPlan {
    CrewPlan::sound(agents, Seed(seed))
}

/// Whoever looks at a trial; ends a test that never ends.
pub(crate) struct Eyes {
    pub(crate) ticks: Vec<f64>,
    stops_at_s: f64,
    interrupts_after: u64,
    asked: Cell<u64>,
}

impl Eyes {
    /// When crews are made, by the coordinator's clock.
    pub(crate) const BIRTH_NS: u64 = 1_000_000_000_000_000;

    pub(crate) fn open() -> Self {
        Self::interrupting(u64::MAX)
    }

    pub(crate) fn interrupting(interrupts_after: u64) -> Self {
        let (ticks, stops_at_s, asked) = (Vec::new(), f64::INFINITY, Cell::new(0));
        Self { ticks, stops_at_s, interrupts_after, asked }
    }

    pub(crate) fn stopping(stops_at_s: f64) -> Self {
        Self { stops_at_s, ..Self::open() }
    }
}

impl Watch for Eyes {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        self.ticks.push(tick.at_s);
        if tick.at_s >= self.stops_at_s { Flow::Stop(StopCause::Decided) } else { Flow::Continue }
    }

    fn interrupted(&self) -> bool {
        let asked = self.asked.replace(self.asked.get() + 1);
        assert!(asked < 300_000, "the trial does not end");
        asked >= self.interrupts_after
    }
}

struct Nothing;

impl Beside for Nothing {
    fn starts(&mut self, _start_ns: u64) {}

    fn target_lives(&mut self) -> bool {
        true
    }

    fn counted(&mut self) -> Vec<(f64, u64)> {
        Vec::new()
    }
}

/// Deals a trial to whoever is there, and runs it.
pub(crate) fn run(crew: &mut SimCrew, plan: &TrialPlan, eyes: &mut Eyes) -> Gathered {
    drop(crew.muster());
    let weights: Vec<f64> = crew.members().iter().map(|member| member.weight).collect();
    let numbers = FIRST..FIRST + plan.documents_max();
    let assignment = |share| Assignment { plan: plan.clone(), share, numbers: numbers.clone() };
    coordinate(deal(&weights).into_iter().map(assignment).collect(), crew, eyes, &mut Nothing)
}

/// The same trial of one agent.
pub(crate) fn alone(plan: &TrialPlan, adapt: impl Fn(&mut CrewPlan)) -> Gathered {
    let mut crew_plan = CrewPlan::sound(1, plan.seed);
    adapt(&mut crew_plan);
    let one = run(&mut SimCrew::new(crew_plan), plan, &mut Eyes::open());
    assert!(one.lapses.is_empty() && one.stopped.is_none(), "{:?} {:?}", one.lapses, one.stopped);
    one
}

/// Who was lost, in the order of names.
pub(crate) fn lost(gathered: &Gathered) -> Vec<String> {
    let names = gathered.lapses.iter().map(|reason| match reason {
        VoidReason::AgentLost { name, .. } => name.clone(),
        other => panic!("another reason: {other:?}"),
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Bucket for bucket the same.
pub(crate) fn assert_same(one: &Gathered, other: &Gathered, what: &str) {
    assert_eq!(one.tallies.len(), other.tallies.len(), "{what}");
    for (one, other) in one.tallies.iter().zip(&other.tallies) {
        assert_eq!(one.counts, other.counts, "{what}");
        assert_eq!(one.bins, other.bins, "{what}");
        assert_eq!(one.seconds, other.seconds, "{what}");
        assert!(one == other, "{what}: something differs in {one:?} and {other:?}");
    }
    assert_eq!(one.accepted, other.accepted, "{what}: the documents");
}

/// What the target holds is what is known to be accepted, or counted as unknown; nothing was sent twice.
pub(crate) fn assert_honest(crew: &SimCrew, gathered: &Gathered) {
    let target = crew.target();
    assert_eq!(target.doubled, 0, "no document is sent twice");
    let unheard = gathered.accepted.iter().filter(|number| !target.held.contains(*number));
    assert_eq!(unheard.count(), 0, "what is accepted is held");
    let unknown: u64 =
        gathered.tallies.iter().map(|tally| tally.unknown + tally.warm_up.unknown).sum();
    let hidden = target.held.len() - gathered.accepted.len();
    assert!(hidden <= unknown, "{hidden} documents are held and not known, {unknown} unknown");
}

/// What is counted is what follows from the schedule and the target, without any agent.
pub(crate) fn assert_is_schedule(one: &Gathered, plan: &TrialPlan, service: &Service) {
    for (position, (stream, tally)) in plan.streams.iter().zip(&one.tallies).enumerate() {
        let timeout_ns = ms_to_ns(stream.timeout_ms);
        let mut truth =
            Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, stream.slow_ms.map(ms_to_ns));
        let seed = plan.course(position, stream).seed;
        let mut outcomes: Vec<Outcome> = plan
            .schedule(position, stream)
            .map(|arrival| service.outcome(arrival, stream, seed))
            .collect();
        for outcome in &outcomes {
            truth.arrive(outcome.due, outcome.part);
        }
        outcomes.sort_by_key(|outcome| outcome.ended);
        for outcome in &outcomes {
            truth.record(outcome);
        }
        truth.close();
        assert_eq!(tally.scheduled, truth.scheduled, "{:?}", stream.workload);
        assert_eq!(tally.counts, truth.counts, "{:?}", stream.workload);
        assert_eq!(tally.warm_up.scheduled, truth.warm_up.scheduled, "{:?}", stream.workload);
        assert_eq!(tally.unknown, truth.unknown, "{:?}", stream.workload);
        assert_eq!(tally.bins, truth.bins, "{:?}", stream.workload);
        assert_eq!(tally.seconds, truth.seconds, "{:?}", stream.workload);
        for (own, truth) in [
            (&tally.response, &truth.response),
            (&tally.service, &truth.service),
            (&tally.lateness, &truth.lateness),
            (&tally.waiting, &truth.waiting),
        ] {
            assert!(own == truth, "{:?}: a time differs", stream.workload);
        }
    }
}

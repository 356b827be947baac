//! Whole trials of many agents, in virtual time.

use std::time::Instant;

use plimsoll::agents::coordinate::{Beside, coordinate};
use plimsoll::agents::{Assignment, Crew, Heard, Member, Order};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::schedule::deal::deal;
use plimsoll::seed::Seed;
use plimsoll::sim::crew::SimCrew;
use plimsoll::sim::crew::plan::CrewPlan;
use plimsoll::trial::objective::Rule;
use plimsoll::trial::{Flow, Purpose, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload};
use plimsoll::units::Rps;

/// Nobody who would stop anything.
struct Nobody;

impl Watch for Nobody {
    fn tick(&mut self, _tick: &Tick<'_>) -> Flow {
        Flow::Continue
    }

    fn interrupted(&self) -> bool {
        false
    }
}

impl Beside for Nobody {
    fn starts(&mut self, _start_ns: u64) {}

    fn target_lives(&mut self) -> bool {
        true
    }

    fn counted(&mut self) -> Vec<(f64, u64)> {
        Vec::new()
    }
}

/// A crew whose own work is timed, so that the rest is the coordinator's.
struct Timed {
    crew: SimCrew,
    crew_s: f64,
    reports: u64,
}

impl Timed {
    fn timed<T>(&mut self, work: impl FnOnce(&mut SimCrew) -> T) -> T {
        let begun = Instant::now();
        let done = work(&mut self.crew);
        self.crew_s += begun.elapsed().as_secs_f64();
        done
    }
}

impl Crew for Timed {
    fn members(&self) -> &[Member] {
        self.crew.members()
    }

    fn muster(&mut self) -> Vec<String> {
        self.crew.muster()
    }

    fn now_ns(&self) -> u64 {
        self.crew.now_ns()
    }

    fn lead_ns(&self) -> u64 {
        self.crew.lead_ns()
    }

    fn silence_ns(&self) -> Option<u64> {
        self.crew.silence_ns()
    }

    fn tell(&mut self, member: usize, order: &Order) {
        self.timed(|crew| crew.tell(member, order));
    }

    fn hear(&mut self, wait_ns: u64) -> Option<Heard> {
        let heard = self.timed(|crew| crew.hear(wait_ns));
        self.reports += u64::from(heard.is_some());
        heard
    }
}

/// Trials of ten seconds, simulated.
pub(crate) fn trials() {
    println!(
        "\n**A trial of 10 s in virtual time, one stream of 10 documents/s for each agent, at least 100/s**\n"
    );
    println!(
        "| agents | requests | wall time | of it the coordinator (without reading messages) | messages heard | accepted |"
    );
    println!("|---|---|---|---|---|---|");
    for agents in [1, 8, 100, 1000] {
        let rate = (10.0 * agents as f64).max(100.0);
        let plan = trial(rate);
        let crew = SimCrew::new(CrewPlan::sound(agents, Seed(5)));
        let mut crew = Timed { crew, crew_s: 0.0, reports: 0 };
        drop(crew.muster());
        let numbers = 0..plan.documents_max();
        let shares = deal(&vec![1.0; agents]).into_iter();
        let assignment = |share| Assignment { plan: plan.clone(), share, numbers: numbers.clone() };
        let assignments = shares.map(assignment).collect();
        let begun = Instant::now();
        let together = coordinate(assignments, &mut crew, &mut Nobody, &mut Nobody);
        let wall_s = begun.elapsed().as_secs_f64();
        assert!(together.lapses.is_empty(), "{:?}", together.lapses);
        println!(
            "| {agents} | {} | {wall_s:.2} s | {:.2} s | {} | {} |",
            together.tallies[0].scheduled,
            wall_s - crew.crew_s,
            crew.reports,
            together.accepted.len()
        );
    }
}

fn trial(rate: f64) -> TrialPlan {
    let stream = StreamPlan {
        workload: Workload::Index,
        offered: Rps::new(rate).expect("a rate"),
        batch: 1,
        arrivals: ArrivalLaw::Poisson,
        timeout_ms: 5000,
        slow_ms: Some(1000),
        outstanding_max: None,
    };
    TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Load,
        repeat: None,
        streams: vec![stream],
        warmup_s: 0.0,
        measure_s: 10.0,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(5),
    }
}

//! Whatever bytes an agent may send, taken in as a coordinator takes them; and whatever bytes a coordinator may send, taken in
//! as an agent does. No socket, no clock.

use std::collections::VecDeque;

use plimsoll::agents::coordinate::{Beside, Gathered, coordinate};
use plimsoll::agents::frames::Assembly;
use plimsoll::agents::wire::{Reply, Request, Told, read};
use plimsoll::agents::{Assignment, Crew, Heard, Member, Order, Report};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::schedule::deal::{Sender, deal};
use plimsoll::seed::Seed;
use plimsoll::trial::objective::Rule;
use plimsoll::trial::result::StreamResult;
use plimsoll::trial::{Flow, Purpose, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload};
use plimsoll::units::Rps;

/// A short trial with documents and queries.
pub fn plan() -> TrialPlan {
    let stream = |workload| StreamPlan {
        workload,
        offered: Rps::new(20.0).expect("a rate"),
        batch: 1,
        arrivals: ArrivalLaw::Poisson,
        timeout_ms: 1000,
        slow_ms: Some(500),
        outstanding_max: None,
    };
    TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Load,
        repeat: None,
        streams: vec![stream(Workload::Index), stream(Workload::Dashboard)],
        warmup_s: 0.5,
        measure_s: 2.0,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(1),
    }
}

/// The parts of two agents in it.
pub fn assignments() -> Vec<Assignment> {
    let plan = plan();
    let numbers = 0..plan.documents_max();
    let part = |share| Assignment { plan: plan.clone(), share, numbers: numbers.clone() };
    deal(&[1.0, 2.0]).into_iter().map(part).collect()
}

/// Two agents that send what they are given, frame by frame, and then nothing more.
struct Replay {
    members: [Member; 2],
    assemblies: [Option<Assembly>; 2],
    frames: VecDeque<(usize, Vec<u8>)>,
    ready: VecDeque<usize>,
    now_ns: u64,
}

impl Crew for Replay {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn muster(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn lead_ns(&self) -> u64 {
        0
    }

    fn silence_ns(&self) -> Option<u64> {
        Some(1_000_000_000)
    }

    fn tell(&mut self, member: usize, order: &Order) {
        if let Order::Prepare(_) = order {
            self.ready.push_back(member);
        }
    }

    fn hear(&mut self, wait_ns: u64) -> Option<Heard> {
        let trial = TrialId(1);
        if let Some(member) = self.ready.pop_front() {
            return Some(Heard::From(member, Report::Ready { trial }));
        }
        let Some((member, frame)) = self.frames.pop_front() else {
            self.now_ns += wait_ns;
            return None;
        };
        let assembly = self.assemblies.get_mut(member)?.as_mut()?;
        let report = match assembly.take(&frame) {
            Ok(None) => Report::Beat,
            Ok(Some(Told::Tick(tick))) => Report::Tick(tick),
            Ok(Some(Told::Stopped { cause })) => Report::Stopped { trial, cause },
            Ok(Some(Told::Refused { why })) => Report::Refused { trial, why },
            Ok(Some(Told::Done(done))) => Report::Done(done),
            Err(malformed) => return Some(Heard::Lost(member, malformed.to_string())),
        };
        Some(Heard::From(member, report))
    }
}

struct Alone;

impl Beside for Alone {
    fn starts(&mut self, _start_ns: u64) {}

    fn target_lives(&mut self) -> bool {
        true
    }

    fn counted(&mut self) -> Vec<(f64, u64)> {
        Vec::new()
    }
}

impl Watch for Alone {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        assert!(tick.at_s.is_finite(), "an instant");
        Flow::Continue
    }

    fn interrupted(&self) -> bool {
        false
    }
}

/// What a coordinator makes of the frames of two agents, each with the position of its agent.
pub fn coordinated(frames: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Gathered {
    let member = |name: &str| Member { name: name.to_owned(), weight: 1.0, ..Member::default() };
    let mut crew = Replay {
        members: [member("one"), member("other")],
        assemblies: [Some(Assembly::new(TrialId(1))), Some(Assembly::new(TrialId(1)))],
        frames: frames.into_iter().collect(),
        ready: VecDeque::new(),
        now_ns: 1,
    };
    let gathered = coordinate(assignments(), &mut crew, &mut Alone, &mut Alone);
    let plan = plan();
    for (tally, stream) in gathered.tallies.iter().zip(&plan.streams) {
        let most = Rps::new(20.0).map_or(0, |rate| rate.count_in(0.5) + rate.count_in(2.0));
        assert!(tally.scheduled <= 2 * most, "no more than what both may tell of");
        let result = StreamResult { plan: stream.clone(), tally: tally.clone() };
        for figure in [result.accepted_rps(), result.error_ratio()].into_iter().flatten() {
            assert!(figure.is_finite(), "a figure");
        }
        assert!(result.slow() <= tally.scheduled, "no more slow ones than there were");
    }
    gathered
}

/// What an agent makes of a message.
pub fn obeyed(bytes: &[u8]) {
    drop(read::<Reply>(bytes));
    let Ok(Request::Prepare(prepare)) = read::<Request>(bytes) else { return };
    let Ok(assignment) = prepare.assignment() else { return };
    let Assignment { plan, share, numbers } = &assignment;
    for (position, stream) in plan.streams.iter().enumerate() {
        let sender = Sender { share: *share, number: 0, of: 2 };
        let (arrivals, own) = plan.course(position, stream).dealt(sender);
        for (arrival, number) in arrivals.zip(own).take(1000) {
            assert_eq!(arrival.number, number, "both know the same arrivals");
            if stream.workload == Workload::Index {
                let end = numbers.start + (number + 1) * stream.batch;
                assert!(end <= numbers.end, "every document has a number of its own");
            }
        }
    }
}

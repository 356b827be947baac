//! The messages between coordinator and agents: what is written is read again, what is lost is noticed, and whatever else
//! arrives breaks nothing.

use std::collections::BTreeMap;

use plimsoll::agents::frames::{Assembly, Framer};
use plimsoll::agents::wire::{
    Enlist, Enlisted, Malformed, Prepare, Reply, Request, Told, read, written,
};
use plimsoll::agents::{Assignment, DoneReport, TickReport};
use plimsoll::corpus::number_set::NumberSet;
use plimsoll::schedule::deal::deal;
use plimsoll::schedule::{ArrivalLaw, Part};
use plimsoll::trial::outcome::{Documents, Ending, Outcome};
use plimsoll::trial::tally::Tally;
use plimsoll::trial::update::{Times, Told as Known};
use plimsoll::trial::{StopCause, TrialId, Workload};
use plimsoll::units::{OffsetNs, Rps};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::replay;

fn assignment() -> impl Strategy<Value = Assignment> {
    let laws = [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];
    let trial = (any::<u32>(), any::<u64>(), 0.0..100.0_f64, 0.0..1000.0_f64);
    let stream = (1e-3..1e6_f64, 1..10_000_u64, prop::sample::select(laws.to_vec()));
    let bounds = (1..1_000_000_u64, any::<Option<u32>>(), any::<Option<u64>>());
    (trial, stream, bounds, any::<bool>(), 1..200_usize, any::<u32>()).prop_map(
        |(
            (id, seed, warmup_s, measure_s),
            (rps, batch, arrivals),
            (timeout_ms, slow_ms, most),
            both,
            agents,
            own,
        )| {
            let mut plan = replay::plan();
            (plan.id, plan.seed.0) = (TrialId(id), seed);
            (plan.warmup_s, plan.measure_s) = (warmup_s, measure_s);
            let stream = &mut plan.streams[0];
            (stream.offered, stream.batch) = (Rps::new(rps).unwrap(), batch);
            (stream.arrivals, stream.timeout_ms) = (arrivals, timeout_ms);
            stream.slow_ms = slow_ms.map(|slow_ms| u64::from(slow_ms) % 600_000_000);
            stream.outstanding_max = most;
            plan.streams.truncate(if both { 2 } else { 1 });
            let shares = deal(&vec![1.0; agents]);
            let share = shares[usize::try_from(own).unwrap() % shares.len()];
            let documents = plan.documents_max();
            let first = seed % (u64::MAX - documents);
            Assignment { plan, share, numbers: first..first + documents }
        },
    )
}

fn cause() -> impl Strategy<Value = StopCause> {
    let causes = [StopCause::Decided, StopCause::Outstanding, StopCause::AgentLost];
    let harder = [StopCause::Interrupted, StopCause::TargetLost];
    prop::sample::select([&causes[..], &harder].concat())
}

fn request() -> impl Strategy<Value = Request> {
    let settings = prop::collection::btree_map(".{0,9}", ".{0,20}", 0..4);
    let enlist = (".{0,9}", ".{0,20}", settings, any::<Option<String>>()).prop_map(
        |(run, target, settings, data_profile): (String, String, BTreeMap<_, _>, _)| {
            Request::Enlist(Enlist { run, target, settings, data_profile })
        },
    );
    prop_oneof![
        Just(Request::Clock {}),
        enlist,
        ("[a-z]{1,9}", assignment())
            .prop_map(|(run, it)| Request::Prepare(Prepare::new(&run, &it))),
        (".{0,9}", any::<u32>(), any::<u64>()).prop_map(|(run, trial, start_ns)| Request::Go {
            run,
            trial,
            start_ns
        }),
        (".{0,9}", any::<u32>(), cause()).prop_map(|(run, trial, cause)| Request::Stop {
            run,
            trial,
            cause
        }),
        ".{0,9}".prop_map(|run| Request::Release { run }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let figures = (any::<u32>(), any::<u32>(), any::<Option<u32>>(), any::<Option<u32>>());
    let enlisted = ("[a-z.-]{1,64}", figures).prop_map(|(name, (cores, lanes_max, rps, cost))| {
        Reply::Enlisted(Enlisted {
            name,
            version: "1.2.3".to_owned(),
            cores,
            lanes_max,
            calibrated_rps: rps.map(|rps| f64::from(rps) / 7.0),
            cpu_us_per_request: cost.map(|cost| f64::from(cost) / 7.0),
        })
    });
    prop_oneof![
        (any::<u64>(), any::<u64>())
            .prop_map(|(received_ns, answered_ns)| Reply::Clock { received_ns, answered_ns }),
        enlisted,
        Just(Reply::Yes {}),
        "[a-z]([ -~]{0,200}[a-z])?".prop_map(|why| Reply::No { why }),
    ]
}

/// What a sender has counted of the first stream of the trial, in the middle and in the end.
fn reports(requests: u64) -> (TickReport, DoneReport) {
    let mut tally = Tally::new(0.5, 2.0, 1_000_000_000, Some(500_000_000));
    let mut known = Known::default();
    let mut middle = Vec::new();
    let mut accepted = NumberSet::default();
    for number in 0..requests {
        let due = OffsetNs(510_000_000 + number * 40_000_000);
        tally.arrive(due, Part::Measured);
        let ended = OffsetNs(due.0 + 1_000_000 * (number % 7 + 1));
        tally.record(&Outcome {
            due,
            taken: due,
            sent: Some(due),
            ended,
            status: Some(200),
            ending: Ending::Accepted,
            documents: Documents::ONE,
            part: Part::Measured,
        });
        accepted.insert(number..number + 1);
        if number == requests / 2 {
            middle = vec![known.update(&tally)];
        }
    }
    tally.close();
    let mut quiet = Tally::new(0.5, 2.0, 1_000_000_000, Some(500_000_000));
    quiet.close();
    let mut idle = Known::default();
    middle.push(idle.update(&quiet));
    let done =
        vec![(known.update(&tally), Times::of(&tally)), (idle.update(&quiet), Times::of(&quiet))];
    (
        TickReport { trial: 1, at_s: 1.5, senders: vec![middle] },
        DoneReport {
            trial: 1,
            senders: vec![done],
            accepted,
            stopped: None,
            vitals: plimsoll::trial::result::Vitals { wall_s: 2.0, ..Default::default() },
        },
    )
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        (1..30_u64).prop_map(|requests| Told::Tick(reports(requests).0)),
        (1..30_u64).prop_map(|requests| Told::Done(Box::new(reports(requests).1))),
        cause().prop_map(|cause| Told::Stopped { cause }),
        "[a-z]([ -~]{0,200}[a-z])?".prop_map(|why| Told::Refused { why }),
    ]
}

/// All places of a message where something stands.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(row) => row
            .iter()
            .enumerate()
            .for_each(|(place, value)| places(value, &format!("{at}/{place}"), found)),
        _ => {}
    }
}

/// What nobody expects anywhere.
fn odd() -> impl Strategy<Value = Value> {
    let whole =
        [0, 1, 65_535, 1 << 32, 1 << 40, (1 << 53) + 1, u64::MAX / 2, u64::MAX - 1, u64::MAX];
    prop_oneof![
        prop::sample::select(whole.to_vec()).prop_map(Value::from),
        prop::sample::select(vec![-1.0, -0.0, 0.5, 1e300, -1e300, 5e-324]).prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!([[0, {"due": u64::MAX, "ended": u64::MAX, "slow": 0, "failed": 0}]])),
        Just(json!("HISTFAAAABB4nJNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAA==")),
        ".{0,9}".prop_map(Value::from),
    ]
}

/// A message with odd values in some places.
fn spoilt(message: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (message, prop::collection::vec((any::<prop::sample::Index>(), odd()), 1..4)).prop_map(
        |(mut message, changes)| {
            for (place, odd) in changes {
                let mut found = Vec::new();
                places(&message, "", &mut found);
                let at: &String = place.get(&found);
                *message.pointer_mut(at).unwrap() = odd;
            }
            message
        },
    )
}

fn frame(serial: u64, body: &[u8]) -> Vec<u8> {
    let head = json!({"trial": 1, "serial": serial, "part": 0, "parts": 1});
    [head.to_string().as_bytes(), b"\n", body].concat()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(request in request(), reply in reply()) {
        prop_assert_eq!(read::<Request>(&written(&request)), Ok(request.clone()));
        prop_assert_eq!(read::<Reply>(&written(&reply)), Ok(reply.clone()));
        if let Reply::Enlisted(about) = &reply {
            prop_assert!(about.is_credible(), "an agent can be so");
        }
        prop_assert!(read::<Reply>(&written(&request)).is_err(), "no request is a reply");
    }

    #[test]
    fn an_assignment_arrives_as_it_left(assignment in assignment()) {
        let prepare = Prepare::new("run", &assignment);
        let there = prepare.assignment();
        prop_assert_eq!(there.map(|there| Prepare::new("run", &there)), Ok(prepare));
    }

    #[test]
    fn what_an_agent_tells_arrives_whole(told in prop::collection::vec(told(), 1..5)) {
        let (mut framer, mut assembly) = (Framer::new(TrialId(1)), Assembly::new(TrialId(1)));
        for told in told {
            let mut heard = Vec::new();
            for frame in framer.frames(&told) {
                heard.extend(assembly.take(&frame).unwrap());
            }
            prop_assert_eq!(heard, vec![told]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_frame_that_is_lost_repeated_or_exchanged_is_noticed(
        sizes in prop::collection::vec((0..4_usize, -40..40_isize), 1..4),
        first in any::<prop::sample::Index>(), second in any::<prop::sample::Index>(), how in 0..3,
    ) {
        let mut framer = Framer::new(TrialId(1));
        let mut frames = Vec::new();
        for (frames_full, more) in &sizes {
            let length = (frames_full * (384 << 10)).saturating_add_signed(*more);
            frames.extend(framer.frames(&Told::Refused { why: "x".repeat(length) }));
        }
        let reports = |frames: &[Vec<u8>]| {
            let mut assembly = Assembly::new(TrialId(1));
            let taken: Result<Vec<_>, Malformed> = frames.iter().map(|it| assembly.take(it)).collect();
            taken.map(|taken| taken.into_iter().flatten().count())
        };
        prop_assert_eq!(reports(&frames), Ok(sizes.len()), "as they came, whatever their sizes");
        let (first, second) = (first.index(frames.len()), second.index(frames.len()));
        let mut spoilt = frames.clone();
        match how {
            0 => drop(spoilt.remove(first)),
            1 => spoilt.insert(second, frames[first].clone()),
            _ => spoilt.swap(first, second),
        }
        if spoilt != frames {
            // What is missing at the very end shows in that nothing comes of it.
            let heard = reports(&spoilt);
            let is_noticed = heard.as_ref().map_or(true, |heard| *heard < sizes.len());
            prop_assert!(is_noticed, "{heard:?}");
        }
    }

    #[test]
    fn a_report_that_is_spoilt_or_a_lie_breaks_nothing(
        ticks in prop::collection::vec(spoilt((1..30_u64).prop_map(|requests| json!({"tick": reports(requests).0}))), 0..3),
        done in spoilt((1..30_u64).prop_map(|requests| json!({"done": reports(requests).1}))),
        cut in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut frames: Vec<_> =
            ticks.iter().chain([&done]).zip(0..).map(|(told, serial)| (0, frame(serial, &written(told)))).collect();
        let honest = [Told::Tick(reports(20).0), Told::Done(Box::new(reports(20).1))];
        let mut framer = Framer::new(TrialId(1));
        frames.extend(honest.iter().flat_map(|told| framer.frames(told)).map(|frame| (1, frame)));
        drop(replay::coordinated(frames.clone()));
        let last = frames.len() - 1;
        let at = cut.index(frames[last].1.len());
        frames[last].1[at] = byte;
        drop(replay::coordinated(frames.clone()));
        frames[last].1.truncate(at);
        drop(replay::coordinated(frames));
    }

    #[test]
    fn an_order_that_is_spoilt_breaks_nothing(
        order in spoilt(request().prop_map(|request| serde_json::to_value(request).unwrap())),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        replay::obeyed(&written(&order));
        replay::obeyed(&bytes);
        drop(replay::coordinated([(0, bytes.clone()), (1, frame(0, &bytes))]));
    }
}

#[test]
fn no_number_that_two_agents_tell_together_is_too_great() {
    let (tick, done) = reports(12);
    let honest = [json!({"tick": tick}), json!({"done": done})];
    let frames = |messages: &[Value]| {
        let both = (0..2).flat_map(|agent| messages.iter().zip(0..).map(move |it| (agent, it)));
        let frames = both.map(|(agent, (told, serial))| (agent, frame(serial, &written(told))));
        frames.collect::<Vec<_>>()
    };
    assert_eq!(replay::coordinated(frames(&honest)).lapses, vec![], "as it is, it is believed");
    for (which, message) in honest.iter().enumerate() {
        let mut found = Vec::new();
        places(message, "", &mut found);
        for at in found {
            let mut told = honest.clone();
            let place = told[which].pointer_mut(&at).unwrap();
            if place.is_number() {
                *place = json!(u64::MAX);
                drop(replay::coordinated(frames(&told)));
            }
        }
    }
}

#[test]
fn two_honest_agents_are_believed() {
    let mut frames = Vec::new();
    for (agent, requests) in [(0, 10), (1, 20)] {
        let mut cutter = Framer::new(TrialId(1));
        let (tick, done) = reports(requests);
        for told in [Told::Tick(tick), Told::Done(Box::new(done))] {
            frames.extend(cutter.frames(&told).into_iter().map(|frame| (agent, frame)));
        }
    }
    let gathered = replay::coordinated(frames);
    assert_eq!(gathered.lapses, vec![], "nobody was lost");
    assert_eq!(gathered.tallies[0].counts.accepted, 30, "all of both");
    assert_eq!(gathered.accepted.len(), 20, "the same documents twice are so many");
    assert_eq!(gathered.agents.len(), 2, "both are in the result");
    assert!(gathered.tallies.iter().all(|tally| tally.outstanding() == 0), "{gathered:?}");
    let streams = replay::plan().streams;
    assert_eq!(streams[1].workload, Workload::Dashboard, "the second one is the dashboard's");
}

#[test]
fn a_report_without_an_end_takes_no_memory_without_end() {
    let mut assembly = Assembly::new(TrialId(1));
    let part = |serial: u64, part: u32, parts: u32| {
        let head = json!({"trial": 1, "serial": serial, "part": part, "parts": parts});
        [head.to_string().as_bytes(), b"\n[["].concat()
    };
    assert_eq!(assembly.take(&part(0, 0, 3)), Ok(None), "it begins");
    assert_eq!(assembly.take(&part(1, 1, 3)), Ok(None), "it goes on");
    let again = assembly.take(&part(2, 1, 3));
    assert_eq!(again, Err(Malformed::Value("its parts")), "the same part again");
    let many = Assembly::new(TrialId(1)).take(&part(0, 0, 65));
    assert_eq!(many, Err(Malformed::Value("its parts")), "longer than any");
}

#[test]
fn an_agent_that_tells_much_of_nothing_is_cut_off_before_it_fills_the_memory() {
    // Each of these empty histograms has 90 kB once it is read.
    let (tick, done) = reports(1);
    let sender = serde_json::to_value(&done.senders).unwrap()[0].clone();
    let many = json!(vec![sender; 600]);
    let mut told = json!({"done": done});
    told["done"]["senders"] = many;
    let heard = serde_json::from_value::<Told>(told).map_err(|error| error.to_string());
    assert_eq!(heard, Err("more than any trial has to tell".to_owned()));
    let waiting = (0..).zip(vec![json!({"tick": tick}); 300]);
    let frames = waiting.map(|(serial, told)| (0, frame(serial, &written(&told))));
    let gathered = replay::coordinated(frames);
    let lapses = format!("{:?}", gathered.lapses);
    assert!(lapses.contains("more than can have happened"), "{lapses}");
}

//! The work that each request costs, part by part: repeated by the speed bench, and counted by the other one.

use std::hint::black_box;

use plimsoll::corpus::plan::CorpusPlan;
use plimsoll::corpus::{Corpus, PermissionsShape};
use plimsoll::live::Address;
use plimsoll::live::answer::AnswerReader;
use plimsoll::live::request::RequestWriter;
use plimsoll::profile::{Route, Verb};
use plimsoll::schedule::{ArrivalLaw, Part, Schedule};
use plimsoll::seed::Seed;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::sim::target::Target;
use plimsoll::trial::outcome::{Documents, Ending, Outcome};
use plimsoll::trial::tally::Tally;
use plimsoll::units::{OffsetNs, Rps};

/// Does its work so many times; what must be there before is made when it is made.
pub(crate) type Work = Box<dyn FnMut(u64)>;

/// A part of the work: its name, and how it is made.
pub(crate) type Named = (&'static str, fn() -> Work);

/// Every part.
pub(crate) const PARTS: [Named; 9] = [
    ("a document as JSON", document),
    ("a request with its document", encode),
    ("the next arrival, uniform", || arrival(ArrivalLaw::Uniform)),
    ("the next arrival, stratified", || arrival(ArrivalLaw::Stratified)),
    ("the next arrival, poisson", || arrival(ArrivalLaw::Poisson)),
    ("an answer read", answer),
    ("an outcome counted", record),
    ("two tallies merged", merge),
    ("a request of a simulated target", simulate),
];

fn corpus() -> Corpus {
    Corpus::new(&CorpusPlan::usual(1)).expect("the usual corpus")
}

fn document() -> Work {
    let (corpus, mut body, mut number) = (corpus(), Vec::new(), 0);
    Box::new(move |count| {
        for _ in 0..count {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
            number += 1;
            black_box(&body);
        }
    })
}

fn encode() -> Work {
    let route = Route::json(Verb::Post);
    let address = Address::plain(([127, 0, 0, 1], 80).into());
    let (mut writer, corpus) = (RequestWriter::new(&route, &address), corpus());
    let (mut request, mut number) = (Vec::new(), 0);
    Box::new(move |count| {
        for _ in 0..count {
            writer.write(
                &mut request,
                |path| path.extend_from_slice(b"/api/index"),
                |body| corpus.write_json(number, PermissionsShape::Object, body),
            );
            number += 1;
            black_box(&request);
        }
    })
}

fn arrival(law: ArrivalLaw) -> Work {
    Box::new(move |count| {
        let rate = Rps::new(count as f64).expect("a rate");
        for arrival in Schedule::new(law, rate, 0.0, 1.0, Seed(1)) {
            black_box(arrival);
        }
    })
}

fn answer() -> Work {
    let text = b"HTTP/1.1 200 OK\r\nserver: nginx\r\ncontent-type: application/json\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\n\"OK\"";
    let mut reader = AnswerReader::new(1 << 16);
    Box::new(move |count| {
        for _ in 0..count {
            reader.clear();
            black_box(reader.take(text).is_ok());
        }
    })
}

/// A tally that has counted `count` requests of which each took another time.
fn counted(tally: &mut Tally, first: u64, count: u64) {
    for number in first..first + count {
        let due = OffsetNs(number * 50_000 % 50_000_000_000);
        tally.arrive(due, Part::Measured);
        tally.record(&Outcome {
            due,
            taken: due.plus_ns(40_000),
            sent: Some(due.plus_ns(41_000)),
            ended: due.plus_ns(300_000 + number % 1000 * 1000),
            status: Some(200),
            ending: Ending::Accepted,
            documents: Documents::ONE,
            part: Part::Measured,
        });
    }
}

fn record() -> Work {
    let (mut tally, mut number) = (Tally::new(0.0, 60.0, 5_000_000_000, None), 0);
    Box::new(move |count| {
        counted(&mut tally, number, count);
        number += count;
    })
}

fn merge() -> Work {
    let mut other = Tally::new(0.0, 60.0, 5_000_000_000, None);
    counted(&mut other, 0, 100_000);
    other.close();
    Box::new(move |count| {
        for _ in 0..count {
            let mut all = other.clone();
            all.merge(&other);
            black_box(all.scheduled);
        }
    })
}

fn simulate() -> Work {
    let plan = TargetPlan { queue: Some(1000), ..TargetPlan::plain(4, 1.0, ServiceLaw::Constant) };
    let (mut target, mut number) = (Target::new(plan, Seed(1)), 0);
    Box::new(move |count| {
        for _ in 0..count {
            black_box(target.arrive(number * 300_000));
            number += 1;
        }
    })
}

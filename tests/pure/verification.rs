//! Does the target hold what it accepted, all of it and once? Against imagined targets that lose, double and hide.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use plimsoll::corpus::number_set::NumberSet;
use plimsoll::corpus::plan::CorpusPlan;
use plimsoll::corpus::{Corpus, PermissionsShape};
use plimsoll::profile::Profile;
use plimsoll::profile::example_api::ExampleApi;
use plimsoll::profile::exchange::{Answer, Exchange, ExchangeError, Question};
use plimsoll::profile::holdings::Count;
use plimsoll::profile::search_engine::{Kind, SearchEngine};
use plimsoll::report::schema::Outcome;
use plimsoll::report::verification::VerificationRecord;
use plimsoll::target::census::census;
use plimsoll::target::verify::Expected;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Names of one page of the imagined search engine.
const PAGE: usize = 3;

/// An imagined target: how many documents of each name it holds, and how many of them a search finds so far.
struct Shelf {
    documents: BTreeMap<String, u64>,
    hidden: u64,
    can_count: bool,
}

impl Shelf {
    fn of(corpus: &Corpus, numbers: Range<u64>) -> Self {
        let documents = numbers.map(|number| (corpus.name_of(number), 1)).collect();
        Self { documents, hidden: 0, can_count: true }
    }

    fn total(&self) -> u64 {
        self.documents.values().sum()
    }

    /// A page of names as a search engine gives them.
    fn page(&self, body: &Value) -> Value {
        let after = body.pointer("/aggs/names/composite/after/name").and_then(Value::as_str);
        let behind = self
            .documents
            .iter()
            .filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        let page: Vec<_> = behind.take(PAGE).collect();
        let buckets: Vec<Value> = page
            .iter()
            .map(|(name, count)| json!({"key": {"name": name}, "doc_count": count}))
            .collect();
        let names = match page.last() {
            Some((last, _)) => json!({"buckets": buckets, "after_key": {"name": last}}),
            None => json!({ "buckets": buckets }),
        };
        json!({"aggregations": {"names": names}})
    }
}

impl Exchange for Shelf {
    fn ask(&mut self, question: &Question) -> Result<Answer, ExchangeError> {
        let body = serde_json::from_slice(&question.body).unwrap_or(Value::Null);
        let visible = self.total().saturating_sub(self.hidden);
        let answer = match question.path.as_str() {
            _ if !self.can_count => json!({"error": "there is nothing at this path"}),
            "/api/query/count" => json!({ "documents": visible }),
            "/api/query/count?distinct=true" => {
                json!({"documents": visible, "distinct_names": self.documents.len()})
            }
            "/plimsoll/_count" => json!({ "count": visible }),
            "/plimsoll/_refresh" => {
                self.hidden = 0;
                json!({})
            }
            path if path.starts_with("/plimsoll/_search") => self.page(&body),
            path => {
                let query = path.strip_prefix("/api/query/search?q=").expect("a known question");
                let (name, _) = query.split_once('&').unwrap();
                let name = percent_decoded(name);
                let copies = self.documents.get(&name).copied().unwrap_or_default();
                let found: Vec<Value> = (0..copies).map(|_| json!({"name": name})).collect();
                json!({"total": copies, "documents": found})
            }
        };
        let status = if self.can_count { 200 } else { 404 };
        Ok(Answer {
            status,
            content_type: None,
            body: answer.to_string().into_bytes(),
            took_ms: 1.0,
        })
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: u8| char::from(digit).to_digit(16).unwrap();
        bytes.push(match byte {
            b'%' => {
                u8::try_from(hex(rest.next().unwrap()) * 16 + hex(rest.next().unwrap())).unwrap()
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn corpus() -> Arc<Corpus> {
    Arc::new(Corpus::new(&CorpusPlan::usual(1)).unwrap())
}

fn profiles(corpus: &Arc<Corpus>) -> [Arc<dyn Profile>; 2] {
    [
        Arc::new(ExampleApi::new(Arc::clone(corpus), PermissionsShape::Object)),
        Arc::new(SearchEngine::new(Kind::OpenSearch, Arc::clone(corpus), 1, 1)),
    ]
}

/// Verifies numbers 0..`accepted` against a shelf that held nothing before.
fn verified(
    shelf: &mut Shelf,
    profile: &dyn Profile,
    corpus: &Corpus,
    accepted: u64,
    unknown: u64,
) -> VerificationRecord {
    let mut numbers = NumberSet::default();
    numbers.insert(0..accepted);
    let before = shelf.can_count.then_some(Count { documents: 0, names: Some(0) });
    let expected = Expected { before, accepted, unknown, numbers: &numbers, corpus };
    expected.verify(shelf, profile, || true)
}

#[test]
fn a_target_that_holds_everything_once_is_clean() {
    let corpus = corpus();
    for profile in profiles(&corpus) {
        let mut shelf = Shelf::of(&corpus, 0..20);
        let record = verified(&mut shelf, &*profile, &corpus, 20, 0);
        assert_eq!(
            (record.found, record.lost, record.doubled, record.surplus),
            (Some(20), Some(0), Some(0), Some(0))
        );
        assert!(record.examples.is_empty(), "nothing to show: {record:?}");
    }
}

#[test]
fn one_lost_and_one_doubled_do_not_cancel_and_both_are_shown() {
    let corpus = corpus();
    for profile in profiles(&corpus) {
        let mut shelf = Shelf::of(&corpus, 0..20);
        let (lost, doubled) = (corpus.name_of(7), corpus.name_of(3));
        shelf.documents.remove(&lost);
        shelf.documents.insert(doubled.clone(), 2);
        let record = verified(&mut shelf, &*profile, &corpus, 20, 0);
        assert_eq!(
            (record.lost, record.doubled),
            (Some(1), Some(1)),
            "{}: {record:?}",
            profile.name()
        );
        assert_eq!(
            record.examples,
            [format!("lost: {lost}"), format!("doubled: {doubled}")],
            "{}",
            profile.name()
        );
        assert_eq!(record.is_clean(), Some(false), "{record:?}");
    }
}

#[test]
fn unknown_documents_may_be_there_or_not_and_no_more_than_those() {
    let corpus = corpus();
    for profile in profiles(&corpus) {
        for (held, is_clean) in [(20, true), (23, true), (25, true), (26, false), (19, false)] {
            let record = verified(&mut Shelf::of(&corpus, 0..held), &*profile, &corpus, 20, 5);
            assert_eq!(record.is_clean(), Some(is_clean), "{held} held: {record:?}");
        }
    }
}

#[test]
fn a_lost_document_does_not_hide_behind_unknown_ones_where_names_are_listed() {
    let corpus = corpus();
    let engine = SearchEngine::new(Kind::Elasticsearch, Arc::clone(&corpus), 1, 1);
    let mut shelf = Shelf::of(&corpus, 0..25);
    shelf.documents.remove(&corpus.name_of(4));
    let record = verified(&mut shelf, &engine, &corpus, 20, 5);
    assert_eq!(
        (record.found, record.lost),
        (Some(24), Some(1)),
        "the total alone would be within bounds"
    );
}

/// A shelf that shows everything at the third look.
struct Slow<'a> {
    shelf: &'a mut Shelf,
    looks: u32,
}

impl Exchange for Slow<'_> {
    fn ask(&mut self, question: &Question) -> Result<Answer, ExchangeError> {
        self.looks += 1;
        if self.looks == 3 {
            self.shelf.hidden = 0;
        }
        self.shelf.ask(question)
    }
}

#[test]
fn a_lost_document_is_looked_up_where_unknown_ones_could_make_up_for_it() {
    let corpus = corpus();
    let api = ExampleApi::new(Arc::clone(&corpus), PermissionsShape::Object);
    let mut shelf = Shelf::of(&corpus, 0..25);
    let lost = corpus.name_of(4);
    shelf.documents.remove(&lost);
    let record = verified(&mut shelf, &api, &corpus, 20, 5);
    assert_eq!((record.found, record.lost), (Some(24), Some(1)), "the numbers are within bounds");
    assert_eq!(record.examples, [format!("lost: {lost}")], "and it is shown");
}

#[test]
fn a_target_that_counted_before_and_does_not_afterwards_is_no_pass() {
    let corpus = corpus();
    let api = ExampleApi::new(Arc::clone(&corpus), PermissionsShape::Object);
    let mut shelf = Shelf { can_count: false, ..Shelf::of(&corpus, 0..20) };
    let (mut numbers, before) =
        (NumberSet::default(), Some(Count { documents: 0, names: Some(0) }));
    numbers.insert(0..20);
    let expected =
        Expected { before, accepted: 20, unknown: 0, numbers: &numbers, corpus: &corpus };
    let record = expected.verify(&mut shelf, &api, || true);
    let criterion = record.criterion().expect("it is judged");
    assert_eq!((record.found, criterion.outcome), (None, Outcome::Invalid), "{record:?}");
}

#[test]
fn a_name_that_a_target_makes_up_steers_no_terminal() {
    let corpus = corpus();
    let engine = SearchEngine::new(Kind::OpenSearch, Arc::clone(&corpus), 1, 1);
    let mut shelf = Shelf::of(&corpus, 0..20);
    shelf.documents.insert("\u{1b}[2Jgone".to_owned(), 2);
    let record = verified(&mut shelf, &engine, &corpus, 20, 0);
    assert_eq!((record.doubled, record.surplus), (Some(1), Some(1)), "{record:?}");
    assert_eq!(record.examples, ["doubled: [2Jgone"], "without its escape");
}

#[test]
fn what_a_search_finds_only_after_a_while_is_waited_for() {
    let corpus = corpus();
    let api = ExampleApi::new(Arc::clone(&corpus), PermissionsShape::Object);
    let mut shelf = Shelf { hidden: 9, ..Shelf::of(&corpus, 0..20) };
    let mut numbers = NumberSet::default();
    numbers.insert(0..20);
    let before = Some(Count { documents: 0, names: Some(0) });
    let expected =
        Expected { before, accepted: 20, unknown: 0, numbers: &numbers, corpus: &corpus };
    let mut slow = Slow { shelf: &mut shelf, looks: 0 };
    let record = expected.verify(&mut slow, &api, || true);
    assert_eq!((record.found, record.lost), (Some(20), Some(0)), "{record:?}");
}

#[test]
fn a_target_that_cannot_count_is_not_judged() {
    let corpus = corpus();
    let api = ExampleApi::new(Arc::clone(&corpus), PermissionsShape::Object);
    let mut shelf = Shelf { can_count: false, ..Shelf::of(&corpus, 0..20) };
    assert_eq!(
        census(&mut shelf, &api, &corpus, &NumberSet::default()).unwrap(),
        None,
        "nothing is known before"
    );
    let record = verified(&mut shelf, &api, &corpus, 20, 0);
    assert_eq!(
        (record.accepted, record.found, record.is_clean()),
        (20, None, None),
        "and nothing after"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_loss_and_every_double_is_counted_whoever_counts(
        lost in prop::collection::btree_set(0..40_u64, 0..10),
        doubled in prop::collection::btree_map(0..40_u64, 2..4_u64, 0..10),
    ) {
        let corpus = corpus();
        for profile in profiles(&corpus) {
            let mut shelf = Shelf::of(&corpus, 0..40);
            for (number, copies) in &doubled {
                shelf.documents.insert(corpus.name_of(*number), *copies);
            }
            for number in &lost {
                shelf.documents.remove(&corpus.name_of(*number));
            }
            let record = verified(&mut shelf, &*profile, &corpus, 40, 0);
            let more: u64 = doubled.iter().filter(|(number, _)| !lost.contains(number)).map(|(_, copies)| copies - 1).sum();
            prop_assert_eq!(record.lost, Some(u64::try_from(lost.len()).unwrap()));
            prop_assert_eq!(record.doubled, Some(more));
            prop_assert_eq!(record.found, Some(40 - u64::try_from(lost.len()).unwrap()));
        }
    }
}

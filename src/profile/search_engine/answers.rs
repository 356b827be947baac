//! What the answers of a search engine mean.

use serde::Deserialize;

use crate::profile::Reading;
use crate::trial::outcome::{Break, Ending};
use crate::units::usize_to_u64;

/// The answer to a single document.
#[derive(Deserialize)]
struct Created<'a> {
    #[serde(borrow)]
    result: &'a str,
}

/// The answer to a bulk request.
#[derive(Deserialize)]
struct Bulk {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    create: Status,
}

#[derive(Deserialize)]
struct Status {
    status: u16,
}

/// The answer to a search.
#[derive(Deserialize)]
struct Search {
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
}

#[derive(Deserialize)]
struct Shards {
    failed: u64,
}

const WRONG: Ending = Ending::Broken(Break::WrongBody);

/// A 2xx answer to a single document: it must say that it was created, not that it was changed.
pub(super) fn created(body: &[u8]) -> Reading {
    match serde_json::from_slice::<Created<'_>>(body) {
        Ok(Created { result: "created" }) => Ending::Accepted.into(),
        _ => WRONG.into(),
    }
}

/// A 2xx answer to a bulk request: every document has its own status, and none may be missing.
pub(super) fn bulk(body: &[u8], documents: u64) -> Reading {
    let Ok(Bulk { items }) = serde_json::from_slice::<Bulk>(body) else { return WRONG.into() };
    if usize_to_u64(items.len()) != documents {
        return WRONG.into();
    }
    let mut statuses: Vec<(u16, u64)> = Vec::new();
    for Item { create: Status { status } } in items {
        match statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => statuses.push((status, 1)),
        }
    }
    let is_good = |(status, _): &&(u16, u64)| (200..300).contains(status);
    let accepted: u64 = statuses.iter().filter(is_good).map(|(_, count)| count).sum();
    if accepted == documents {
        return Reading { statuses, ..Ending::Accepted.into() };
    }
    Reading { ending: Ending::Refused, accepted_in_part: accepted, statuses }
}

/// A 2xx answer to a search: one that ran out of time or lacks a shard is not the answer.
pub(super) fn search(body: &[u8]) -> Reading {
    match serde_json::from_slice::<Search>(body) {
        Ok(Search { timed_out: false, shards: Shards { failed: 0 } }) => Ending::Accepted.into(),
        _ => WRONG.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_created_document_is_accepted() {
        assert_eq!(created(br#"{"_id":"1","result":"created"}"#), Ending::Accepted.into());
        for body in [r#"{"result":"updated"}"#, r#"{"result":1}"#, "", "[]", "<html>"] {
            assert_eq!(created(body.as_bytes()), WRONG.into(), "{body}");
        }
    }

    #[test]
    fn a_search_that_lacks_a_shard_or_ran_out_of_time_is_no_answer() {
        let answer = |timed_out: bool, failed: u64| {
            search(
                format!(r#"{{"timed_out":{timed_out},"_shards":{{"total":1,"failed":{failed}}}}}"#)
                    .as_bytes(),
            )
        };
        assert_eq!(answer(false, 0), Ending::Accepted.into(), "whole and in time");
        assert_eq!(
            (answer(true, 0), answer(false, 1)),
            (WRONG.into(), WRONG.into()),
            "neither of these"
        );
        assert_eq!(search(b"{}"), WRONG.into(), "nor a body without them");
    }

    fn answer(statuses: &[u16]) -> String {
        let items: Vec<String> = statuses
            .iter()
            .map(|status| format!(r#"{{"create":{{"status":{status}}}}}"#))
            .collect();
        format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","))
    }

    #[test]
    fn a_missing_item_makes_the_whole_answer_wrong() {
        assert_eq!(bulk(answer(&[201, 201]).as_bytes(), 3), WRONG.into(), "two of three");
        assert_eq!(bulk(br#"{"errors":false}"#, 0), WRONG.into(), "no items at all");
    }

    proptest! {
        #[test]
        fn each_document_of_a_bulk_request_is_counted_by_its_own_status(
            statuses in prop::collection::vec(prop::sample::select(vec![201_u16, 429, 409, 503]), 1..50),
        ) {
            let reading = bulk(answer(&statuses).as_bytes(), usize_to_u64(statuses.len()));
            let of = |status: u16| usize_to_u64(statuses.iter().filter(|other| **other == status).count());
            let is_whole = of(201) == usize_to_u64(statuses.len());
            prop_assert_eq!(reading.ending, if is_whole { Ending::Accepted } else { Ending::Refused });
            prop_assert_eq!(reading.accepted_in_part, if is_whole { 0 } else { of(201) });
            for (status, count) in reading.statuses {
                prop_assert_eq!(count, of(status));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            drop((created(&body), bulk(&body, 1), search(&body)));
        }
    }
}

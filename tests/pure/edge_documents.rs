//! The catalogue of edge documents: every case is once what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use plimsoll::corpus::Corpus;
use plimsoll::corpus::plan::CorpusPlan;
use plimsoll::edge::catalogue::{GROWTHS, catalogue};
use plimsoll::edge::draft::{Draft, FIELDS};
use plimsoll::edge::form::Form;
use plimsoll::edge::{After, Case, Expectation};
use plimsoll::profile::example_api::ExampleApi;
use plimsoll::profile::{PermissionsShape, Profile};
use plimsoll::trial::Workload;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// The catalogue in one shape, its form, and the good documents that it was made of, in turn.
fn made(shape: PermissionsShape) -> (Vec<Case>, Form, Vec<Value>) {
    let corpus = Arc::new(Corpus::new(&CorpusPlan::usual(1)).unwrap());
    let api = ExampleApi::new(corpus, shape);
    let form = Form::of(&api, "127.0.0.1:1234", shape);
    let mut good = Vec::new();
    let mut next = || {
        let mut body = Vec::new();
        let number = u64::try_from(good.len()).unwrap();
        api.write_body(Workload::Index, &(number..number + 1), &mut body);
        good.push(serde_json::from_slice(&body).unwrap());
        form.draft(&body)
    };
    let cases = catalogue(&form, &mut next);
    (cases, form, good)
}

fn object() -> BTreeMap<&'static str, Case> {
    let (cases, ..) = made(PermissionsShape::Object);
    cases.into_iter().map(|case| (case.id, case)).collect()
}

/// All bytes of a case's only request.
fn bytes(case: &Case) -> Vec<u8> {
    assert_eq!(case.sendings.len(), 1, "{}", case.id);
    case.sendings[0].pieces.iter().flat_map(|piece| piece.bytes.clone()).collect()
}

/// Head lines in small letters, and the body.
fn parts(request: &[u8]) -> (Vec<String>, Vec<u8>) {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(request[..end].to_vec()).unwrap().to_ascii_lowercase();
    (head.split("\r\n").map(str::to_owned).collect(), request[end + 4..].to_vec())
}

fn body(cases: &BTreeMap<&'static str, Case>, id: &str) -> Vec<u8> {
    parts(&bytes(&cases[id])).1
}

fn field(cases: &BTreeMap<&'static str, Case>, id: &str, name: &str) -> Value {
    let document: Value = serde_json::from_slice(&body(cases, id)).expect(id);
    document[name].clone()
}

fn name(cases: &BTreeMap<&'static str, Case>, id: &str) -> String {
    field(cases, id, "name").as_str().expect(id).to_owned()
}

fn announced(head: &[String]) -> Vec<usize> {
    let lengths = head.iter().filter_map(|line| line.strip_prefix("content-length: "));
    lengths.map(|length| length.parse().unwrap()).collect()
}

#[test]
fn every_case_has_an_id_of_its_own_and_words_that_fit_a_line() {
    let (cases, ..) = made(PermissionsShape::Object);
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
    assert_eq!(ids.len(), cases.len(), "each once");
    assert!(cases.len() >= 150, "{} cases", cases.len());
    for case in &cases {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-+.".contains(c);
        assert!(case.id.chars().all(plain) && case.id.len() <= 24, "{}", case.id);
        assert!(!case.sent.is_empty() && case.sent.len() <= 40, "{}: {}", case.id, case.sent);
        assert!(!case.sendings.is_empty(), "{} sends something", case.id);
    }
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        *groups.entry(case.id.split('-').next().unwrap()).or_default() += 1;
    }
    let expected = [
        ("directory", 10),
        ("growth", 2),
        ("host", 7),
        ("http", 20),
        ("json", 19),
        ("key", 10),
        ("name", 51),
        ("permissions", 13),
        ("repeat", 2),
        ("size", 20),
    ];
    assert_eq!(groups, BTreeMap::from(expected), "a case that is lost or new is one on purpose");
}

#[test]
fn both_shapes_of_permissions_have_the_same_cases() {
    let ids = |shape| made(shape).0.iter().map(|case| (case.id, case.expected)).collect::<Vec<_>>();
    assert_eq!(ids(PermissionsShape::Object), ids(PermissionsShape::List), "ids and expectations");
}

#[test]
fn a_case_of_one_field_leaves_the_others_as_they_were() {
    for shape in [PermissionsShape::Object, PermissionsShape::List] {
        let (cases, _, good) = made(shape);
        let of = |id: &str| match id.split('-').next().unwrap() {
            "size" => Some("file_size"),
            "permissions" | "key" | "growth" => Some("permissions"),
            "name" => Some("name"),
            "directory" => Some("directory"),
            "host" => Some("host"),
            _ => None,
        };
        let mut seen = 0;
        for case in &cases {
            let Some(changed) = of(case.id) else { continue };
            for sending in &case.sendings {
                let (_, body) = parts(&sending.pieces[0].bytes);
                let Ok(document) = serde_json::from_slice::<Value>(&body) else { continue };
                let is_kept = |good: &Value| {
                    let mut others = FIELDS.iter().filter(|name| **name != changed);
                    others.all(|name| good[*name] == document[*name])
                };
                assert!(good.iter().any(is_kept), "{}: {document}", case.id);
                seen += 1;
            }
        }
        assert!(seen > 250, "{seen} documents were looked at");
    }
}

#[test]
fn lengths_of_requests_are_as_announced_but_where_they_are_the_case() {
    let (cases, ..) = made(PermissionsShape::Object);
    for case in &cases {
        for sending in &case.sendings {
            if case.id == "http-open-head" {
                continue;
            }
            let all: Vec<u8> = sending.pieces.iter().flat_map(|it| it.bytes.clone()).collect();
            let (head, body) = parts(&all);
            let mut lengths = announced(&head);
            let is_coded = head.iter().any(|line| line == "transfer-encoding: chunked");
            match case.id {
                "http-length-short" => assert_eq!(lengths[0] + 10, body.len(), "too small"),
                "http-length-long" => assert_eq!(lengths[0], body.len() + 10, "too great"),
                "http-two-lengths" => assert_eq!(lengths, [body.len(), 1], "two"),
                "http-length-and-chunks" => assert!(is_coded && lengths.len() == 1, "both"),
                "http-chunked" | "http-bad-chunk" => {
                    assert!(is_coded && lengths.is_empty(), "{}", case.id);
                }
                "http-method" => assert!(lengths.is_empty() && body.is_empty(), "no body"),
                _ => assert_eq!(lengths.pop(), Some(body.len()), "{}", case.id),
            }
            assert_eq!(head.iter().filter(|line| line.starts_with("host: ")).count(), 1, "a host");
        }
    }
}

#[test]
fn only_a_request_that_ends_where_it_says_leaves_the_connection_in_use() {
    for (id, case) in object() {
        let odd = [
            ("http-length-short", After::Close),
            ("http-length-long", After::HangUp),
            ("http-open-head", After::HangUp),
            ("http-two-lengths", After::Close),
            ("http-length-and-chunks", After::Close),
            ("http-bad-chunk", After::Close),
        ];
        let expected = odd.iter().find(|(odd, _)| *odd == id).map_or(After::Keep, |(_, it)| *it);
        assert!(case.sendings.iter().all(|sending| sending.after == expected), "{id}");
    }
}

#[test]
fn sizes_are_the_numbers_that_they_are_named_after() {
    let cases = object();
    let size = |id: &str| field(&cases, id, "file_size");
    for (id, power, off) in [
        ("size-2p31-1", 31, -1),
        ("size-2p31", 31, 0),
        ("size-2p32", 32, 0),
        ("size-2p53-1", 53, -1),
        ("size-2p53", 53, 0),
        ("size-2p53+1", 53, 1),
        ("size-2p63-1", 63, -1),
        ("size-2p63", 63, 0),
        ("size-2p64-1", 64, -1),
    ] {
        let number = (1_i128 << power) + off;
        assert_eq!(size(id).as_u64().map(i128::from), Some(number), "{id}");
    }
    let text = String::from_utf8(body(&cases, "size-1e30")).unwrap();
    assert!(text.contains(&format!("\"file_size\":1{},", "0".repeat(30))), "{text}");
    assert_eq!(size("size-negative").as_i64(), Some(-1), "below nothing");
}

#[test]
fn names_have_the_lengths_and_the_letters_that_they_claim() {
    let cases = object();
    for (id, bytes) in [
        ("name-empty", 0),
        ("name-1", 1),
        ("name-255", 255),
        ("name-256", 256),
        ("name-4096", 4096),
    ] {
        assert_eq!(name(&cases, id).len(), bytes, "{id}");
    }
    assert_eq!(name(&cases, "name-32767").len(), 32_767, "the longest");
    let wide = name(&cases, "name-255-wide");
    assert_eq!((wide.chars().count(), wide.len()), (255, 1020), "four bytes each");
    let (composed, parted) = (name(&cases, "name-nfc"), name(&cases, "name-nfd"));
    assert_ne!(composed, parted, "two names");
    assert_eq!(composed, parted.nfc().collect::<String>(), "of one word");
    assert_eq!(composed, composed.nfc().collect::<String>(), "one of them composed");
    assert_eq!(name(&cases, "name-extensions").matches('.').count(), 40, "extensions");
    assert!(name(&cases, "name-u0000").contains('\0'), "U+0000");
    assert_eq!(name(&cases, "name-escaped-pair"), "\u{1f4c4}.txt", "two escapes, one character");
    for id in ["name-surrogate", "name-raw-byte", "name-raw-control"] {
        let body = body(&cases, id);
        assert!(serde_json::from_slice::<Value>(&body).is_err(), "{id} is no JSON");
        assert_eq!(cases[id].expected, Expectation::Reject, "{id}");
    }
    assert!(std::str::from_utf8(&body(&cases, "name-raw-byte")).is_err(), "no UTF-8");
    let places = [("directory-4096", "directory", 4096), ("host-253", "host", 253)];
    for (id, of, bytes) in places {
        assert_eq!(field(&cases, id, of).as_str().unwrap().len(), bytes, "{id}");
    }
    let deep = field(&cases, "directory-deep", "directory");
    assert_eq!(deep.as_str().unwrap().matches("level").count(), 40, "levels");
}

#[test]
fn bodies_are_what_they_claim() {
    let cases = object();
    for (id, bytes) in [("json-1mb", 1_000_000), ("json-10mb", 10_000_000), ("json-empty", 0)] {
        let length = body(&cases, id).len();
        assert!((bytes..=bytes + 1).contains(&length), "{id}: {length} bytes");
    }
    let is_json = |id: &str| serde_json::from_slice::<Value>(&body(&cases, id)).is_ok();
    for id in ["json-1mb", "json-10mb", "json-order", "json-pretty", "json-escapes", "json-array"] {
        assert!(is_json(id), "{id} is JSON");
    }
    for id in ["json-truncated", "json-two", "json-comment", "json-comma", "json-single"] {
        assert!(!is_json(id), "{id} is none");
    }
    let deep = body(&cases, "json-deep");
    let (open, close) = (deep.iter().filter(|b| **b == b'['), deep.iter().filter(|b| **b == b']'));
    assert!(open.count() >= 10_000 && close.count() >= 10_000, "deep");
    let units: Vec<u16> = body(&cases, "json-utf16")
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let text = String::from_utf16(&units[1..]).unwrap();
    assert!(units[0] == 0xfeff && Draft::of(text.as_bytes()).value("name") != b"null", "{text}");
    assert!(body(&cases, "json-escapes").is_ascii(), "escaped");
    assert!(name(&cases, "json-escapes").contains('\u{1f4c4}'), "and read back");
    let twice = String::from_utf8(body(&cases, "json-duplicate")).unwrap();
    assert_eq!(twice.matches("\"host\"").count(), 2, "{twice}");
}

#[test]
fn what_is_coded_can_be_decoded_to_a_good_document() {
    let cases = object();
    let (head, packed) = parts(&bytes(&cases["http-gzip"]));
    assert!(head.contains(&"content-encoding: gzip".to_owned()), "{head:?}");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
    assert_ne!(Draft::of(&text).value("name"), b"null", "unpacked");
    let mut rest = body(&cases, "http-chunked");
    let mut document = Vec::new();
    let mut chunks = 0;
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        document.extend_from_slice(&rest[end + 2..end + 2 + size]);
        assert_eq!(&rest[end + 2 + size..end + 4 + size], b"\r\n", "the end of a chunk");
        rest.drain(..end + 4 + size);
        if size == 0 {
            break;
        }
        chunks += 1;
    }
    assert_eq!((chunks, rest.len()), (2, 0), "two chunks and nothing behind");
    assert_ne!(Draft::of(&document).value("name"), b"null", "put together");
    let paused = &cases["http-paused"].sendings[0];
    assert_eq!(paused.pieces.len(), 2, "in two pieces");
    let expecting = &cases["http-expect"].sendings[0];
    assert!(expecting.pieces[0].bytes.ends_with(b"\r\n\r\n"), "the head alone");
    assert!(expecting.pieces[0].pause_ms >= 1000, "and a pause");
}

#[test]
fn growth_brings_as_many_principals_as_it_says_in_a_bounded_number_of_documents() {
    for shape in [PermissionsShape::Object, PermissionsShape::List] {
        let (cases, ..) = made(shape);
        for (id, (principals, documents)) in ["growth-600", "growth-5000"].into_iter().zip(GROWTHS)
        {
            let case = cases.iter().find(|case| case.id == id).unwrap();
            assert_eq!(case.sendings.len(), documents, "{id}");
            let mut seen = BTreeSet::new();
            for sending in &case.sendings {
                let (_, body) = parts(&sending.pieces[0].bytes);
                let document: Value = serde_json::from_slice(&body).unwrap();
                match &document["permissions"] {
                    Value::Object(users) => seen.extend(users.keys().cloned()),
                    Value::Array(items) => seen.extend(
                        items.iter().flat_map(|it| it.as_object().unwrap().keys().cloned()),
                    ),
                    other => panic!("{other}"),
                }
            }
            assert_eq!(seen.len(), principals, "{id}: all different");
        }
    }
}

#[test]
fn the_numbers_that_the_command_reserves_are_enough() {
    let (cases, _, good) = made(PermissionsShape::Object);
    let most = good.len() + cases.len();
    assert!(most < 2000, "{most} documents, one for each case and one behind each");
    let (again, ..) = made(PermissionsShape::Object);
    assert_eq!(cases, again, "and the catalogue is the same each time");
}

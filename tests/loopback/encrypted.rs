//! Encrypted connections: verified unless told otherwise, timed and reused like any other.

use std::sync::Arc;

use crate::support::encrypted::Encrypted;
use crate::support::tool::{plimsoll, stderr};
use crate::support::trials::{Counter, GENTLE, Load, PLAIN, TO_THE_END, index, plan};
use crate::support::{Manner, Server};
use plimsoll::live::tls::{TlsClient, Trust};
use plimsoll::live::{Address, LiveMeasurer, Tuning};
use plimsoll::trial::outcome::Break;
use plimsoll::trial::result::TrialResult;
use plimsoll::trial::{Measurer, Workload};

fn run(address: std::net::SocketAddr, trust: &Trust, load: &Load) -> TrialResult {
    let tls = Some(TlsClient::new("127.0.0.1", trust).unwrap());
    let address = Address { tls, ..Address::plain(address) };
    let (profile, tuning) = (Arc::new(PLAIN), Tuning::usual(64));
    let mut measurer =
        LiveMeasurer::new(address, profile, Counter(0), tuning, Box::new(|| true)).unwrap();
    measurer.run(&plan(load, &[Workload::Index]), &mut { TO_THE_END }).unwrap()
}

#[test]
fn a_server_whose_certificate_is_trusted_is_measured_like_any_other() {
    let server = Encrypted::start("\"OK\"", None);
    for trust in [Trust::File(server.ca.clone()), Trust::Anybody] {
        let result = run(server.address, &trust, &GENTLE);
        let tally = &index(&result).tally;
        assert_eq!(tally.counts.accepted, 200, "{trust:?}: {:?}", tally.broken);
        assert!(tally.connects <= 20, "connections are reused, not {} opened", tally.connects);
        assert_eq!(tally.connect.samples(), tally.connects, "each was timed");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = Encrypted::start("\"OK\"", None);
    let stranger = Encrypted::start("\"OK\"", None);
    let result = run(server.address, &Trust::File(stranger.ca.clone()), &GENTLE);
    let tally = &index(&result).tally;
    assert_eq!(tally.broken.get(&Break::Tls), Some(&200), "{:?}", tally.broken);
    assert!(server.heads.lock().unwrap().is_empty(), "and nothing was sent there");
}

#[test]
fn a_server_that_closes_after_each_answer_or_sends_much_is_heard_out() {
    let closing = Encrypted::start("\"OK\"", Some(1));
    let result = run(closing.address, &Trust::Anybody, &Load { rps: 50.0, ..GENTLE });
    let tally = &index(&result).tally;
    assert!(tally.counts.accepted >= 45, "{:?} {:?}", tally.counts, tally.broken);
    let long: &'static str = Box::leak(format!("{{{}", "x".repeat(60_000)).into_boxed_str());
    let much = Encrypted::start(long, None);
    let result = run(much.address, &Trust::Anybody, &Load { rps: 50.0, ..GENTLE });
    assert_eq!(index(&result).tally.counts.accepted, 50, "several records an answer");
}

#[test]
fn a_server_that_does_not_encrypt_is_no_encrypted_server() {
    let server = Server::start(Manner::Garbage);
    let result = run(server.address, &Trust::Anybody, &Load { rps: 20.0, ..GENTLE });
    let tally = &index(&result).tally;
    assert_eq!(tally.counts.broken + tally.counts.timed_out, 20, "{:?}", tally.counts);
}

#[test]
fn credentials_reach_the_target_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Encrypted::start("\"OK\"", None);
    let (url, ca) =
        (format!("TARGET=https://{}", server.address), format!("CA={}", server.ca.display()));
    let words = ["load", &url, "RPS=50", "DURATION_S=1", "--json", &ca];
    let run = |words: &[&str]| {
        let mut command = plimsoll(folder.path(), words);
        command.env("PLIMSOLL_BASIC_AUTH", "u:hunter2").output().unwrap()
    };
    let refused = run(&words[..5]);
    assert_eq!(refused.status.code(), Some(4), "nobody vouches for it: {}", stderr(&refused));
    assert!(stderr(&refused).contains("give CA="), "the cure: {}", stderr(&refused));
    let ran = run(&words);
    assert_eq!(ran.status.code(), Some(0), "{}", stderr(&ran));
    let shown = format!("{}{}", String::from_utf8_lossy(&ran.stdout), stderr(&ran));
    assert!(!shown.contains("hunter2") && !shown.contains("dTpodW50ZXIy"), "{shown}");
    let heads = server.heads.lock().unwrap();
    assert!(heads.len() >= 50, "each request came");
    for head in heads.iter() {
        assert!(head.contains("authorization: Basic dTpodW50ZXIy\r\n"), "{head}");
    }
}

#[test]
fn what_cannot_be_trusted_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
    for (words, wanted) in [
        (&["TARGET=https://127.0.0.1:9", "CA=/nowhere"][..], "CA=/nowhere"),
        (&["TARGET=https://127.0.0.1:9", "CA=empty.pem"], "no certificate"),
        (&["TARGET=http://127.0.0.1:9", "INSECURE=true"], "https://"),
        (&["TARGET=https://127.0.0.1:9", "CA=x", "INSECURE=true"], "contradict"),
    ] {
        let words = [&["load", "RPS=1"], words].concat();
        let refused = plimsoll(folder.path(), &words).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(wanted), "{words:?}: {}", stderr(&refused));
    }
}

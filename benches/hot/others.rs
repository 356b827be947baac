//! Documents as most would make them: drawn, formatted, and kept apart by a set of all names so far.

use std::collections::HashSet;
use std::hint::black_box;

use fake::Fake;
use fake::faker::filesystem::en::{DirPath, FileName};
use fake::faker::internet::en::Username;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Zipf};
use serde_json::json;

use crate::work::Named;

/// Every way.
pub(crate) const WAYS: [Named; 2] =
    [("rand, serde_json and a set", drawn), ("fake, serde_json and a set", faked)];

fn drawn() -> Box<dyn FnMut(u64)> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    let sizes = LogNormal::<f64>::new(9.489, 2.923).expect("a law");
    let (hosts, people) =
        (Zipf::<f64>::new(32.0, 0.8).expect("a law"), Zipf::<f64>::new(400.0, 0.8).expect("a law"));
    let extensions = ["pdf", "docx", "xlsx", "jpg", "txt", "html", "msg", "png"];
    let mut seen = HashSet::new();
    Box::new(move |count| {
        for _ in 0..count {
            let name = loop {
                let number: u32 = chance.random();
                let extension = extensions[chance.random_range(0..extensions.len())];
                let name = format!("Document-{number}.{extension}");
                if seen.insert(name.clone()) {
                    break name;
                }
            };
            let mut permissions = serde_json::Map::new();
            for _ in 0..chance.random_range(1..8) {
                let right = if chance.random_bool(0.55) { "READ_WRITE" } else { "READ" };
                permissions.insert(format!("user{}", people.sample(&mut chance)), right.into());
            }
            let document = json!({
                "name": name,
                "directory": format!("/srv/share/{}", chance.random_range(0..10_000)),
                "host": format!("fs-{}", hosts.sample(&mut chance)),
                "file_size": sizes.sample(&mut chance).floor(),
                "permissions": permissions,
            });
            black_box(document.to_string());
        }
    })
}

fn faked() -> Box<dyn FnMut(u64)> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut seen = HashSet::new();
    Box::new(move |count| {
        for _ in 0..count {
            // It has few names: a number makes them different.
            let name = loop {
                let base: String = FileName().fake_with_rng(&mut chance);
                let name = format!("{}-{base}", chance.random::<u32>());
                if seen.insert(name.clone()) {
                    break name;
                }
            };
            let mut permissions = serde_json::Map::new();
            for _ in 0..chance.random_range(1..8) {
                let user: String = Username().fake_with_rng(&mut chance);
                permissions.insert(user, "READ".into());
            }
            let directory: String = DirPath().fake_with_rng(&mut chance);
            let document = json!({
                "name": name,
                "directory": directory,
                "host": format!("fs-{}", chance.random_range(0..32)),
                "file_size": chance.random_range(0..10_000_000),
                "permissions": permissions,
            });
            black_box(document.to_string());
        }
    })
}

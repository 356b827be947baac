//! The corpus against what is published of real file shares, and the proof that no document comes twice.

use std::collections::HashSet;

use plimsoll::corpus::permutation::Permutation;
use plimsoll::corpus::plan::{CorpusPlan, Order};
use plimsoll::corpus::profiles::DataProfile;
use plimsoll::corpus::sample::{Document, SampleProfile};
use plimsoll::corpus::sizes::SizeLaw;
use plimsoll::corpus::{CORPUS_VERSION, Corpus, PermissionsShape};
use plimsoll::seed::Seed;
use plimsoll::units::u64_to_usize;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use unicode_normalization::UnicodeNormalization;

/// Percent of files of at most 2^k bytes, k from 5 to 25, and 100 beyond: knowledge workers 2016–18 (Dinneen and Nguyen
/// 2021), university administrators (Skondric 2020); both read from the plot in the former's repository.
const KNOWLEDGE: [f64; 21] = [
    1.5, 2.1, 4.0, 8.1, 11.9, 19.7, 29.7, 41.0, 49.1, 57.4, 65.5, 74.0, 79.2, 83.6, 87.5, 90.3,
    93.2, 96.7, 98.1, 99.2, 99.8,
];
const ADMINISTRATORS: [f64; 21] = [
    0.8, 0.8, 1.2, 1.5, 1.5, 1.7, 2.1, 2.3, 3.4, 11.5, 21.4, 41.5, 69.7, 82.8, 88.0, 91.0, 95.0,
    98.1, 99.2, 99.8, 100.0,
];

fn corpus(plan: &CorpusPlan) -> Corpus {
    Corpus::new(plan).unwrap()
}

fn usual() -> Corpus {
    corpus(&CorpusPlan::usual(1))
}

fn body(corpus: &Corpus, number: u64, shape: PermissionsShape) -> String {
    let mut body = Vec::new();
    corpus.write_json(number, shape, &mut body);
    String::from_utf8(body).unwrap()
}

/// The greatest distance of a sample's sizes from a published curve.
fn distance(profile: &SampleProfile, curve: &[f64; 21]) -> f64 {
    let count = profile.documents as f64;
    let powers = profile.sizes_up_to_power.iter().skip(5).zip(curve);
    powers.map(|(found, wanted)| (*found as f64 / count - wanted / 100.0).abs()).fold(0.0, f64::max)
}

#[test]
fn sizes_follow_the_published_curves() {
    let share = SampleProfile::of(&usual(), 0, 300_000).unwrap();
    let far = distance(&share, &KNOWLEDGE);
    assert!(far <= 0.015, "share is {far} from the knowledge workers' curve");
    assert!((7_900..9_100).contains(&share.size_p50_bytes), "{}", share.size_p50_bytes);
    let plan = CorpusPlan { profile: DataProfile::named("docs").unwrap(), ..CorpusPlan::usual(1) };
    let docs = SampleProfile::of(&corpus(&plan), 0, 300_000).unwrap();
    let far = distance(&docs, &ADMINISTRATORS);
    assert!(far <= 0.025, "docs is {far} from the administrators' curve");
}

/// Extensions in small letters and sizes of the first million documents.
fn million() -> Vec<(String, u64)> {
    let corpus = usual();
    let document = |number| {
        let text = body(&corpus, number, PermissionsShape::Object);
        let document: Document = serde_json::from_str(&text).unwrap();
        let extension = document.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        (extension.to_ascii_lowercase(), document.file_size)
    };
    (0..1_000_000).map(document).collect()
}

/// Probability that a file of this law has fewer than so many bytes.
fn below(law: &SizeLaw, bytes: f64) -> f64 {
    let SizeLaw::LogNormal { median_bytes, sigma } = law else { panic!("{law:?}") };
    Normal::new(median_bytes.ln(), *sigma).unwrap().cdf(bytes.ln())
}

#[test]
fn a_million_documents_follow_their_own_profile() {
    let profile = DataProfile::named("share").unwrap();
    let total: f64 = profile.kinds.iter().map(|kind| kind.share).sum();
    let documents = million();
    let count = documents.len() as f64;

    let mut sizes: Vec<u64> = documents.iter().map(|(_, size)| *size).collect();
    sizes.sort_unstable();
    let mixture = |bytes: f64| {
        let kinds = profile.kinds.iter();
        let sum: f64 = kinds.map(|kind| kind.share / total * below(&kind.sizes, bytes)).sum();
        profile.empty_ratio + (1.0 - profile.empty_ratio) * sum
    };
    let mut far = 0.0_f64;
    for step in 0..800 {
        // A size is what is left of a real number when its fraction is cut off.
        let bytes = (f64::from(step) / 800.0 * 24.0).exp().floor();
        let found = sizes.partition_point(|size| (*size as f64) <= bytes) as f64 / count;
        far = far.max((found - mixture(bytes + 1.0)).abs());
    }
    // The 0.1 % point of the Kolmogorov distance.
    assert!(far < 1.95 / count.sqrt(), "sizes are {far} from their mixture");

    let mut squares = 0.0;
    for kind in &profile.kinds {
        let expected = kind.share / total * count;
        let found = documents.iter().filter(|(extension, _)| *extension == kind.extension).count();
        squares += (found as f64 - expected).powi(2) / expected;
    }
    let freedom = profile.kinds.len() as f64 - 1.0;
    let chance = 1.0 - ChiSquared::new(freedom).unwrap().cdf(squares);
    assert!(chance > 1e-4, "extensions: chi-square {squares} of {freedom} degrees, {chance}");

    for extension in ["pdf", "docx"] {
        let kind = profile.kinds.iter().find(|kind| kind.extension == extension).unwrap();
        let of_kind = documents.iter().filter(|(one, size)| one == extension && *size > 0);
        let mut shares: Vec<f64> =
            of_kind.map(|(_, size)| below(&kind.sizes, *size as f64 + 0.5)).collect();
        shares.sort_by(f64::total_cmp);
        let anderson = anderson_darling(&shares);
        // The 0.1 % point where the law is fully known.
        assert!(anderson < 6.0, "{extension}: A-square {anderson}");
    }
}

/// The statistic of Anderson and Darling of ascending values that should be uniform.
fn anderson_darling(shares: &[f64]) -> f64 {
    let count = shares.len() as f64;
    let terms = shares
        .iter()
        .zip(shares.iter().rev())
        .enumerate()
        .map(|(rank, (low, high))| (2.0 * rank as f64 + 1.0) * (low.ln() + (1.0 - high).ln()));
    -count - terms.sum::<f64>() / count
}

/// The exponent under which counts by rank are likeliest, between 0.3 and 1.5.
fn zipf_exponent(counts: &[u64]) -> f64 {
    let ranks = 1..=counts.len();
    let logs: Vec<f64> = ranks.map(|rank| (rank as f64).ln()).collect();
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    let likelihood = |exponent: f64| {
        let norm: f64 = logs.iter().map(|log| (-exponent * log).exp()).sum();
        let sum: f64 = logs.iter().zip(counts).map(|(log, count)| *count as f64 * log).sum();
        -exponent * sum - total * norm.ln()
    };
    let (mut low, mut high) = (0.3, 1.5);
    for _ in 0..60 {
        let (one, other) = (low + (high - low) * 0.382, low + (high - low) * 0.618);
        if likelihood(one) > likelihood(other) { high = other } else { low = one }
    }
    f64::midpoint(low, high)
}

fn by_rank(counts: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut counts: Vec<u64> = counts.collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    counts
}

#[test]
fn hosts_directories_and_people_are_limited_and_as_skewed_as_real_ones() {
    let profile = SampleProfile::of(&usual(), 0, 400_000).unwrap();
    assert_eq!(profile.hosts.len(), 32, "every host holds something");
    let hosts = zipf_exponent(&by_rank(profile.hosts.values().copied()));
    assert!((hosts - 0.80).abs() <= 0.02, "hosts fall off with {hosts}");
    let everyone = profile.principals.get("everyone").copied().unwrap_or_default();
    let people = profile.principals.iter().filter(|(name, _)| *name != "everyone");
    let people = by_rank(people.map(|(_, count)| *count));
    assert!(people.len() <= 400 && everyone > 0, "{} principals", people.len());
    let people = zipf_exponent(&people);
    assert!((people - 0.80).abs() <= 0.02, "principals fall off with {people}");
    assert!(profile.extensions.len() <= 264, "{} extensions", profile.extensions.len());

    let directories: u64 = profile.directory_depths.values().sum();
    assert!((9_000..=10_000).contains(&directories), "nearly all were met: {directories}");
    let depths = profile.directory_depths.iter();
    let depth =
        depths.map(|(depth, count)| (depth * count) as f64).sum::<f64>() / directories as f64;
    assert!((5.5..=7.7).contains(&depth), "directories lie {depth} deep");
    let open = profile.directories_open as f64 / directories as f64;
    assert!((open - 0.20).abs() <= 0.01, "{open} of the directories are open to everyone");
    let entries: u64 = profile.entries.iter().map(|(entries, count)| entries * count).sum();
    let mean = (entries - everyone) as f64 / profile.documents as f64;
    assert!((mean - 3.92).abs() <= 0.1, "{mean} entries a document");
    let write = profile.entries_that_write as f64 / entries as f64;
    assert!((0.4..0.65).contains(&write), "{write} of the entries may write");
}

#[test]
fn few_directories_hold_many_files() {
    let profile = SampleProfile::of(&usual(), 0, 400_000).unwrap();
    // The density of the published inverse polynomial falls with the square; log-log over the tail before its cut.
    let directories: u64 = profile.files_per_directory.values().sum();
    let beyond = |files: u64| {
        let range = profile.files_per_directory.range(files..);
        range.map(|(_, count)| *count).sum::<u64>() as f64 / directories as f64
    };
    let slope = (beyond(800).ln() - beyond(100).ln()) / (8.0_f64).ln() - 1.0;
    assert!((slope + 2.0).abs() <= 0.3, "the density of the tail falls with {slope}");
}

#[test]
fn names_look_like_names_and_fit_every_server() {
    let corpus = usual();
    let profile = SampleProfile::of(&corpus, 0, 200_000).unwrap();
    assert!((24.0..=32.0).contains(&profile.name_mean_bytes), "{}", profile.name_mean_bytes);
    assert!(profile.name_p99_bytes <= 80 && profile.name_max_bytes <= 120, "{profile:?}");
    let foreign = profile.names_not_ascii as f64 / profile.documents as f64;
    assert!((foreign - 0.077).abs() < 0.01, "{foreign} of the names are in other scripts");
    let stems = zipf_exponent(&profile.stems);
    assert!((stems - 0.90).abs() <= 0.02, "stems fall off with {stems}");
    let years: u64 = profile.years.values().sum();
    let recent: u64 = profile.years.range(2022..).map(|(_, count)| *count).sum();
    let old = 1.0 - recent as f64 / years as f64;
    assert!((old - 0.41).abs() < 0.02, "{old} of the dates are older than three years");
    for number in 0..20_000 {
        let document: Document =
            serde_json::from_str(&body(&corpus, number, PermissionsShape::Object)).unwrap();
        let is_fine = |letter: char| !letter.is_control() && !"\"\\/:*?<>|".contains(letter);
        assert!(document.name.chars().all(is_fine), "{}", document.name);
        assert!(!document.name.starts_with([' ', '.']) && !document.name.ends_with([' ', '.']));
    }
}

#[test]
fn two_million_names_lead_back_to_their_numbers() {
    let corpus = usual();
    let mut body = Vec::new();
    let last = corpus.numbers();
    for number in (0..1_000_000).chain(last - 1_000_000..last) {
        body.clear();
        corpus.write_json(number, PermissionsShape::Object, &mut body);
        let text = std::str::from_utf8(&body).unwrap();
        let name = text.strip_prefix("{\"name\":\"").unwrap().split('"').next().unwrap();
        assert_eq!(corpus.number_of(name), Some(number), "{name}");
    }
}

#[test]
fn every_token_of_every_domain_up_to_sixteen_million_occurs_exactly_once() {
    for bits in 2..=24_u32 {
        let mut seen = vec![0_u64; 1 << bits.saturating_sub(6)];
        for key in 0..16 {
            seen.fill(0);
            let permutation = Permutation::new(bits, Seed(key));
            for number in 0..permutation.numbers() {
                let token = permutation.token(number);
                let (word, bit) = (u64_to_usize(token >> 6), 1 << (token & 63));
                assert_eq!(seen[word] & bit, 0, "{token} twice, {bits} bits, key {key}");
                seen[word] |= bit;
                assert_eq!(permutation.number(token), number, "{bits} bits, key {key}");
            }
        }
    }
}

#[test]
fn names_stay_unique_where_case_and_forms_of_letters_are_not_told_apart() {
    let corpus = usual();
    let mut seen = HashSet::new();
    for number in 0..300_000 {
        let text = body(&corpus, number, PermissionsShape::Object);
        let name = text.strip_prefix("{\"name\":\"").unwrap().split('"').next().unwrap();
        assert!(name.nfc().eq(name.chars()), "{name} is composed");
        let folded: String = name.nfkc().collect::<String>().to_lowercase();
        assert_eq!(corpus.number_of(&folded), Some(number), "{folded}");
        assert!(seen.insert(folded), "{name} comes twice");
    }
}

#[test]
fn every_body_is_the_documented_document_in_both_shapes() {
    let corpus = usual();
    for number in 0..1_000_000 {
        let text = body(&corpus, number, PermissionsShape::Object);
        let document: Document = serde_json::from_str(&text).unwrap();
        assert!(!document.permissions.is_empty(), "{text}");
        for (principal, right) in &document.permissions {
            assert!(!principal.is_empty() && !principal.contains('.'), "{text}");
            assert!(right == "READ" || right == "READ_WRITE", "{text}");
        }
        if number % 1000 == 0 {
            let listed: serde_json::Value =
                serde_json::from_str(&body(&corpus, number, PermissionsShape::List)).unwrap();
            let entries = listed["permissions"].as_array().unwrap();
            assert!(entries.iter().all(|entry| entry.as_object().unwrap().len() == 1), "{listed}");
            assert_eq!(entries.len(), document.permissions.len(), "the same entries");
            assert_eq!(listed["name"], document.name.as_str(), "the same document");
        }
    }
}

#[test]
fn a_crawler_finds_neighbours_in_one_directory_and_the_same_kinds_of_files() {
    let together = |order| {
        let corpus = corpus(&CorpusPlan { order, ..CorpusPlan::usual(1) });
        let directory = |number| {
            let text = body(&corpus, number, PermissionsShape::Object);
            serde_json::from_str::<Document>(&text).unwrap().directory
        };
        let pairs = (0..10_000).filter(|pair| directory(32 * pair) == directory(32 * pair + 1));
        pairs.count() as f64 / 10_000.0
    };
    let (mixed, crawled) = (together(Order::Mixed), together(Order::Crawl));
    assert!(mixed < 0.02, "{mixed} of the neighbours share a directory");
    assert!((crawled - 0.49).abs() < 0.03, "0.7 x 0.7 of them do, not {crawled}");
}

#[test]
fn every_scale_has_bounds_that_are_named() {
    let usual = CorpusPlan::usual(1);
    for (plan, named) in [
        (CorpusPlan { hosts: 0, ..usual.clone() }, "HOSTS"),
        (CorpusPlan { dirs: 7, ..usual.clone() }, "DIRS"),
        (CorpusPlan { principals: 497, ..usual.clone() }, "1000 fields"),
        (CorpusPlan { domain_bits: 31, ..usual.clone() }, "DOMAIN"),
    ] {
        let error = Corpus::new(&plan).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    for plan in [
        CorpusPlan { hosts: 1, dirs: 8, principals: 1, domain_bits: 24, ..usual.clone() },
        CorpusPlan { hosts: 500, dirs: 20_000, principals: 496, domain_bits: 36, ..usual },
    ] {
        let corpus = corpus(&plan);
        let mut paths = HashSet::new();
        for number in 0..20_000 {
            let text = body(&corpus, number, PermissionsShape::Object);
            let document: Document = serde_json::from_str(&text).unwrap();
            assert_eq!(corpus.number_of(&document.name), Some(number), "{text}");
            paths.insert((document.directory.clone(), document.host.clone()));
        }
        let directories: HashSet<&String> = paths.iter().map(|(directory, _)| directory).collect();
        assert_eq!(directories.len(), paths.len(), "a directory lies on one host");
    }
}

#[test]
fn no_document_costs_memory_of_its_own() {
    let corpus = usual();
    let mut body = Vec::with_capacity(4096);
    let counted = allocation_counter::measure(|| {
        for number in 0..100_000 {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn the_first_million_bodies_are_what_they_always_were() {
    let corpus = corpus(&CorpusPlan::usual(42));
    let mut body = Vec::new();
    let mut digest = Seed(0);
    for number in 0..1_000_000 {
        body.clear();
        corpus.write_json(number, PermissionsShape::Object, &mut body);
        digest = digest.named(std::str::from_utf8(&body).unwrap());
    }
    insta::assert_snapshot!(format!("{CORPUS_VERSION} {:016x}", digest.0), @"corpus/1 cabc3d34004d8998");
}

#[test]
fn another_seed_is_another_corpus_and_threads_make_no_difference() {
    let other = corpus(&CorpusPlan::usual(2));
    let one = usual();
    assert_ne!(
        body(&one, 12_345, PermissionsShape::Object),
        body(&other, 12_345, PermissionsShape::Object),
        "another"
    );
    let alone: Vec<String> =
        (0..1000).map(|number| body(&one, number, PermissionsShape::Object)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (number, text) in (0..).zip(&alone) {
                    assert_eq!(&body(&usual(), number, PermissionsShape::Object), text, "{number}");
                    if number > 20 {
                        break;
                    }
                }
            });
        }
    });
}

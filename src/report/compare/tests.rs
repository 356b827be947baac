//! Comparisons of made-up runs.

use super::*;
use crate::report::repeats::RepeatRecord;
use crate::report::sample::{capacity, run, terms};
use crate::report::schema::{LevelRecord, SettingRecord};
use crate::search::finding::Finding;
use proptest::prelude::*;

/// A run whose searches came to `rates`.
fn run_of(rates: &[f64]) -> RunRecord {
    let mut record = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
    let one = |rps: &f64| RepeatRecord {
        finding: "capacity".to_owned(),
        rps: Some(*rps),
        low_rps: None,
        high_rps: None,
        flags: Vec::new(),
        confirmed_by: vec!["t1".to_owned()],
    };
    record.repeats = rates.iter().map(one).collect();
    record
}

fn with(mut run: RunRecord, key: &str, value: &str) -> RunRecord {
    let setting = SettingRecord { value: value.into(), origin: "word".to_owned() };
    run.settings.insert(key.to_owned(), setting);
    run
}

fn change(before: &[f64], after: &[f64]) -> Change {
    judge(before, after, &CompareTerms::default(), Seed(1)).change
}

const STEADY: [f64; 8] = [400.0, 402.0, 398.0, 401.0, 399.0, 403.0, 397.0, 400.5];

fn scaled(factor: f64) -> Vec<f64> {
    STEADY.iter().map(|rps| rps * factor + 0.01).collect()
}

#[test]
fn only_what_is_significant_and_over_the_limit_is_a_regression() {
    assert_eq!(change(&STEADY, &scaled(0.9)), Change::Worse, "10 % lower");
    assert_eq!(change(&STEADY, &scaled(0.97)), Change::NoWorse, "3 % is within the limit of 5 %");
    assert_eq!(change(&STEADY, &scaled(1.0)), Change::NoWorse, "the same");
    assert_eq!(change(&STEADY, &scaled(1.1)), Change::Better, "10 % higher");
    let wild = [300.0, 420.0, 290.0, 430.0, 310.0, 410.0, 370.0, 380.0];
    let wilder = [340.0, 250.0, 450.0, 350.0, 240.0, 345.0, 440.0, 330.0];
    assert_eq!(change(&wild, &wilder), Change::Undecided, "lower, but by chance as well");
}

#[test]
fn too_few_repeats_are_said_to_be_too_few_however_far_apart() {
    for repeats in 1..=3 {
        let few = &STEADY[..repeats];
        let halved: Vec<f64> = few.iter().map(|rps| rps / 2.0).collect();
        let found = judge(few, &halved, &CompareTerms::default(), Seed(1));
        assert_eq!(found.change, Change::NotEnoughRepeats, "{repeats} a side");
        assert_eq!(found.repeats_needed, Some(4), "the cure");
        assert!(found.reason.contains("REPEATS=4"), "{}", found.reason);
    }
    let four: Vec<f64> = STEADY[..4].iter().map(|rps| rps / 2.0).collect();
    assert_eq!(change(&STEADY[..4], &four), Change::Worse, "four a side can tell");
}

#[test]
fn another_objective_is_refused_and_another_setting_is_told() {
    let (before, after) = (with(run_of(&STEADY), "P99_MS", "1000"), run_of(&STEADY));
    let other = with(after.clone(), "P99_MS", "250");
    let error = compare(&before, &other, &CompareTerms::default()).unwrap_err().to_string();
    assert!(error.contains("P99_MS was 1000 in the baseline and is 250 now"), "{error}");
    let criterion = regression(&before, &other, 5.0, 0.05);
    assert_eq!(criterion.outcome, Outcome::Invalid, "{}", criterion.reason);
    let (patient, hasty) =
        (with(run_of(&STEADY), "TIMEOUT_MS", "5000"), with(run_of(&STEADY), "TIMEOUT_MS", "2000"));
    let error = compare(&patient, &hasty, &CompareTerms::default()).unwrap_err().to_string();
    assert!(error.contains("TIMEOUT_MS was 5000"), "an answer in 3 s is an error there: {error}");
    let same = with(after.clone(), "P99_MS", "1000.0");
    assert!(compare(&before, &same, &CompareTerms::default()).is_ok(), "the same number");
    let (four, two) = (with(before, "WORKERS", "4"), with(after, "WORKERS", "2"));
    let found = compare(&four, &two, &CompareTerms::default()).unwrap();
    let told = "WORKERS was 4 in the baseline and is 2 now";
    assert!(found.cautions.iter().any(|caution| caution == told), "{:?}", found.cautions);
}

#[test]
fn a_run_without_an_answer_is_named_and_proves_nothing() {
    let mut broken = run_of(&STEADY);
    broken.repeats[7].finding = "out_of_budget".to_owned();
    broken.repeats[7].rps = None;
    let found = compare(&run_of(&STEADY), &broken, &CompareTerms::default()).unwrap();
    assert_eq!((found.capacity.change, found.outcome), (Change::NoAnswer, Outcome::Invalid), "no");
    assert!(found.capacity.reason.contains("out_of_budget"), "{}", found.capacity.reason);
    assert_eq!(found.run.median_rps, None, "and has no capacity here");
}

#[test]
fn a_search_that_could_confirm_no_rate_counts_as_the_lowest() {
    let without = |mut run: RunRecord, count: usize| {
        for repeat in run.repeats.iter_mut().take(count) {
            repeat.finding = "unconfirmed".to_owned();
            repeat.rps = None;
        }
        run
    };
    let found = |baseline: &RunRecord, run: &RunRecord| {
        compare(baseline, run, &CompareTerms::default()).unwrap()
    };
    let whole = run_of(&STEADY);
    let one = found(&whole, &without(run_of(&scaled(0.9)), 1));
    assert_eq!(one.capacity.change, Change::Worse, "one of eight hides nothing");
    assert!(one.cautions.iter().any(|told| told.starts_with("1 of 8 searches of the run")), "told");
    assert!(one.capacity.high_ratio.is_some_and(|high| high < 0.95), "{:?}", one.capacity);
    let same = found(&without(run_of(&STEADY), 1), &without(run_of(&scaled(1.0)), 1));
    assert_eq!(same.capacity.change, Change::NoWorse, "on both sides alike");
    let most = found(&whole, &without(run_of(&scaled(1.0)), 7));
    assert_eq!(most.capacity.change, Change::Worse, "a build that hardly ever holds a rate");
    let no_baseline = found(&without(run_of(&STEADY), 7), &whole);
    assert_eq!(no_baseline.capacity.change, Change::NoAnswer, "nothing to hold it against");
}

#[test]
fn a_result_without_repeats_has_the_one_search_that_it_had() {
    let old = run_of(&[]);
    let found = compare(&old, &old, &CompareTerms::default()).unwrap();
    assert_eq!(found.baseline.repeats_rps, [Some(400.0)], "its capacity");
    assert_eq!(found.capacity.change, Change::NotEnoughRepeats, "one is not enough");
    assert!(found.cautions.iter().any(|told| told.contains("same run")), "{:?}", found.cautions);
}

#[test]
fn a_level_that_was_measured_once_has_no_probability() {
    let found = compare(&run_of(&STEADY), &run_of(&scaled(0.9)), &CompareTerms::default()).unwrap();
    let (soaks, levels): (Vec<_>, Vec<_>) =
        found.figures.iter().partition(|figure| figure.at == "soak");
    assert!(soaks.iter().all(|figure| figure.p.is_some()), "{soaks:?}");
    assert!(soaks.iter().all(|figure| figure.told == Told::NoChangeShown), "one and the same soak");
    assert!(!levels.is_empty() && levels.iter().all(|figure| figure.p.is_none()), "{levels:?}");
    let p99 = levels.iter().find(|one| one.at == "level_100" && one.name == "dashboard_p99");
    let p99 = p99.unwrap();
    assert_eq!((p99.told, p99.interval_of), (Told::MeasuredOnce, Some(IntervalOf::Samples)), "so");
    let holds_one =
        p99.low_ratio.zip(p99.high_ratio).is_some_and(|(low, high)| low < 1.0 && high > 1.0);
    assert!(holds_one, "{p99:?}");
}

#[test]
fn a_comparison_reads_from_the_answer_to_the_judgement() {
    let (mut before, mut after) = (run_of(&STEADY), run_of(&scaled(0.9)));
    for run in [&mut before, &mut after] {
        run.levels.retain(|level| [0, 100].contains(&level.load_percent));
    }
    after.run.stamp.id = "20261124T151500Z-capacity".to_owned();
    after.run.stamp.seed = 43;
    let found = compare(&before, &after, &CompareTerms::default()).unwrap();
    insta::assert_snapshot!(found.to_string(), @r"
    baseline   20261123T151500Z-capacity: capacity 400.2 documents/s, the median of 8 repeats (400.0,
               402.0, 398.0, 401.0, 399.0, 403.0, 397.0, 400.5); capacity, PASS
    run        20261124T151500Z-capacity: capacity 360.2 documents/s, the median of 8 repeats (360.0,
               361.8, 358.2, 360.9, 359.1, 362.7, 357.3, 360.5); capacity, PASS
    capacity   the capacity is 10.0 % lower (95 % interval: 9.4 % to 10.6 % lower), p < 0.0001: a
               regression of more than 5 %

    at the soak that confirmed each capacity, medians of the searches
                figure  baseline      run  change          interval      p
    index response p50   69.1 ms  69.1 ms  +0.0 %  +0.0 % to +0.0 %  1.000  no change shown
    index response p99    118 ms   118 ms  +0.0 %  +0.0 % to +0.0 %  1.000  no change shown
     index service p50   68.9 ms  68.9 ms  +0.0 %  +0.0 % to +0.0 %  1.000  no change shown
          index errors   0.000 %  0.000 %       –                 –  1.000  no change shown
         generator cpu   25.0 µs  25.0 µs  +0.0 %  +0.0 % to +0.0 %  1.000  no change shown

    at the levels, in percent of each run's own capacity; measured once a run, so that change cannot be
    told from chance, and an interval is that of the samples of these two trials alone
                     figure  baseline      run  change          interval
      0 %     dashboard p50   69.1 ms  69.1 ms  +0.0 %                 –
      0 %     dashboard p99    118 ms   118 ms  +0.0 %  -1.7 % to +1.7 %
      0 %  dashboard errors   0.000 %  0.000 %       –                 –
    100 %     dashboard p50   69.1 ms  69.1 ms  +0.0 %                 –
    100 %     dashboard p99    118 ms   118 ms  +0.0 %  -1.7 % to +1.7 %
    100 %  dashboard errors   0.000 %  0.000 %       –                 –
    100 %         index p99    118 ms   118 ms  +0.0 %  -0.9 % to +0.9 %
    100 %      index errors   0.000 %  0.000 %       –                 –

    outcome    FAIL: worse
    ");
}

#[test]
fn the_page_of_a_comparison_has_both_curves_and_takes_no_text_as_markup() {
    let mut hostile = run_of(&scaled(0.9));
    hostile.run.stamp.id = "<script>alert(1)</script>".to_owned();
    let before = run_of(&STEADY);
    let found = compare(&before, &hostile, &CompareTerms::default()).unwrap();
    let page = page(&before, &hostile, &found).unwrap();
    assert!(page.contains("a regression of more than 5 %"), "the answer");
    let charts = 1 + run_of(&STEADY)
        .levels
        .iter()
        .fold(0, |sum, level| sum + 1 + usize::from(level.index.is_some()));
    assert_eq!(
        page.matches("class=\"plot\" data-chart=").count(),
        charts,
        "of the searches, and of each level"
    );
    assert!(!page.contains("<script>alert"), "text stays text");
    let mut many = before.clone();
    many.levels = (0..20)
        .map(|percent| LevelRecord { load_percent: percent, ..before.levels[0].clone() })
        .collect();
    let found = compare(&many, &many, &CompareTerms::default()).unwrap();
    assert!(
        super::page(&many, &many, &found).unwrap().contains("Dashboard queries at 19 %"),
        "the last one"
    );
    let without = run_of(&[]);
    let found = compare(&without, &without, &CompareTerms::default()).unwrap();
    assert!(super::page(&without, &without, &found).unwrap().contains("INVALID"), "a page too");
}

#[test]
fn hostile_text_is_the_same_plain_text_everywhere() {
    let mut hostile = run_of(&STEADY);
    hostile.run.stamp.id = format!("a\u{202e}b\u{1b}[31m{}", "x".repeat(500));
    hostile.capacity.finding = "cap\u{2028}acity".to_owned();
    let found = compare(&run_of(&STEADY), &hostile, &CompareTerms::default()).unwrap();
    assert!(found.run.id.starts_with("a b [31mxx"), "{:?}", found.run.id);
    assert_eq!(found.run.id.chars().count(), 200, "not without end");
    assert_eq!(found.run.finding, "cap acity", "on one line");
    assert!(
        !found.to_string().contains(|letter| "\u{1b}\u{202e}\u{2028}".contains(letter)),
        "told"
    );
}

#[test]
fn a_side_that_lost_documents_is_told_first() {
    let mut lossy = run_of(&STEADY);
    lossy.verification.found = Some(400);
    lossy.verification.lost = Some(3);
    let found = compare(&lossy, &run_of(&STEADY), &CompareTerms::default()).unwrap();
    let first = found.cautions.iter().find(|told| !told.contains("same run")).unwrap();
    assert!(first.starts_with("the target of the baseline does not hold"), "{first}");
}

#[test]
fn a_search_without_a_rate_is_named_under_the_picture() {
    let mut run = run_of(&scaled(1.0));
    run.repeats[2].finding = "unconfirmed".to_owned();
    run.repeats[2].rps = None;
    let before = run_of(&STEADY);
    let found = compare(&before, &run, &CompareTerms::default()).unwrap();
    let page = page(&before, &run, &found).unwrap();
    assert!(page.contains("Not drawn, because it confirmed no rate: 1 search of the run"), "said");
}

#[test]
fn intervals_are_told_from_the_nearer_end_to_the_farther() {
    assert_eq!(table::between(0.98, 1.03), "between 2.0 % lower and 3.0 % higher", "both ways");
    assert_eq!(table::between(0.9, 0.95), "5.0 % to 10.0 % lower", "lower");
    assert_eq!(table::between(1.01, 1.02), "1.0 % to 2.0 % higher", "higher");
    assert_eq!(
        table::between(1.0, 1.02),
        "between the same and 2.0 % higher",
        "at one end nothing"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_run_is_never_worse_than_itself_nor_both_worse_and_better(
        rates in prop::collection::vec(100.0..1000.0_f64, 4..12),
        factor in 0.3..3.0_f64,
    ) {
        prop_assert_eq!(change(&rates, &rates), Change::NoWorse);
        let moved: Vec<f64> = rates.iter().map(|rps| rps * factor).collect();
        let (there, back) = (change(&rates, &moved), change(&moved, &rates));
        prop_assert!(there != Change::Worse || matches!(back, Change::Better), "{:?} {:?}", there, back);
    }
}

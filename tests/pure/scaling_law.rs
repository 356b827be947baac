//! The scaling law and its forecast, held against published figures and against laws of their own.

use plimsoll::seed::Seed;
use plimsoll::stats::forecast::needed_workers;
use plimsoll::stats::usl::{Parameter, Point, Usl, UslFit};
use plimsoll::units::bits_to_unit;
use proptest::prelude::*;

fn points(pairs: &[(u32, f64)]) -> Vec<Point> {
    pairs.iter().map(|(workers, rps)| Point { workers: f64::from(*workers), rps: *rps }).collect()
}

fn exact(law: Usl, counts: impl IntoIterator<Item = u32>) -> Vec<Point> {
    let point = |workers: u32| {
        let workers = f64::from(workers);
        Point { workers, rps: law.rps(workers) }
    };
    counts.into_iter().map(point).collect()
}

fn assert_close(found: f64, expected: f64, relative: f64, what: &str) {
    assert!((found / expected - 1.0).abs() <= relative, "{what}: {found} is not {expected}");
}

/// Throughput of a file server by its number of users, as SPEC published it.
fn sdm91() -> Vec<Point> {
    points(&[
        (1, 64.9),
        (18, 995.9),
        (36, 1652.4),
        (72, 1853.2),
        (108, 1828.9),
        (144, 1775.0),
        (216, 1702.2),
    ])
}

#[test]
fn the_published_data_give_the_published_law() {
    let fit = UslFit::of(&sdm91()).expect("seven counts");
    // Expected figures: numpy, Gauss and Newton on double precision until no digit moved.
    assert_close(fit.law.alpha, 0.027_728_475_62, 1e-9, "alpha");
    assert_close(fit.law.beta, 0.000_104_365_483_8, 1e-9, "beta");
    assert_close(fit.law.gamma_rps, 89.995_233_10, 1e-9, "gamma");
    let error = |parameter| fit.standard_error(parameter).expect("seven counts have errors");
    assert_close(error(Parameter::Alpha), 0.009_121_731_81, 1e-8, "error of alpha");
    assert_close(error(Parameter::Beta), 1.987_527_09e-5, 1e-8, "error of beta");
    assert_close(error(Parameter::Gamma), 14.213_489_4, 1e-8, "error of gamma");
    let peak = fit.law.peak_workers().expect("it falls in the end");
    assert_close(peak, 96.519_560_97, 1e-9, "workers at the peak");
    assert_close(fit.law.rps(peak), 1_883.898_996, 1e-9, "rate at the peak");
    assert_eq!((fit.degrees_of_freedom, fit.at_zero.len()), (4, 0), "all three are free");
    let (low_rps, _) = fit.band_rps(50.0).expect("a band");
    assert_close(low_rps, 1_608.719_682, 1e-8, "lower end at 50 workers");
}

#[test]
fn a_forecast_lies_between_its_ends_and_stops_at_the_peak() {
    let fit = UslFit::of(&sdm91()).expect("a fit");
    let needed = needed_workers(&fit, 1500.0).expect("a forecast");
    let [low, workers, high] = [needed.low, needed.workers, needed.high].map(Option::unwrap);
    assert!(low < workers && workers < high, "{needed:?}");
    assert!(fit.law.rps(f64::from(workers)) >= 1500.0, "{workers} are enough");
    assert!(fit.law.rps(f64::from(workers - 1)) < 1500.0, "and one less is not");
    let beyond = needed_workers(&fit, 1890.0).expect("a forecast");
    assert_eq!((beyond.workers, beyond.high), (None, None), "above the peak nothing is enough");
    assert!(beyond.low.is_some(), "though the upper end of the band is");
}

#[test]
fn two_counts_have_no_fit_and_three_no_errors() {
    let law = Usl { alpha: 0.05, beta: 0.001, gamma_rps: 100.0 };
    assert_eq!(UslFit::of(&exact(law, [1, 4])), None, "two counts are too few");
    let fit = UslFit::of(&exact(law, [1, 4, 16])).expect("three counts");
    assert_close(fit.law.alpha, 0.05, 1e-6, "alpha");
    assert_eq!(fit.standard_error(Parameter::Alpha), None, "nothing is left to tell it from");
    assert_eq!(needed_workers(&fit, 150.0), None, "so there is no forecast");
}

#[test]
fn a_cost_that_would_be_negative_is_held_at_zero_and_named() {
    // More than in proportion: no cost fits that.
    let above = points(&[(1, 100.0), (2, 210.0), (4, 440.0), (8, 920.0)]);
    let fit = UslFit::of(&above).expect("a fit");
    assert_eq!(fit.at_zero, [Parameter::Alpha, Parameter::Beta], "both");
    assert_eq!((fit.law.peak_workers(), fit.law.most_rps()), (None, None), "it grows for ever");
    assert_eq!(fit.degrees_of_freedom, 3, "one parameter is left");
    // A curve that flattens and flattens less: contention alone.
    let flat = points(&[(1, 100.0), (2, 180.0), (4, 300.0), (8, 470.0), (16, 690.0)]);
    let fit = UslFit::of(&flat).expect("a fit");
    assert_eq!(fit.at_zero, [Parameter::Beta], "pairs cost nothing");
    let most_rps = fit.law.most_rps().expect("contention has a limit");
    assert_close(most_rps, fit.law.gamma_rps / fit.law.alpha, 1e-12, "the limit");
    let needed = needed_workers(&fit, most_rps * 1.01).expect("a forecast");
    assert_eq!(needed.workers, None, "the limit is never exceeded");
}

#[test]
fn the_law_is_recovered_from_measurements_with_two_percent_of_noise() {
    let law = Usl { alpha: 0.06, beta: 0.000_8, gamma_rps: 250.0 };
    let (mut alphas, mut betas) = (Vec::new(), Vec::new());
    for seed in 0..40 {
        let mut noisy = exact(law, 1..=96);
        for (place, point) in (0..).zip(&mut noisy) {
            // Twelve uniform numbers make a normal one, near enough.
            let uniform = (0..12).map(|part| bits_to_unit(Seed(seed).bits_at(12 * place + part)));
            let normal = uniform.sum::<f64>() - 6.0;
            point.rps *= 1.0 + 0.02 * normal;
        }
        let fit = UslFit::of(&noisy).expect("a fit");
        assert_close(fit.law.alpha, law.alpha, 0.10, "alpha");
        assert_close(fit.law.beta, law.beta, 0.10, "beta");
        let of = |parameter, found: f64, truth: f64| {
            (found - truth) / fit.standard_error(parameter).expect("errors")
        };
        alphas.push(of(Parameter::Alpha, fit.law.alpha, law.alpha));
        betas.push(of(Parameter::Beta, fit.law.beta, law.beta));
    }
    for (name, off) in [("alpha", alphas), ("beta", betas)] {
        let spread = (off.iter().map(|off| off * off).sum::<f64>() / 40.0).sqrt();
        assert!((0.6..1.5).contains(&spread), "{name} is off by {spread} standard errors");
    }
}

fn laws() -> impl Strategy<Value = Usl> {
    (0.001..0.3_f64, 0.000_01..0.01_f64, 1.0..10_000.0_f64)
        .prop_map(|(alpha, beta, gamma_rps)| Usl { alpha, beta, gamma_rps })
}

proptest! {
    #[test]
    fn exact_data_give_the_exact_law(law in laws()) {
        let fit = UslFit::of(&exact(law, [1, 2, 4, 8, 16, 32, 64])).unwrap();
        prop_assert!((fit.law.alpha / law.alpha - 1.0).abs() < 1e-5, "{:?}", fit.law);
        prop_assert!((fit.law.beta / law.beta - 1.0).abs() < 1e-5, "{:?}", fit.law);
        prop_assert!((fit.law.gamma_rps / law.gamma_rps - 1.0).abs() < 1e-6, "{:?}", fit.law);
        prop_assert!(fit.at_zero.is_empty(), "{:?}", fit.at_zero);
    }

    #[test]
    fn rates_a_hundred_times_as_high_change_gamma_alone(
        law in laws(),
        noise in prop::collection::vec(0.98..1.02_f64, 6),
    ) {
        let mut points = exact(law, [1, 2, 4, 8, 16, 32]);
        for (point, noise) in points.iter_mut().zip(noise) {
            point.rps *= noise;
        }
        let one = UslFit::of(&points).unwrap();
        for point in &mut points {
            point.rps *= 100.0;
        }
        let other = UslFit::of(&points).unwrap();
        prop_assert_eq!(&one.at_zero, &other.at_zero);
        prop_assert!((one.law.alpha - other.law.alpha).abs() < 1e-6, "{:?} {:?}", one, other);
        prop_assert!((one.law.beta - other.law.beta).abs() < 1e-7, "{:?} {:?}", one, other);
        prop_assert!((other.law.gamma_rps / one.law.gamma_rps / 100.0 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_order_of_the_counts_does_not_matter(
        order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let points = sdm91();
        let shuffled: Vec<Point> = order.iter().map(|place| points[*place]).collect();
        let (one, other) = (UslFit::of(&points).unwrap(), UslFit::of(&shuffled).unwrap());
        prop_assert!((one.law.alpha - other.law.alpha).abs() < 1e-9);
        prop_assert!((one.law.beta - other.law.beta).abs() < 1e-11);
        prop_assert!((one.law.gamma_rps - other.law.gamma_rps).abs() < 1e-6);
    }

    #[test]
    fn no_cost_is_ever_negative_and_a_greater_rate_never_needs_fewer_workers(
        rates in prop::collection::vec(50.0..2000.0_f64, 4..8),
        needed_rps in 10.0..3000.0_f64,
    ) {
        let pairs: Vec<(u32, f64)> = (0..).map(|power| 1 << power).zip(rates).collect();
        let fit = UslFit::of(&points(&pairs)).unwrap();
        prop_assert!(fit.law.alpha >= 0.0 && fit.law.beta >= 0.0 && fit.law.gamma_rps > 0.0);
        let workers = |rps| needed_workers(&fit, rps).and_then(|needed| needed.workers);
        if let (Some(few), Some(more)) = (workers(needed_rps), workers(needed_rps * 1.5)) {
            prop_assert!(few <= more, "{few} {more}");
        }
    }
}

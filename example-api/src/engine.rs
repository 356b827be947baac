//! What one request costs a worker.
//!
//! The model engine sleeps, so its capacity is known whatever the machine: workers / mean service
//! time. The compat engine does what the published Python server does: it burns CPU, and its
//! dashboard takes longer the more documents the same worker indexed of late.

use std::hint::black_box;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp1, StandardNormal};

use crate::clock::{Clock, MILLISECOND_NS, thread_cpu_ns, whole_ns};
use crate::settings::{LawKind, Settings};
use crate::window::Window;

/// Variance of the logarithm of a log-normal service time with a coefficient of variation of 0.5:
/// ln(1 + 0.5²).
const LOG_VARIANCE: f64 = 0.223_143_551_314_209_76;

/// Multiplications between two looks at the CPU clock; about 1 µs.
const BURN_STEPS: u64 = 1000;

/// What the published server's dashboard sleeps for each document of the last five seconds.
const COMPAT_SLEEP_PER_DOCUMENT_NS: u64 = 10 * MILLISECOND_NS;

/// Draws service times.
#[derive(Debug)]
pub(crate) struct Law {
    kind: LawKind,
    mean_ns: f64,
    rng: SmallRng,
}

impl Law {
    /// The law of the settings for one worker.
    ///
    /// The seed is the worker's number: two runs of the server draw the same service times.
    pub(crate) fn new(settings: &Settings, worker: usize) -> Self {
        let rng = SmallRng::seed_from_u64(worker as u64);
        Self { kind: settings.service_law, mean_ns: settings.service_mean_ns, rng }
    }

    /// The next service time in nanoseconds.
    pub(crate) fn draw_ns(&mut self) -> u64 {
        let factor = match self.kind {
            LawKind::Const => 1.0,
            LawKind::Exp => Exp1.sample(&mut self.rng),
            LawKind::Lognormal => {
                let normal: f64 = StandardNormal.sample(&mut self.rng);
                // The second term keeps the mean at one.
                normal.mul_add(LOG_VARIANCE.sqrt(), -LOG_VARIANCE / 2.0).exp()
            }
        };
        whole_ns(self.mean_ns * factor)
    }
}

/// The published server's work, for one worker.
#[derive(Debug)]
pub(crate) struct Compat {
    cpu_ns: u64,
    indexed: Window,
}

impl Compat {
    /// A worker that has indexed nothing yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { cpu_ns: whole_ns(settings.service_mean_ns), indexed: Window::new() }
    }

    /// Indexes a document: CPU work, and a mark in the window that the dashboard looks at.
    pub(crate) fn index(&mut self, clock: Clock) {
        self.indexed.add(clock.now_ns());
        burn(self.cpu_ns);
    }

    /// Answers the dashboard: sleeps for every document of the last five seconds, then CPU work.
    pub(crate) fn dashboard(&mut self, clock: Clock) {
        let now_ns = clock.now_ns();
        let sleep_ns = self.indexed.count(now_ns).saturating_mul(COMPAT_SLEEP_PER_DOCUMENT_NS);
        clock.sleep_until(now_ns.saturating_add(sleep_ns));
        burn(self.cpu_ns);
    }
}

/// Uses the CPU until this thread's own CPU clock has advanced by `cpu_ns`.
///
/// Wall time would not do: with more workers than cores they would seem to work at full speed.
fn burn(cpu_ns: u64) {
    let until_ns = thread_cpu_ns().saturating_add(cpu_ns);
    let mut number = 1_u64;
    while thread_cpu_ns() < until_ns {
        for step in 0..BURN_STEPS {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(law: &'static str, service_ms: &'static str) -> Settings {
        Settings::read(|name| match name {
            "SERVICE_LAW" => Some(law.to_owned()),
            "SERVICE_MS" => Some(service_ms.to_owned()),
            _ => None,
        })
        .expect("settings")
    }

    fn moments(law: &'static str) -> (f64, f64) {
        let mut law = Law::new(&settings(law, "10"), 0);
        let draws: Vec<f64> =
            (0..100_000).map(|_| law.draw_ns() as f64 / MILLISECOND_NS as f64).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance =
            draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, variance.sqrt() / mean)
    }

    #[test]
    fn every_law_has_the_same_mean_and_its_own_spread() {
        for (law, spread) in [("const", 0.0), ("exp", 1.0), ("lognormal", 0.5)] {
            let (mean_ms, variation) = moments(law);
            assert!((mean_ms - 10.0).abs() < 0.15, "{law}: mean {mean_ms} ms");
            assert!((variation - spread).abs() < 0.02, "{law}: variation {variation}");
        }
    }

    #[test]
    fn two_workers_draw_different_times_and_two_runs_the_same() {
        let settings = settings("exp", "10");
        let draws = |worker| {
            let mut law = Law::new(&settings, worker);
            [law.draw_ns(), law.draw_ns()]
        };
        assert_eq!(draws(3), draws(3), "the same worker twice");
        assert_ne!(draws(3), draws(4), "two workers");
    }

    #[test]
    fn burning_takes_cpu_time() {
        let before_ns = thread_cpu_ns();
        burn(5 * MILLISECOND_NS);
        assert!(thread_cpu_ns() - before_ns >= 5 * MILLISECOND_NS, "less CPU than asked for");
    }

    #[test]
    fn a_compat_dashboard_sleeps_for_every_document_of_the_last_five_seconds() {
        let clock = Clock::start();
        let mut compat = Compat::new(&settings("const", "0.01"));
        for _ in 0..5 {
            compat.index(clock);
        }
        let before_ns = clock.now_ns();
        compat.dashboard(clock);
        assert!(clock.now_ns() - before_ns >= 5 * COMPAT_SLEEP_PER_DOCUMENT_NS, "slept too little");
    }
}

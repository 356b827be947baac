//! What "sustained" means, and by which rule a trial is judged.

/// Share of responses that a 99th percentile allows above its limit.
pub const SLOW_RATIO: f64 = 0.01;

/// What "sustained" means for indexing.
#[derive(Debug, Clone, Copy)]
pub struct Objective {
    /// Limit of the response time's 99th percentile.
    pub p99_ms: u64,
    /// Share of requests that may end in another way than accepted.
    pub error_ratio: f64,
    /// Share of dashboard queries that may fail beside it, where that is judged.
    pub dashboard_error_ratio: Option<f64>,
    /// Median service time of a target at rest, where it is known.
    pub base_ms: Option<f64>,
}

/// How a trial is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Not judged while it runs; its end is judged by its measured values.
    Measure,
    /// Proposes a bound: growth of more than `resolution_ratio` of the rate must be ruled out.
    Propose {
        /// Growth to rule out, as a share of the rate.
        resolution_ratio: f64,
        /// It runs at least this long before it can be sustained.
        least_s: f64,
    },
    /// Looks into an overload: as `Propose`, but a rate that is too high is offered until it is known what
    /// the service gets done meanwhile.
    Look {
        /// Growth to rule out, as a share of the rate.
        resolution_ratio: f64,
        /// It runs at least this long before it can be sustained.
        least_s: f64,
        /// Deviation with which the rate under overload is wanted, as a share of it.
        known_ratio: f64,
    },
    /// Confirms: as `Propose`, and the shares need upper bounds within the objective.
    Confirm {
        /// Growth to rule out, as a share of the rate.
        resolution_ratio: f64,
        /// It runs at least this long before it can be sustained.
        least_s: f64,
    },
}

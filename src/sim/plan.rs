//! What a simulated service is made of: workers and a queue, and whatever makes them less than ideal.

/// The law of a service time; its mean is given apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServiceLaw {
    /// Always the mean.
    Constant,
    /// Exponential: coefficient of variation 1.
    Exponential,
    /// Log-normal with this coefficient of variation.
    LogNormal(f64),
}

/// How the speed of the workers changes; a factor multiplies service times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// It does not.
    Steady,
    /// The factor goes from `first` to 1, exponentially in the number of requests served: above 1 a
    /// cold start, below 1 a cache that is used up.
    Settling {
        /// Factor of the first request.
        first: f64,
        /// Requests after which the difference has shrunk to 1/e.
        requests: f64,
    },
    /// The speed of every second is drawn afresh from a normal law around 1.
    Noise {
        /// Its standard deviation.
        deviation: f64,
    },
    /// The speed wanders around 1 (autoregressive of order 1).
    Wander {
        /// Its standard deviation.
        deviation: f64,
        /// Seconds after which the correlation has shrunk to 1/e.
        correlation_s: f64,
    },
    /// From one campaign second to another the factor is another one.
    Step {
        /// From when on.
        at_s: f64,
        /// Until when; infinite for ever.
        until_s: f64,
        /// The factor from then on.
        factor: f64,
    },
    /// Every request makes the following ones so much slower.
    Leak {
        /// Growth of the factor per request.
        per_request: f64,
    },
}

/// How service times depend on the number of requests in the system.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Congestion {
    /// Slower by `factor` once more than `above` requests are in the system, until fewer than `below`
    /// are; `below` 0: for ever.
    Metastable {
        /// Where it begins.
        above: u64,
        /// Where it ends.
        below: u64,
        /// Factor of service times in between.
        factor: f64,
    },
    /// Slower by a share of `per_pair` for every pair of requests in the system: throughput has a peak
    /// and falls behind it (the coherency term of Gunther's Universal Scalability Law).
    Retrograde {
        /// Growth of the factor per pair.
        per_pair: f64,
    },
}

/// A token bucket in front of the service: what finds no token is refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Tokens per second.
    pub rate_rps: f64,
    /// Most tokens.
    pub burst: f64,
}

/// All workers stand still for `length_ms` in every `every_ms`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pauses {
    /// Length of a standstill.
    pub length_ms: f64,
    /// From the start of one to the start of the next.
    pub every_ms: f64,
}

/// A connection costs its worker time, and serves a limited number of requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Connections {
    /// Time of a worker that opening one takes.
    pub connect_ms: f64,
    /// Requests after which the server closes it; 1: after every answer.
    pub requests: u64,
}

/// A worker is replaced after so many requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recycling {
    /// Requests of one worker.
    pub requests: u64,
    /// Time until its successor serves.
    pub restart_ms: f64,
}

/// Workers are added while the service is busy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Autoscaler {
    /// Seconds between two decisions.
    pub every_s: f64,
    /// Share of the workers' time above which one is added.
    pub busy_ratio: f64,
    /// Most workers.
    pub workers_max: u32,
}

/// What the service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// What it should.
    Right,
    /// Nothing listens.
    Dead,
    /// Connections are taken and nothing is ever answered.
    Hanging,
    /// Another status.
    WrongStatus,
    /// The right status with a body that is no answer.
    Garbage,
}

/// A simulated service. [`TargetPlan::plain`] gives the ideal one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetPlan {
    /// Requests that are served at the same time.
    pub workers: u32,
    /// Mean service time.
    pub service_ms: f64,
    /// Its law.
    pub law: ServiceLaw,
    /// Requests that may wait; more are refused at once. `None`: any number.
    pub queue: Option<u64>,
    /// A rate limit in front of it.
    pub bucket: Option<Bucket>,
    /// Standstills.
    pub pauses: Option<Pauses>,
    /// How its speed changes.
    pub pace: Pace,
    /// How its speed depends on its load.
    pub congestion: Option<Congestion>,
    /// What connections cost; `None`: nothing.
    pub connections: Option<Connections>,
    /// Replacement of workers.
    pub recycling: Option<Recycling>,
    /// Addition of workers.
    pub autoscaler: Option<Autoscaler>,
    /// A request is acknowledged after this time, before its work is done: the queue is hidden.
    pub acknowledged_ms: Option<f64>,
    /// What it answers.
    pub answers: Answers,
}

impl TargetPlan {
    /// Workers, one queue without limit, and nothing that disturbs them.
    #[must_use]
    pub const fn plain(workers: u32, service_ms: f64, law: ServiceLaw) -> Self {
        Self {
            workers,
            service_ms,
            law,
            queue: None,
            bucket: None,
            pauses: None,
            pace: Pace::Steady,
            congestion: None,
            connections: None,
            recycling: None,
            autoscaler: None,
            acknowledged_ms: None,
            answers: Answers::Right,
        }
    }

    /// The rate that the workers alone could serve at the most, per second.
    #[must_use]
    pub fn saturation_rps(&self) -> f64 {
        f64::from(self.workers) * 1000.0 / self.service_ms
    }
}

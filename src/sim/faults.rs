//! What may go wrong in a simulated run: the target goes away or falls silent, the generator is weak.

/// Faults of a simulated run; instants are seconds of the campaign.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// From here on nothing listens.
    pub target_gone_s: Option<f64>,
    /// From here on connections are taken and nothing is answered.
    pub target_silent_s: Option<f64>,
    /// The generator takes every request up so much too late.
    pub lateness_ms: f64,
    /// The user stops the run here.
    pub interrupted_s: Option<f64>,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn none() -> Self {
        Self { target_gone_s: None, target_silent_s: None, lateness_ms: 0.0, interrupted_s: None }
    }
}

/// Whether an instant that may be set has come.
#[must_use]
pub fn has_come(instant_s: Option<f64>, now_s: f64) -> bool {
    instant_s.is_some_and(|instant_s| now_s >= instant_s)
}

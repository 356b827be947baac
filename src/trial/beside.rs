//! The dashboard beside the indexing load: does it hold its own objective?

use super::StreamView;
use super::objective::{Objective, SLOW_RATIO};
use super::result::StreamResult;
use super::shares::{Shares, is_certainly_over};
use super::verdict::Reason;

/// The queries of a trial whose fate is clear, and what is asked of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    shares: Shares,
    slow_ms: Option<u64>,
    error_ratio: Option<f64>,
}

impl Beside {
    /// Of a trial that has been measured for `elapsed_s` seconds.
    pub(super) fn so_far(view: &StreamView<'_>, elapsed_s: f64, objective: &Objective) -> Self {
        let slow_ms = view.plan.slow_ms;
        let limit_s = slow_ms.unwrap_or(view.plan.timeout_ms) as f64 / 1000.0;
        let shares = Shares::so_far(view.tally, elapsed_s, limit_s);
        Self { shares, slow_ms, error_ratio: objective.dashboard_error_ratio }
    }

    /// Of a finished trial.
    pub(super) fn at_end(stream: &StreamResult, objective: &Objective) -> Self {
        let shares = Shares::at_end(&stream.tally);
        let error_ratio = objective.dashboard_error_ratio;
        Self { shares, slow_ms: stream.plan.slow_ms, error_ratio }
    }

    /// What is certainly broken already.
    pub(super) fn alarms(self) -> Vec<Reason> {
        self.reasons(|count, clear, limit| is_certainly_over(count, clear, limit, 1.0))
    }

    /// What the measured values break.
    pub(super) fn broken(self) -> Vec<Reason> {
        self.reasons(|count, clear, limit| count as f64 > limit * clear as f64)
    }

    fn reasons(self, is_over: impl Fn(u64, u64, f64) -> bool) -> Vec<Reason> {
        let Shares { clear, slow, failed, .. } = self.shares;
        let share_ratio = |count: u64| count as f64 / clear.max(1) as f64;
        let slow = self
            .slow_ms
            .filter(|_| is_over(slow, clear, SLOW_RATIO))
            .map(|limit_ms| Reason::DashboardSlow { share_ratio: share_ratio(slow), limit_ms });
        let errors = self
            .error_ratio
            .filter(|limit_ratio| is_over(failed, clear, *limit_ratio))
            .map(|limit_ratio| Reason::DashboardErrors {
                share_ratio: share_ratio(failed),
                limit_ratio,
            });
        slow.into_iter().chain(errors).collect()
    }
}

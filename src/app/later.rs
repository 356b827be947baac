//! A measurer whose clock goes on where a broken run's had stopped.

use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{Measurer, RecoverPlan, TrialError, TrialPlan, Watch};

/// Counts campaign time from `offset_s` on.
#[derive(Debug)]
pub struct Later<'a, M> {
    inner: &'a mut M,
    offset_s: f64,
}

impl<'a, M: Measurer> Later<'a, M> {
    /// `inner`, as if it had started `offset_s` seconds earlier.
    pub const fn new(inner: &'a mut M, offset_s: f64) -> Self {
        Self { inner, offset_s }
    }
}

impl<M: Measurer> Measurer for Later<'_, M> {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        let mut result = self.inner.run(plan, watch)?;
        result.started_s += self.offset_s;
        Ok(result)
    }

    fn recover(
        &mut self,
        plan: &RecoverPlan,
        watch: &mut impl Watch,
    ) -> Result<Recovery, TrialError> {
        self.inner.recover(plan, watch)
    }

    fn elapsed_s(&self) -> f64 {
        self.inner.elapsed_s() + self.offset_s
    }
}

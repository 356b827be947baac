//! A campaign whose agents are lost now and then, in virtual time: what was not offered as planned is offered again.

use crate::support::search::{Log, OBJECTIVE, plain, plan};
use plimsoll::app::conduct::conduct;
use plimsoll::campaign::plan::CampaignPlan;
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, CampaignOutcome};
use plimsoll::search::finding::Finding;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::ServiceLaw;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::verdict::VoidReason;
use plimsoll::trial::{Measurer, Purpose, RecoverPlan, StopCause, TrialError, TrialPlan, Watch};
use plimsoll::units::LoadPercent;

/// A measurer some of whose trials lose an agent, and that has none left at some point.
struct Shaky<F> {
    inner: SimMeasurer,
    loses: F,
    tried: u32,
    /// After so many trials nobody is left.
    ends_after: u32,
}

impl<F: FnMut(&TrialPlan, u32) -> bool> Measurer for Shaky<F> {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        if self.tried == self.ends_after {
            return Err(TrialError::AgentsLost);
        }
        self.tried += 1;
        let mut result = self.inner.run(plan, watch)?;
        if (self.loses)(plan, self.tried) {
            let (name, why) = ("a1".to_owned(), "it fell silent".to_owned());
            result.lapses.push(VoidReason::AgentLost { name, why });
            result.stopped = Some(StopCause::AgentLost);
        }
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
        self.inner.elapsed_s()
    }
}

fn with_levels() -> CampaignPlan {
    CampaignPlan {
        levels: [0, 50, 100, 120].map(LoadPercent).to_vec(),
        budget_s: 1000.0,
        ..plan(Preset::Quick, 9)
    }
}

fn run(
    plan: CampaignPlan,
    ends_after: u32,
    loses: impl FnMut(&TrialPlan, u32) -> bool,
) -> (CampaignOutcome, Log) {
    let service = plain(4, 20.0, ServiceLaw::Exponential);
    let inner = SimMeasurer::new(service.target, Faults::none(), Seed(3));
    let mut measurer = Shaky { inner, loses, tried: 0, ends_after };
    let (mut campaign, mut log) = (Campaign::new(plan), Log::default());
    conduct(&mut campaign, OBJECTIVE, &mut measurer, &mut log).expect("it ends");
    (campaign.outcome(), log)
}

#[test]
fn a_level_that_lost_an_agent_is_measured_again_before_the_next_one() {
    let mut lost_once = false;
    let (outcome, log) = run(with_levels(), u32::MAX, |plan, _| {
        let is_first = plan.purpose == Purpose::Level(LoadPercent(50)) && !lost_once;
        lost_once |= is_first;
        is_first
    });
    let percents: Vec<u32> = outcome.levels.iter().map(|level| level.percent.0).collect();
    assert_eq!(percents, [0, 50, 100, 120], "each level once, in order");
    let tried: Vec<_> = log
        .trials
        .iter()
        .filter(|(plan, _)| plan.purpose == Purpose::Level(LoadPercent(50)))
        .collect();
    let [(first, lost), (again, _)] = tried.as_slice() else {
        panic!("50 % twice: {}", tried.len())
    };
    assert_eq!(lost.verdict, "void", "{} lost an agent", first.id);
    assert_eq!(outcome.levels[1].trial, again.id, "the second one counts");
    assert!(
        outcome.levels.iter().all(|level| level.recovery_s.is_some()),
        "each with its recovery"
    );
}

#[test]
fn a_search_that_loses_agents_now_and_then_comes_to_the_same_answer() {
    let (calm, _) = run(plan(Preset::Quick, 9), u32::MAX, |_, _| false);
    let (shaken, _) = run(plan(Preset::Quick, 9), u32::MAX, |_, tried| tried % 4 == 0);
    let rps = |outcome: &CampaignOutcome| outcome.capacity.rps.expect("a capacity").get();
    assert!((rps(&shaken) / rps(&calm) - 1.0).abs() < 0.05, "{shaken:?} instead of {calm:?}");
}

#[test]
fn without_any_agent_the_run_ends_and_says_only_what_was_confirmed() {
    let (early, _) = run(with_levels(), 4, |_, _| false);
    assert_eq!(early.ended_by, Some(Finding::AgentsLost), "in the search");
    assert_eq!(
        (early.capacity.finding, early.capacity.rps),
        (Finding::AgentsLost, None),
        "no number"
    );
    let (whole, log) = run(with_levels(), u32::MAX, |_, _| false);
    let before_levels =
        log.trials.iter().position(|(plan, _)| matches!(plan.purpose, Purpose::Level(_))).unwrap();
    let (late, _) = run(with_levels(), u32::try_from(before_levels).unwrap() + 1, |_, _| false);
    assert_eq!(late.ended_by, Some(Finding::AgentsLost), "in the levels");
    assert_eq!(late.capacity.rps, whole.capacity.rps, "what was confirmed stays");
    assert_eq!(late.levels_missing.as_deref(), Some("all agents were lost"), "and it is said why");
}

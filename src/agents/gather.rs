//! What the agents of a trial have counted becomes one trial's books: while it runs, and at its end.

use super::Member;
use super::party::{Party, Stage, books};
use crate::corpus::number_set::NumberSet;
use crate::schedule::deal::Sender;
use crate::trial::hidden::Visible;
use crate::trial::result::{AgentResult, AgentStream, Vitals};
use crate::trial::tally::Tally;
use crate::trial::verdict::VoidReason;
use crate::trial::{StopCause, TrialPlan, Workload};
use crate::units::{OffsetNs, usize_to_u64};

/// What a trial of all agents came to.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What all have counted together, stream by stream.
    pub tallies: Vec<Tally>,
    /// Documents that were accepted.
    pub accepted: NumberSet,
    /// What searches found meanwhile.
    pub visible: Vec<Visible>,
    /// Why it ended before its plan did.
    pub stopped: Option<StopCause>,
    /// How all agents fared together.
    pub vitals: Vitals,
    /// Each agent's part.
    pub agents: Vec<AgentResult>,
    /// What makes the trial void, whatever its figures say.
    pub lapses: Vec<VoidReason>,
    /// Seconds from the end of the last request to this; `None` where nothing was sent.
    pub merged_after_s: Option<f64>,
}

/// What all have told so far, stream by stream.
pub(super) fn so_far(plan: &TrialPlan, parties: &[Party]) -> Vec<Tally> {
    let mut all = books(plan);
    for party in parties {
        party.add_to(&mut all, Tally::add_view);
    }
    all
}

/// What those have counted who have told everything; what was lost in the middle is no part of anything.
///
/// Of what a lost one may have sent `until` now nobody knows whether the target holds it; `None`: the trial has not begun.
pub(super) fn gather(
    plan: &TrialPlan,
    parties: Vec<Party>,
    members: &[Member],
    until: Option<OffsetNs>,
) -> Gathered {
    let mut gathered = Gathered { tallies: books(plan), ..Gathered::default() };
    for party in parties {
        let Stage::Done(done) = &party.stage else {
            if let (Some(until), Stage::Lost) = (until, &party.stage) {
                count_unknown(plan, &party, until, &mut gathered.tallies);
            }
            continue;
        };
        let mut parts = books(plan);
        party.add_to(&mut parts, Tally::merge);
        for (whole, part) in gathered.tallies.iter_mut().zip(&parts) {
            whole.merge(part);
        }
        let member = members.get(party.member);
        let clock = member.and_then(|member| member.clock);
        gathered.vitals = gathered.vitals.together(done.vitals);
        gathered.agents.push(AgentResult {
            cores: member.and_then(|member| member.cores),
            calibrated_rps: member.map(|member| member.weight).filter(|weight| *weight > 0.0),
            share_ratio: party.assignment.share.ratio(),
            clock_ahead_ns: clock.map(|clock| clock.ahead_ns),
            clock_error_ns: clock.map(|clock| clock.error_ns),
            streams: parts.iter().map(AgentStream::of).collect(),
            vitals: done.vitals,
            name: party.name,
        });
    }
    gathered
}

/// Counts what a lost agent may have sent.
fn count_unknown(plan: &TrialPlan, party: &Party, until: OffsetNs, tallies: &mut [Tally]) {
    for (position, (stream, tally)) in plan.streams.iter().zip(tallies).enumerate() {
        if stream.workload == Workload::Index {
            let sender = Sender { share: party.assignment.share, number: 0, of: 1 };
            let (arrivals, _) = plan.course(position, stream).dealt(sender);
            let due = arrivals.take_while(|arrival| arrival.due <= until).count();
            tally.unknown += usize_to_u64(due) * stream.batch;
        }
    }
}

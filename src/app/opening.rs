//! The first words with a target: made ready, counted, asked whether it answers as it should.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::exit::{Exit, Failure};
use crate::corpus::number_set::NumberSet;
use crate::corpus::{Corpus, Numbers};
use crate::files::numbers::NumberFile;
use crate::live::Address;
use crate::live::inquirer::Inquirer;
use crate::profile::exchange::{Exchange, ExchangeError, Question};
use crate::profile::holdings::Count;
use crate::profile::{PermissionsShape, Profile};
use crate::target::census::census;
use crate::target::prepare::{NotPrepared, prepare, server};
use crate::target::ready::{NotReady, Preflight, Ready};
use crate::trial::Workload;

/// Before the preflight the target has so long to say how many documents it holds.
const GLANCE_MS: u64 = 1000;
/// That number must stay the same for so many looks, of so many at the most.
const LOOKS_SAME: u32 = 3;
/// See `LOOKS_SAME`.
const LOOKS_MOST: u32 = 12;
/// From look to look: three of them are longer than the usual refresh of a second.
const LOOK: Duration = Duration::from_millis(400);

/// A target that answers, and what it says of itself.
pub(super) struct Found {
    pub(super) address: Address,
    pub(super) ready: Ready,
    pub(super) server: Option<String>,
    /// What it held before anything was sent; `None` where it cannot count.
    pub(super) before: Option<Count>,
    /// Whether it tells figures of its own.
    pub(super) tells: bool,
}

/// The first address of the target that answers as it should; another is tried only where nothing
/// listens.
pub(super) fn first_ready(
    addresses: Vec<Address>,
    preflight: &Preflight<'_>,
    corpus: &Corpus,
    numbers: &mut NumberFile,
    profile_of: impl Fn(PermissionsShape) -> Arc<dyn Profile> + Copy,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Found, Failure> {
    let mut refused =
        Failure::new(Exit::Target, anyhow!("TARGET: `{}` has no address", preflight.base_url));
    let profile = profile_of(PermissionsShape::Object);
    for address in addresses {
        let mut inquirer =
            Inquirer::new(address.clone(), is_interrupted).map_err(Failure::internal)?;
        match prepare(&mut inquirer, &*profile, preflight.base_url) {
            Ok(()) => {}
            Err(error @ NotPrepared::NoAnswer { error: ExchangeError::Refused, .. }) => {
                refused = Failure::new(Exit::Target, error);
                continue;
            }
            Err(NotPrepared::NoAnswer { error: ExchangeError::Interrupted, .. }) => {
                return Err(interrupted());
            }
            Err(error) => return Err(Failure::new(Exit::Target, error)),
        }
        let before = count_before(&mut inquirer, &*profile, corpus);
        let holds_some = before.is_some_and(|count| count.documents > 0);
        if holds_some && preflight.workloads.contains(&Workload::Index) {
            refuse_known_numbers(&mut inquirer, &*profile, corpus, numbers)?;
        }
        match preflight.check(&mut inquirer, numbers, profile_of) {
            Ok(ready) => {
                let server = server(&mut inquirer, &*profile);
                let figures =
                    profile.ask_figures().and_then(|question| inquirer.ask(&question).ok());
                let tells = figures.is_some_and(|page| !profile.read_figures(&page).is_empty());
                return Ok(Found { address, ready, server, before, tells });
            }
            Err(NotReady::Numbers(error)) => return Err(Failure::usage(error)),
            Err(NotReady::NoAnswer { error: ExchangeError::Interrupted, .. }) => {
                return Err(interrupted());
            }
            Err(error @ NotReady::NoAnswer { error: ExchangeError::Refused, .. }) => {
                refused = Failure::new(Exit::Target, error);
            }
            Err(error) => return Err(Failure::new(Exit::Target, error)),
        }
    }
    Err(refused)
}

/// What the target holds; a silent one is not waited for here, because the preflight says better what is wrong.
fn count_before(
    inquirer: &mut Inquirer<'_>,
    profile: &dyn Profile,
    corpus: &Corpus,
) -> Option<Count> {
    let question = profile.ask_visible()?;
    let mut glance = || {
        let question = Question { timeout_ms: GLANCE_MS, ..question.clone() };
        profile.read_visible(&inquirer.ask(&question).ok()?)
    };
    let (mut visible, mut same) = (glance()?, 0);
    // What somebody sent just before shows up with the next refresh, and is none of ours.
    for _ in 0..LOOKS_MOST {
        if visible == 0 || same == LOOKS_SAME {
            break;
        }
        thread::sleep(LOOK);
        let now = glance()?;
        same = if now == visible { same + 1 } else { 0 };
        visible = now;
    }
    census(inquirer, profile, corpus, &NumberSet::default()).ok()?.map(|census| census.count)
}

/// Documents that are there from an earlier run would be accepted again and never be found: the same numbers must not be
/// sent twice. The first one is asked for.
fn refuse_known_numbers(
    inquirer: &mut Inquirer<'_>,
    profile: &dyn Profile,
    corpus: &Corpus,
    numbers: &mut NumberFile,
) -> Result<(), Failure> {
    let number = numbers.reserve(1).map_err(Failure::usage)?.start;
    let name = corpus.name_of(number);
    let answer = profile.ask_name(&name).and_then(|question| inquirer.ask(&question).ok());
    let copies = answer.and_then(|answer| profile.read_name(&name, &answer));
    if copies.is_some_and(|copies| copies > 0) {
        return Err(Failure::usage(anyhow!(
            "the target holds document {number} of this corpus already, from a run that is not known here: give \
             FIRST_INDEX=N beyond its numbers, or another CORPUS_SEED"
        )));
    }
    Ok(())
}

fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, anyhow!("interrupted before any load"))
}

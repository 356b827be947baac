//! What is around a trial: agents elsewhere that send it, and a target that is looked after meanwhile.

use std::sync::mpsc::Receiver;

use crate::agents::Crew;
use crate::agents::coordinate::Beside;
use crate::schedule::deal::{Share, deal};
use crate::trial::TrialError;

/// Agents elsewhere, and those that are gone.
pub(super) struct Elsewhere {
    pub(super) crew: Box<dyn Crew>,
    is_all_or_none: bool,
    lost: Vec<String>,
}

impl Elsewhere {
    pub(super) fn new(crew: Box<dyn Crew>, is_all_or_none: bool) -> Self {
        Self { crew, is_all_or_none, lost: Vec::new() }
    }

    /// The shares of those who are there now.
    pub(super) fn shares(&mut self) -> Result<Vec<Share>, TrialError> {
        self.lost.extend(self.crew.muster());
        if self.crew.members().is_empty() {
            return Err(TrialError::AgentsLost);
        }
        match self.lost.first() {
            Some(name) if self.is_all_or_none => Err(TrialError::AgentLost(name.clone())),
            _ => {
                let members = self.crew.members().iter();
                Ok(deal(&members.map(|member| member.weight).collect::<Vec<f64>>()))
            }
        }
    }
}

/// What the target does while it is under load.
pub(super) struct Surroundings<'a> {
    /// Begins to count what is visible.
    starts: &'a mut dyn FnMut(u64) -> Receiver<(f64, u64)>,
    counted: Option<Receiver<(f64, u64)>>,
    target_lives: &'a mut dyn FnMut() -> bool,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        starts: &'a mut dyn FnMut(u64) -> Receiver<(f64, u64)>,
        target_lives: &'a mut dyn FnMut() -> bool,
    ) -> Self {
        Self { starts, counted: None, target_lives }
    }
}

impl Beside for Surroundings<'_> {
    fn starts(&mut self, start_ns: u64) {
        self.counted = Some((self.starts)(start_ns));
    }

    fn target_lives(&mut self) -> bool {
        (self.target_lives)()
    }

    fn counted(&mut self) -> Vec<(f64, u64)> {
        self.counted.iter().flat_map(Receiver::try_iter).collect()
    }
}

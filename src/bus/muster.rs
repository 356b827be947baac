//! Who is there, and how late is it with each?

use std::time::Duration;

use async_nats::connection::State;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::BusError;
use super::crew::{Call, NatsCrew, PAUSE, Seat};
use super::questions::{bearing, enlist, found};
use crate::agents::Member;
use crate::agents::wire::Enlisted;

/// As many agents are quoted as say why they do not come.
const REFUSALS_SHOWN: usize = 8;
/// A bus that is away is waited for so long.
const BUS_AWAY: Duration = Duration::from_secs(60);

impl NatsCrew {
    pub(super) fn gather(&mut self) -> Result<(), BusError> {
        let until_ns =
            (self.clock.monotonic_ns)() + crate::units::duration_to_ns(self.call.patience);
        let mut refused: Vec<(String, String)> = Vec::new();
        loop {
            let mut ids = self.bus.runtime.block_on(found(&self.bus.client))?;
            ids.retain(|(id, _)| self.seats.iter().all(|seat| seat.id != *id));
            for (id, version) in ids {
                let is_late = (self.clock.monotonic_ns)() >= until_ns;
                if self.seats.len() >= wanted(&self.call) || is_late || self.call.is_interrupted() {
                    break;
                }
                match self.bus.runtime.block_on(enlist(&self.bus.client, &id, &version, &self.call))
                {
                    Ok(about) => self.seat(id, about),
                    Err(why) => {
                        refused.retain(|(other, _)| *other != id);
                        refused.push((id, why));
                    }
                }
            }
            if self.seats.len() >= wanted(&self.call) {
                return Ok(());
            }
            if self.call.is_interrupted() {
                return Err(BusError::Interrupted);
            }
            if (self.clock.monotonic_ns)() >= until_ns {
                let told = refused.iter().map(|(_, why)| why.as_str()).take(REFUSALS_SHOWN);
                let told = told.collect::<Vec<_>>();
                return Err(BusError::TooFew {
                    found: u32::try_from(self.seats.len()).unwrap_or(u32::MAX),
                    wanted: self.call.agents,
                    refusals: if told.is_empty() {
                        String::new()
                    } else {
                        format!("; one said: {}", told.join("; one said: "))
                    },
                });
            }
        }
    }

    pub(super) fn seat(&mut self, id: String, about: Enlisted) {
        let taken = self.seats.iter().any(|seat| seat.member.name == about.name);
        // Two agents of one name would be one in every table.
        let name = if taken {
            format!("{}-{}", about.name, id.get(..4).unwrap_or(&id))
        } else {
            about.name.clone()
        };
        let member = Member {
            name,
            cores: Some(about.cores),
            weight: about.calibrated_rps.unwrap_or_default(),
            clock: None,
        };
        self.members.push(member.clone());
        self.seats.push(Seat { id, member, assembly: None, losses: 0 });
        self.about.push(about);
    }

    /// Takes a bearing of each; who answered.
    pub(super) fn ask_clocks(&mut self) -> Vec<bool> {
        let (client, clock) = (self.bus.client.clone(), self.clock);
        let ids: Vec<String> = self.seats.iter().map(|seat| seat.id.clone()).collect();
        let answers = self
            .bus
            .runtime
            .block_on(async { join_all(ids.iter().map(|id| bearing(&client, id, clock))).await });
        let noted = self.seats.iter_mut().zip(answers).map(|(seat, answer)| {
            let Some(bearing) = answer else { return false };
            seat.member.clock = Some(bearing.or_earlier(seat.member.clock));
            true
        });
        noted.collect()
    }

    pub(super) fn take_bearings(&mut self) -> Result<(), BusError> {
        for _ in 0..4 {
            self.ask_clocks();
            if self.unsure().is_none() {
                break;
            }
        }
        self.members = self.seats.iter().map(|seat| seat.member.clone()).collect();
        match self.unsure() {
            Some((name, error_ns)) => {
                Err(BusError::Clock { name, error_ms: error_ns as f64 / 1e6 })
            }
            None => Ok(()),
        }
    }

    /// An agent whose clock is not known well enough.
    pub(super) fn unsure(&self) -> Option<(String, u64)> {
        let now_ns = self.clock.now_ns();
        let unsure = self.seats.iter().map(|seat| {
            let error_ns =
                seat.member.clock.map_or(u64::MAX, |bearing| bearing.error_at_ns(now_ns));
            (seat.member.name.clone(), error_ns)
        });
        unsure
            .max_by_key(|(_, error_ns)| *error_ns)
            .filter(|(_, error_ns)| *error_ns > self.call.clock_error_ns)
    }

    pub(super) fn wait_for_the_bus(&self) {
        let client = &self.bus.client;
        self.bus.runtime.block_on(async {
            let connected = async {
                while client.connection_state() != State::Connected && !self.call.is_interrupted() {
                    tokio::time::sleep(PAUSE).await;
                }
            };
            // One that stays away shows in that nobody answers.
            drop(timeout(BUS_AWAY, connected).await);
        });
    }
}

fn wanted(call: &Call) -> usize {
    crate::units::u64_to_usize(u64::from(call.agents))
}

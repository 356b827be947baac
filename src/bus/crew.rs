//! The coordinator's end of the bus: the agents of its run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use super::post::Word;
use super::questions::{CLOCK_ANSWER, beat_on, hear, order, order_away};
use super::{Bus, BusError, BusPlan, Clock, plain};
use crate::agents::frames::Assembly;
use crate::agents::wire::{Enlist, Enlisted, Prepare, Reply, Request, Told, written};
use crate::agents::{Crew, Heard, Member, Order, Report};
use crate::trial::TrialId;

/// An order is answered by then.
const ORDER_ANSWER: Duration = Duration::from_secs(8);
/// Who does not answer within this before a trial is gone, once the bus itself is there again.
const MUSTER: Duration = Duration::from_secs(5);
/// Whoever is lost in so many trials in a row, and is there again before each, is there in vain.
const LOSSES_MOST: u32 = 3;
/// Two tries are so far apart.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// Silence for so long is a loss: four heartbeats.
const SILENCE_NS: u64 = 1_000_000_000;
/// Reports that wait to be looked at, and their bytes; what comes on top is lost, and missed.
const WAITING: usize = 1 << 16;
const WAITING_BYTES: usize = 256 << 20;
/// An order to go reaches everybody within this, and four of the longest ways.
const LEAD_NS: u64 = 60_000_000;

/// What a run asks of its agents.
#[derive(Debug, Clone)]
pub struct Call {
    /// The run; letters, digits, `-` and `_`.
    pub run: String,
    /// As many agents as it wants.
    pub agents: u32,
    /// How long they are waited for.
    pub patience: Duration,
    /// The most that their clocks may be unsure by.
    pub clock_error_ns: u64,
    /// What they need to know.
    pub enlist: Enlist,
    /// Set once the user wants to stop: nobody is waited for then.
    pub interrupted: Arc<AtomicBool>,
}

impl Call {
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// One agent of the run.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: String,
    pub(super) member: Member,
    pub(super) assembly: Option<Assembly>,
    /// Trials in a row in which it was lost.
    pub(super) losses: u32,
}

/// What arrives at a coordinator.
#[derive(Debug)]
pub(super) enum Event {
    Alive,
    Frame(Bytes),
    Answered { trial: TrialId, is_ready: bool },
    Refused { trial: TrialId, why: String },
}

/// The bytes of what has arrived and is not looked at yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// Whether there is room for so many more; they count then.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        let add = |waiting: usize| waiting.checked_add(bytes).filter(|sum| *sum <= WAITING_BYTES);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// So many are looked at.
    pub(super) fn gives_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The agents of a run.
#[derive(Debug)]
pub struct NatsCrew {
    pub(super) bus: Bus,
    pub(super) call: Call,
    pub(super) clock: Clock,
    pub(super) seats: Vec<Seat>,
    /// The same agents for the port.
    pub(super) members: Vec<Member>,
    pub(super) about: Vec<Enlisted>,
    events: Receiver<(String, Event)>,
    to_events: SyncSender<(String, Event)>,
    waiting: Waiting,
    word: Word,
}

impl NatsCrew {
    /// Finds as many agents as are wanted, and takes them into the service of the run.
    ///
    /// # Errors
    /// When the bus cannot be reached, agents are missing, or a clock is too unsure.
    pub fn enlist(plan: &BusPlan, call: Call, clock: Clock) -> Result<Self, BusError> {
        let bus = Bus::connect(plan, "plimsoll coordinator", WAITING)?;
        let (to_events, events) = sync_channel(WAITING);
        let waiting = Waiting::default();
        let word = Word::default();
        for kind in ["report", "alive"] {
            let pattern = format!("plimsoll.run.{}.{kind}.*", call.run);
            let reports = bus.runtime.block_on(bus.client.subscribe(pattern));
            let reports = reports.map_err(|error| BusError::Failed(plain(&error)))?;
            bus.runtime.spawn(hear(reports, kind == "alive", to_events.clone(), waiting.clone()));
        }
        let beat = format!("plimsoll.run.{}.beat", call.run);
        bus.runtime.spawn(beat_on(bus.client.clone(), beat, word.clone()));
        let (seats, members, about) = (Vec::new(), Vec::new(), Vec::new());
        let mut crew =
            Self { bus, call, clock, seats, members, about, events, to_events, waiting, word };
        crew.gather()?;
        crew.take_bearings()?;
        Ok(crew)
    }

    /// What each agent told of itself when it entered the service.
    #[must_use]
    pub fn about(&self) -> &[Enlisted] {
        &self.about
    }

    /// Asks one agent beside everything else; what it answers is heard like a report.
    fn ask(&self, id: &str, trial: TrialId, request: &Request) {
        let (client, id, to) = (self.bus.client.clone(), id.to_owned(), self.to_events.clone());
        let payload = Bytes::from(written(request));
        let is_ready = matches!(request, Request::Prepare(_));
        self.bus.runtime.spawn(async move {
            let event = match order(&client, &id, payload, ORDER_ANSWER).await {
                Ok(Reply::Yes {}) => Event::Answered { trial, is_ready },
                Ok(Reply::No { why }) | Err(why) => Event::Refused { trial, why },
                Ok(_) => Event::Refused { trial, why: "it answers another question".to_owned() },
            };
            drop(to.try_send((id, event)));
        });
    }

    /// Lets one go that is not counted on any more: should it be there again, it is free for another run.
    fn dismiss(&self, id: &str) {
        let (client, id) = (self.bus.client.clone(), id.to_owned());
        let release = self.release();
        self.bus
            .runtime
            .spawn(async move { drop(order(&client, &id, release, ORDER_ANSWER).await) });
    }

    fn release(&self) -> Bytes {
        Bytes::from(written(&Request::Release { run: self.call.run.clone() }))
    }

    fn next_event(&self, wait: Duration) -> Option<(String, Event)> {
        let (id, event) = self.events.recv_timeout(wait).ok()?;
        if let Event::Frame(bytes) = &event {
            self.waiting.gives_back(bytes.len());
        }
        Some((id, event))
    }

    fn heard(&mut self, position: usize, event: Event) -> Option<Heard> {
        let from = |report| Some(Heard::From(position, report));
        match event {
            Event::Alive | Event::Answered { is_ready: false, .. } => from(Report::Beat),
            Event::Answered { trial, .. } => from(Report::Ready { trial }),
            Event::Refused { trial, why } => from(Report::Refused { trial, why }),
            Event::Frame(bytes) => {
                let seat = self.seats.get_mut(position)?;
                let assembly = seat.assembly.as_mut()?;
                let trial = assembly.trial();
                match assembly.take(&bytes) {
                    Ok(None) => from(Report::Beat),
                    Ok(Some(Told::Tick(tick))) => from(Report::Tick(tick)),
                    Ok(Some(Told::Stopped { cause })) => from(Report::Stopped { trial, cause }),
                    Ok(Some(Told::Refused { why })) => from(Report::Refused { trial, why }),
                    Ok(Some(Told::Done(done))) => from(Report::Done(done)),
                    Err(malformed) => {
                        seat.assembly = None;
                        Some(Heard::Lost(position, malformed.to_string()))
                    }
                }
            }
        }
    }
}

impl Crew for NatsCrew {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn muster(&mut self) -> Vec<String> {
        self.word.set(None);
        self.wait_for_the_bus();
        if self.call.is_interrupted() {
            // The trial will not begin; nobody is judged by not having answered.
            return Vec::new();
        }
        let began_ns = (self.clock.monotonic_ns)();
        let patience_ns = crate::units::duration_to_ns(MUSTER);
        let mut answered = vec![false; self.seats.len()];
        loop {
            let now = self.ask_clocks();
            let is_complete = now.iter().all(|has| *has);
            answered.iter_mut().zip(now).for_each(|(answered, has)| *answered |= has);
            let is_known = self.unsure().is_none();
            if (is_complete && is_known) || (self.clock.monotonic_ns)() - began_ns > patience_ns {
                break;
            }
            self.bus.runtime.block_on(async { tokio::time::sleep(PAUSE).await });
        }
        let (now_ns, limit_ns) = (self.clock.now_ns(), self.call.clock_error_ns);
        let (mut lost, mut answered) = (Vec::new(), answered.into_iter());
        self.seats.retain(|seat| {
            let is_known =
                seat.member.clock.is_some_and(|bearing| bearing.error_at_ns(now_ns) <= limit_ns);
            let is_reliable = seat.losses < LOSSES_MOST;
            let stays = answered.next().unwrap_or(false) && is_known && is_reliable;
            if !stays {
                lost.push((seat.id.clone(), seat.member.name.clone()));
            }
            stays
        });
        for (id, _) in &lost {
            self.dismiss(id);
        }
        self.members = self.seats.iter().map(|seat| seat.member.clone()).collect();
        // What was heard before this trial is of no use in it.
        for _ in 0..WAITING {
            if self.next_event(Duration::ZERO).is_none() {
                break;
            }
        }
        lost.into_iter().map(|(_, name)| name).collect()
    }

    fn now_ns(&self) -> u64 {
        (self.clock.monotonic_ns)()
    }

    fn lead_ns(&self) -> u64 {
        let ways =
            self.members.iter().filter_map(|member| member.clock).map(|clock| clock.error_ns);
        LEAD_NS + 8 * ways.max().unwrap_or_default()
    }

    fn silence_ns(&self) -> Option<u64> {
        Some(SILENCE_NS)
    }

    fn tell(&mut self, member: usize, order: &Order) {
        let run = self.call.run.clone();
        let Some(seat) = self.seats.get_mut(member) else { return };
        let (id, bearing) = (seat.id.clone(), seat.member.clock);
        match order {
            Order::Prepare(assignment) => {
                let trial = assignment.plan.id;
                seat.assembly = Some(Assembly::new(trial));
                self.ask(&id, trial, &Request::Prepare(Prepare::new(&run, assignment)));
            }
            Order::Go { trial, start_ns } => {
                let own_ns = start_ns + self.clock.anchor_ns;
                let start_ns = bearing.map_or(own_ns, |bearing| bearing.there_ns(own_ns));
                self.ask(&id, *trial, &Request::Go { run, trial: trial.0, start_ns });
            }
            Order::Stop { trial, cause } => {
                // Said again with every heartbeat: one that is lost is made good.
                self.word.set(Some((trial.0, *cause)));
                let payload = written(&Request::Stop { run, trial: trial.0, cause: *cause });
                let client = self.bus.client.clone();
                self.bus.runtime.spawn(async move {
                    drop(order_away(&client, &id, Bytes::from(payload)).await);
                });
            }
        }
    }

    fn ended(&mut self, member: usize, is_whole: bool) {
        if let Some(seat) = self.seats.get_mut(member) {
            seat.losses = if is_whole { 0 } else { seat.losses + 1 };
            seat.assembly = None;
        }
    }

    fn hear(&mut self, wait_ns: u64) -> Option<Heard> {
        let mut wait = Duration::from_nanos(wait_ns);
        // What a stranger says is passed over: it must not look as if nothing waited to be heard.
        for _ in 0..WAITING {
            let (id, event) = self.next_event(wait)?;
            wait = Duration::ZERO;
            let position = self.seats.iter().position(|seat| seat.id == id);
            let heard = position.and_then(|position| self.heard(position, event));
            if heard.is_some() {
                return heard;
            }
        }
        None
    }
}

impl Drop for NatsCrew {
    fn drop(&mut self) {
        let client = self.bus.client.clone();
        let release = self.release();
        let ids: Vec<String> = self.seats.iter().map(|seat| seat.id.clone()).collect();
        self.bus.runtime.block_on(async {
            let all = ids.iter().map(|id| order(&client, id, release.clone(), CLOCK_ANSWER));
            drop(join_all(all).await);
        });
    }
}

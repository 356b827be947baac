//! An agent at work: it obeys one coordinator at a time, within what its owner allows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::bus_settings::AllowedTarget;
use super::crew::FOR_AGENTS;
use super::interrupt::Interrupt;
use super::keys::{self, Command};
use super::session::{addresses, lanes_max};
use super::settings::Settings;
use super::sources::{Origin, Texts, shorten};
use super::target::Target;
use crate::agents::duty::Duty;
use crate::agents::frames::Framer;
use crate::agents::wire::{Enlist, Enlisted, Prepare, Reply, Request, Told};
use crate::agents::{Assignment, TickReport};
use crate::bus::Clock;
use crate::bus::post::{Answer, Arrived, Post, WAITING};
use crate::corpus::Corpus;
use crate::corpus::profiles::DataProfile;
use crate::live::Tuning;
use crate::live::agent::{Agent, Line};
use crate::live::clock::now_ns;
use crate::live::tls::Trust;
use crate::profile::PermissionsShape;
use crate::profile::exchange::shown;
use crate::report::schema::CalibrationRecord;
use crate::term::complain;
use crate::trial::{StopCause, TrialId, Workload};
use crate::units::usize_to_u64;

/// Signals are looked for this often.
const LOOK: Duration = Duration::from_millis(100);

/// Why it does not do what it is asked to, in characters at the most.
const WHY_MOST: usize = 300;

/// What the owner of an agent allows and knows.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) name: String,
    pub(super) allowed: Vec<AllowedTarget>,
    pub(super) trust: Trust,
    pub(super) calibration: Option<CalibrationRecord>,
    pub(super) is_quiet: bool,
}

/// An agent on the bus.
pub(super) struct Worker {
    pub(super) terms: Terms,
    pub(super) clock: Clock,
    pub(super) interrupt: Interrupt,
    pub(super) post: Post,
    pub(super) duty: Duty,
    pub(super) agent: Option<Agent>,
    pub(super) ready: Option<Assignment>,
    /// Documents of one request of the run that it serves.
    pub(super) batch: u64,
}

impl Worker {
    /// Works until the user wants to stop.
    pub(super) fn work(&mut self) {
        while !self.interrupt.is_asked() {
            match self.post.next(LOOK) {
                Some(Arrived::Beat { run, .. }) => self.duty.beat(&run, now_ns()),
                Some(Arrived::Request(request, answer)) => self.obey(request, answer),
                None => {}
            }
            if self.duty.forget(now_ns()) {
                self.tell(
                    "the coordinator has not been heard of for long; this agent is free again",
                );
                self.leave();
            }
        }
    }

    fn tell(&self, text: &str) {
        if !self.terms.is_quiet {
            complain(text);
        }
    }

    fn leave(&mut self) {
        (self.agent, self.ready) = (None, None);
        self.post.leave();
    }

    fn obey(&mut self, request: Request, answer: Answer) {
        let now = now_ns();
        let done = match request {
            Request::Clock {} => Ok(()),
            Request::Enlist(enlist) => return answer.give(self.enlist(&enlist)),
            Request::Prepare(prepare) => self.prepare(&prepare, now),
            Request::Go { run, trial, start_ns } => {
                let start_ns = start_ns.saturating_sub(self.clock.anchor_ns);
                let taken = self.duty.go(&run, TrialId(trial), start_ns, now);
                let is_taken = taken.is_ok();
                answer.give(reply(taken.map_err(|refusal| refusal.to_string())));
                if is_taken {
                    self.send(start_ns);
                }
                return;
            }
            Request::Stop { run, trial, .. } => {
                let taken = self.duty.stop(&run, TrialId(trial), now);
                taken.map_err(|refusal| refusal.to_string())
            }
            Request::Release { run } => {
                let taken = self.duty.release(&run, now);
                if taken.is_ok() {
                    self.tell(&format!("run {run} is over"));
                    self.leave();
                }
                taken.map_err(|refusal| refusal.to_string())
            }
        };
        answer.give(reply(done));
    }

    fn prepare(&mut self, prepare: &Prepare, now_ns: u64) -> Result<(), String> {
        let assignment = prepare.assignment().map_err(|malformed| malformed.to_string())?;
        let batches = assignment.plan.streams.iter().filter(|it| it.workload == Workload::Index);
        if batches.map(|stream| stream.batch).any(|batch| batch != self.batch) {
            return Err("the run was enlisted with another BATCH".to_owned());
        }
        let taken = self.duty.prepare(prepare.run(), assignment.plan.id, now_ns);
        taken.map_err(|refusal| refusal.to_string())?;
        // What a stranger asks for changes nothing of what is ready.
        self.ready = Some(assignment);
        Ok(())
    }

    fn enlist(&mut self, enlist: &Enlist) -> Reply {
        if let Err(refusal) = self.duty.enlist(&enlist.run, now_ns()) {
            return Reply::No { why: refusal.to_string() };
        }
        self.leave();
        let taken = self.terms.agent_for(enlist).and_then(|equipped| {
            self.post.serve(&enlist.run).map_err(|error| anyhow!("{error}"))?;
            Ok(equipped)
        });
        match taken {
            Ok(Equipped { agent, lanes_max, batch }) => {
                self.tell(&format!("run {}: sends to {}", enlist.run, enlist.target));
                (self.agent, self.batch) = (Some(agent), batch);
                Reply::Enlisted(self.terms.about(lanes_max))
            }
            Err(error) => {
                self.duty = Duty::default();
                // It quotes what came over the bus.
                let why = shown(&format!("{error:#}"), WHY_MOST);
                self.tell(&format!("refused: {why}"));
                Reply::No { why: format!("agent {}: {why}", self.terms.name) }
            }
        }
    }

    /// Sends its part of the trial that it is ready for.
    fn send(&mut self, start_ns: u64) {
        let (Some(assignment), Some(mut agent)) = (self.ready.take(), self.agent.take()) else {
            return self.duty.ended();
        };
        let mut line = BusLine { worker: self, framer: Framer::new(assignment.plan.id) };
        let done = agent.run(&assignment, start_ns, &mut line);
        line.say(&Told::Done(done));
        self.agent = Some(agent);
        self.duty.ended();
    }
}

/// What sends for a run, how many connections it may open, and the documents of one request.
struct Equipped {
    agent: Agent,
    lanes_max: u32,
    batch: u64,
}

fn reply(done: Result<(), String>) -> Reply {
    match done {
        Ok(()) => Reply::Yes {},
        Err(why) => Reply::No { why },
    }
}

impl Terms {
    fn about(&self, lanes_max: u32) -> Enlisted {
        let cores =
            std::thread::available_parallelism().map_or(1, |cores| usize_to_u64(cores.get()));
        Enlisted {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            lanes_max,
            calibrated_rps: self.calibration.and_then(|calibration| calibration.ceiling_rps),
            cpu_us_per_request: self.calibration.and_then(|it| it.cpu_us_per_request),
        }
    }

    /// What sends for a run, where the target is allowed.
    fn agent_for(&self, enlist: &Enlist) -> Result<Equipped> {
        let settings = self.settings(enlist)?;
        let Target::Url(base) = &settings.target else { bail!("the target is no URL") };
        if !self.allowed.iter().any(|allowed| allowed.permits(base)) {
            bail!(
                "it may not send to {}; its owner would have to add it to ALLOW_TARGET",
                shorten(&base.text)
            );
        }
        let corpus = Arc::new(Corpus::new(&settings.corpus)?);
        let choice = &settings.profile;
        let shape = choice.shape(settings.permissions).unwrap_or(PermissionsShape::Object);
        let profile = choice.profile(&corpus, settings.corpus.seed, settings.batch, shape);
        let address = addresses(&settings, base)
            .map_err(|failure| failure.error)?
            .into_iter()
            .next()
            .ok_or_else(|| anyhow!("the target has no address"))?;
        let lanes_max = lanes_max(&settings).map_err(|failure| failure.error)?;
        let tuning = Tuning {
            threads: settings.threads,
            lanes_max,
            pacing: settings.pacing,
            reuse: settings.reuse,
        };
        let agent = Agent::new(address, profile, tuning)?;
        Ok(Equipped { agent, lanes_max, batch: settings.batch })
    }

    /// The settings of a run, as strictly as those of the command line; whom to trust is the owner's to say.
    fn settings(&self, enlist: &Enlist) -> Result<Settings> {
        let word = |texts: Texts, key, value: &str| texts.with(key, value.to_owned(), Origin::Word);
        let mut texts = Texts::default();
        for (name, value) in &enlist.settings {
            let is_known = FOR_AGENTS.contains(&name.as_str()) || name == "PERMISSIONS";
            let Some(key) = keys::find(name).filter(|_| is_known) else {
                bail!("a run may not set {} of an agent", shorten(name));
            };
            if key.name == "PROFILE_DATA" && DataProfile::named(value).is_none() {
                bail!("PROFILE_DATA names no profile that is built in");
            }
            texts = word(texts, key.name, value);
        }
        for (key, value) in
            [("TARGET", enlist.target.as_str()), ("ALLOW_REMOTE", "true"), ("RPS", "1")]
        {
            texts = word(texts, key, value);
        }
        let mut settings = Settings::resolve(Command::Load, &texts, 0, false)?;
        if let Some(text) = &enlist.data_profile {
            settings.corpus.profile =
                DataProfile::read("site", text.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        }
        settings.trust = self.trust.clone();
        Ok(settings)
    }
}

/// What connects the agent with its coordinator while it sends.
struct BusLine<'a> {
    worker: &'a mut Worker,
    framer: Framer,
}

impl BusLine<'_> {
    fn say(&mut self, told: &Told) {
        self.worker.post.tell(self.framer.frames(told));
    }
}

impl Line for BusLine<'_> {
    fn stopped(&mut self) -> Option<StopCause> {
        let mut found = None;
        // No more than can wait: who floods an agent does not keep it from looking at anything else.
        for _ in 0..WAITING {
            let Some(arrived) = self.worker.post.next(Duration::ZERO) else { break };
            let duty = &mut self.worker.duty;
            match arrived {
                Arrived::Beat { run, stop } => {
                    duty.beat(&run, now_ns());
                    if let Some((trial, cause)) = stop
                        && duty.stop(&run, TrialId(trial), now_ns()).is_ok()
                    {
                        found = found.max(Some(cause));
                    }
                }
                Arrived::Request(Request::Stop { run, trial, cause }, answer) => {
                    let taken = duty.stop(&run, TrialId(trial), now_ns());
                    found = found.max(Some(cause).filter(|_| taken.is_ok()));
                    answer.give(reply(taken.map_err(|refusal| refusal.to_string())));
                }
                Arrived::Request(_, answer) => {
                    answer.give(Reply::No { why: "it is in the middle of a trial".to_owned() });
                }
            }
        }
        // Whoever does not know that it still may does not go on.
        if self.worker.duty.is_mute(now_ns()) || self.worker.interrupt.is_asked() {
            found = Some(StopCause::Interrupted);
        }
        found
    }

    fn tick(&mut self, report: TickReport) {
        self.say(&Told::Tick(report));
    }

    fn stops(&mut self, cause: StopCause) {
        self.say(&Told::Stopped { cause });
    }
}

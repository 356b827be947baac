//! The agent's end of the bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use async_nats::service::{Config, Service, ServiceExt};
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{BEAT, Beat, Bus, BusError, BusPlan, Clock, SERVICE, plain};
use crate::agents::wire::{Reply, Request, read, written};
use crate::trial::StopCause;

/// Requests that wait to be looked at; more are refused.
pub const WAITING: usize = 64;
/// Messages of the bus that wait to be read: whoever floods an agent is not heard out.
const UNREAD: usize = 256;
/// A bus that does not take a report by then is away: who waited for it would miss the order to stop.
const TELL: Duration = Duration::from_millis(300);

/// What arrives at an agent.
#[derive(Debug)]
pub enum Arrived {
    /// A request, to be answered.
    Request(Request, Answer),
    /// The coordinator of this run is there, and says this to its running trial.
    Beat {
        /// The run.
        run: String,
        /// The trial to be stopped, and why.
        stop: Option<(u32, StopCause)>,
    },
}

/// Where an answer goes.
#[derive(Debug)]
pub struct Answer(oneshot::Sender<Reply>);

impl Answer {
    /// Gives it.
    pub fn give(self, reply: Reply) {
        // Whoever asked may be gone.
        drop(self.0.send(reply));
    }
}

/// An agent on the bus.
#[derive(Debug)]
pub struct Post {
    bus: Bus,
    id: String,
    arrived: Receiver<Arrived>,
    arrivals: SyncSender<Arrived>,
    /// Heartbeats of the run that it serves.
    service: Option<(String, [JoinHandle<()>; 2])>,
    /// Keeps the agent to be found.
    _found: Service,
}

/// A connection to the bus on which nobody is found yet.
#[derive(Debug)]
pub struct Entrance(Bus);

impl Entrance {
    /// Connects to the bus.
    ///
    /// # Errors
    /// When the bus cannot be reached, or does not let us in.
    pub fn open(plan: &BusPlan) -> Result<Self, BusError> {
        Bus::connect(plan, "plimsoll agent", UNREAD).map(Self)
    }
}

impl Post {
    /// Enters the bus, to be found by coordinators; `about` is shown to whoever looks.
    ///
    /// # Errors
    /// When the bus does not take it.
    pub fn enter(
        Entrance(bus): Entrance,
        about: HashMap<String, String>,
        clock: Clock,
    ) -> Result<Self, BusError> {
        let (arrivals, arrived) = sync_channel(WAITING);
        let client = bus.client.clone();
        let failed = |error: async_nats::Error| BusError::Failed(plain(&*error));
        let service = bus.runtime.block_on(client.add_service(Config {
            name: SERVICE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: Some("sends load for a run of plimsoll".to_owned()),
            stats_handler: None,
            metadata: Some(about),
            queue_group: None,
        }));
        let service = service.map_err(failed)?;
        let id = bus.runtime.block_on(service.info()).id;
        let endpoint = service.endpoint_builder().name("order").add(subject(&id));
        let mut endpoint = bus.runtime.block_on(endpoint).map_err(failed)?;
        let sender = arrivals.clone();
        bus.runtime.spawn(async move {
            while let Some(request) = endpoint.next().await {
                let received_ns = clock.now_ns();
                let reply = take(&request.message.payload, received_ns, clock, &sender);
                tokio::spawn(async move {
                    let reply = match reply {
                        Taken::Answered(reply) => reply,
                        Taken::Waits(answer) => answer.await.unwrap_or_else(|_gone| no("it ended")),
                    };
                    drop(request.respond(Ok(Bytes::from(written(&reply)))).await);
                });
            }
        });
        Ok(Self { bus, id, arrived, arrivals, service: None, _found: service })
    }

    /// Its name on the bus.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What arrives next, waiting at most `wait` for it.
    #[must_use]
    pub fn next(&self, wait: Duration) -> Option<Arrived> {
        self.arrived.recv_timeout(wait).ok()
    }

    /// Shows that it is there to the coordinator of `run`, and hears whether that one is.
    ///
    /// # Errors
    /// When the bus does not take the subscription.
    pub fn serve(&mut self, run: &str) -> Result<(), BusError> {
        self.leave();
        let client = self.bus.client.clone();
        let beats = self.bus.runtime.block_on(client.subscribe(format!("plimsoll.run.{run}.beat")));
        let beats = beats.map_err(|error| BusError::Failed(plain(&error)))?;
        let alive = format!("plimsoll.run.{run}.alive.{}", self.id);
        let handles = [
            self.bus.runtime.spawn(hear_beats(beats, run.to_owned(), self.arrivals.clone())),
            self.bus.runtime.spawn(show_life(client, alive)),
        ];
        self.service = Some((run.to_owned(), handles));
        Ok(())
    }

    /// Serves nobody any more.
    pub fn leave(&mut self) {
        for handle in self.service.take().map(|(_, handles)| handles).into_iter().flatten() {
            handle.abort();
        }
    }

    /// Tells the coordinator of its run; what cannot be sent is missed there by its number.
    pub fn tell(&self, frames: Vec<Vec<u8>>) {
        let Some((run, _)) = &self.service else { return };
        let subject = format!("plimsoll.run.{run}.report.{}", self.id);
        let client = &self.bus.client;
        let told = self.bus.runtime.block_on(async {
            let all = async {
                for frame in frames {
                    drop(client.publish(subject.clone(), Bytes::from(frame)).await);
                }
            };
            tokio::time::timeout(TELL, all).await
        });
        drop(told);
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.leave();
        // What was told last shall arrive.
        let flushed = self.bus.runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(1), self.bus.client.flush()).await
        });
        drop(flushed);
    }
}

/// The subject that takes requests to an agent.
pub(super) fn subject(id: &str) -> String {
    format!("plimsoll.agent.{id}")
}

enum Taken {
    Answered(Reply),
    Waits(oneshot::Receiver<Reply>),
}

fn no(why: &str) -> Reply {
    Reply::No { why: why.to_owned() }
}

/// Answers the question for the time at once, and hands everything else over.
fn take(payload: &[u8], received_ns: u64, clock: Clock, to: &SyncSender<Arrived>) -> Taken {
    match read::<Request>(payload) {
        Ok(Request::Clock {}) => {
            Taken::Answered(Reply::Clock { received_ns, answered_ns: clock.now_ns() })
        }
        Ok(request) => {
            let (answer, answered) = oneshot::channel();
            match to.try_send(Arrived::Request(request, Answer(answer))) {
                Ok(()) => Taken::Waits(answered),
                Err(_full) => Taken::Answered(no("too many requests wait")),
            }
        }
        Err(malformed) => Taken::Answered(no(&malformed.to_string())),
    }
}

async fn hear_beats(mut beats: Subscriber, run: String, to: SyncSender<Arrived>) {
    while let Some(message) = beats.next().await {
        if let Ok(Beat { stop }) = read::<Beat>(&message.payload) {
            drop(to.try_send(Arrived::Beat { run: run.clone(), stop }));
        }
    }
}

async fn show_life(client: Client, subject: String) {
    let mut ticks = tokio::time::interval(BEAT);
    loop {
        ticks.tick().await;
        drop(client.publish(subject.clone(), Bytes::new()).await);
    }
}

/// What is said to a running trial, whatever the trial, by the side that speaks.
#[derive(Debug, Clone, Default)]
pub(super) struct Word(Arc<Mutex<Beat>>);

impl Word {
    pub(super) fn set(&self, stop: Option<(u32, StopCause)>) {
        if let Ok(mut beat) = self.0.lock() {
            beat.stop = stop;
        }
    }

    pub(super) fn get(&self) -> Beat {
        self.0.lock().map(|beat| beat.clone()).unwrap_or_default()
    }
}

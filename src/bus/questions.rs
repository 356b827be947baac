//! What is asked over the bus, and what is heard there.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use async_nats::client::RequestError;
use async_nats::service::PingResponse;
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::crew::{Call, Event, Waiting};
use super::post::{Word, subject};
use super::{BEAT, BusError, Clock, SERVICE, is_id, plain};
use crate::agents::clock::{Bearing, Stamps};
use crate::agents::frames::FRAME_MOST;
use crate::agents::wire::{Enlisted, Reply, Request, read, written};
use crate::profile::exchange::shown;

/// Questions for the time, of which the fastest counts.
const CLOCK_QUESTIONS: usize = 32;
/// An answer to one is not waited for longer.
pub(super) const CLOCK_ANSWER: Duration = Duration::from_millis(500);
/// An agent takes so long to enter the service of a run, at the most.
const ENLIST_ANSWER: Duration = Duration::from_secs(20);
/// More who answer the call than can be dealt to are no agents.
const ANSWERS_MOST: usize = 1 << 14;
/// Answers to the call are gathered for so long.
const CALL: Duration = Duration::from_millis(400);

/// Who is there: names on the bus and versions, in a fixed order.
pub(super) async fn found(client: &Client) -> Result<Vec<(String, String)>, BusError> {
    let failed = |error: &dyn std::error::Error| BusError::Failed(plain(error));
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| failed(&error))?;
    let asked =
        client.publish_with_reply(format!("$SRV.PING.{SERVICE}"), inbox, Bytes::new()).await;
    asked.map_err(|error| failed(&error))?;
    let mut ids = Vec::new();
    let gather = async {
        while let Some(message) = answers.next().await {
            let answer = serde_json::from_slice::<PingResponse>(&message.payload);
            if let Ok(answer) = answer
                && answer.name == SERVICE
                && is_id(&answer.id)
            {
                ids.push((answer.id, answer.version));
            }
            if ids.len() >= ANSWERS_MOST {
                return;
            }
        }
    };
    // Nobody knows how many there are: whoever answers in time is there.
    drop(timeout(CALL, gather).await);
    ids.sort();
    ids.dedup();
    Ok(ids)
}

pub(super) async fn enlist(
    client: &Client,
    id: &str,
    version: &str,
    call: &Call,
) -> Result<Enlisted, String> {
    if version != env!("CARGO_PKG_VERSION") {
        let (version, own) = (shown(version, 20), env!("CARGO_PKG_VERSION"));
        return Err(format!("it is version {version}, and this is {own}"));
    }
    let request = Bytes::from(written(&Request::Enlist(call.enlist.clone())));
    match order(client, id, request, ENLIST_ANSWER).await? {
        Reply::Enlisted(about) if about.is_credible() => Ok(about),
        Reply::Enlisted(_) => Err("it tells of itself what cannot be".to_owned()),
        Reply::No { why } => Err(why),
        _ => Err("it answers another question".to_owned()),
    }
}

pub(super) async fn order(
    client: &Client,
    id: &str,
    payload: Bytes,
    patience: Duration,
) -> Result<Reply, String> {
    let asked = async_nats::Request::new().payload(payload).timeout(Some(patience));
    let answer = client.send_request(subject(id), asked).await;
    let answer = answer.map_err(|error: RequestError| plain(&error))?;
    read(&answer.payload).map_err(|malformed| malformed.to_string())
}

pub(super) async fn order_away(client: &Client, id: &str, payload: Bytes) -> Result<(), String> {
    client.publish(subject(id), payload).await.map_err(|error| plain(&error))
}

/// How late it is with one agent; `None` when it does not answer.
pub(super) async fn bearing(client: &Client, id: &str, clock: Clock) -> Option<Bearing> {
    let question = Bytes::from(written(&Request::Clock {}));
    let mut stamps = Vec::new();
    for _ in 0..CLOCK_QUESTIONS {
        let asked_ns = clock.now_ns();
        let answer = timeout(CLOCK_ANSWER, client.request(subject(id), question.clone())).await;
        let heard_ns = clock.now_ns();
        match answer.ok()?.ok().and_then(|answer| read::<Reply>(&answer.payload).ok())? {
            Reply::Clock { received_ns, answered_ns } => {
                stamps.push(Stamps { asked_ns, received_ns, answered_ns, heard_ns });
            }
            _ => return None,
        }
    }
    Bearing::of(&stamps)
}

pub(super) async fn hear(
    mut subscriber: Subscriber,
    is_sign: bool,
    to: SyncSender<(String, Event)>,
    waiting: Waiting,
) {
    while let Some(message) = subscriber.next().await {
        let id = message.subject.rsplit('.').next().unwrap_or_default().to_owned();
        if message.payload.len() > FRAME_MOST || !is_id(&id) {
            continue;
        }
        let event = if is_sign { Event::Alive } else { Event::Frame(message.payload) };
        let bytes = if let Event::Frame(frame) = &event { frame.len() } else { 0 };
        if !waiting.takes(bytes) {
            continue;
        }
        if to.try_send((id, event)).is_err() {
            waiting.gives_back(bytes);
        }
    }
}

pub(super) async fn beat_on(client: Client, subject: String, word: Word) {
    let mut ticks = tokio::time::interval(BEAT);
    loop {
        ticks.tick().await;
        drop(client.publish(subject.clone(), Bytes::from(written(&word.get()))).await);
    }
}

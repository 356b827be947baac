//! Whoever reaches the bus can write anything on it: this one does.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use plimsoll::agents::wire::Reply;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A connection to a bus that says what it likes.
pub(crate) struct Talk {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
}

impl Talk {
    pub(crate) fn on(url: &str) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(url)).unwrap();
        Self { runtime, client }
    }

    pub(crate) fn subscribe(&self, subject: &str) -> Subscriber {
        let subscriber = self.runtime.block_on(self.client.subscribe(subject.to_owned())).unwrap();
        self.runtime.block_on(self.client.flush()).unwrap();
        subscriber
    }

    pub(crate) fn publish(&self, subject: &str, payload: Vec<u8>) {
        let sent = self.client.publish(subject.to_owned(), payload.into());
        self.runtime.block_on(sent).unwrap();
    }

    /// The answer of the agent `id`.
    pub(crate) fn ask(&self, id: &str, payload: Vec<u8>) -> Reply {
        let subject = format!("plimsoll.agent.{id}");
        let asked = async {
            timeout(Duration::from_secs(10), self.client.request(subject, payload.into())).await
        };
        let answer = self.runtime.block_on(asked).expect("an answer in time").expect("an answer");
        serde_json::from_slice(&answer.payload).expect("a reply")
    }

    /// The only agent on the bus, once it is there.
    pub(crate) fn found(&self) -> String {
        let inbox = self.client.new_inbox();
        let mut answers = self.subscribe(&inbox);
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(30), "an agent is there in time");
            let asked = self.client.publish_with_reply(
                "$SRV.PING.plimsoll-agent",
                inbox.clone(),
                Vec::new().into(),
            );
            self.runtime.block_on(asked).unwrap();
            let heard = async { timeout(Duration::from_millis(200), answers.next()).await };
            if let Ok(Some(message)) = self.runtime.block_on(heard) {
                // While nobody is there, the bus itself says so, without a word.
                if let Ok(pong) = serde_json::from_slice::<Value>(&message.payload) {
                    return pong["id"].as_str().unwrap().to_owned();
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

pub(crate) fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// `message` with another value at `pointer`.
pub(crate) fn with(mut message: Value, pointer: &str, value: Value) -> Value {
    *message.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    message
}

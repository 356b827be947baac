//! The port for questions outside of trials: is the target ready, what does it hold.

use super::{Route, Verb};

/// What a stranger says, fit to be shown: nothing of it steers a terminal, and it is at most so many characters long.
#[must_use]
pub fn shown(text: &str, chars_max: usize) -> String {
    // Marks that turn the direction of writing make a line say something else than it does.
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain = text.chars().map(|letter| if steers(letter) { ' ' } else { letter });
    plain.take(chars_max).collect::<String>().trim().to_owned()
}

/// A question to the target.
#[derive(Debug, Clone)]
pub struct Question {
    /// The request.
    pub route: Route,
    /// Its path, with a leading slash.
    pub path: String,
    /// Its body; empty for none.
    pub body: Vec<u8>,
    /// How long an answer is waited for.
    pub timeout_ms: u64,
    /// So much of the answer's body is read at the most.
    pub body_bytes_max: usize,
}

/// Questions that nobody is in a hurry about are given so long.
const PATIENCE_MS: u64 = 10_000;
/// So much of their answers is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

impl Question {
    /// Asks for what is at `path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::of(Route::get(), path.into(), Vec::new())
    }

    /// Sends a JSON body to `path`.
    #[must_use]
    pub fn json(verb: Verb, path: impl Into<String>, body: Vec<u8>) -> Self {
        Self::of(Route::json(verb), path.into(), body)
    }

    const fn of(route: Route, path: String, body: Vec<u8>) -> Self {
        Self { route, path, body, timeout_ms: PATIENCE_MS, body_bytes_max: ANSWER_BYTES_MAX }
    }

    /// What is asked, for messages.
    #[must_use]
    pub fn shown(&self, base_url: &str) -> String {
        format!("{} {base_url}{}", self.route.verb.name(), self.path)
    }
}

/// The target's answer, whatever it says.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content type, where it names one.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
    /// From the first byte sent to the last byte received.
    pub took_ms: f64,
}

impl Answer {
    /// Whether its status is 2xx.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The JSON of its body, where its status is 2xx.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok().filter(|_| self.is_good())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The connection was refused.
    #[error("nothing listens there")]
    Refused,
    /// Silence.
    #[error("no answer within {timeout_ms} ms")]
    NoAnswer {
        /// How long was waited.
        timeout_ms: u64,
    },
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// The two sides could not agree on the encryption.
    #[error("no encrypted connection ({0})")]
    Tls(String),
    /// The connection failed, or what came was no HTTP answer.
    #[error("no usable answer ({0})")]
    Broken(String),
}

/// Asks the target, one question after the other.
pub trait Exchange {
    /// Sends the question and waits for the answer.
    ///
    /// # Errors
    /// When none came.
    fn ask(&mut self, question: &Question) -> Result<Answer, ExchangeError>;
}

//! The port for questions outside of trials: is the target ready, what does it hold.

use super::Route;

/// What a stranger says, fit to be shown: nothing of it steers a terminal, and it is at most so many characters long.
#[must_use]
pub fn shown(text: &str, chars_max: usize) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.take(chars_max).collect::<String>().trim().to_owned()
}

/// A question to the target.
#[derive(Debug, Clone)]
pub struct Question {
    /// The request.
    pub route: Route,
    /// Its body; empty for none.
    pub body: Vec<u8>,
    /// How long an answer is waited for.
    pub timeout_ms: u64,
    /// So much of the answer's body is read at the most.
    pub body_bytes_max: usize,
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

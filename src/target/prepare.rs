//! Before anything is sent: make the target ready, and ask it what it is.

use crate::profile::Profile;
use crate::profile::exchange::{Exchange, ExchangeError, shown};

/// Of a wrong answer so much is shown.
const EXCERPT_CHARS: usize = 160;

/// Why a target could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum NotPrepared {
    /// No answer at all.
    #[error("{what}: {error}; is TARGET the base URL of the right service, and does it run?")]
    NoAnswer {
        /// What was asked.
        what: String,
        /// What happened.
        error: ExchangeError,
    },
    /// The target will not.
    #[error("{what} was answered {status} `{excerpt}`; is PROFILE right, and are the credentials?")]
    Refused {
        /// What was asked.
        what: String,
        /// The answer's status.
        status: u16,
        /// The beginning of its body.
        excerpt: String,
    },
}

/// Takes the steps that the profile knows, in their order.
///
/// # Errors
/// When one is not answered, or refused for another reason than that it was taken before.
pub fn prepare(
    exchange: &mut impl Exchange,
    profile: &dyn Profile,
    base_url: &str,
) -> Result<(), NotPrepared> {
    for step in profile.preparation() {
        let what = step.question.shown(base_url);
        let answer = match exchange.ask(&step.question) {
            Ok(answer) => answer,
            Err(error) => return Err(NotPrepared::NoAnswer { what, error }),
        };
        let text = String::from_utf8_lossy(&answer.body);
        let is_there = step
            .or_else
            .is_some_and(|(status, word)| answer.status == status && text.contains(word));
        if !answer.is_good() && !is_there {
            let excerpt = shown(&text, EXCERPT_CHARS);
            return Err(NotPrepared::Refused { what, status: answer.status, excerpt });
        }
    }
    Ok(())
}

/// What the server calls itself, where it can be asked and says it.
pub fn server(exchange: &mut impl Exchange, profile: &dyn Profile) -> Option<String> {
    let answer = exchange.ask(&profile.ask_server()?).ok()?;
    profile.read_server(&answer)
}

//! Asks a target questions before a campaign: the client behind the [`Exchange`] port.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use super::Address;
use super::clock::Alarm;
use super::exchange::Call;
use super::fleet::Fleet;
use crate::profile::exchange::{Answer, Exchange, ExchangeError, Question};
use crate::trial::TrialError;
use crate::trial::outcome::{Break, Ending};
use crate::units::{ms_to_ns, ns_to_ms};

/// One question after the other, on one connection where the target keeps it.
#[derive(Debug)]
pub struct Inquirer {
    address: Address,
    fleet: Rc<RefCell<Fleet>>,
    alarm: Alarm,
}

impl Inquirer {
    /// A client of the target at `address`.
    ///
    /// # Errors
    /// When the system gives no timer.
    pub fn new(address: Address) -> Result<Self, TrialError> {
        let alarm = Alarm::new().map_err(|error| TrialError::Generator(error.to_string()))?;
        Ok(Self { address, fleet: Rc::new(RefCell::new(Fleet::new(1))), alarm })
    }
}

impl Exchange for Inquirer {
    async fn ask(&mut self, question: &Question) -> Result<Answer, ExchangeError> {
        let call = Call {
            address: &self.address,
            fleet: &self.fleet,
            alarm: &mut self.alarm,
            timeout_ns: ms_to_ns(question.timeout_ms),
            body_bytes_max: question.body_bytes_max,
        };
        let body = Bytes::copy_from_slice(&question.body);
        let reply = call.run(&question.route, body).await;
        let answer = reply.answer.map_err(|ending| match ending {
            Ending::Broken(Break::ConnectRefused) => ExchangeError::Refused,
            Ending::TimedOut | Ending::Unsent(_) => {
                ExchangeError::NoAnswer { timeout_ms: question.timeout_ms }
            }
            Ending::Broken(kind) => ExchangeError::Broken(kind.name().replace('_', " ")),
            Ending::Accepted | Ending::Refused => ExchangeError::Broken("no answer".to_owned()),
        })?;
        let sent_ns = reply.sent_ns.unwrap_or(reply.ended_ns);
        Ok(Answer {
            status: answer.status,
            content_type: answer.content_type,
            body: answer.body,
            took_ms: ns_to_ms(reply.ended_ns.saturating_sub(sent_ns)),
        })
    }
}

//! Asks a target questions before a campaign: the client behind the [`Exchange`] port.

use super::exchange::Call;
use super::lanes::Lanes;
use super::request::RequestWriter;
use super::{Address, Tuning};
use crate::profile::exchange::{Answer, Exchange, ExchangeError, Question, shown};
use crate::trial::outcome::{Break, Ending};
use crate::trial::{TrialError, Workload};
use crate::units::{ms_to_ns, ns_to_ms};

/// One question after the other, on one connection where the target keeps it.
pub struct Inquirer<'a> {
    address: Address,
    lanes: Lanes,
    is_interrupted: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for Inquirer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inquirer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<'a> Inquirer<'a> {
    /// A client of the target at `address`, which gives up as soon as `is_interrupted`.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new(address: Address, is_interrupted: &'a dyn Fn() -> bool) -> Result<Self, TrialError> {
        let lanes = Lanes::new(address.clone(), Tuning::usual(1)).map_err(TrialError::generator)?;
        Ok(Self { address, lanes, is_interrupted })
    }
}

impl Exchange for Inquirer<'_> {
    fn ask(&mut self, question: &Question) -> Result<Answer, ExchangeError> {
        let call = Call {
            lanes: &mut self.lanes,
            workload: Workload::Index,
            timeout_ns: ms_to_ns(question.timeout_ms),
            body_bytes_max: question.body_bytes_max,
            is_interrupted: self.is_interrupted,
        };
        let mut request = Vec::new();
        RequestWriter::new(&question.route, &self.address).write(
            &mut request,
            |path| path.extend_from_slice(question.path.as_bytes()),
            |body| body.extend_from_slice(&question.body),
        );
        let reply = call.run(&request);
        let answer = reply.answer.map_err(|ending| match ending {
            Ending::Broken(Break::ConnectRefused) => ExchangeError::Refused,
            Ending::Broken(Break::Abandoned) => ExchangeError::Interrupted,
            Ending::TimedOut | Ending::Unsent(_) => {
                ExchangeError::NoAnswer { timeout_ms: question.timeout_ms }
            }
            Ending::Broken(Break::Tls) => {
                // It may quote the names in a stranger's certificate.
                ExchangeError::Tls(shown(reply.problem.as_deref().unwrap_or("no session"), 160))
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

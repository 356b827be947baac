//! Is the target ready: do both endpoints answer correctly, in which shape does it take documents, and
//! how fast is it at rest?

use std::ops::Range;
use std::sync::Arc;

use crate::corpus::number_set::NumberSet;
use crate::corpus::{Numbers, NumbersError};
use crate::profile::exchange::{Answer, Exchange, ExchangeError, Question, shown};
use crate::profile::{PermissionsShape, Profile};
use crate::trial::Workload;
use crate::trial::outcome::Ending;

/// An indexing request of the preflight is given so long.
const INDEX_LIMIT_MS: u64 = 3000;
/// Requests behind the base latency ...
const BASE_REQUESTS: u32 = 20;
/// ... unless they take longer than this in all.
const BASE_LIMIT_MS: f64 = 2000.0;
/// Of a wrong answer so much is shown.
const EXCERPT_CHARS: usize = 80;

/// A target that answers as it should.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The shape of `permissions` that it takes.
    pub shape: PermissionsShape,
    /// Median time of an indexing request at rest; `None` when only queries were asked.
    pub base_ms: Option<f64>,
    /// Documents that it accepted meanwhile.
    pub accepted: NumberSet,
}

/// Why a target is not ready; each names what was asked, what came, and the cure.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// No answer at all.
    #[error("{url}: {error}; {cure}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What happened.
        error: ExchangeError,
        /// What to do.
        cure: &'static str,
    },
    /// An answer that is not the API's.
    #[error(
        "{url} answered {status} ({kind}) `{excerpt}` instead of {expected}; is TARGET the base URL of the right API?"
    )]
    WrongAnswer {
        /// What was asked.
        url: String,
        /// Its status.
        status: u16,
        /// Its content type.
        kind: String,
        /// The beginning of its body.
        excerpt: String,
        /// What should have come.
        expected: String,
    },
    /// The documents are there already.
    #[error(
        "{url} answered 409: documents of these numbers are there already; give FIRST_INDEX=N beyond them or another CORPUS_SEED, or empty the target"
    )]
    AlreadyThere {
        /// What was asked.
        url: String,
    },
    /// No document number could be reserved.
    #[error(transparent)]
    Numbers(#[from] NumbersError),
}

/// How the preflight asks.
#[derive(Debug)]
pub struct Preflight<'a> {
    /// The target's base URL, for messages.
    pub base_url: &'a str,
    /// The shape of `permissions` that the user asks for; `None`: whichever is taken.
    pub shape: Option<PermissionsShape>,
    /// Documents that travel in one request.
    pub batch: u64,
    /// The endpoints that the run will call.
    pub workloads: &'a [Workload],
    /// Time-out of the dashboard query.
    pub dashboard_timeout_ms: u64,
}

impl Preflight<'_> {
    /// Asks the endpoints until it is clear whether the target is ready.
    ///
    /// `profile_of` makes the profile for a shape of `permissions`.
    ///
    /// # Errors
    /// When an endpoint does not answer, or not as the API does.
    pub fn check(
        &self,
        exchange: &mut impl Exchange,
        numbers: &mut impl Numbers,
        profile_of: impl Fn(PermissionsShape) -> Arc<dyn Profile>,
    ) -> Result<Ready, NotReady> {
        let mut ready = Ready {
            shape: self.shape.unwrap_or(PermissionsShape::Object),
            base_ms: None,
            accepted: NumberSet::default(),
        };
        if self.workloads.contains(&Workload::Index) {
            let profile = self.find_shape(exchange, numbers, &profile_of, &mut ready)?;
            ready.base_ms = Some(self.base_ms(exchange, numbers, &*profile, &mut ready)?);
        }
        if self.workloads.contains(&Workload::Dashboard) {
            let profile = profile_of(ready.shape);
            let (answer, _) = self.ask(exchange, &*profile, Workload::Dashboard, 0..0)?;
            self.must_be_accepted(&*profile, Workload::Dashboard, &answer)?;
        }
        Ok(ready)
    }

    /// The documented shape first; servers of an older validator take the list only.
    fn find_shape(
        &self,
        exchange: &mut impl Exchange,
        numbers: &mut impl Numbers,
        profile_of: &impl Fn(PermissionsShape) -> Arc<dyn Profile>,
        ready: &mut Ready,
    ) -> Result<Arc<dyn Profile>, NotReady> {
        let profile = profile_of(ready.shape);
        let (answer, sent) = self.index(exchange, numbers, &*profile)?;
        let is_refused = self.ending(&*profile, Workload::Index, &answer) == Ending::Refused;
        if is_refused && self.shape.is_none() && (400..500).contains(&answer.status) {
            let other = profile_of(PermissionsShape::List);
            let (second, sent) = self.index(exchange, numbers, &*other)?;
            if self.ending(&*other, Workload::Index, &second) == Ending::Accepted {
                ready.shape = PermissionsShape::List;
                ready.accepted.insert(sent);
                return Ok(other);
            }
        }
        self.must_be_accepted(&*profile, Workload::Index, &answer)?;
        ready.accepted.insert(sent);
        Ok(profile)
    }

    /// Median time of serial indexing requests.
    fn base_ms(
        &self,
        exchange: &mut impl Exchange,
        numbers: &mut impl Numbers,
        profile: &dyn Profile,
        ready: &mut Ready,
    ) -> Result<f64, NotReady> {
        let mut times_ms = Vec::new();
        let mut spent_ms = 0.0;
        for _ in 0..BASE_REQUESTS {
            let (answer, sent) = self.index(exchange, numbers, profile)?;
            self.must_be_accepted(profile, Workload::Index, &answer)?;
            ready.accepted.insert(sent);
            times_ms.push(answer.took_ms);
            spent_ms += answer.took_ms;
            if spent_ms > BASE_LIMIT_MS {
                break;
            }
        }
        times_ms.sort_by(f64::total_cmp);
        Ok(times_ms.get(times_ms.len() / 2).copied().unwrap_or_default())
    }

    /// Sends documents of which none was sent before; says which.
    fn index(
        &self,
        exchange: &mut impl Exchange,
        numbers: &mut impl Numbers,
        profile: &dyn Profile,
    ) -> Result<(Answer, Range<u64>), NotReady> {
        let sent = numbers.reserve(self.batch)?;
        self.ask(exchange, profile, Workload::Index, sent)
    }

    fn ask(
        &self,
        exchange: &mut impl Exchange,
        profile: &dyn Profile,
        workload: Workload,
        numbers: Range<u64>,
    ) -> Result<(Answer, Range<u64>), NotReady> {
        let timeout_ms = match workload {
            Workload::Index => INDEX_LIMIT_MS,
            Workload::Dashboard => self.dashboard_timeout_ms,
        };
        let (route, path) = (profile.route(workload), path_of(profile, workload, &numbers));
        let mut body = Vec::new();
        if route.content_type.is_some() {
            profile.write_body(workload, &numbers, &mut body);
        }
        let body_bytes_max = profile.body_bytes_max(workload);
        let question = Question { route, path, body, timeout_ms, body_bytes_max };
        let answer = exchange.ask(&question).map_err(|error| self.no_answer(&question, error))?;
        Ok((answer, numbers))
    }

    fn no_answer(&self, question: &Question, error: ExchangeError) -> NotReady {
        let cure = match error {
            ExchangeError::Refused => "start the target or correct TARGET",
            ExchangeError::NoAnswer { .. } => {
                "it takes connections and is silent: is it stopped or overloaded?"
            }
            ExchangeError::Interrupted => "run again",
            ExchangeError::Tls(_) => {
                "give CA=FILE with the certificate that the target's is signed by, or INSECURE=true where it signs itself"
            }
            ExchangeError::Broken(_) => "is TARGET the base URL of an HTTP API?",
        };
        NotReady::NoAnswer { url: question.shown(self.base_url), error, cure }
    }

    fn ending(&self, profile: &dyn Profile, workload: Workload, answer: &Answer) -> Ending {
        profile.classify(workload, answer.status, &answer.body, self.batch).ending
    }

    fn must_be_accepted(
        &self,
        profile: &dyn Profile,
        workload: Workload,
        answer: &Answer,
    ) -> Result<(), NotReady> {
        if self.ending(profile, workload, answer) == Ending::Accepted {
            return Ok(());
        }
        let verb = profile.route(workload).verb.name();
        let url = format!("{verb} {}{}", self.base_url, path_of(profile, workload, &(0..0)));
        if answer.status == 409 {
            return Err(NotReady::AlreadyThere { url });
        }
        let kind = answer.content_type.as_deref().unwrap_or("no content type");
        Err(NotReady::WrongAnswer {
            url,
            status: answer.status,
            kind: shown(kind, EXCERPT_CHARS),
            excerpt: shown(&String::from_utf8_lossy(&answer.body), EXCERPT_CHARS),
            expected: profile.expected(workload),
        })
    }
}

fn path_of(profile: &dyn Profile, workload: Workload, numbers: &Range<u64>) -> String {
    let mut path = Vec::new();
    profile.write_path(workload, numbers, &mut path);
    String::from_utf8_lossy(&path).into_owned()
}

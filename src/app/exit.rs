//! What the exit codes mean.
//!
//! Scripts and pipelines decide on them: a code changes only with the contract.

use crate::report::schema::Outcome;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every criterion is met; for `load`: the trial was measured.
    Pass,
    /// A criterion is missed, or documents were lost or doubled.
    Fail,
    /// Wrong usage or settings: nothing was measured.
    Usage,
    /// The measurement does not allow an answer.
    Invalid,
    /// The target is not reachable, not ready, or was lost.
    Target,
    /// The results could not be written.
    Results,
    /// A fault of this tool.
    Internal,
    /// The user wanted to stop; what was measured is written.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Target => 4,
            Self::Results => 5,
            Self::Internal => 70,
            // 128 and the number of SIGINT, as shells have it.
            Self::Interrupted => 130,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Invalid => Self::Invalid,
        }
    }
}

/// Why a command could not do its work, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What is said on stderr: the thing by name, and the cure where it is known.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure that ends the process with `exit`.
    #[must_use]
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// A fault of this tool.
    #[must_use]
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Internal, error)
    }

    /// Wrong usage or settings.
    #[must_use]
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }
}

//! Exit codes, and the failure that carries one.

use std::fmt;

/// How the program ends. Other programs rely on the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// PASS; `load` done.
    Pass,
    /// FAIL: a criterion was missed, or not even the floor is sustained.
    Fail,
    /// Wrong usage or settings; nothing was measured.
    Usage,
    /// INVALID: what was measured does not carry an answer.
    Invalid,
    /// The target is not reachable, not ready, or was lost.
    Target,
    /// The results could not be written.
    Results,
    /// A fault of the program itself.
    Internal,
    /// Ctrl-C or SIGTERM; what was measured is written.
    Interrupted,
}

impl Exit {
    /// The code.
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
            Self::Interrupted => 130,
        }
    }
}

/// Why a command ended without a result, and with which code.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// The reason, with its cure where one is known.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure that ends the program with `exit`.
    #[must_use]
    pub const fn new(exit: Exit, error: anyhow::Error) -> Self {
        Self { exit, error }
    }

    /// A fault of the program itself.
    #[must_use]
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Internal, error.into())
    }

    /// Wrong usage or settings.
    #[must_use]
    pub fn usage(reason: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{reason}"))
    }
}

//! What the user may choose of the client.

/// How the sender waits for what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// It sleeps, and wakes at most once in a quantum.
    Timer,
    /// It never sleeps: more exact, and takes a whole core.
    Spin,
}

/// Which idle connection is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// The one that has been idle longest: the load spreads over all processes behind one address.
    Spread,
    /// The one that was used last: few connections stay warm.
    LastUsed,
}

/// What the user may choose of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Threads that send; the schedule is dealt among them.
    pub threads: u32,
    /// The most connections of a stream, of all threads together.
    pub lanes_max: u32,
    /// How the sender waits.
    pub pacing: Pacing,
    /// Which idle connection is taken.
    pub reuse: Reuse,
}

impl Tuning {
    /// The usual client, with at most `lanes_max` connections of a stream.
    #[must_use]
    pub const fn usual(lanes_max: u32) -> Self {
        Self { threads: 1, lanes_max, pacing: Pacing::Timer, reuse: Reuse::Spread }
    }
}

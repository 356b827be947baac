//! Everything that fixes a corpus, and what it may not be.

use super::profiles::DataProfile;

/// A search engine that makes fields of what it is sent takes two for each principal, and a thousand at the most.
const PRINCIPALS_MOST: u32 = 496;
/// More directories would take more memory than a generator should.
const DIRS_MOST: u32 = 200_000;
const HOSTS_MOST: u32 = 10_000;

/// In which order documents come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each document independent of the others.
    Mixed,
    /// As a crawler posts them: blocks of 32 documents, most of a block from one directory.
    Crawl,
}

impl Order {
    /// The order's name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Crawl => "crawl",
        }
    }
}

/// The same plan is the same documents, on every machine, for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusPlan {
    /// Which of all corpora.
    pub seed: u64,
    /// File servers, from 1.
    pub hosts: u32,
    /// Directories, from 8.
    pub dirs: u32,
    /// Users and groups, from 1.
    pub principals: u32,
    /// Documents are numbered below 2 to this: 24, 30 or 36.
    pub domain_bits: u32,
    /// Kinds of files.
    pub profile: DataProfile,
    /// In which order they come.
    pub order: Order,
}

/// Why there is no such corpus.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A scale beyond its bounds.
    #[error("{key} must be from {least} to {most}, not {given}{why}")]
    Scale {
        /// The setting.
        key: &'static str,
        /// What was asked for.
        given: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
        /// Why not more.
        why: &'static str,
    },
    /// A domain that the carriers have no room for.
    #[error("DOMAIN must be 2^24, 2^30 or 2^36, not 2^{bits}: names have room for these")]
    Domain {
        /// Its bits.
        bits: u32,
    },
    /// A profile without files.
    #[error("PROFILE_DATA={name} holds no kind of file")]
    Empty {
        /// The profile.
        name: String,
    },
}

impl CorpusPlan {
    /// The usual corpus of `seed`: 32 hosts, 10,000 directories, 400 principals, 2^30 documents, profile `share`.
    ///
    /// # Panics
    /// Never: that profile is there.
    #[must_use]
    #[allow(clippy::expect_used, reason = "the profile is built in; exercised by every test")]
    pub fn usual(seed: u64) -> Self {
        Self {
            seed,
            hosts: 32,
            dirs: 10_000,
            principals: 400,
            domain_bits: 30,
            profile: DataProfile::named("share").expect("the default profile"),
            order: Order::Mixed,
        }
    }

    /// Numbers below this are documents.
    #[must_use]
    pub const fn numbers(&self) -> u64 {
        1 << self.domain_bits
    }

    /// Refuses what cannot be.
    ///
    /// # Errors
    /// The first setting that is out of bounds, with the reason.
    pub fn check(&self) -> Result<(), PlanError> {
        let fields = ": a search engine that maps each to a field stops at 1000 fields, two for each principal";
        for (key, given, least, most, why) in [
            ("HOSTS", self.hosts, 1, HOSTS_MOST, ""),
            ("DIRS", self.dirs, 8, DIRS_MOST, ""),
            ("PRINCIPALS", self.principals, 1, PRINCIPALS_MOST, fields),
        ] {
            if !(least..=most).contains(&given) {
                return Err(PlanError::Scale { key, given, least, most, why });
            }
        }
        if self.profile.kinds.iter().all(|kind| kind.share <= 0.0) {
            return Err(PlanError::Empty { name: self.profile.name.clone() });
        }
        Ok(())
    }
}

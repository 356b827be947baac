//! What a reader of a scaling run must know, with its cure.

use std::fmt;

use super::ScaleRecord;
use super::assemble::TRUSTED_RATIO;

/// Capacities that three parameters are fitted to.
const COUNTS_OF_FIT: usize = 3;

/// Something that a reader must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caution {
    /// A run that lost or doubled documents, or missed something else.
    Missed {
        /// Its count.
        workers: u32,
        /// What.
        what: String,
    },
    /// A count was not measured.
    Unmeasured(u32),
    /// A count has no capacity.
    WithoutCapacity {
        /// The count.
        workers: u32,
        /// How its search ended.
        finding: String,
    },
    /// A count held everything that was offered.
    AtCeiling(u32),
    /// Too few capacities for a fit.
    NoFit(usize),
    /// As many capacities as parameters.
    NoErrors,
    /// Costs that are held at zero.
    AtZero(String),
    /// One degree of freedom.
    OneDegree,
    /// The workers that the goal needs are far beyond those measured.
    Far {
        /// What the goal needs.
        workers: u32,
        /// The greatest count measured.
        greatest: u32,
    },
    /// What a run says beside its number.
    Flagged {
        /// Its count.
        workers: u32,
        /// Its flags.
        flags: String,
    },
    /// Generator and target share a machine.
    CoLocated,
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed { workers, what } => write!(f, "WORKERS={workers}: {what}"),
            Self::Unmeasured(workers) => {
                write!(f, "WORKERS={workers} was not measured: the run ended before; run it again")
            }
            Self::WithoutCapacity { workers, finding } => write!(
                f,
                "WORKERS={workers} has no capacity ({finding}) and is not in the fit; its own run says why"
            ),
            Self::AtCeiling(workers) => write!(
                f,
                "WORKERS={workers} held CEILING_RPS: its capacity is at least that, and not in the fit; raise CEILING_RPS"
            ),
            Self::NoFit(count) => write!(
                f,
                "{count} of the counts have a capacity and a law needs {COUNTS_OF_FIT}, four for a forecast; measure more, such as WORKERS=1,2,4,8"
            ),
            Self::NoErrors => f.write_str(
                "three capacities are too few to tell how wrong the law may be: no forecast; measure a fourth count",
            ),
            Self::AtZero(names) => write!(
                f,
                "{names} would have been negative, which no cost is: held at zero; within these counts no such cost \
                 can be seen, greater counts show it, if there is one"
            ),
            Self::OneDegree => f.write_str(
                "four capacities leave one degree of freedom: the ends are wide and may be lucky; measure more counts \
                 before planning with them",
            ),
            Self::Far { workers, greatest } => write!(
                f,
                "{workers} workers are more than twice the {greatest} that were measured: what the law says there is \
                 a guess; measure nearer"
            ),
            Self::Flagged { workers, flags } => {
                write!(f, "WORKERS={workers} is flagged {flags}; its own run says what that means")
            }
            Self::CoLocated => f.write_str(
                "generator and target share this machine: where its processors are busy the curve bends, whatever \
                 the service would do elsewhere",
            ),
        }
    }
}

/// What a reader of `record` must know, the gravest first.
pub(super) fn cautions(record: &ScaleRecord) -> Vec<Caution> {
    const SHARED: &str = "co_located";
    let mut found = Vec::new();
    for count in &record.counts {
        let workers = count.workers;
        found.extend(
            count.missed.iter().map(|what| Caution::Missed { workers, what: what.clone() }),
        );
        match count.finding.as_deref() {
            None => found.push(Caution::Unmeasured(workers)),
            Some("capacity") => {}
            Some("at_ceiling") => found.push(Caution::AtCeiling(workers)),
            Some(finding) => {
                found.push(Caution::WithoutCapacity { workers, finding: finding.to_owned() });
            }
        }
        let flags: Vec<&str> =
            count.flags.iter().map(String::as_str).filter(|flag| *flag != SHARED).collect();
        if !flags.is_empty() {
            found.push(Caution::Flagged { workers, flags: flags.join(", ") });
        }
    }
    found.extend(of_the_fit(record));
    if record.counts.iter().any(|count| count.flags.iter().any(|flag| flag == SHARED)) {
        found.push(Caution::CoLocated);
    }
    found
}

fn of_the_fit(record: &ScaleRecord) -> Vec<Caution> {
    let Some(fit) = &record.fit else {
        let with_capacity = record
            .counts
            .iter()
            .filter(|count| count.finding.as_deref() == Some("capacity") && count.rps.is_some());
        return vec![Caution::NoFit(with_capacity.count())];
    };
    let mut found = Vec::new();
    match (&record.forecast, fit.degrees_of_freedom) {
        (None, _) => found.push(Caution::NoErrors),
        (Some(_), 1) => found.push(Caution::OneDegree),
        _ => {}
    }
    if !fit.at_zero.is_empty() {
        found.push(Caution::AtZero(fit.at_zero.join(" and ")));
    }
    let wanted = record.forecast.as_ref().and_then(|forecast| forecast.workers);
    if let (Some(workers), Some(greatest)) = (wanted, record.greatest())
        && f64::from(workers) > TRUSTED_RATIO * f64::from(greatest)
    {
        found.push(Caution::Far { workers, greatest });
    }
    found
}

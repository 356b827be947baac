//! The words of every warning, with its cure; all of them in one place.

use std::fmt;

use super::Caution;
use crate::report::figure;
use crate::stats::interval::P99_SAMPLES;

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueriesCost => f.write_str(
                "the dashboard's queries cost capacity: without them beside it the service holds at \
                 least 10 % more",
            ),
            Self::BesideQueries { p99_ms, limit_ms } => beside_queries(*p99_ms, *limit_ms, f),
            Self::CoLocated => f.write_str(
                "generator and target share this machine and take processor time from each other; \
                 measure from a second machine before planning with the number",
            ),
            Self::GeneratorLimited => f.write_str(
                "the generator, not the target, set the limit; give it cores of its own or a \
                 second machine",
            ),
            Self::VoidLevel { load_percent, reason } => write!(
                f,
                "the {load_percent} % level cannot be believed: {reason}; give the generator cores \
                 of its own"
            ),
            Self::LanesClamped { wanted, allowed } => write!(
                f,
                "LANES_MAX={wanted} was cut to {allowed} by the limit on file descriptors; raise it \
                 with `ulimit -n`"
            ),
            Self::FewSamples => f.write_str(
                "few_samples: the confirmation holds by its measured values, its bounds need more \
                 requests; use PRESET=signoff or a greater BUDGET_S",
            ),
            Self::DashboardSamples { samples, is_left_out } => write!(
                f,
                "{samples} queries a level are too few to judge the dashboard's p99 (it takes \
                 {P99_SAMPLES}){}; use PRESET=standard or a greater DASHBOARD_S",
                if *is_left_out { ": the limits of the sign-off file are left out" } else { "" }
            ),
            Self::SloOverridden { settings } => overridden(settings, f),
            Self::AgentsLost { losses } => agents_lost(losses, f),
            Self::UnconfirmedBracket { low_rps, high_rps } => unconfirmed(*low_rps, *high_rps, f),
            Self::LevelsMissing { reason } => write!(
                f,
                "levels are missing because {reason}; the capacity stays, run again for the levels"
            ),
            Self::NotCounted { accepted, reason } => not_counted(*accepted, reason.as_deref(), f),
            Self::TotalOnly => f.write_str(
                "only a total was counted: a document lost and another doubled would not be seen",
            ),
            Self::Batched { batch } => write!(
                f,
                "rates within reasons are in requests of {batch} documents; all others are in documents"
            ),
            Self::Insecure => f.write_str(
                "INSECURE=true: the target's certificate was not checked, so that somebody else may have \
                 answered; give CA instead",
            ),
            Self::Ports { held, ports } => write!(
                f,
                "{held} of {ports} local ports were held by closed connections; let the target keep its \
                 connections open, or widen net.ipv4.ip_local_port_range"
            ),
            Self::Overflow { times } => {
                write!(
                    f,
                    "{times} times were over one hour and count as one hour; lower TIMEOUT_MS"
                )
            }
        }
    }
}

fn unconfirmed(low_rps: f64, high_rps: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "the search had come to {low_rps:.1} – {high_rps:.1} documents/s: a hint for FLOOR_RPS and \
         CEILING_RPS of the next run, not a capacity"
    )
}

fn agents_lost(losses: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "agents were lost ({}); what they took part in then is void, and was measured again as far \
         as agents were left",
        losses.join("; ")
    )
}

fn overridden(settings: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "settings that were given go before the sign-off file: {}; leave them out to be judged by the file",
        settings.join(", ")
    )
}

fn not_counted(accepted: u64, reason: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match reason {
        None => write!(
            f,
            "the target cannot count its documents: that it kept all {accepted} accepted ones was \
             not verified"
        ),
        Some(reason) => write!(
            f,
            "{reason}: that the target holds all {accepted} accepted documents was not verified"
        ),
    }
}

fn beside_queries(p99_ms: f64, limit_ms: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (found, limit) = (figure::ms(Some(p99_ms)), figure::short_rate(limit_ms));
    write!(
        f,
        "with the dashboard's queries beside it, 100 % of the capacity does not hold its objective \
         (indexing p99 {found} ms, limit {limit} ms); MIX=true searches for the rate that does"
    )
}

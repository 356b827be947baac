//! The figures as text for Prometheus: names, meanings, labels.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::figures::{BUCKETS_S, Figures, StreamFigures};
use crate::trial::counts::EndingCounts;

type Labels = Vec<(&'static str, String)>;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What Prometheus has always read, and `promtool check metrics` does.
    Classic,
    /// `OpenMetrics` 1.0.
    Open,
}

impl Format {
    /// The one that an `Accept` header asks for.
    #[must_use]
    pub fn of(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::Open } else { Self::Classic }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All `figures` as text.
pub(super) fn exposition(figures: Figures, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures));
    let mut written = String::new();
    match format {
        Format::Classic => prometheus_text::encode(&mut written, &registry)?,
        Format::Open => text::encode(&mut written, &registry)?,
    }
    Ok(written)
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let encoder = &mut encoder;
        streams(encoder, &self.streams)?;
        search(encoder, self)?;
        if !self.trials.is_empty() {
            let help = "Trials that have ended, by verdict";
            let name = "plimsoll_trials";
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (verdict, count) in &self.trials {
                counter(&mut family, &vec![("verdict", verdict.clone())], *count)?;
            }
        }
        if let Some(trial) = &self.trial {
            let labels = vec![
                ("trial", trial.id.clone()),
                ("purpose", trial.purpose.clone()),
                ("verdict", trial.verdict.clone()),
            ];
            let help =
                "The trial under way, or the last one; its verdict is `running` until it is judged";
            gauges(encoder, "plimsoll_trial_info", help, None, [(labels, 1.0)])?;
        }
        Ok(())
    }
}

fn streams(encoder: &mut DescriptorEncoder, streams: &[StreamFigures]) -> fmt::Result {
    if streams.is_empty() {
        return Ok(());
    }
    let each = |figure: fn(&StreamFigures) -> f64| {
        streams.iter().map(move |stream| (workload(stream), figure(stream)))
    };
    let help = "Documents or queries per second that are scheduled now; 0 between trials";
    let offered = each(|stream| stream.offered_rps);
    gauges(encoder, "plimsoll_offered_rps", help, None, offered)?;
    let help = "Documents or queries per second that were accepted over the last second of a trial";
    let accepted = each(|stream| stream.accepted_rps);
    gauges(encoder, "plimsoll_accepted_rps", help, None, accepted)?;
    let help = "Documents or queries that were due and have not ended";
    gauges(encoder, "plimsoll_in_flight", help, None, each(|stream| stream.in_flight as f64))?;
    let help = "HTTP requests by how they ended; probes between trials are not among them";
    counts(encoder, "plimsoll_requests", help, streams, |stream| stream.sums().requests)?;
    let help = "Documents or queries by how their request ended, as result.json counts them";
    counts(encoder, "plimsoll_documents", help, streams, |stream| stream.sums().documents)?;
    let help = "Time from when a request was due to the end of its answer, warm-ups apart; one that never \
                answered counts with at least its time-out";
    // The unit is added to the name.
    let (bare, unit) = ("plimsoll_response", Unit::Seconds);
    let mut family = encoder.encode_descriptor(bare, help, Some(&unit), MetricType::Histogram)?;
    for stream in streams {
        let response = stream.sums().response;
        let ends = BUCKETS_S.into_iter().chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = ends.zip(response.counts).collect();
        let labels = workload(stream);
        family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
            response.sum_s,
            response.total(),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

fn search(encoder: &mut DescriptorEncoder, figures: &Figures) -> fmt::Result {
    let known = [
        (
            "plimsoll_search_low_rps",
            "The highest rate that holds so far, in documents per second",
            figures.low_rps,
        ),
        (
            "plimsoll_search_high_rps",
            "The lowest rate that does not hold so far, in documents per second",
            figures.high_rps,
        ),
        (
            "plimsoll_search_believed_rps",
            "Where all trials together place the capacity, in documents per second",
            figures.believed_rps,
        ),
        (
            "plimsoll_capacity_rps",
            "The rate that a soak has confirmed, in documents per second",
            figures.capacity_rps,
        ),
    ];
    for (name, help, value) in known {
        // What is not known is left out: it is not zero.
        if let Some(value) = value {
            gauges(encoder, name, help, None, [(Labels::new(), value)])?;
        }
    }
    if let Some(late_s) = figures.lateness_p99_s {
        let help = "Time by which the generator itself took requests up late, 99th percentile of the last trial \
                    that has ended, of its latest stream";
        let name = "plimsoll_generator_lateness_p99";
        gauges(encoder, name, help, Some(&Unit::Seconds), [(Labels::new(), late_s)])?;
    }
    Ok(())
}

fn workload(stream: &StreamFigures) -> Labels {
    vec![("workload", stream.workload.name().to_owned())]
}

fn gauges(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: impl IntoIterator<Item = (Labels, f64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in values {
        if labels.is_empty() {
            family.encode_gauge(&value)?;
        } else {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

/// A family of counters by workload, part of the trial and ending.
fn counts(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    streams: &[StreamFigures],
    of: impl Fn(&StreamFigures) -> [EndingCounts; 2],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for stream in streams {
        for (part, counts) in ["warm_up", "measured"].into_iter().zip(of(stream)) {
            let endings = [
                ("accepted", counts.accepted),
                ("refused", counts.refused),
                ("timed_out", counts.timed_out),
                ("broken", counts.broken),
                ("unsent", counts.unsent),
            ];
            for (ending, count) in endings {
                let mut labels = workload(stream);
                labels.push(("part", part.to_owned()));
                labels.push(("ending", ending.to_owned()));
                counter(&mut family, &labels, count)?;
            }
        }
    }
    Ok(())
}

fn counter(family: &mut MetricEncoder, labels: &Labels, count: u64) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)
}

//! The text of `plimsoll load`: one stream of one trial, for a person.

use super::figure::{columns, ms, rate, span};
use super::stream::{SpreadRecord, StreamRecord};
use super::times::PercentilesRecord;

/// The table of a stream.
#[must_use]
pub fn load_table(stream: &StreamRecord) -> String {
    let counts = &stream.counts;
    let mut text = format!(
        "{}, {} arrivals: {} of {} {} accepted in {}\n\
         offered {}/s, accepted {}/s, {} connections opened, {} requests sent again\n",
        stream.workload,
        stream.arrivals,
        counts.accepted,
        counts.scheduled,
        if stream.batch > 1 { "documents" } else { "requests" },
        span(stream.measured_s),
        rate(Some(stream.offered_rps)),
        rate(stream.accepted_rps),
        stream.connects,
        stream.resent,
    );
    text.push_str(&stream.spread.map_or_else(String::new, spread));
    text.push_str(&endings(stream));
    text.push('\n');
    text.push_str(&columns(&[
        ["ms", "p50", "p90", "p95", "p99", "p99.9", "max", "n"].map(str::to_owned).to_vec(),
        times("response", &stream.response_ms),
        times("service", &stream.service_ms),
        times("waiting", &stream.waiting_ms),
        times("lateness", &stream.lateness_ms),
    ]));
    text
}

/// How evenly connections were used; a server may give each to a process of its own.
fn spread(spread: SpreadRecord) -> String {
    let (connections, share) = (spread.connections, spread.busiest_ratio * 100.0);
    match connections {
        1 => "1 connection open at the end\n".to_owned(),
        _ => format!(
            "{connections} connections open at the end; the busiest carried {share:.0} % of their requests\n"
        ),
    }
}

fn times(name: &str, times: &PercentilesRecord) -> Vec<String> {
    let PercentilesRecord { p50, p90, p95, p99, p999, max, samples, .. } = *times;
    let mut row = vec![format!("{name:<8}")];
    row.extend([p50, p90, p95, p99, p999, max].map(ms));
    row.push(samples.to_string());
    row
}

/// What was not accepted, by kind; a line of its own only where there is something to say.
fn endings(stream: &StreamRecord) -> String {
    let counts = &stream.counts;
    let mut parts = Vec::new();
    for (count, name) in [
        (counts.refused, "refused"),
        (counts.timed_out, "timed out"),
        (counts.broken, "broken"),
        (counts.unsent, "unsent"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    if parts.is_empty() {
        return String::new();
    }
    let refused = stream.statuses.iter().filter(|(code, _)| !code.starts_with('2'));
    let kinds = refused.map(|(code, count)| format!("status {code}: {count}"));
    let kinds: Vec<String> =
        kinds.chain(stream.broken.iter().map(|(kind, count)| format!("{kind}: {count}"))).collect();
    let detail = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    format!("not accepted: {}{detail}\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::stream_result;
    use crate::trial::Workload;

    #[test]
    fn a_load_is_shown_with_its_endings_and_its_four_times() {
        let mut stream =
            StreamRecord::from_result(&stream_result(Workload::Index, 100.0, 2000, 20));
        stream.counts.broken = 2;
        stream.broken.insert("reset".to_owned(), 2);
        insta::assert_snapshot!(load_table(&stream), @r"
        index, poisson arrivals: 1980 of 2000 requests accepted in 20.0 s
        offered 100.0/s, accepted 99.0/s, 8 connections opened, 0 requests sent again
        not accepted: 20 timed out, 2 broken (reset: 2)

              ms    p50    p90    p95    p99  p99.9    max     n
        response   70.0    110    115    119   5001   5001  2000
        service    68.9    109    114    119    119    119  1980
        waiting   0.050  0.050  0.050  0.050  0.050  0.050  2000
        lateness  0.050  0.050  0.050  0.050  0.050  0.050  2000
        ");
    }
}

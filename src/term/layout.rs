//! The lines of the live block: a function of what is known and of the width of the window.

use super::bars::{self, Known};
use super::colour::Tone;
use super::line::Line;
use super::told::purpose_words;
use super::view::{Doing, Expected, TICKS, View, is_aside};
use crate::report::figure::{MISSING, ms, span};
use crate::report::recent::StreamNow;
use crate::trial::Purpose;
use crate::units::Rps;

/// A picture that is narrower says nothing.
const PICTURE_LEAST: usize = 8;
/// What stands for the top of a sparkline where no limit does.
const USUAL_TOP_MS: f64 = 1000.0;

impl View {
    /// The lines of the block in a window of `columns`.
    pub(super) fn lines(&self, columns: usize) -> Vec<Line> {
        // An empty one parts the block from what is permanent.
        let mut lines = vec![Line::default()];
        lines.extend(self.search_line(columns));
        lines.extend(self.trial_line(columns));
        lines.extend(self.streams.iter().map(|stream| self.stream_line(stream, columns)));
        lines.extend(self.time_line(columns));
        lines.into_iter().map(|line| line.cut(columns)).collect()
    }

    fn search_line(&self, columns: usize) -> Option<Line> {
        let standing = self.standing?;
        // A run that is gone on with behind its search has tried nothing itself.
        let known = standing.confirmed.map(|rate| (rate.get(), rate.get()));
        let Some(tried) = self.tried.or(known) else {
            return Some(Line::labelled("search").toned("nothing tried yet", Some(Tone::Aside)));
        };
        let (label, held) = match standing.confirmed {
            Some(confirmed) => ("capacity", format!("{} confirmed ", per_second(Some(confirmed)))),
            None => ("search", format!("{} holds ", per_second(standing.low))),
        };
        let left = Line::labelled(label).toned(held, Some(Tone::Good));
        let right = format!(" {} does not", per_second(standing.high));
        let right = Line::default().toned(right, Some(Tone::Bad));
        let now = match self.doing {
            Doing::Trial { offered_rps, purpose, .. } if !is_aside(purpose) => offered_rps,
            _ => None,
        };
        let known = Known {
            tried,
            low: standing.low.map(Rps::get),
            high: standing.high.map(Rps::get),
            believed: standing.believed_rps,
            now,
        };
        Some(with_picture(left, right, columns, |cells| bars::bracket(known, cells)))
    }

    fn trial_line(&self, columns: usize) -> Option<Line> {
        let (id, title, left_s, share, is_warming) = match self.doing {
            Doing::Nothing => return None,
            Doing::Recovery { after } => {
                let text = format!("waiting until the target has recovered from {after}");
                return Some(Line::labelled("recovery").with(text));
            }
            Doing::Trial { id, purpose, offered_rps, warmup_s, measure_s, at_s } => {
                let whole_s = warmup_s + measure_s;
                let title = title(purpose, offered_rps);
                (id, title, whole_s - at_s, at_s / whole_s, at_s < warmup_s)
            }
        };
        let right = match left_s {
            left_s if left_s <= 0.0 => " the last answers".to_owned(),
            _ if is_warming => format!(" warming up, {} left", whole(left_s)),
            _ => format!(" {} left", whole(left_s)),
        };
        let left = Line::labelled(&id.to_string()).with(format!("{title} "));
        let right = Line::default().with(right);
        Some(with_picture(left, right, columns, |cells| bars::progress(share, cells)))
    }

    fn stream_line(&self, stream: &StreamNow, columns: usize) -> Line {
        let accepted =
            stream.accepted_rps.map_or_else(|| MISSING.to_owned(), |rps| format!("{rps:.1}"));
        let is_slow = stream
            .p99_ms
            .zip(stream.limit_ms)
            .is_some_and(|(p99_ms, limit_ms)| p99_ms > limit_ms as f64);
        let left = Line::labelled(stream.workload.name())
            .with(format!("{accepted:>7}/s accepted  "))
            .toned(format!("p99 {:>5} ms ", ms(stream.p99_ms)), is_slow.then_some(Tone::Bad));
        let mut right = Line::default().with(format!(" {:>4} in flight", stream.in_flight));
        if stream.failed > 0 {
            right = right.toned(format!(", {} failed", stream.failed), Some(Tone::Bad));
        }
        let times = self.times.iter().find(|(workload, _)| *workload == stream.workload);
        let full_ms = stream.limit_ms.map_or(USUAL_TOP_MS, |limit_ms| limit_ms as f64);
        with_picture(left, right, columns, |cells| {
            let shown = times.map(|(_, times)| bars::last(times.iter().copied(), cells.min(TICKS)));
            let shown = shown.unwrap_or_default();
            let missing = " ".repeat(cells - shown.len());
            Line::default().with(missing).join(bars::sparkline(&shown, full_ms))
        })
    }

    fn time_line(&self, columns: usize) -> Option<Line> {
        let Expected { forecast_s, budget_s, .. } = self.expected;
        // A search that would take longer is cut short by its budget.
        let forecast_s = forecast_s.map(|span_s| span_s.min(budget_s.unwrap_or(f64::INFINITY)));
        let most = budget_s.map(|budget_s| (budget_s - self.elapsed_s).max(0.0));
        let most = most.map(|left_s| format!("at most {}", whole(left_s)));
        let about = forecast_s.map(|forecast_s| forecast_s - self.elapsed_s);
        let about = about.map(|left_s| match left_s {
            left_s if left_s > 0.0 => format!("about {} left", whole(left_s)),
            _ => "longer than forecast".to_owned(),
        });
        let parts: Vec<String> = about.into_iter().chain(most).collect();
        let end_s = forecast_s.or(budget_s)?.max(self.elapsed_s);
        let left = Line::labelled("time").with(format!("{} ", whole(self.elapsed_s)));
        let right = Line::default().with(format!(" {}", parts.join(", ")));
        let share = self.elapsed_s / end_s;
        Some(with_picture(left, right, columns, |cells| bars::progress(share, cells)))
    }
}

/// Left and right part with a picture of what room there is between; without one where that is too little.
fn with_picture(
    left: Line,
    right: Line,
    columns: usize,
    picture: impl FnOnce(usize) -> Line,
) -> Line {
    let room = columns.saturating_sub(left.columns() + right.columns());
    if room < PICTURE_LEAST {
        return left.join(right);
    }
    left.join(picture(room)).join(right)
}

/// What is tried, in words.
pub(super) fn title(purpose: Purpose, offered_rps: Option<f64>) -> String {
    let purpose = purpose_words(&purpose.name());
    offered_rps.map_or(purpose.clone(), |rps| format!("{purpose} {rps:.1}/s"))
}

fn per_second(rate: Option<Rps>) -> String {
    rate.map_or_else(|| MISSING.to_owned(), |rate| format!("{:.1}/s", rate.get()))
}

/// Whole seconds: a live display has no use for tenths.
fn whole(seconds: f64) -> String {
    if seconds < 59.5 { format!("{seconds:.0} s") } else { span(seconds.max(60.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{stream_result, trial_result};
    use crate::search::Standing;
    use crate::trial::{TrialId, Workload};
    use crate::units::LoadPercent;

    fn standing() -> Standing {
        Standing {
            low: Rps::new(375.0),
            high: Rps::new(421.7),
            believed_rps: Some(397.0),
            deviation_ratio: Some(0.02),
            confirmed: None,
            aim: "halve the bracket",
        }
    }

    fn now(workload: Workload, offered_rps: f64, p99_ms: f64) -> StreamNow {
        StreamNow {
            workload,
            offered_rps,
            accepted_rps: Some(offered_rps - 1.2),
            failed: 0,
            in_flight: 25,
            p99_ms: Some(p99_ms),
            limit_ms: Some(1000),
        }
    }

    /// A view of a search that has tried 50/s to 800/s, within a trial at 397.2/s.
    fn view() -> View {
        let expected = Expected { forecast_s: Some(185.0), budget_s: Some(300.0), repeats: 1 };
        let mut view = View::new(expected);
        for (id, rps) in [(1, 50.0), (5, 800.0), (9, 397.2)] {
            let stream = stream_result(Workload::Index, rps, 4000, 0);
            view.begins(&trial_result(id, Purpose::Search, vec![stream]).plan, Some(standing()));
        }
        view.elapsed_s = 72.0;
        for tick in 0..100_u32 {
            let p99_ms = 12.0 * 1.047_f64.powi(i32::try_from(tick).unwrap());
            view.looks(6.0, vec![now(Workload::Index, 397.2, p99_ms)]);
        }
        view
    }

    fn text(view: &View, columns: usize) -> String {
        let lines = view.lines(columns);
        for line in &lines {
            assert!(line.columns() <= columns, "{} columns of {columns}", line.columns());
        }
        lines.iter().skip(1).map(|line| line.painted(false)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_window_of_eighty_columns_shows_search_trial_stream_and_time() {
        insta::assert_snapshot!(text(&view(), 79), @r"
        search     375.0/s holds ━━━━━━━━━━━━━━━━━·┃·╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 421.7/s does not
        t9         search 397.2/s ━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────── 4 s left
        index        396.0/s accepted  p99  1132 ms ▇▇▇▇▇▇██████████████   25 in flight
        time       1 min 12 s ━━━━━────────── about 1 min 53 s left, at most 3 min 48 s
        ");
    }

    #[test]
    fn a_wide_window_gives_the_room_to_the_pictures() {
        insta::assert_snapshot!(text(&view(), 119), @r"
        search     375.0/s holds ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━···┃···╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 421.7/s does not
        t9         search 397.2/s ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────────────── 4 s left
        index        396.0/s accepted  p99  1132 ms ▅▅▅▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇██████████████   25 in flight
        time       1 min 12 s ━━━━━━━━━━━━━━━━━━━━━────────────────────────────────── about 1 min 53 s left, at most 3 min 48 s
        ");
    }

    #[test]
    fn a_narrow_window_keeps_the_numbers() {
        insta::assert_snapshot!(text(&view(), 59), @r"
        search     375.0/s holds ━━━━━━━━┃╌╌╌╌╌╌╌╌ 421.7/s does not
        t9         search 397.2/s ━━━━━━━━━━━━━━────────── 4 s left
        index        396.0/s accepted  p99  1132 ms    25 in flight
        time       1 min 12 s  about 1 min 53 s left, at most 3 mi…
        ");
        insta::assert_snapshot!(text(&view(), 30), @r"
        search     375.0/s holds  421…
        t9         search 397.2/s  4 …
        index        396.0/s accepted…
        time       1 min 12 s  about …
        ");
    }

    #[test]
    fn a_level_shows_both_streams_and_a_capacity_that_stays() {
        let mut view = view();
        let streams = [(Workload::Index, 496.5), (Workload::Dashboard, 5.0)];
        let streams = streams.map(|(workload, rps)| stream_result(workload, rps, 400, 0)).to_vec();
        let plan = trial_result(14, Purpose::Level(LoadPercent(120)), streams).plan;
        let confirmed = Standing { confirmed: Rps::new(397.2), ..standing() };
        view.begins(&plan, Some(confirmed));
        view.elapsed_s = 190.0;
        let mut index = now(Workload::Index, 496.5, 1400.0);
        (index.failed, index.in_flight) = (17, 602);
        let dashboard = StreamNow { limit_ms: None, ..now(Workload::Dashboard, 5.0, 22.0) };
        view.looks(0.5, vec![index, dashboard]);
        assert_eq!(view.tried, Some((50.0, 800.0)), "a level says nothing of the search");
        insta::assert_snapshot!(text(&view, 79), @r"
        capacity   397.2/s confirmed ━━━━━━━━━━━━━━━·◆·╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 421.7/s does not
        t14        level 120 % 496.5/s ━━━━━━━━━━━━━━━━━━━━━━━━─────────────── 0 s left
        index        495.3/s accepted  p99  1400 ms █████████  602 in flight, 17 failed
        dashboard      3.8/s accepted  p99  22.0 ms                    ▄   25 in flight
        time       3 min 10 s ━━━━━━━━━━━━━━━━ longer than forecast, at most 1 min 50 s
        ");
    }

    #[test]
    fn a_run_that_is_gone_on_with_in_its_levels_shows_its_capacity() {
        let confirmed = Standing { confirmed: Rps::new(397.2), ..standing() };
        let view = View { standing: Some(confirmed), ..View::new(Expected::default()) };
        let text = text(&view, 79);
        assert!(text.starts_with("capacity   397.2/s confirmed ━"), "{text}");
    }

    #[test]
    fn a_recovery_and_a_beginning_have_something_to_show() {
        let mut view = view();
        view.doing = Doing::Recovery { after: TrialId(9) };
        view.streams.clear();
        let beginning = View { standing: Some(standing()), ..View::new(Expected::default()) };
        let shown = [text(&view, 79), text(&beginning, 79)].join("\n\n");
        insta::assert_snapshot!(shown, @r"
        search     375.0/s holds ━━━━━━━━━━━━━━━━━·◆·╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 421.7/s does not
        recovery   waiting until the target has recovered from t9
        time       1 min 12 s ━━━━━────────── about 1 min 53 s left, at most 3 min 48 s

        search     nothing tried yet
        ");
    }
}

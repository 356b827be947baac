//! The machines that sent, where there were several: after what they did together.

use super::words::{count, count_or_dash, ms, percent};
use crate::report::agents::AgentRecord;
use crate::report::figure::{MISSING, plain, short_rate};
use crate::report::page::document::{Column, Table};

/// One row for each agent.
pub(super) fn agents_table(agents: &[AgentRecord]) -> Table {
    let head = [
        ("agent", Column::Word),
        ("lost in", Column::Word),
        ("cores", Column::Number),
        ("reached alone/s", Column::Number),
        ("share", Column::Number),
        ("trials", Column::Number),
        ("offered", Column::Number),
        ("accepted", Column::Number),
        ("not sent", Column::Number),
        ("late p99 ms", Column::Number),
        ("late max ms", Column::Number),
        ("CPU", Column::Number),
        ("clock ahead ms", Column::Number),
        ("clock error ms", Column::Number),
    ];
    let rows = agents.iter().map(|agent| {
        let reach = agent.calibrated_rps.map_or_else(|| MISSING.to_owned(), short_rate);
        vec![
            plain(&agent.name).into(),
            lost_in(agent).into(),
            count_or_dash(agent.cores.map(u64::from)).into(),
            reach.into(),
            percent(agent.share_ratio, 1).into(),
            count(agent.trials).into(),
            count(agent.offered).into(),
            count(agent.accepted).into(),
            count(agent.unsent).into(),
            ms(agent.lateness_ms.p99).into(),
            ms(agent.lateness_ms.max).into(),
            percent(agent.cpu_ratio, 0).into(),
            ms(agent.clock_ahead_ms).into(),
            ms(agent.clock_error_ms).into(),
        ]
    });
    let note = "Agents: each machine's part; lateness and processor time of its worst trial";
    Table::new(note, &head).rows(rows)
}

fn lost_in(agent: &AgentRecord) -> String {
    if agent.lost.is_empty() {
        return MISSING.to_owned();
    }
    let losses = agent.lost.iter().map(|loss| format!("{} ({})", loss.trial, plain(&loss.why)));
    losses.collect::<Vec<_>>().join("; ")
}
